"""Measures a world by a command, in processes of its own, in a folder of its own."""

import asyncio
import json
import os
import signal
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from podium.control.campaign.provenance import digest, podium_commit, podium_version
from podium.control.campaign.world_task import WorldLost, WorldTask
from podium.control.processes import child_processes

GRACE_S = 2 * child_processes.GRACE_S + 10.0
"""A command asked to end has so long to end its own processes, the twins behind the facility,
before it is killed."""
LAST_CHARACTERS = 1500


@asynccontextmanager
async def measured_world(task: WorldTask, command: Sequence[str]) -> AsyncIterator[Path]:
    """Run ``COMMAND ... --facility F --seed N --report FOLDER`` and yield the folder it filled.

    The folder is gone afterwards, unless the task says where reports are kept. Whatever the exit
    status, there is a ``summary.json``; raises :class:`WorldLost` where there is none.
    """
    with tempfile.TemporaryDirectory(prefix="podium_world_") as temporary:
        facility = Path(temporary) / "facility.yaml"
        facility.write_text(task.facility_text, encoding="utf-8")
        kept = Path(temporary) if task.reports is None else Path(task.reports)
        folder = kept / f"seed_{task.seed}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "summary.json").unlink(missing_ok=True)
        log = folder / "campaign.log"
        words = [*command, *task.options, "--facility", str(facility)]
        status = await _run([*words, "--seed", str(task.seed), "--report", str(folder)], log)
        if not (folder / "summary.json").exists():
            said = log.read_text(encoding="utf-8", errors="replace")[-LAST_CHARACTERS:].strip()
            raise WorldLost(f"seed {task.seed}: ended with status {status}: {said}")
        yield folder


async def recorded_world(
    task: WorldTask,
    command: Sequence[str],
    record_of: Callable[[Path], Mapping[str, Any]],
    missing: str,
) -> dict[str, Any]:
    """Measure a world and return its record as JSON, with what it was measured with.

    ``record_of`` reads the folder. Raises :class:`WorldLost` where it raises KeyError, TypeError or
    ValueError; ``missing`` says what is not there then.
    """
    async with measured_world(task, command) as folder:
        try:
            return {
                "campaign": task.campaign,
                "seed": task.seed,
                "options": list(task.options),
                "facility_digest": digest(task.facility_text),
                "version": podium_version(),
                "commit": podium_commit(),
                **record_of(folder),
            }
        except (KeyError, TypeError, ValueError) as error:
            raise WorldLost(f"seed {task.seed}: {missing}: {error!r}") from error


def json_of(path: Path) -> Any:
    """Return what a file of a report holds; raises ValueError for no JSON."""
    return json.loads(path.read_text(encoding="utf-8"))


async def _run(command: list[str], log: Path) -> int:
    with log.open("wb") as sink:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=sink,
            stderr=sink,
            start_new_session=True,
            env=os.environ | {"COLUMNS": "120"},
        )
    try:
        return await process.wait()
    finally:
        if process.returncode is None:
            await _end(process)


async def _end(process: asyncio.subprocess.Process) -> None:
    """Ask the command to end, which ends its own processes; kill it when it does not."""
    with suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(GRACE_S):
            await process.wait()
    except TimeoutError:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()

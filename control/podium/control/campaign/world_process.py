"""Measures a world by a command, in processes of its own, in a folder of its own."""

import asyncio
import os
import signal
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from podium.control.campaign.world_task import WorldLost, WorldTask

GRACE_S = 30.0
"""A command asked to end has so long to end its own processes before it is killed."""
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

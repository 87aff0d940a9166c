"""Starts a facility's processes, restarts dead ones, and ends them in time."""

import asyncio
import re
import signal
import sys
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager

ENDING_S = 30.0
"""A process that received a signal to end has this long to make its instruments safe."""
RESTART_S = 1.0
"""Pause before a process that died is started again."""

Report = Callable[[str], None]
"""Told what happens, for a person."""


_STARTED = "{name} is process {pid}"


class NotStarted(LookupError):
    """No process of this name was ever reported."""


def process_of(said: str, name: str) -> int:
    """Return the latest process that was started under ``name``, from what was reported.

    Raises :class:`NotStarted`.
    """
    found = re.findall(rf"\b{re.escape(name)} is process (\d+)$", said, re.MULTILINE)
    if not found:
        raise NotStarted(f"no process {name!r} was reported to have been started")
    return int(found[-1])


@asynccontextmanager
async def kept_running(
    name: str, module: str, arguments: Sequence[str], report: Report, inherit: Sequence[int] = ()
) -> AsyncGenerator[None]:
    """Keep a process that runs ``module.main(arguments)`` running while the context is open.

    ``inherit``: file descriptors of ours that it has too.
    """
    async with asyncio.TaskGroup() as tasks:
        keeping = tasks.create_task(_keep(name, module, arguments, report, inherit))
        try:
            yield
        finally:
            keeping.cancel()


async def _keep(
    name: str, module: str, arguments: Sequence[str], report: Report, inherit: Sequence[int]
) -> None:
    while True:
        # Its standard input closes when we end, however we end: then it ends as well. A session
        # of its own keeps Ctrl-C from it: we are the one who ends it.
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "podium_process",
            module,
            *arguments,
            stdin=asyncio.subprocess.PIPE,
            start_new_session=True,
            pass_fds=inherit,
        )
        report(_STARTED.format(name=name, pid=process.pid))
        try:
            status = await process.wait()
        finally:
            await asyncio.shield(_end(process))
        report(f"{name} ended with status {status}; it is started again")
        await asyncio.sleep(RESTART_S)


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    process.send_signal(signal.SIGTERM)
    try:
        async with asyncio.timeout(ENDING_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()

"""Starts a facility's processes, restarts dead ones, and ends them in time."""

import asyncio
import re
import signal
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial

from podium.control.processes.early_copy import EarlyCopy
from podium.control.processes.forked_processes import (
    ForkedProcess,
    ForkServer,
    ForkServerLost,
    fork_server,
)

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


@dataclass(frozen=True, slots=True)
class KeptProcesses:
    """Holds processes of a facility that run here; they end with ``stack``, the latest first."""

    stack: AsyncExitStack
    server: ForkServer
    report: Report

    async def keep(
        self,
        name: str,
        module: str,
        arguments: Sequence[str],
        inherit: Sequence[int] = (),
        imports: Sequence[str] = (),
    ) -> None:
        """Keep a process running that runs ``module.main(arguments)``.

        ``inherit``, ``imports``: as of :meth:`.ForkServer.start`.
        """
        start = partial(self.server.start, module, arguments, inherit, imports)
        kept = _kept_running(name, start, self.report)
        await self.stack.enter_async_context(kept)


@asynccontextmanager
async def kept_processes(
    report: Report, waiting: EarlyCopy | None = None
) -> AsyncGenerator[KeptProcesses]:
    """Keep processes running while the context is open; ``waiting``: as of ``ForkServer``."""
    async with fork_server(waiting) as server, AsyncExitStack() as stack:
        yield KeptProcesses(stack, server, report)


@asynccontextmanager
async def _kept_running(
    name: str, start: Callable[[], Awaitable[ForkedProcess]], report: Report
) -> AsyncGenerator[None]:
    async with asyncio.TaskGroup() as tasks:
        keeping = tasks.create_task(_keep(name, start, report))
        try:
            yield
        finally:
            keeping.cancel()


async def _keep(name: str, start: Callable[[], Awaitable[ForkedProcess]], report: Report) -> None:
    while True:
        # Its standard input closes when we end, however we end: then it ends as well. A session
        # of its own keeps Ctrl-C from it: we are the one who ends it.
        try:
            process = await start()
        except ForkServerLost as error:
            report(f"{name} was not started: {error}; it is tried again")
            await asyncio.sleep(RESTART_S)
            continue
        report(_STARTED.format(name=name, pid=process.pid))
        try:
            status = await process.wait()
        finally:
            await asyncio.shield(_end(process))
        how = "" if status is None else f" with status {status}"
        report(f"{name} ended{how}; it is started again")
        await asyncio.sleep(RESTART_S)


async def _end(process: ForkedProcess) -> None:
    if process.ended:
        return
    process.send_signal(signal.SIGTERM)
    try:
        async with asyncio.timeout(ENDING_S):
            await process.wait()
    except TimeoutError:
        process.send_signal(signal.SIGKILL)
        await process.wait()

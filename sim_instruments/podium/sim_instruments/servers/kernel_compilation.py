"""Compiles what a laboratory's programs will execute, in processes beside it, while it listens.

Instruments answer meanwhile. What is to be played waits at the gate (:class:`KernelGate`), and an
instrument that is armed or computes takes no further command until the gate is open: the reply is
late, as of a box that is busy, and no client counts a run that has not begun.
"""

import asyncio
import json
import os
import sys
import threading
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from podium.sim_instruments.servers.laboratory import Laboratory

MODULE = "podium.sim_instruments.servers.warm_up"
WHY = (
    "compiling the simulation's kernels for this processor, once: a minute on two idle "
    'cores. Instruments answer meanwhile, what is started waits; the endpoints file and "ready" '
    "follow"
)
LAST_BYTES = 2000
Tell = Callable[[str], object]
"""Is called with a line of progress."""


class GateClosed(RuntimeError):
    """The laboratory ends before its kernels were compiled: nothing further is played."""


class KernelGate:
    """Holds up what would execute kernels until they are compiled; open at first."""

    def __init__(self) -> None:
        self._free = threading.Event()
        self._free.set()
        self._ended = False

    @property
    def is_open(self) -> bool:
        """Tell whether nothing has to wait."""
        return self._free.is_set()

    def close(self) -> None:
        """Have everything wait from now on."""
        self._free.clear()

    def open(self) -> None:
        """Let everything through."""
        self._free.set()

    def end(self) -> None:
        """Turn back what waits, and what still comes if the gate is not open."""
        self._ended = not self.is_open
        self._free.set()

    def wait(self) -> None:
        """Wait until it is open. Raises :class:`GateClosed`."""
        self._free.wait()
        if self._ended:
            raise GateClosed("the simulation ends before its kernels are compiled")


def families_of(laboratory: "Laboratory") -> tuple[str, ...]:
    """Return the families of kernels that the laboratory's instruments may execute."""
    own = {getattr(twin, "kernels", "") for twin in laboratory.twins.values()} - {""}
    chip = ("chip",) if own and laboratory.plays else ()
    driven = laboratory.meetings.lines & laboratory.plan.lines
    links = ("links",) if chip and driven else ()
    return (*chip, *links, *sorted(own))


@asynccontextmanager
async def compiling(
    laboratory: "Laboratory", tell: Tell
) -> AsyncIterator["asyncio.Task[None] | None"]:
    """Compile beside what is done meanwhile; yield the work, None where all is compiled.

    The laboratory's gate is closed until then. If the body ends earlier, so does the work. If it
    cannot be done, that is reported, and the gate opens: each kernel is compiled when it is needed.
    """
    families = families_of(laboratory)
    if not families or await asyncio.to_thread(_at_hand, families):
        yield None
        return
    laboratory.kernels.close()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", MODULE, *families, "--json", "--with-parent"),
        stdin=PIPE,
        stdout=PIPE,
        stderr=PIPE,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
    )
    async with asyncio.TaskGroup() as tasks:
        work = tasks.create_task(_followed(process, laboratory.kernels, tell))
        try:
            yield work
        finally:
            if process.stdin is not None:
                process.stdin.close()
            laboratory.kernels.end()
            await process.wait()


def _at_hand(families: tuple[str, ...]) -> bool:
    from podium.sim_instruments.servers.kernel_cache import at_hand  # boxes on a bench have none

    return at_hand(families)


async def _followed(process: Process, gate: KernelGate, tell: Tell) -> None:
    """Tell how it goes on; open the gate at its end."""
    start_s = time.monotonic()
    tell(WHY)
    if process.stdout is None or process.stderr is None:
        raise RuntimeError("a process without pipes")
    words = asyncio.ensure_future(process.stderr.read())
    async for line in process.stdout:
        with suppress(ValueError):
            told = json.loads(line)
            if told["done"]:
                after_s = time.monotonic() - start_s
                tell(f"compiled {told['done']} of {told['of']}: {told['what']} ({after_s:.0f} s)")
    last = (await words).decode(errors="replace")[-LAST_BYTES:].strip()
    if await process.wait() > 0:
        tell(f"could not compile beforehand, the first program will do it and take long: {last}")
    gate.open()

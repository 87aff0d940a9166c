"""A running facility is kept as it is, and branched: copies of its process.

A copy has everything: the state of each instrument's firmware, the world with its hidden
parameters, the clock, counters of random numbers, faults. What it has not are connections: clients
of the original stay with the original. A **saved** copy stands still, time included, and waits to
be forked; a **fork** listens on addresses of its own and goes on from there. Neither outlives the
computer: they are processes, whose memory is shared with the original until it is written to.

A copy ends when the file that tells of it goes away, by SIGTERM, or with the process that it was
forked from where it is bound to that.
"""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.sim_instruments.servers.back_door import BackDoor, BadRequest
from podium.sim_instruments.servers.back_door_client import back_door_file
from podium.sim_instruments.servers.endpoints import published
from podium.sim_instruments.servers.leaps import Timekeeper
from podium.sim_instruments.servers.process_copy import CopyFailed, copy_process
from podium.sim_instruments.servers.serving import ServedLaboratory, listening

RESTS_WITHIN_S = 2.0
"""Wall time in which what is being computed may come to its end."""
STEP_S = 0.001
LOOKS_S = 0.2
"""How often a copy looks whether its file is still there."""


@dataclass(frozen=True, slots=True)
class CopyPlan:
    """Says what becomes of a copy."""

    file: Path
    """Saved: tells where its back door is. Forked: its endpoints file."""
    saved: bool
    bound: bool
    """Whether it ends with the process that it is copied from."""

    @property
    def told_in(self) -> tuple[Path, ...]:
        """Return the files that the copy writes."""
        return (self.file,) if self.saved else (self.file, back_door_file(self.file))


async def make_copy(serving: ServedLaboratory, plan: CopyPlan) -> dict[str, Any]:
    """Copy the process with its facility; return what the copy says of itself.

    Raises :class:`.back_door.BadRequest` while something is being computed, where a file is in the
    way, or off Linux.
    """
    _check(plan)
    await _at_rest(serving)
    reads, writes = os.pipe()

    def life(say: Callable[[object], None]) -> Coroutine[Any, Any, None]:
        return _live(serving, plan, reads, say)

    try:
        told: dict[str, Any] = await copy_process(life, _log_of(plan), (reads,))
    except CopyFailed as error:
        raise BadRequest(f"{plan.file}: {error}") from error
    finally:
        os.close(reads)
        if not plan.bound:
            os.close(writes)  # else it is open for as long as this process is there
    return told


def _log_of(plan: CopyPlan) -> Path:
    """Return the file for what the copy prints; at its end it goes away if it is empty."""
    return plan.file.with_name(f"{plan.file.name}.log")


def _remove_if_empty(file: Path) -> None:
    with suppress(OSError):
        if not file.stat().st_size:
            file.unlink()


def _check(plan: CopyPlan) -> None:
    if sys.platform != "linux":
        raise BadRequest(f"facilities are copied on Linux only, not on {sys.platform}")
    for path in plan.told_in:
        if path.exists():
            raise BadRequest(f"{path} is there already: does another simulation write it?")
    if not plan.file.parent.is_dir():
        raise BadRequest(f"{plan.file}: there is no such folder")


async def _at_rest(serving: ServedLaboratory) -> None:
    """Wait until no thread works on the laboratory; nothing happens between this and the copy."""
    laboratory = serving.laboratory
    if not laboratory.kernels.is_open:
        raise BadRequest("the simulation's kernels are being compiled: ask again when it is ready")
    until_s = time.monotonic() + RESTS_WITHIN_S
    while True:
        serving.poll()
        now_fs = serving.timekeeper.clock.now_fs()
        computing = [
            name for name, twin in laboratory.twins.items() if twin.horizon(now_fs).computing
        ]
        if not computing and laboratory.workers.at_rest and not serving.in_threads:
            return
        if time.monotonic() > until_s:
            who = ", ".join(computing) or "the laboratory"
            raise BadRequest(
                f"what {who} plays is being computed, which no copy can go on with: ask again when "
                "it is done (armed, waiting and playing instruments are copied as they are)"
            )
        await asyncio.sleep(STEP_S)


async def _live(
    serving: ServedLaboratory, plan: CopyPlan, original: int, say: Callable[[object], None]
) -> None:
    """Do all that a copy does until it is to end. ``original``: readable when the first ended."""
    end = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end.set)
    if plan.bound:
        loop.add_reader(original, end.set)
    serving.laboratory.workers.forked()
    try:
        await (_saved if plan.saved else _forked)(serving, plan, end, say)
    finally:
        loop.remove_reader(original)
        _remove_if_empty(_log_of(plan))


async def _saved(
    serving: ServedLaboratory, plan: CopyPlan, end: asyncio.Event, say: Callable[[object], None]
) -> None:
    clock = serving.timekeeper.clock
    clock.stop()
    told = {
        "facility": serving.laboratory.plan.name,
        "pid": os.getpid(),
        "tai_s": clock.now_fs() / FS_PER_S,
    }
    door = BackDoor(serving, ("time", "fork", "end"), end.set)
    async with door.listen() as (host, port):
        place = {"host": host, "port": port, "token": door.token, **told}
        with published(plan.file, place):
            say(told)
            await _until(end, plan.file)


async def _forked(
    serving: ServedLaboratory, plan: CopyPlan, end: asyncio.Event, say: Callable[[object], None]
) -> None:
    laboratory, clock = serving.laboratory, serving.timekeeper.clock
    clock.go_on()
    timekeeper = Timekeeper(clock, laboratory.twins, laboratory.kernels, chip=laboratory.plays)
    async with listening(laboratory, timekeeper, None, serving.log, serving.served) as copy:
        door = BackDoor(copy, end=end.set)
        async with door.listen() as (host, port):
            place = {"host": host, "port": port, "token": door.token}
            endpoints = copy.endpoints()
            with published(back_door_file(plan.file), place), published(plan.file, endpoints):
                say({"facility": laboratory.plan.name, "pid": os.getpid(), "endpoints": endpoints})
                await _until(end, plan.file)


async def _until(end: asyncio.Event, file: Path) -> None:
    """Return when the copy is to end, or its file is gone or another's."""
    mine = _inode(file)
    while not end.is_set() and _inode(file) == mine:
        with suppress(TimeoutError):
            async with asyncio.timeout(LOOKS_S):
                await end.wait()


def _inode(file: Path) -> int | None:
    """Return the number of a file; None: it is gone."""
    try:
        return file.stat().st_ino
    except OSError:
        return None

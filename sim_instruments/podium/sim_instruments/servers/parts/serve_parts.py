"""Serving a facility in parts from start to SIGTERM, as ``podium twin serve --split`` does."""

import asyncio
import os
import signal
import sys
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Any

from podium.sim_instruments.servers.back_door_client import back_door_file
from podium.sim_instruments.servers.clock import ClockMode, WorldClock
from podium.sim_instruments.servers.clock_rate import check_rate
from podium.sim_instruments.servers.endpoints import contents, published
from podium.sim_instruments.servers.one_line import facility_in
from podium.sim_instruments.servers.parts.division import divide
from podium.sim_instruments.servers.parts.parent import DividedWorld, open_parts
from podium.sim_instruments.servers.parts.parts_back_door import PartsBackDoor
from podium.sim_instruments.wiring import plan_of


async def serve_parts(
    facility: Path,
    twin: Path,
    endpoints: Path,
    mode: ClockMode,
    *,
    rate: int = 1,
    with_parent: bool = False,
    options: Sequence[object] = (),
) -> dict[str, dict[str, int]]:
    """Serve until SIGTERM or SIGINT; return the tallies of every instrument of living parts.

    ``options``: further words for each part's process. The others as of :func:`.serve.serve`. One
    endpoints file and one back door are written, as of one process. A part that ends takes its
    instruments along, and standard error tells of it. Raises PlanError, and
    :class:`.parent.PartRefused`.
    """
    told_to_end = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told_to_end.set)
    if with_parent:

        def readable() -> None:
            if not os.read(sys.stdin.fileno(), 4096):
                loop.remove_reader(sys.stdin)
                told_to_end.set()

        loop.add_reader(sys.stdin, readable)
    tree = facility_in(facility)
    plan = plan_of(tree)
    check_rate(plan, rate)
    endpoints.parent.mkdir(parents=True, exist_ok=True)
    for left in (endpoints, back_door_file(endpoints)):
        left.unlink(missing_ok=True)
    words = (facility, twin, *options)
    parts = divide(plan, tree)
    async with open_parts(parts, words, WorldClock(mode, rate=rate), _tell) as world:
        door = PartsBackDoor(world, plan)
        async with door.listen() as (host, port):
            await _all_ready(world, told_to_end)
            where = {"host": host, "port": port, "token": door.token}
            found = contents(_instruments(world, list(plan.instruments)))
            with (
                published(back_door_file(endpoints), where),
                published(endpoints, found),
            ):
                _tell(f"ready: {len(parts)} parts: {', '.join(part.name for part in parts)}")
                await _first_of(told_to_end.wait(), world.none_left.wait())
    return {name: counts for one in world.parts.values() for name, counts in one.tallies.items()}


def _instruments(world: DividedWorld, names: Sequence[str]) -> dict[str, object]:
    found: dict[str, object] = {}
    for one in world.parts.values():
        found |= one.endpoints
    return {name: found[name] for name in names if name in found}


async def _all_ready(world: DividedWorld, told_to_end: asyncio.Event) -> None:
    async def ready() -> None:
        for one in world.parts.values():
            await one.ready.wait()

    await _first_of(ready(), told_to_end.wait())


async def _first_of(*waits: Coroutine[Any, Any, object]) -> None:
    tasks = {asyncio.ensure_future(one) for one in waits}
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for one in tasks:
            one.cancel()
        await asyncio.wait(tasks)


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)

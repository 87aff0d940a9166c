"""How long planning a queue takes, and how old its news is when twenty viewers have it.

``python -m benches.queue_news [--seconds N]`` prints JSON.
"""

import argparse
import asyncio
import json
import random
import statistics
import tempfile
import time
from contextlib import AsyncExitStack, suppress
from pathlib import Path

import numpy as np
from tests.benches.nodes.triggered import Node, together
from tests.chaos.live import Laboratory

from podium.control.bus.bus import Bus
from podium.control.bus.process_bus import client_of, join_bus
from podium.control.bus.progress import ProgressNews, progress_key
from podium.control.bus.queue import QueueNews, Reservation, queue_key
from podium.control.bus.wire import decode
from podium.control.client.facility_access import join_facility
from podium.control.client.lab import Lab
from podium.control.coordinator.queue_step import step
from podium.control.coordinator.queue_values import ActiveWork, QueuedWork, QueueState
from podium.control.facility.load import load_facility
from podium.control.runs.errors import RunError

WORKS, NODES, VIEWERS = 1000, 10, 20
NOW_S = 1.8e9


def planning_ms(times: int = 50, reservations: int = 0) -> list[float]:
    """Return the processor time of each plan of a thousand works on ten nodes, ms."""
    chance = random.Random(1)
    nodes = [f"node_{number}" for number in range(NODES)]
    works = [
        QueuedWork(
            f"w{number}",
            frozenset(chance.sample(nodes, chance.choices((1, 2, 3, 10), (60, 25, 10, 5))[0])),
            chance.choice(("ada", "bob", "eve")),
            NOW_S - 1000 * chance.random(),
            chance.randrange(-2, 3),
            chance.lognormvariate(3, 1),
            5.0,
        )
        for number in range(WORKS)
    ]
    on = tuple(
        ActiveWork(QueuedWork(f"on {name}", frozenset((name,)), "eve", NOW_S, 0, 100, 10), NOW_S)
        for name in nodes
    )
    kept = tuple(
        Reservation(f"r{n}", (nodes[n],), NOW_S + 1000 * n, NOW_S + 1000 * n + 500, "bob", "")
        for n in range(reservations)
    )
    took = []
    for _ in range(times):
        begin = time.process_time()
        step(works, QueueState(on, kept), NOW_S)
        took.append(1e3 * (time.process_time() - begin))
    return took


async def news_ages(folder: Path, seconds: float) -> dict[str, list[float]]:
    """Return ages, s, of what twenty viewers were told while two people have runs played.

    Coordinator and agents are the processes of a facility; the hardware is a stand-in.
    """
    ages: dict[str, list[float]] = {"queue": [], "progress": []}
    laboratory = Laboratory(folder, 1)
    await laboratory.begin()
    try:
        loaded = load_facility(laboratory.file)
        async with (
            join_facility(laboratory.file, laboratory.coordinator, recorded=False) as lab,
            AsyncExitStack() as stack,
            asyncio.TaskGroup() as tasks,
        ):
            await lab.ready(30)
            viewers = []
            for _ in range(VIEWERS):
                bus = join_bus(loaded, client_of(loaded.bus), laboratory.coordinator)
                looking = _look(await stack.enter_async_context(bus), loaded.name, ages)
                viewers.append(tasks.create_task(looking))
            await asyncio.sleep(1.0)
            for one in ages.values():
                one.clear()
            until = time.monotonic() + seconds
            await asyncio.gather(*(_want(lab, number, until) for number in range(2)))
            await asyncio.sleep(0.5)
            for viewer in viewers:
                viewer.cancel()
    finally:
        await laboratory.end()
    return ages


async def _want(lab: Lab, number: int, until: float) -> None:
    nodes = [Node("a"), Node("b")] if number else [Node("c")]
    while time.monotonic() < until:
        with suppress(RunError):  # a start that came too late
            await lab.run(together(nodes, name=f"job {number}"))


async def _look(bus: Bus, name: str, ages: dict[str, list[float]]) -> None:
    """Note the age of each work when it is first told that it is on, and of each progress."""
    began: set[str] = set()

    async def queue() -> None:
        async with bus.subscribe(queue_key(name)) as told:
            async for _, payload in told:
                now_s = time.time()
                for one in decode(payload, QueueNews).on:
                    if one.ticket not in began:
                        began.add(one.ticket)
                        ages["queue"].append(now_s - one.began_s)

    async def progress() -> None:
        async with bus.subscribe(progress_key(name)) as told:
            async for _, payload in told:
                ages["progress"].append(time.time() - decode(payload, ProgressNews).at_s)

    await asyncio.gather(queue(), progress())


def main() -> None:
    """Measure, and print JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=15.0)
    seconds = parser.parse_args().seconds
    found: dict[str, object] = {}
    for reservations in (0, 5):
        took = planning_ms(reservations=reservations)
        found[f"planning, {reservations} reservations, ms"] = {
            "p50": statistics.median(took),
            "worst": max(took),
        }
    with tempfile.TemporaryDirectory() as folder:
        ages = asyncio.run(news_ages(Path(folder), seconds))
    for what, each in ages.items():
        p50, p99 = np.percentile(each, [50, 99])
        found[f"age of {what}, s"] = {"p50": p50, "p99": p99, "seen": len(each)}
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()

"""What twenty readers cost a measurement that is on, in processor time or in time.

``python -m benches.twenty_readers [--rounds N] [--paced]`` prints JSON. ``podium up`` on twins
plays a scan again and again; by turns nobody reads, and twenty do: ten look at the page of what
runs as a browser does, ten read slices and previews of recorded runs over HTTP, each twice a
second. The measurement is the agent's, the coordinator's and the client's process: what they spend
on a run is compared, turn by turn, so that neither the machine's load nor its drift counts.

``--paced``: twins take as long as a laboratory, runs last about two seconds, and what is compared
is how long they take, from the wish to the data.
"""

import argparse
import asyncio
import json
import multiprocessing
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import quote

import httpx
import numpy as np
import psutil
from tests.benches.nodes.podium_up import EXAMPLE, Up
from tests.benches.programs.long_scan import scan

from podium.control.client.facility_access import join_facility
from podium.control.client.lab import Lab

VIEWERS, READERS = 10, 10
LOOK_S = 0.5
"""A reader asks for something so often."""
RUNS_EACH = 8
"""Of a turn."""
SHOTS = 200
LONG_SHOTS, LONG_RUNS_EACH = 9000, 3
"""A run of two seconds in a laboratory, and how many a turn has."""
WALL = "wall"
SPAWN = multiprocessing.get_context("spawn")
Counted: TypeAlias = Any
Ended: TypeAlias = Any
"""Of multiprocessing, whose types cannot be named: a shared number, and an event."""
TOPICS = "headline,needs,now,queue,nodes,runs,plot,outcome,clock"


@dataclass(frozen=True, slots=True)
class ReaderCost:
    """What was measured."""

    rounds: int
    runs: int
    of: str
    """What is compared: ``processor`` time of who measures, or ``wall`` time."""
    run_ms: float
    """Of a run while nobody reads, median."""
    cost_percent: float
    """What readers add to it, median of the rounds."""
    sigma_percent: float
    of_each_percent: dict[str, float]
    """Of each process, of the whole run; empty for wall time."""
    answers: int
    """That readers received meanwhile."""


async def _view(client: httpx.AsyncClient) -> int:
    seen = 0
    async with client.stream("GET", "/stream", params={"topics": TOPICS}) as answer:
        async for _ in answer.aiter_raw():
            seen += 1
    return seen


async def _read(client: httpx.AsyncClient, answers: Counted) -> None:
    while True:
        found = (
            (await client.get("/api/runs", params={"words": "", "limit": 5}))
            .raise_for_status()
            .json()
        )
        for one in found[:1]:
            path = f"/api/runs/{quote(one['run'])}"
            (await client.get(f"{path}/data")).raise_for_status()
            (await client.get(f"{path}/slice/q0_i", params={"select": "0:5"})).raise_for_status()
        answers.value += 3
        await asyncio.sleep(LOOK_S)


async def _look(url: str, headers: dict[str, str], ended: Ended, answers: Counted) -> None:
    limits = httpx.Limits(max_connections=VIEWERS + READERS)
    async with (
        httpx.AsyncClient(base_url=url, headers=headers, limits=limits, timeout=60) as client,
        asyncio.TaskGroup() as tasks,
    ):
        looking = [tasks.create_task(_view(client)) for _ in range(VIEWERS)]
        looking += [tasks.create_task(_read(client, answers)) for _ in range(READERS)]
        await asyncio.to_thread(ended.wait)
        for one in looking:
            one.cancel()


def readers(url: str, headers: dict[str, str], ended: Ended, answers: Counted) -> None:
    """Read until ``ended`` is set: what the readers' process runs."""
    asyncio.run(_look(url, headers, ended, answers))


@contextmanager
def reading(url: str, headers: dict[str, str], answers: Counted) -> Iterator[None]:
    """Have twenty read, in a process of their own, while the context is open."""
    ended = SPAWN.Event()
    process = SPAWN.Process(target=readers, args=(url, headers, ended, answers), daemon=True)
    before = answers.value
    process.start()
    try:
        give_up = time.monotonic() + 60
        while answers.value < before + 3 * READERS:
            assert process.is_alive()
            assert time.monotonic() < give_up
            time.sleep(0.05)
        yield
    finally:
        ended.set()
        process.join(30)


def spent_s(measured: dict[str, psutil.Process]) -> dict[str, float]:
    """Return the processor time that each of these processes has had, s."""
    times = {name: one.cpu_times() for name, one in measured.items()}
    return {name: one.user + one.system for name, one in times.items()}


async def turn(lab: Lab, measured: dict[str, psutil.Process]) -> dict[str, float]:
    """Play some runs; return what a run cost each process, or the wall where none is given, s."""
    runs, shots = (RUNS_EACH, SHOTS) if measured else (LONG_RUNS_EACH, LONG_SHOTS)
    before = spent_s(measured) or {WALL: time.monotonic()}
    for _ in range(runs):
        await lab.run(scan(shots))
    after = spent_s(measured) or {WALL: time.monotonic()}
    return {name: (after[name] - before[name]) / runs for name in before}


async def compare(up: Up, rounds: int, paced: bool) -> ReaderCost:
    """Return what readers cost, of so many pairs of turns."""
    measured: dict[str, psutil.Process] = {}
    if not paced:
        measured = {
            "agent": up.child("agent"),
            "coordinator": up.child("coordinator"),
            "client": psutil.Process(),
        }
    url, headers = up.page()
    answers = SPAWN.Value("q", 0)
    alone, among = [], []
    async with join_facility(EXAMPLE, state=up.state) as lab:
        await turn(lab, measured)
        for number in range(rounds):
            for with_readers in (False, True) if number % 2 else (True, False):
                if with_readers:
                    looking = reading(url, headers, answers)
                    await asyncio.to_thread(looking.__enter__)
                    among.append(await turn(lab, measured))
                    await asyncio.to_thread(looking.__exit__, None, None, None)
                else:
                    alone.append(await turn(lab, measured))
    whole = np.array([sum(one.values()) for one in alone])
    more = np.array([sum(one.values()) for one in among]) / whole - 1
    each = {
        name: statistics.median(
            (b[name] - a[name]) / sum(a.values()) for a, b in zip(alone, among, strict=True)
        )
        for name in measured
    }
    sigma = 1.2533 * more.std(ddof=1) / np.sqrt(rounds)  # of a median of normal values
    return ReaderCost(
        rounds,
        2 * rounds * (LONG_RUNS_EACH if paced else RUNS_EACH),
        WALL if paced else "processor",
        round(1e3 * float(np.median(whole)), 2),
        round(1e2 * float(np.median(more)), 2),
        round(1e2 * float(sigma), 2),
        {name: round(1e2 * one, 2) for name, one in each.items()},
        answers.value,
    )


def measure(rounds: int = 12, paced: bool = False) -> ReaderCost:
    """Start twins and ``podium up``, and return what readers cost."""
    with tempfile.TemporaryDirectory() as folder:
        up = Up(Path(folder), clock="paced" if paced else "leap")
        try:
            return asyncio.run(compare(up, rounds, paced))
        finally:
            up.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--paced", action="store_true", help="compare wall time of long runs")
    asked = parser.parse_args()
    print(json.dumps(asdict(measure(asked.rounds, asked.paced))))

"""What the start protocol costs: each run beyond its lead, PREPARE and ARM for more agents.

Agents and coordinator have a place each on the bus between processes; the drivers are stand-ins
that answer at once, the journal is a file. All share one loop of one process: what several
processes would do side by side is done one after the other here.
"""

import asyncio
import sys
import tempfile
import time
from contextlib import AsyncExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from podium.control.bus.zenoh_bus import ZenohBus
from podium.control.calibration.runner import RunFailed
from podium.control.coordinator.coordinator import Coordinator
from podium.control.demo.up import free_endpoints
from podium.control.facility.load import load_facility
from podium.control.lab import Lab
from podium.control.timebase.start.journal import FileJournal

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.control.several_nodes import facility_file
from tests.control.triggered_bench import Node, agent_of, long_lead, ready, together

RUNS, WARM = 100, 5
COUNTS = (1, 2, 4, 10)


@dataclass(frozen=True, slots=True)
class Cost:
    """Wall times of runs on so many agents, s."""

    agents: int
    beyond_s: NDArray[np.float64]
    """All of a run, without the lead that it waited."""
    armed_s: NDArray[np.float64]
    """Of that: until all are prepared and armed."""
    missed: int
    """Runs whose start was missed; their times are left out."""


async def measure(count: int, runs: int = RUNS) -> Cost:
    """Return what ``runs`` runs on ``count`` agents cost."""
    with (
        tempfile.TemporaryDirectory() as folder,
        closing(FileJournal(Path(folder) / "accepted")) as journal,
    ):
        facility = load_facility(facility_file(Path(folder), max(COUNTS)))
        nodes = [Node("abcdefghijklmnop"[number]) for number in range(count)]
        endpoints = free_endpoints(1 + count)
        async with AsyncExitStack() as stack:

            async def bus(*where: list[str]) -> ZenohBus:
                opened = await ZenohBus.open(*where)
                stack.push_async_callback(opened.close)
                return opened

            middle = await bus(endpoints[:1])
            for node, endpoint in zip(nodes, endpoints[1:], strict=True):
                there = await bus([endpoint], endpoints[:1])
                await stack.enter_async_context(agent_of(facility, there, node))
            coordinator = Coordinator(facility, middle, accepted=journal, lead=long_lead())
            await stack.enter_async_context(coordinator.running())
            lab = Lab(facility, middle)
            await ready(lab, count)
            return await _timed(lab, coordinator, together(nodes), runs)


async def _timed(lab: Lab, coordinator: Any, program: Any, runs: int) -> Cost:
    starts, armed = coordinator._starts, []
    ask_time = starts._ask_time

    def noted(run: Any) -> Any:
        armed.append(time.monotonic())
        return ask_time(run)

    starts._ask_time = noted
    beyond_s: list[float] = []
    armed_s: list[float] = []
    failed = 0
    for number in range(-WARM, runs):
        lead_s, begun = starts.lead_fs * 1e-15, time.monotonic()
        try:
            await lab.run(program, timed=True)
        except RunFailed:  # a start that a busy machine has missed: it is none
            failed += 1
            continue
        if number >= 0:
            beyond_s.append(time.monotonic() - begun - lead_s)
            armed_s.append(armed[-1] - begun)
    agents = len(program.frames) // 2
    return Cost(agents, np.array(beyond_s), np.array(armed_s), failed)


def costs(runs: int = RUNS) -> list[Cost]:
    """Return the costs for one agent, and for more."""
    return [asyncio.run(measure(count, runs)) for count in COUNTS]


if __name__ == "__main__":
    for cost in costs(30):
        times_s = (cost.beyond_s, cost.armed_s)
        told = [f"{1e3 * float(np.percentile(one, p)):.1f} ms" for one in times_s for p in (50, 95)]
        print(cost.agents, *told, cost.missed)

"""What the start protocol costs: each run beyond its lead, PREPARE and ARM for more agents.

Every agent is a process of its own, the coordinator is in this one, with its journal in a file;
the drivers are stand-ins that answer at once. All share the cores of this machine: agents that
would have computers of their own wait for each other here.
"""

import asyncio
import subprocess
import sys
import tempfile
import time
from contextlib import AsyncExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from podium.control.bus.shutdown import until_terminated
from podium.control.bus.zenoh_bus import ZenohBus
from podium.control.client.lab import Lab
from podium.control.coordinator.coordinator import Coordinator
from podium.control.facility.load import load_facility
from podium.control.processes.process_layout import free_endpoints
from podium.control.runs.errors import RunFailed
from podium.control.runs.journal import FileJournal
from podium.control.runs.messages import Fire
from podium.control.timebase.short_slices import ask_for_short_slices

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.benches.nodes.several_nodes import facility_file
from tests.benches.nodes.triggered import Node, agent_of, long_lead, ready, together

RUNS, WARM = 100, 5
COUNTS = (1, 2, 5, 10)


@dataclass(frozen=True, slots=True)
class Cost:
    """Wall times of runs on so many agents, s."""

    agents: int
    run_s: NDArray[np.float64]
    """All of ``lab.run``, from the program to the dataset, without the lead that it waited."""
    protocol_s: NDArray[np.float64]
    """Of that: from the job's acceptance to its end, the hardware's steps included."""
    armed_s: NDArray[np.float64]
    """Of that: until all are prepared and armed, and FIRE is on its way."""
    cpu_s: float
    """Processor time of this process for each run: coordinator and client."""
    missed: int
    """Runs whose start was missed; their wall times are left out."""


async def measure(count: int, runs: int = RUNS) -> Cost:
    """Return what ``runs`` runs on ``count`` agents cost."""
    ask_for_short_slices()  # as the coordinator's process does
    with (
        tempfile.TemporaryDirectory() as folder,
        closing(FileJournal(Path(folder) / "accepted")) as journal,
    ):
        facility_path = facility_file(Path(folder), max(COUNTS))
        facility = load_facility(facility_path)
        nodes = [Node("abcdefghijklmnop"[number]) for number in range(count)]
        endpoints = free_endpoints(1 + count)
        async with AsyncExitStack() as stack:
            middle = await ZenohBus.open(endpoints[:1])
            stack.push_async_callback(middle.close)
            for node, endpoint in zip(nodes, endpoints[1:], strict=True):
                words = [str(facility_path), node.letter, endpoint, endpoints[0]]
                stack.callback(_end, _begin(words))
            coordinator = Coordinator(facility, middle, accepted=journal, lead=long_lead())
            await stack.enter_async_context(coordinator.running())
            lab = Lab(facility, middle)
            await ready(lab, count)
            return await _timed(lab, coordinator, together(nodes), runs)


def _begin(words: list[str]) -> "subprocess.Popen[bytes]":
    return subprocess.Popen([sys.executable, __file__, *words], stdin=subprocess.PIPE)


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.kill()
    process.wait()
    assert process.stdin is not None
    process.stdin.close()


async def be_agent(facility: str, letter: str, listen: str, coordinator: str) -> None:
    """Be the agent of one node until standard input is closed."""
    ask_for_short_slices()
    bus = await ZenohBus.open([listen], [coordinator])
    try:
        async with agent_of(load_facility(Path(facility)), bus, Node(letter)):
            await until_terminated(with_parent=True)
    finally:
        await asyncio.shield(bus.close())


async def _timed(lab: Lab, coordinator: Any, program: Any, runs: int) -> Cost:
    starts, at = coordinator._jobs, dict[str, float]()

    def note(what: str) -> None:
        before = getattr(starts, what)

        def noted(*arguments: Any) -> Any:
            if what == "_send" and isinstance(arguments[1], Fire):
                at.setdefault("fire", time.monotonic())
            at[what] = time.monotonic()
            return before(*arguments)

        setattr(starts, what, noted)

    for what in ("submit", "_send", "_over"):
        note(what)
    run_s: list[float] = []
    protocol_s: list[float] = []
    armed_s: list[float] = []
    failed = 0
    cpu_s = time.process_time()
    for number in range(-WARM, runs):
        at.clear()
        if number == 0:
            cpu_s = time.process_time()
        lead_s, begun = starts.lead_fs * 1e-15, time.monotonic()
        try:
            await lab.run(program, timed=True)
        except RunFailed:  # a start that a busy machine has missed: it is none
            failed += 1
            continue
        if number >= 0:
            run_s.append(time.monotonic() - begun - lead_s)
            protocol_s.append(at["_over"] - at["submit"] - lead_s)
            armed_s.append(at["fire"] - at["submit"])
    agents = len(program.frames) // 2
    times = np.array(run_s), np.array(protocol_s), np.array(armed_s)
    return Cost(agents, *times, (time.process_time() - cpu_s) / runs, failed)


def costs(runs: int = RUNS) -> list[Cost]:
    """Return the costs for one agent, and for more."""
    return [asyncio.run(measure(count, runs)) for count in COUNTS]


if __name__ == "__main__" and len(sys.argv) > 1:
    asyncio.run(be_agent(*sys.argv[1:]))
elif __name__ == "__main__":
    for cost in costs(30):
        times_s = (cost.run_s, cost.protocol_s, cost.armed_s)
        told = [f"{1e3 * float(np.percentile(one, p)):.1f} ms" for one in times_s for p in (50, 95)]
        print(cost.agents, *told, f"{1e3 * cost.cpu_s:.1f} ms", cost.missed)

"""How early FIRE has to be: armed starts with an adaptive lead, on a machine that is busy.

Two agents and two programs that do nothing but compute are processes of their own, at the same
priority; the coordinator is in this one. Instruments are the stand-ins of ``tests/chaos``, behind
sockets, in a process that stands for boxes of their own: they answer at once, and know what has
played when.

    python benches/armed_starts.py [STARTS]
"""

import asyncio
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from podium.control.bus.zenoh_bus import ZenohBus
from podium.control.client.lab import Lab
from podium.control.coordinator.coordinator import Coordinator
from podium.control.coordinator.jobs import Jobs
from podium.control.facility.load import load_facility
from podium.control.processes.process_layout import free_endpoints
from podium.control.program.serialise import to_json
from podium.control.runs.agent_values import Margins
from podium.control.runs.coordinator_values import Submitted
from podium.control.runs.journal import FileJournal
from podium.control.timebase.lead_time import LeadTime
from podium.control.timebase.short_slices import ask_for_short_slices
from podium.firmware_interfaces.exact_time import FS_PER_MS

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.benches.nodes.several_nodes import facility_file
from tests.benches.nodes.triggered import Node, ready, together
from tests.chaos.live_plant import LivePlant

STARTS, WARM = 10_000, 50
NODES = ("node_a", "node_b")
BUSY = 2
COMPUTING = """
import os
input()
parent = os.getppid()
while os.getppid() == parent:
    sum(range(100_000))
"""
"""What a busy process does, from a line of input on until it is ended, or nobody is left to."""
LEAST_MS = Margins().minimum_lead_fs / FS_PER_MS
ASKED_MS = 25.0
"""So much lead shall be enough."""
EVERY = 1_000
RUN_S = 30.0
"""A start that is not over after this is a failure of the benchmark."""
FIRE_LATE = {"refused FIRE": "FIRE came late", "no answer to FIRE": "FIRE was called back"}
"""What a longer lead would have mended, by what the reason says."""
WOKEN_LATE = {
    "could have been set": "woken late before T0",
    "FIRE came": "woken after T0",
    "trigger has not come": "trigger set late",
}
"""What it would not."""


class NotedLead(LeadTime):
    """Learns as any does, and keeps what it was told."""

    def __init__(self) -> None:
        super().__init__(Margins().minimum_lead_fs)
        self.noted_fs: list[int] = []

    def taken(self, delivery_fs: int) -> None:
        """See :class:`LeadTime`."""
        self.noted_fs.append(delivery_fs)
        super().taken(delivery_fs)

    def late(self, delivery_fs: int) -> None:
        """See :class:`LeadTime`."""
        self.noted_fs.append(delivery_fs)
        super().late(delivery_fs)


@dataclass(slots=True)
class Found:
    """What came of so many starts, one entry for each."""

    lead_ms: list[float] = field(default_factory=list)
    """That it was given."""
    delivery_ms: list[float] = field(default_factory=list)
    """From the reading of the clock until the last agent had taken FIRE, or had it too late."""
    needed_ms: list[float] = field(default_factory=list)
    """The lead that would have been enough; infinite where none would."""
    took_ms: list[float] = field(default_factory=list)
    """From acceptance to end, without the lead."""
    in_time: list[bool] = field(default_factory=list)
    missed: Counter[str] = field(default_factory=Counter)
    """How many were missed, by kind."""
    load: float = 0.0

    @property
    def share(self) -> float:
        """Of the starts that were in time."""
        return float(np.mean(self.in_time))

    def share_at(self, lead_ms: float) -> float:
        """Return the share of the starts that a lead of ``lead_ms`` would have been enough for."""
        return float(np.mean(np.array(self.needed_ms) <= lead_ms))

    def deliveries_ms(self, *quantiles: float) -> NDArray[np.float64]:
        """Return quantiles of how long FIRE took, ms."""
        return np.quantile(self.delivery_ms, quantiles)


async def measure(
    starts: int = STARTS, busy: int = BUSY, shown: Callable[[Found], None] = lambda found: None
) -> Found:
    """Return what came of ``starts`` starts beside ``busy`` busy processes.

    ``shown`` is given what there is after every thousand.
    """
    with (
        tempfile.TemporaryDirectory() as folder,
        closing(FileJournal(Path(folder) / "accepted")) as journal,
        ExitStack() as beside,
    ):
        # What is begun after that has short slices, too.
        compute = [beside.enter_context(process(["-c", COMPUTING])) for _ in range(busy)]
        ask_for_short_slices()
        port = beside.enter_context(plant_of(NODES))
        path = facility_file(Path(folder), len(NODES))
        facility = load_facility(path)
        endpoints = free_endpoints(1 + len(NODES))
        async with AsyncExitStack() as stack:
            middle = await ZenohBus.open(endpoints[:1])
            stack.push_async_callback(middle.close)
            for node, listen in zip(NODES, endpoints[1:], strict=True):
                words = ["-m", "tests.chaos.stand_in_agent", str(path), node, str(port), listen]
                words += [endpoints[0], str(Path(folder) / f"{node}.epochs")]
                stack.enter_context(process(words))
            lead = NotedLead()
            coordinator = Coordinator(facility, middle, accepted=journal, lead=lead)
            await stack.enter_async_context(coordinator.running())
            await ready(Lab(facility, middle), len(NODES))
            text = to_json(together([Node(name.removeprefix("node_")) for name in NODES]))
            await _starts(coordinator._jobs, lead, text, WARM, shown)
            lead = coordinator._jobs._side.lead = NotedLead()
            for one in compute:
                assert one.stdin is not None
                one.stdin.write(b"\n")
                one.stdin.flush()
            return await _starts(coordinator._jobs, lead, text, starts, shown)


async def _starts(
    starts: Jobs,
    lead: NotedLead,
    text: str,
    count: int,
    shown: Callable[[Found], None],
) -> Found:
    found = Found()
    for number in range(count):
        lead_ms, before = starts.lead_fs / FS_PER_MS, len(lead.noted_fs)
        begun_s = time.monotonic()
        submitted = Submitted(f"{count}-{number}", text, NODES)
        job = starts.submit(submitted, "an armed start", "benchmark")
        async with asyncio.timeout(RUN_S):
            ended = await job.ended
        found.took_ms.append(1e3 * (time.monotonic() - begun_s) - lead_ms)
        found.lead_ms.append(lead_ms)
        found.in_time.append(not ended.failed)
        kinds = [kind for words, kind in FIRE_LATE.items() if words in ended.failed]
        mended = bool(kinds) or not ended.failed
        if noted := lead.noted_fs[before:]:
            found.delivery_ms.append(max(noted) / FS_PER_MS)
        known = mended and bool(noted)
        found.needed_ms.append(found.delivery_ms[-1] + LEAST_MS if known else float("inf"))
        if ended.failed:
            kinds += [kind for words, kind in WOKEN_LATE.items() if words in ended.failed]
            found.missed[kinds[0] if kinds else ended.failed] += 1
        found.load = os.getloadavg()[0]
        if (number + 1) % EVERY == 0:
            shown(found)
    return found


@contextmanager
def process(words: list[str]) -> Iterator["subprocess.Popen[bytes]"]:
    """Have a process while the context is open, in a session of its own, as ``podium up`` does.

    Linux shares the cores among sessions first.
    """
    begun = subprocess.Popen(
        [sys.executable, *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        cwd=Path(__file__).parents[1],
    )
    try:
        yield begun
    finally:
        begun.kill()
        begun.communicate()


@contextmanager
def plant_of(names: tuple[str, ...]) -> Iterator[int]:
    """Have the stand-in hardware in a process of its own; yields its port."""
    with process([__file__, "plant", *names]) as plant:
        assert plant.stdout is not None
        yield int(plant.stdout.readline())


def be_plant(names: tuple[str, ...]) -> None:
    """Be the hardware until standard input is closed; the port is the one line of output.

    Instruments are boxes of their own: none waits for a core until the programs of a host leave
    one. Where the system allows it this process does not, either.
    """
    with closing(LivePlant(names, random.Random(1))) as plant:
        with suppress(PermissionError):
            os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
        print(plant.port, flush=True)
        sys.stdin.read()


def told(found: Found) -> Iterator[str]:
    """Say what was found, a line each."""
    count = len(found.in_time)
    quantiles = " / ".join(f"{one:.1f}" for one in found.deliveries_ms(0.5, 0.99, 0.999, 1.0))
    leads = " / ".join(f"{one:.1f}" for one in np.quantile(found.lead_ms, (0, 0.5, 1)))
    took = " / ".join(f"{one:.1f}" for one in np.quantile(found.took_ms, (0.5, 0.99)))
    yield f"{count} starts, {BUSY} busy processes beside, load {found.load:.1f}"
    yield f"in time with an adaptive lead: {100 * found.share:.3f} %, missed: {dict(found.missed)}"
    yield f"in time at {ASKED_MS:g} ms: {100 * found.share_at(ASKED_MS):.3f} %"
    yield f"delivery of FIRE p50 / p99 / p99.9 / longest: {quantiles} ms"
    yield f"lead shortest / p50 / longest: {leads} ms, at the end {found.lead_ms[-1]:.1f} ms"
    yield f"a start beyond its lead p50 / p99: {took} ms"


def show(found: Found) -> None:
    """Say how the latest thousand went."""
    share, late = np.mean(found.in_time[-EVERY:]), np.quantile(found.delivery_ms[-EVERY:], 0.99)
    print(
        f"{len(found.in_time)}: {100 * share:.1f} % in time, FIRE p99 {late:.1f} ms, "
        f"lead {found.lead_ms[-1]:.1f} ms, load {found.load:.1f}",
        file=sys.stderr,
    )


if __name__ == "__main__" and sys.argv[1:2] == ["plant"]:
    be_plant(tuple(sys.argv[2:]))
elif __name__ == "__main__":
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else STARTS
    for line in told(asyncio.run(measure(wanted, shown=show))):
        print(line)

"""Nodes whose controllers start on a trigger: drivers in the test's hand, and what really played.

Time is the host's monotonic time, called TAI. Nothing waits for an edge: whoever looks works out
what has happened since.
"""

import asyncio
import threading
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

import numpy as np
from tests.benches.nodes.cold_room import cold_room

from podium.control.agent.agent import Agent
from podium.control.agent.instruments import Instruments
from podium.control.bus.memory import MemoryBus
from podium.control.client.lab import Lab
from podium.control.coordinator.coordinator import Coordinator
from podium.control.families.family import compiler_for
from podium.control.families.start_wiring import StartWiring
from podium.control.program.program import (
    Affine,
    Axis,
    Capture,
    Frame,
    Linear,
    Play,
    Program,
    Variable,
)
from podium.control.program.waveforms import Square
from podium.control.runs.agent_values import Margins
from podium.control.runs.run_values import Patience
from podium.control.timebase.lead_time import LeadTime
from podium.drivers.errors import NotStarted, Refused
from podium.drivers.roles import Acquired, Identity, TriggerCounts
from podium.drivers.worker import Worker
from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.firmware_interfaces.models import known_models
from podium.firmware_interfaces.tai import Tai

NS = 10**6
MS = 10**12
AFTER_FS = 212 * NS
PATIENCE = Patience(prepare_s=5, arm_s=2, time_s=2, report_s=3, abort_s=3, again_s=0.2, lease_s=1.0)
TRIGGER_S = 0.6
MARGINS = Margins(guard_fs=60 * MS, minimum_lead_fs=70 * MS)
"""Generous: all agents share one loop here, and the machine with others."""


def long_lead() -> LeadTime:
    lead = LeadTime(MARGINS.minimum_lead_fs)
    lead.late(150 * MS)
    return lead


def now() -> Tai:
    return Tai.from_fs(1_900_000_000 * FS_PER_S + time.monotonic_ns() * NS)


@dataclass
class Node:
    """One node's hardware as it is, and knobs."""

    letter: str
    done: list[str] = field(default_factory=list)
    hooks: dict = field(default_factory=dict)
    """Called when that is done (``arm``, ``send`` ...), in the driver's thread."""
    signs: int = 1
    """Goes up when its controller's clock is locked anew."""
    lose_edges: bool = False
    played: list[Tai] = field(default_factory=list)
    edges: list[Tai] = field(default_factory=list)
    """Of all events that its plane has accepted."""
    lock: threading.RLock = field(default_factory=threading.RLock)
    armed: Tai | None = None
    started: Tai | None = None

    @property
    def name(self) -> str:
        return f"node_{self.letter}"

    def do(self, what: str) -> None:
        self.done.append(what)
        if what in self.hooks:
            self.hooks[what]()

    def settle(self) -> None:
        """Work out whether it has started since it was looked at last."""
        with self.lock:
            if self.armed is None or self.lose_edges:
                return
            come = [at for at in self.edges if self.armed <= at <= now()]
            if come:
                self.armed, self.started = None, min(come)
                self.played.append(self.started)

    def disarm(self) -> bool:
        with self.lock:
            self.settle()
            self.armed = None
            return self.started is not None


class Box:
    def __init__(self, node: Node) -> None:
        self.node = node
        self.interrupted = threading.Event()

    def identity(self) -> Identity:
        return Identity("ACME", self.node.name, "1", "0")

    def snapshot(self) -> dict[str, object]:
        return {}

    def close(self) -> None:
        self.node.done.append("close")

    def interrupt(self) -> None:
        self.interrupted.set()

    def safe(self) -> None:
        self.node.do("safe")


class Cluster(Box):
    program = None

    def clock_signs(self) -> dict[str, int]:
        return {"re-locks": self.node.signs}

    def load(self, program) -> None:
        self.node.do("load")
        self.program = program

    def arm(self) -> None:
        self.node.do("arm")
        if self.program is None:
            raise Refused("nothing is loaded")
        with self.node.lock:
            self.node.armed, self.node.started = now(), None

    def start(self) -> None:
        raise Refused("it begins on the trigger")

    def disarm(self) -> bool:
        if self.program is None:
            raise Refused("nothing is loaded")
        return self.node.disarm()

    def started_at(self) -> Tai | None:
        self.node.settle()
        started = self.node.started
        return None if started is None else Tai.from_fs(started.total_fs + AFTER_FS)

    def start_source(self) -> str:
        return "capture"

    def wait(self, duration_s: float) -> None:
        self.node.do("wait")
        self.interrupted.clear()
        give_up = time.monotonic() + TRIGGER_S
        while self.started_at() is None:
            if time.monotonic() > give_up:
                raise NotStarted("no start")
            if self.interrupted.wait(0.001):
                raise Refused("given up")

    def collect(self) -> dict[str, Acquired]:
        self.node.do("collect")
        ones = np.ones(self.program.results[0].shape)
        number = float(ord(self.node.letter) - ord("a"))
        return {
            one.capture: Acquired(number * ones, ones, ones.astype(np.int64))
            for one in self.program.results
        }

    def safe(self) -> None:
        super().safe()
        self.node.disarm()
        self.program = None


class Plane(Box):
    event = ""

    def __init__(self, node: Node) -> None:
        super().__init__(node)
        self.counts = dict.fromkeys(TriggerCounts.__dataclass_fields__, 0)

    def now(self) -> Tai:
        self.node.do("time")
        return now()

    def prepare_trigger(self, output, event_id, holdoff_ns, delay_ns=0) -> None:
        self.node.do("prepare")
        self.event = event_id
        self.counts = dict.fromkeys(self.counts, 0)

    def release_trigger(self, output) -> None:
        self.node.do("release")
        self.event = ""

    def send_event(self, event_id, at) -> None:
        self.node.do("send")
        if event_id != self.event:
            return
        self.counts["received"] += 1
        with self.node.lock:
            late = at <= now()
            self.counts["late" if late else "raised"] += 1
            if not late:
                self.node.edges.append(at)

    def trigger_counts(self, output) -> TriggerCounts:
        return TriggerCounts(**self.counts)

    def link(self) -> str:
        return "synced"


@asynccontextmanager
async def agent_of(
    facility, bus, node: Node, epochs=None, boxes=None, **wired
) -> AsyncIterator[Agent]:
    """Bring up the agent of a node; ``boxes``: what makes its cluster and its plane."""
    models = known_models()
    cluster, plane = f"cluster_{node.letter}", f"wrtd_{node.letter}"
    workers = {
        name: Worker(name, make)
        for name, make in zip(
            (cluster, plane), boxes or (lambda: Cluster(node), lambda: Plane(node)), strict=True
        )
    }
    kinds = {cluster: models["qblox_cluster"], plane: models["wrtd_node"]}
    wired.setdefault("start_after_fs", AFTER_FS)
    wiring = StartWiring(cluster, plane, "LC-O1", **wired)
    agent = Agent(
        node.name,
        facility,
        Instruments(workers, kinds),
        compiler_for(facility),
        bus,
        starts=(wiring,),
        epochs=epochs,
        margins=MARGINS,
    )
    async with agent.running(), cold_room(facility, bus):
        yield agent


@asynccontextmanager
async def nodes_up(
    facility, count: int, patience=PATIENCE
) -> AsyncIterator[tuple[Lab, list[Node]]]:
    """Bring up agents, a coordinator and a lab in this process."""
    bus = MemoryBus()
    nodes = [Node("abcdefghijklmnop"[number]) for number in range(count)]
    async with AsyncExitStack() as stack:
        for node in nodes:
            await stack.enter_async_context(agent_of(facility, bus, node))
        await stack.enter_async_context(
            Coordinator(facility, bus, patience=patience, lead=long_lead()).running()
        )
        lab = Lab(facility, bus)
        await ready(lab, count)
        yield lab, nodes


async def ready(lab: Lab, count: int) -> None:
    """Return once so many agents are here and may be used."""
    async with asyncio.timeout(40):
        while True:
            status = await lab.status()
            problems = [one for one in status.missing if one.startswith("agent ")]
            if len(status.agents) == count and not problems:
                return
            await asyncio.sleep(0.02)


def together(nodes: list[Node], shots: int = 2, name: str = "together") -> Program:
    """Return a program that plays and captures on all ``nodes``."""
    frames, body = [], []
    for node in nodes:
        one = node.letter
        frames += [
            Frame(f"d_{one}", f"{node.name}.q0.drive", 6.0e9),
            Frame(f"r_{one}", f"{node.name}.q0.readout", 7.25e9),
        ]
        body += [
            Play(f"d_{one}", Square(100 * NS), Affine("amplitude")),
            Capture(f"r_{one}", f"of_{one}", 400 * NS, 100 * NS),
            Play(f"r_{one}", Square(600 * NS), 0.1),
        ]
    axes = (Axis("point", (Variable("amplitude", "1", Linear.steps(0.0, 0.1, 3)),)),)
    return Program(name=name, frames=tuple(frames), body=tuple(body), axes=axes, shots=shots)

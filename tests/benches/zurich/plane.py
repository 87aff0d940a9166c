"""A rack of Zurich Instruments on a timing plane."""

import numpy as np
from tests.benches.zurich.device_bench import QA, READOUT, SG, US
from tests.benches.zurich.precomputed_runs import Inline
from tests.benches.zurich.served_shfqc import ServedShfqc

from podium.firmware_interfaces.zurich.limits import TRIGGER_LATENCY_NS
from podium.firmware_interfaces.zurich.values import vector_of
from podium.sim_instruments.physics.clock_makes import CONTROLLER
from podium.sim_instruments.physics.clocks import Clock
from podium.sim_instruments.physics.digital_lines import DigitalLines
from podium.sim_instruments.physics.room import Room
from podium.sim_instruments.physics.tick_counter import TickCounter

DEVICE = "dev12000"
MARKED = (
    "wave m = marker(32, 1); wave z = marker(64, 0); waitDigTrigger(1); playZero(1600);"
    "repeat (3) { playWave(1, m); playWave(1, z); }"
)
READ = (
    "waitDigTrigger(1); playZero(1600); repeat (2) { playZero(800);"
    "startQA(QA_GEN_0, QA_INT_0, true, 0, 0); playZero(4096); }"
)
PLAY_THEN_READ = READ.replace(
    "startQA(QA_GEN_0, QA_INT_0",
    "startQA(QA_GEN_0, 0, true, 0, 0); playZero(800); startQA(0, QA_INT_0",
)
"""A readout whose integration has a start of its own, 400 ns behind that of its pulse."""
CYCLE_NS = 4
"""From the trigger to the first instruction after the wait."""


class World(Inline):
    """Plays at once."""

    def submit(self, work):
        super().submit(work)
        self.work()
        return self


class Plane(ServedShfqc):
    """An SHFQC on a clock of its own, a trigger cable, and a time tagger at a marker."""

    def __init__(self) -> None:
        self.clock = Clock(7, "zi", CONTROLLER, Room(7))
        self.counter = TickCounter(self.clock)
        self.lines = DigitalLines()
        self.lines.connect(("tagger", "io0"), ("zi", f"{DEVICE}.sg0_marker"), 0)
        super().__init__("zi", 12000, self.lines, World(), self.counter)

    def arm(self, read: str = READ) -> None:
        """Both cores wait for Trigger In 1 of the generators, each by its own number for it."""
        self.upload(SG, MARKED)
        self.set("sgchannels/0/marker/source", 4)
        self.set(f"{SG}/auxtriggers/0/channel", 0)
        self.upload(QA, read)
        self.set("qachannels/0/mode", 1)
        self.set(f"{QA}/auxtriggers/0/channel", 2)
        self.set(f"{READOUT}/integration/length", 256)
        self.set(f"{READOUT}/integration/weights/0/wave", vector_of(np.ones(256) + 0j))
        self.set(f"{READOUT}/result/length", 2)
        self.set(f"{READOUT}/result/enable", 1)
        for at in (SG, QA):
            self.set(f"{at}/enable", 1)
        self.wait(US)

    def heard(self) -> list[int]:
        edges = self.lines.heard(("tagger", "io0"), 0, self.now_fs)
        assert edges is not None
        return [at_fs for at_fs, up in edges if up]

    def expected_fs(self, edge_fs: int, after_ns: int) -> int:
        """Return when it is so long after the sample that sees an edge: the plain reckoning."""
        sample = -(-self.counter.to_ticks(edge_fs) // 4) * 4
        return self.counter.to_world(sample + TRIGGER_LATENCY_NS + CYCLE_NS + after_ns)

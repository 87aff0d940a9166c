"""Two racks of Zurich Instruments, a cable from a marker of one to a trigger input of the other."""

import numpy as np
from tests.benches.zurich.device_bench import QA, READOUT, SG, US
from tests.benches.zurich.precomputed_runs import Inline
from tests.benches.zurich.served_shfqc import ServedShfqc

from podium.firmware_interfaces.zurich.values import vector_of
from podium.sim_instruments.physics.digital_lines import DigitalLines
from podium.sim_instruments.physics.signals import CaptureAnswer

CABLE_FS = 15 * 10**6
PERIOD = 8192
"""Samples of a shot."""
LATENCY = 301
"""Cycles from a shot's begin to when a result is read: behind the result."""
READ = (
    "waitDigTrigger(1); playZero(64); repeat ({shots}) {{ playZero(64);"
    f"playZero({PERIOD - 64}); startQA(QA_GEN_0, QA_INT_0, true, 0, 0); }}}}"
)
SHOW = (
    "configureFeedbackProcessing(QA_DATA_PROCESSED, 0, 1, 0); var t = 8; var x;"
    "waitDigTrigger(1); playZero(64); repeat ({shots}) {{ playZero(2432); playZero(192);"
    f"x = getFeedback(QA_DATA_PROCESSED, t + {LATENCY}); if (x) {{{{ setTrigger(1); }}}}"
    f"playZero(960); playZero({PERIOD - 3584}); setTrigger(0); t += {PERIOD // 8}; }}}}"
)
"""A marker that is up for a stretch of each shot where the result is 1."""
ACT = (
    "wave w = 0.5 * ones(64); wave z = zeros(64); waitDigTrigger(1); playZero(64);"
    "repeat ({shots}) {{ playZero(3392); playZero(128);"
    "if (getDigTrigger(2)) {{ playWave(1, 2, w, 1, 2, z); }} else {{ playZero(64); }}"
    f"playZero({PERIOD - 3584}); }}}}"
)


class MeetingWorld(Inline):
    """A world whose windows may wait for others, and that answers them with signs of bits."""

    def __init__(self, bits=()) -> None:
        super().__init__()
        self.bits = list(bits)
        self.said_ns: list[int] = []
        self.others_have_said = True
        self.drives = []
        self.ended = None

    def __call__(self, signals):
        raise AssertionError("it is not played as a whole")

    def submit(self, work):
        super().submit(work)
        self.play = self
        self.work()
        return self

    def begin(self, run, start_tai_fs):
        return self

    @property
    def meets(self) -> bool:
        return True

    @property
    def may_go_on(self) -> bool:
        return self.others_have_said

    def say(self, drives, until_ns) -> None:
        self.drives += drives
        self.said_ns.append(until_ns)

    def asks(self, captures) -> bool:
        return self.others_have_said

    def go_on(self, drives, captures, listeners):
        self.drives += drives
        return tuple(
            CaptureAnswer(
                np.array([1.0 if self.bits.pop(0) else -1.0 for _ in train.start_ns], complex), None
            )
            for train in captures
        )

    def trace(self, listener) -> None:
        return None

    def end(self, signals) -> None:
        self.ended = signals


class Rack(ServedShfqc):
    """An SHFQC behind a data server of its own; both cores wait for its first trigger input."""

    def __init__(self, name: str, number: int, lines: DigitalLines, world: MeetingWorld) -> None:
        super().__init__(name, number, lines, world)
        self.name, self.world = name, world

    def arm(self, drive: str, shots: int) -> None:
        """``drive``: the program of the first generator."""
        tone = np.exp(2j * np.pi * 0.05 * np.arange(256))
        self.set("qachannels/0/mode", 1)
        for side in ("input", "output"):
            self.set(f"qachannels/0/{side}/on", 1)
        self.set("qachannels/0/generator/waveforms/0/wave", vector_of(0.5 * tone))
        self.set(f"{READOUT}/integration/weights/0/wave", vector_of(tone.conj()))
        self.set(f"{READOUT}/integration/length", 256)
        self.set(f"{READOUT}/result/length", shots)
        self.set("sgchannels/0/output/on", 1)
        self.set("sgchannels/0/marker/source", 0)
        for k, gain in ((0, 1.0), (1, -1.0)):
            self.set(f"{SG}/outputs/0/gains/{k}", gain)
            self.set(f"{SG}/outputs/1/gains/{k}", 1.0)
        self.set(f"{SG}/modulation/enable", 1)
        self.upload(SG, drive.format(shots=shots))
        self.upload(QA, READ.format(shots=shots))
        self.set(f"{READOUT}/result/enable", 1)
        self.set(f"{SG}/auxtriggers/0/channel", 0)
        self.set(f"{SG}/auxtriggers/1/channel", 1)
        self.set(f"{QA}/auxtriggers/0/channel", 2)
        for at in (SG, QA):
            self.set(f"{at}/enable", 1)
        self.wait(US)

    @property
    def played_ns(self) -> list[int]:
        """When the first generator has played something, from the run's start on."""
        line = f"{self.device_name}.sg0"
        trains = self.world.ended.drives
        return sorted(at for one in trains if one.line == line for at in one.start_ns.tolist())


def wired(bits) -> tuple[Rack, Rack, DigitalLines]:
    """A rack that reads ``bits``, one that acts on them, and the cable between them."""
    lines = DigitalLines()
    lines.connect(("zi_b", "dev12001.sg1_trigger"), ("zi_a", "dev12000.sg0_marker"), CABLE_FS)
    first = Rack("zi_a", 12000, lines, MeetingWorld(bits))
    second = Rack("zi_b", 12001, lines, MeetingWorld([0] * len(bits)))
    return first, second, lines

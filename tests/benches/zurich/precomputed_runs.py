"""A device whose runs are computed before they are played, in one process."""

import numpy as np
import pytest
from tests.benches.zurich.device_bench import QA, READOUT, SG, US, Bench

from podium.firmware_interfaces.zurich.values import vector_of
from podium.sim_instruments.physics.signals import CaptureAnswer
from podium.sim_instruments.twins.zurich.runs.program_execution import ProgramExecution

SMALL = 1e-5
"""Square roots of watts: far below the full scale of an input."""


VOLTS_RMS = np.sqrt(50)
"""Of a square root of a watt, as results of spectroscopy are in."""


class Inline:
    """A world that answers every window with its number, when it is asked to work."""

    def __init__(self) -> None:
        self.signals = None
        self.waiting = None
        self.done_ = False

    def submit(self, work):
        self.waiting = work
        return self

    def wired(self, connector) -> bool:
        return connector.endswith(".qa0_in")

    def stopped(self, run, sender, at_fs) -> None:
        pass

    def play(self, signals):
        self.signals = signals
        return tuple(
            CaptureAnswer(SMALL * np.arange(1, len(train.start_ns) + 1) + 0j, None)
            for train in signals.captures
        )

    def work(self) -> None:
        try:
            self.told = self.waiting(self.play)
            self.error = None
        except Exception as error:
            self.error = error
        self.done_ = True

    def done(self) -> bool:
        return self.done_

    def result(self):
        if self.error is not None:
            raise self.error
        return self.told


@pytest.fixture
def bench():
    made = Bench(world=Inline())
    assert isinstance(made.execution, ProgramExecution)
    return made


def trigger(bench) -> None:
    for at in (SG, QA):
        bench.set(f"{at}/auxtriggers/0/channel", 8)
        bench.set(f"{at}/enable", 1)
    bench.wait(US)
    bench.set("system/internaltrigger/repetitions", 1)
    bench.set("system/internaltrigger/enable", 1)


def set_up(bench, sg: str, qa: str) -> None:
    bench.set("qachannels/0/mode", 1)
    bench.set("qachannels/0/centerfreq", 7e9)
    bench.set("qachannels/0/output/on", 1)
    bench.set("qachannels/0/output/range", -25)
    tone = np.exp(2j * np.pi * 0.05 * np.arange(256))
    bench.set("qachannels/0/generator/waveforms/0/wave", vector_of(0.5 * tone))
    bench.set(f"{READOUT}/integration/weights/0/wave", vector_of(tone.conj()))
    bench.set(f"{READOUT}/integration/length", 256)
    bench.set(f"{READOUT}/result/length", 3)
    bench.set("synthesizers/1/centerfreq", 6e9)
    bench.set("sgchannels/0/output/on", 1)
    bench.set("sgchannels/0/output/range", 5)
    bench.set("sgchannels/0/oscs/0/freq", 100e6)
    for k, gain in ((0, 1.0), (1, -1.0)):
        bench.set(f"{SG}/outputs/0/gains/{k}", gain)
        bench.set(f"{SG}/outputs/1/gains/{k}", 1.0)
    bench.set(f"{SG}/modulation/enable", 1)
    bench.upload(SG, sg)
    bench.upload(QA, qa)
    bench.set(f"{READOUT}/result/enable", 1)


DRIVE = (
    "wave w = 0.5 * ones(64); wave z = zeros(64); waitDigTrigger(1); playZero(32);"
    "repeat (3) { playWave(1, 2, w, 1, 2, z); playZero(4096); }"
)
READ = (
    "waitDigTrigger(1); playZero(32); repeat (3) { playZero(64);"
    "startQA(QA_GEN_0, QA_INT_0, true, 0, 0); playZero(4096); }"
)
SPECTROSCOPY = "qachannels/0/spectroscopy"
SWEEP = (
    "setTrigger(0); configFreqSweep(0, -100e6, 50e6); {wait} var k; for (k = 0; k < 3; k++) {{"
    "playZero(160); setSweepStep(0, k); resetOscPhase(); playZero(8000);"
    "setTrigger(1); setTrigger(0); }}"
)


def probe(bench, program: str) -> None:
    """Set up spectroscopy of three points by a program's own triggers; upload it."""
    bench.set("qachannels/0/centerfreq", 7e9)
    bench.set("qachannels/0/output/on", 1)
    bench.set("qachannels/0/output/range", -25)
    bench.set("qachannels/0/oscs/0/gain", 0.5)
    bench.set(f"{SPECTROSCOPY}/trigger/channel", 32)
    bench.set(f"{SPECTROSCOPY}/delay", 224e-9)
    bench.set(f"{SPECTROSCOPY}/length", 2000)
    bench.set(f"{SPECTROSCOPY}/result/length", 3)
    bench.upload(QA, program)
    bench.set(f"{SPECTROSCOPY}/result/enable", 1)


def sweep(bench, wait: str = "") -> None:
    probe(bench, SWEEP.format(wait=wait))
    bench.set(f"{QA}/enable", 1)

"""Shots per second of active reset on an SHFQC, from a trigger to results.

``python -m benches.feedback_shfqc [shots]``: measure, flip where a 1 was found, measure again; the
network left out. Programs are SeqC, compiled by the vendor's compiler. There is no peer: no other
simulator of these instruments plays on a qubit.
"""

import json
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import zhinst.core
from numpy.typing import NDArray

from podium.firmware_interfaces.zurich.values import bytes_vector, text_vector, vector_of
from podium.firmware_interfaces.zurich.vector_headers import numbers_of
from podium.sim_instruments.execution.playback import Play
from podium.sim_instruments.servers.silent_playback import FinishedWork
from podium.sim_instruments.twins.zurich.data_server.data_server import DataServer
from podium.sim_instruments.twins.zurich.runs.program_execution import ProgramExecution

if __package__:
    from benches import feedback
else:
    import feedback

SHOTS = 20_000
SG, QA = "sgchannels/0/awg", "qachannels/0/generator"
OTHER = "sgchannels/1/awg"
READOUT = "qachannels/0/readout"
LINES = {
    "dev12000.qa0_out": "a.feedline",
    "dev12000.qa0_in": "a.feedline",
    "dev12000.sg0": "a.q0.drive",
    "dev12000.sg1": "a.q1.drive",
}
CENTRE_HZ = 6.0e9
READ_HZ, DRIVE_HZ = 60e6, 20e6
"""Of the chip in :mod:`.feedback`, from there."""
SAMPLES, DELAY, PERIOD, SECOND = 2000, 292, 40_000, 6208
US = 10**9
READ = f"""
waitDigTrigger(1); playZero(64);
repeat ({{shots}}) {{{{
  playZero(208); playZero({SECOND - 208});
  startQA(QA_GEN_0, QA_INT_0, true, 0, 0);
  playZero({PERIOD - SECOND});
  startQA(QA_GEN_0, QA_INT_0, true, 0, 0);
}}}}
"""
DRIVE = f"""
wave w = hann(80, 1.0); wave z = zeros(80);
assignWaveIndex(1, 2, w, 1, 2, z, 0);
configureFeedbackProcessing(QA_DATA_PROCESSED, 0, 1, 0);
var t = 8;
waitDigTrigger(1); playZero(64);
repeat ({{shots}}) {{{{
  playZero(112); resetOscPhase();
  executeTableEntry(2);
  playZero(4400);
  executeTableEntry(QA_DATA_PROCESSED, t + 600);
  playZero({PERIOD - 112 - 80 - 4400 - 80});
  t += {PERIOD // 8};
}}}}
"""
FLIP, HALF = 0.7, 0.35
"""Gains of the pulses."""


ANALYSER = {
    "qachannels/0/input/on": 1,
    "qachannels/0/output/on": 1,
    "qachannels/0/mode": 1,
    "qachannels/0/centerfreq": CENTRE_HZ,
    "qachannels/0/output/range": -30,
    "qachannels/0/input/range": -30,
    f"{READOUT}/integration/length": SAMPLES,
    f"{READOUT}/integration/delay": DELAY / 2e9,
}
"""Settings of what reads the chip."""


def readout_tones(count: int) -> list[NDArray[np.complex128]]:
    """Return what reads so many qubits, each at its own frequency; amplitude 1."""
    return [
        np.exp(2j * np.pi * (READ_HZ - 40e6 * number) / 2e9 * np.arange(SAMPLES))
        for number in range(count)
    ]


class ChipPlay(feedback.ChipPlay):
    """A world behind the connectors of an SHFQC."""

    lines = LINES

    def wired(self, connector: str) -> bool:
        """Tell whether a line is at an input."""
        return connector in self.lines

    def submit(self, work: Callable[[Play], Any]) -> FinishedWork[Any]:  # type: ignore[override]
        """Do the work at once."""
        return FinishedWork(work(self))  # type: ignore[arg-type]


class Shfqc:
    """One instrument behind a data server, and its time."""

    def __init__(self, qubits: int = 1) -> None:
        world: Any = ChipPlay(feedback.chip(qubits))
        execution = ProgramExecution(playback=world)
        self.device = DataServer("1", {12000: "SHFQC"}, execution=execution).devices[0]
        self.execution = execution
        self.now_fs = 1_700_000_000 * 10**15
        self.tones = readout_tones(qubits)
        for path, value in {**ANALYSER, "synthesizers/1/centerfreq": CENTRE_HZ}.items():
            self.set(path, value)
        for number, tone in enumerate(self.tones):
            self.set(f"qachannels/0/generator/waveforms/{number}/wave", vector_of(0.03 * tone))
        for number in range(2):
            channel = f"sgchannels/{number}"
            for path, value in {
                "output/on": 1,
                "output/range": 5,
                "oscs/0/freq": DRIVE_HZ + 45e6 * number,
                "awg/outputs/0/gains/0": 1.0,
                "awg/outputs/0/gains/1": -1.0,
                "awg/outputs/1/gains/0": 1.0,
                "awg/outputs/1/gains/1": 1.0,
                "awg/modulation/enable": 1,
            }.items():
                self.set(f"{channel}/{path}", value)

    def set(self, path: str, value: Any) -> None:
        """Set a node."""
        store = self.device.store
        store.set(f"{store.root}/{path}", value, self.now_fs)

    def listen(self, angle: float, threshold: float) -> None:
        """Turn the weights, and set the threshold."""
        for number, tone in enumerate(self.tones):
            weights = tone.conj() * np.exp(-1j * angle)
            self.set(f"{READOUT}/integration/weights/{number}/wave", vector_of(weights))
            self.set(f"{READOUT}/discriminators/{number}/threshold", threshold)

    def calibrate(self) -> None:
        """Find the axis and the threshold that tell two levels apart."""
        self.listen(0.0, 1e9)
        found, _ = self.play(400)
        apart = found - found.mean()
        angle = float(np.angle((apart**2).sum()) / 2)
        along = (found * np.exp(-1j * angle)).real
        self.listen(angle, float(along.min() + along.max()) / 2)

    def play(
        self, shots: int, drive: str = DRIVE, read: str = READ, triggers: int = 1, other: str = ""
    ) -> tuple[NDArray[np.complex128], float]:
        """Play so many shots; return the results in their order, and the seconds it took.

        ``triggers``: that start the programs, a shot apart; ``other``: of the second generator.
        """
        programs = [(SG, drive, "SHFQC", "sg"), (QA, read, "SHFQA4", "qa")]
        programs += [(OTHER, other, "SHFQC", "sg")] if other else []
        entries = [{"index": 0, "waveform": {"playZero": True, "length": 80}}]
        for index, gain in ((1, FLIP), (2, HALF)):
            gains = {"amplitude00": gain, "amplitude01": -gain, "amplitude10": gain}
            values = {key: {"value": value} for key, value in gains.items()}
            entries.append(
                {"index": index, "waveform": {"index": 0}, **values, "amplitude11": {"value": gain}}
            )
        table = json.dumps({"header": {"version": "1.1"}, "table": entries})
        for at, text, device, kind in programs:
            source = text.format(shots=shots)
            elf, _ = zhinst.core.compile_seqc(source, device, "", 0, sequencer=kind)
            self.set(f"{at}/elf/data", bytes_vector(elf))
        for at, _, _, kind in programs:
            if kind == "sg":
                self.set(f"{at}/commandtable/data", text_vector(table))
        self.set(f"{READOUT}/result/length", 2 * shots)
        self.set(f"{READOUT}/result/enable", 1)
        for at, *_ in programs:
            self.set(f"{at}/auxtriggers/0/channel", 8)
            self.set(f"{at}/enable", 1)
        self.now_fs += US
        self.device.update(self.now_fs)
        self.set("system/internaltrigger/repetitions", triggers)
        self.set("system/internaltrigger/holdoff", PERIOD / 2e9)
        begun = time.process_time()
        self.set("system/internaltrigger/enable", 1)
        self.now_fs += 10**12 + shots * PERIOD * 500_000
        self.device.update(self.now_fs)
        spent = time.process_time() - begun
        found = numbers_of(self.device.store.value(f"{READOUT}/result/data/0/wave", self.now_fs))
        if len(found) != 2 * shots:
            raise RuntimeError(f"the bench's programs failed: {len(found)} results")
        return found, spent


def shots_a_second(shots: int) -> float:
    """Play so many shots and return how many that were for a second of the processor."""
    one = Shfqc()
    one.calibrate()
    _, spent = one.play(shots)
    return shots / spent


def main() -> None:
    """Print the shots per second."""
    shots = int(sys.argv[1]) if len(sys.argv) > 1 else SHOTS
    print(f"active reset on an SHFQC: {shots_a_second(shots):.0f} shots/s ({shots} shots)")


if __name__ == "__main__":
    main()

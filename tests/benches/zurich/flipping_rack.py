"""A rack whose HDAWGs drive qubits on a chip, through mixers, and act on what an analyser measures.

A PQSC starts all, takes results and forwards them. The analyser belongs to an SHFQC, whose
generator drives a qubit as well, or to an SHFQA.
"""

from dataclasses import replace

import numpy as np
from benches.feedback_shfqc import (
    ANALYSER,
    CENTRE_HZ,
    DRIVE_HZ,
    READOUT,
    ChipPlay,
    readout_tones,
)
from tests.benches.referees import seqc_corpus
from tests.benches.zurich.pqsc_rack import HDAWG_IN, IN, PqscRack

from benches import feedback
from podium.firmware_interfaces.zurich.values import bytes_vector, vector_of
from podium.firmware_interfaces.zurich.vector_headers import numbers_of
from podium.sim_instruments.physics.session_plan import SessionPlan
from podium.sim_instruments.servers.signal_routing import route
from podium.sim_instruments.wiring import Cable, Carrier

MS, US = 10**12, 10**9
QA, SG = "qachannels/0/generator", "sgchannels/0/awg"
HDAWGS = {8001: "HDAWG4", 8002: "HDAWG8"}
CORE = "awgs/1"
"""Of either HDAWG: its second output drives."""
PERIOD, FIRST, SECOND = 40_000, 1024, 8192
"""Samples of a shot, and into it when its readouts begin."""
HEARD = 560
"""Cycles into a shot when the first one's result has come, on any way."""
REGISTERS = (3, 4)
"""Into which the results of the two readouts go."""
POWER_DBM = 9.5
"""Of the sources that mix an HDAWG's pulses up: a Hann pulse of 40 ns and 0.9 is a flip."""
READ = f"""
waitZSyncTrigger(); playZero(64);
repeat ({{shots}}) {{{{
  playZero({FIRST}); playZero({SECOND - FIRST});
  startQA({{generators}}, {{integrators}}, true, {REGISTERS[0]}, 0);
  playZero({PERIOD - SECOND});
  startQA({{generators}}, {{integrators}}, true, {REGISTERS[1]}, 0);
}}}}
"""
HEAD = """
wave w = 0.9 * hann(80, 1.0); wave h = 0.45 * hann(80, 1.0);
configureFeedbackProcessing(ZSYNC_DATA_PROCESSED_A, 0, 1, 0);
var t = 8;
waitZSyncTrigger(); playZero(64);
"""
TRIES, TRY = 3, SECOND - FIRST
"""So often at most, and so many samples apart, a qubit is flipped that is found in 1."""
READ_AGAIN = f"""
waitZSyncTrigger(); playZero(64);
repeat ({{shots}}) {{{{
  playZero({FIRST}); playZero({TRY});
  repeat ({TRIES}) {{{{
    startQA({{generators}}, {{integrators}}, true, {REGISTERS[0]}, 0); playZero({TRY});
  }}}}
  startQA({{generators}}, {{integrators}}, true, {REGISTERS[0]}, 0);
  playZero({PERIOD - FIRST - (TRIES + 1) * TRY});
}}}}
"""
REST = PERIOD - 112 - 80 - 4544 - 80
"""From a flip to the end of its shot."""
FLIP = f"""{HEAD}
repeat ({{shots}}) {{{{
  playZero(112); playWave(2, h); playZero(4544);
  if (getFeedback(ZSYNC_DATA_PROCESSED_A, t + {HEARD})) {{{{ playWave(2, w); }}}}
  else {{{{ playZero(80); }}}}
  playZero({REST}); t += {PERIOD // 8};
}}}}
"""
"""A half pulse, and where its qubit is found in 1 then, a flip."""
UNTIL_SUCCESS = f"""{HEAD}
var x; var n;
repeat ({{shots}}) {{{{
  playZero(112); playWave(2, h); playZero(4544);
  x = 1; n = {TRIES};
  while (x) {{{{
    x = getFeedback(ZSYNC_DATA_PROCESSED_A, t + {HEARD});
    if (x) {{{{ playWave(2, w); }}}} else {{{{ playZero(80); }}}}
    playZero({TRY - 80}); t += {TRY // 8}; n -= 1;
    if (n) {{{{ }}}} else {{{{ x = 0; }}}}
  }}}}
  while (n) {{{{ playZero({TRY}); t += {TRY // 8}; n -= 1; }}}}
  playZero({PERIOD - 112 - 80 - 4544 - TRIES * TRY}); t += {(PERIOD - TRIES * TRY) // 8};
}}}}
"""
"""Flips until the qubit is found in 0: shots take equally long, whenever that is."""


CABLES = {
    "dev12001.qa0_out": Cable("a.feedline", None),
    "dev12001.qa0_in": Cable("a.feedline", None),
    "dev12001.sg0": Cable("a.q1.drive", None),
    "dev8001.sigout3": Cable("a.q0.drive", "lo0"),
    "dev8002.sigout3": Cable("a.q1.drive", "lo1"),
}
LINES = {connector: one.line for connector, one in CABLES.items()}
SOURCES = {
    f"lo{number}": Carrier(CENTRE_HZ + DRIVE_HZ + 45e6 * number, POWER_DBM) for number in range(2)
}


class RackPlay(ChipPlay):
    """A world behind the connectors; what an HDAWG plays is mixed up on its way."""

    lines = LINES

    def arriving(self, drives):
        """Return what comes on lines of the world."""
        both = [(one, CABLES[one.line]) for one in drives if one.line in CABLES]
        return [route(one, cable, SOURCES.get(cable.modulator)) for one, cable in both]

    def go_on(self, drives, captures, listeners):
        """Play on."""
        heard = [replace(one, line=LINES[one.line]) for one in captures]
        return self._session.go_on(self.arriving(drives), heard, listeners)

    def planned(self, carriers):
        """Return the plan of the run."""
        lines = {}
        for connector, hz in carriers.items():
            if connector in CABLES:
                cable = CABLES[connector]
                source = SOURCES.get(cable.modulator)
                on_line = hz + (0.0 if source is None else source.frequency_hz)
                lines.setdefault(cable.line, []).append(on_line)
        return _RackPlan(SessionPlan(self._session, lines), self)


class _RackPlan:
    """The plan of a run behind the connectors."""

    def __init__(self, plan: SessionPlan, play: RackPlay) -> None:
        self._plan, self._play = plan, play

    def __getattr__(self, name):
        return getattr(self._plan, name)

    def go_on(self, drives, captures, listeners, at_ns):
        """Plan one more chunk."""
        heard = [replace(one, line=LINES[one.line]) for one in captures]
        return self._plan.go_on(self._play.arriving(drives), heard, listeners, at_ns)


class FlippingRack(PqscRack):
    """An analyser, ``SHFQC`` or ``SHFQA2``, and two HDAWGs, before a chip of two qubits."""

    def __init__(self, analyser: str = "SHFQA2") -> None:
        self.analyser = analyser
        devices = {12001: analyser, **HDAWGS, 10001: "PQSC"}
        cables = {0: "dev12001", 1: "dev8001", 2: "dev8002"}
        super().__init__(cables, RackPlay(feedback.chip(2)), devices)
        self.set(IN, 2, analyser)
        for model in HDAWGS.values():
            for path, value in {
                HDAWG_IN: 2,
                "dios/0/mode": 3,
                "system/clocks/sampleclock/freq": 2e9,
                "sigouts/3/on": 1,
                "sigouts/3/range": 2.0,
            }.items():
                self.set(path, value, model)
        self._tones = readout_tones(2)
        self._set_up_analyser()
        self.listens_s: float | None = None
        """For how long the PQSC takes results; None: for all of a run."""
        self.angles, self.thresholds = [0.0, 0.0], [1e9, 1e9]
        self.listen()

    def _set_up_analyser(self) -> None:
        for path, value in ANALYSER.items():
            self.set(path, value, self.analyser)
        for number, tone in enumerate(self._tones):
            node = f"qachannels/0/generator/waveforms/{number}/wave"
            self.set(node, vector_of(0.03 * tone), self.analyser)
        if self.analyser != "SHFQC":
            return
        for path, value in {
            "synthesizers/1/centerfreq": CENTRE_HZ,
            "sgchannels/0/output/on": 1,
            "sgchannels/0/output/range": 5,
            "sgchannels/0/oscs/0/freq": DRIVE_HZ + 45e6,
            f"{SG}/outputs/0/gains/0": 1.0,
            f"{SG}/outputs/0/gains/1": -1.0,
            f"{SG}/outputs/1/gains/0": 1.0,
            f"{SG}/outputs/1/gains/1": 1.0,
            f"{SG}/modulation/enable": 1,
            f"{SG}/diozsyncswitch": 1,
        }.items():
            self.set(path, value, "SHFQC")

    def listen(self) -> None:
        """Turn the weights, and set the thresholds."""
        for number, tone in enumerate(self._tones):
            weights = tone.conj() * np.exp(-1j * self.angles[number])
            node = f"{READOUT}/integration/weights/{number}/wave"
            self.set(node, vector_of(weights), self.analyser)
            node = f"{READOUT}/discriminators/{number}/threshold"
            self.set(node, self.thresholds[number], self.analyser)

    def forward(self, port: int, *bits: tuple[int, int]) -> None:
        """Have the PQSC send results to a port: registers and integrators, in this order."""
        output = f"zsyncs/{port}/output"
        self.set(f"{output}/enable", 1, "PQSC")
        self.set(f"{output}/source", 0, "PQSC")
        for position, (register, index) in enumerate(bits):
            source = f"{output}/registerbank/sources/{position}"
            self.set(f"{source}/enable", 1, "PQSC")
            self.set(f"{source}/register", register, "PQSC")
            self.set(f"{source}/index", index, "PQSC")

    def calibrate(self, programs, qubits: int = 1, shots: int = 60) -> None:
        """Find the axes and thresholds that tell two levels apart, with all results 0."""
        for number, found in enumerate(self.play(shots, programs, qubits)):
            apart = found - found.mean()
            self.angles[number] = float(np.angle((apart**2).sum()) / 2)
            along = (found * np.exp(-1j * self.angles[number])).real
            self.thresholds[number] = float(along.min() + along.max()) / 2
        self.listen()

    def play(
        self, shots: int, programs, qubits: int = 1, *, starts: int = 1, read: str = READ, reads=2
    ):
        """Play shots; return the results of each qubit's integrator, (reads * shots,) each.

        ``programs``: of sequencers by instrument and node; ``starts``: of the PQSC, a shot apart;
        ``reads``: readouts of a shot.
        """
        masks = [" | ".join(f"QA_{what}_{q}" for q in range(qubits)) for what in ("GEN", "INT")]
        text = read.format(shots=shots, generators=masks[0], integrators=masks[1])
        everything = {(self.analyser, QA): text}
        everything |= {key: one.format(shots=shots) for key, one in programs.items()}
        for (device, at), source in everything.items():
            self.upload(at, source, device)
        self.set(f"{READOUT}/result/length", reads * shots, self.analyser)
        self.set(f"{READOUT}/result/enable", 0, self.analyser)
        self.set(f"{READOUT}/result/enable", 1, self.analyser)
        for device, at in everything:
            self.set(f"{at}/enable", 1, device)
        self.wait(US)
        lasts_s = PERIOD / 2e9 * (1 if starts > 1 else 2 * shots)
        lasts_s = lasts_s if self.listens_s is None else self.listens_s
        self.set("execution/repetitions", starts, "PQSC")
        self.set("execution/holdoff", lasts_s, "PQSC")
        self.set("execution/enable", 1, "PQSC")
        self.wait(MS + 2 * shots * PERIOD * 500_000)
        self.wait(MS)
        node = f"{READOUT}/result/data"
        found = [numbers_of(self.get(f"{node}/{q}/wave", self.analyser)) for q in range(qubits)]
        if any(len(one) != reads * shots for one in found):
            said = [self.said(device) for device, _ in everything]
            raise RuntimeError(f"{[len(one) for one in found]} results: {said}")
        return found

    def upload(self, at, source, device="SHFQA2"):
        kinds = {"SHFQA2": "SHFQA4", "HDAWG4": "HDAWG8", "HDAWG8": "HDAWG8"}
        kind = "SHFQA4" if at == QA else kinds.get(device, device)
        elf, _ = seqc_corpus.vendor_elf(source, kind)
        self.set(f"{at}/elf/data", bytes_vector(elf), device)

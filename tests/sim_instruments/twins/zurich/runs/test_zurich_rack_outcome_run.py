"""HDAWGs that drive qubits and act on what a PQSC forwards: walked as played, to the bit."""

import numpy as np
import pytest
from benches.feedback_shfqc import DELAY, SAMPLES
from tests.benches.zurich.flipping_rack import (
    CORE,
    FIRST,
    FLIP,
    HEARD,
    PERIOD,
    READ,
    READ_AGAIN,
    REGISTERS,
    REST,
    SECOND,
    SG,
    TRIES,
    UNTIL_SUCCESS,
    FlippingRack,
)

from podium.firmware_interfaces.zurich.latency import Route, feedback_cycles
from podium.firmware_interfaces.zurich.values import vector_of
from podium.sim_instruments.twins.zurich.runs import feedback_run, outcome_run
from podium.sim_instruments.twins.zurich.runs.outcome_run import NotWalked

SHOTS = 30
FIRST_HDAWG, SECOND_HDAWG = ("HDAWG4", CORE), ("HDAWG8", CORE)
ENDS = FIRST + DELAY + SAMPLES
"""Samples into a shot when the first readout is over."""
EARLIEST = (ENDS + 64) // 8 - 8 + feedback_cycles(Route.INTERNAL_ZSYNC, 1000) - 125 + 1
OWN = (
    FLIP.replace("ZSYNC_DATA_PROCESSED_A, 0, 1, 0", "QA_DATA_PROCESSED, 2, 1, 0")
    .replace("ZSYNC_DATA_PROCESSED_A", "QA_DATA_PROCESSED")
    .replace("playWave(2, h)", "playWave(1, 2, h, 1, 2, z)")
    .replace("playWave(2, w)", "playWave(1, 2, w, 1, 2, z)")
    .replace("var t", "wave z = zeros(80); var t")
    .replace("0.9", "0.65")
    .replace("0.45", "0.32")
)
OWN = OWN.replace(f"t + {HEARD}", f"t + {EARLIEST}")
"""The same of a generator of the SHFQC, which reads its own analyser's results of the other qubit
as soon as they have come: at the connector the window closes later."""
LONGER = 16
"""Samples more of a shot: its results come some cycles earlier or later than those of the last."""
LONGER_READ = READ.replace(f"playZero({PERIOD - SECOND})", f"playZero({PERIOD - SECOND + LONGER})")
LONGER_FLIP = FLIP.replace(f"playZero({REST})", f"playZero({REST + LONGER})")
LONGER_FLIP = LONGER_FLIP.replace(f"t += {PERIOD // 8}", f"t += {(PERIOD + LONGER) // 8}")
PLAIN = f"""
wave w = hann(80, 0.5); waitZSyncTrigger(); playZero(64);
repeat ({{shots}}) {{{{ playWave(2, w); playZero({PERIOD - 80}); }}}}
"""
"""Of an output that no cable is at."""
EACH_FLIP = FLIP.replace("waitZSyncTrigger(); playZero(64);", "").replace(
    "  playZero(112); playWave(2, h); playZero(4544);",
    "  waitZSyncTrigger(); playZero(112); playWave(2, h); playZero(4544);",
)
EACH_FLIP = EACH_FLIP.replace(f"t + {HEARD}", f"{HEARD}").replace(f"playZero({REST});", "")
EACH_READ = f"""
repeat ({{shots}}) {{{{
  waitZSyncTrigger(); playZero({FIRST}); playZero({SECOND - FIRST});
  startQA({{generators}}, {{integrators}}, true, {REGISTERS[0]}, 0); playZero(4096);
  startQA({{generators}}, {{integrators}}, true, {REGISTERS[1]}, 0);
}}}}
"""
"""With a start of the PQSC for each shot."""


class Runs:
    """Plays runs of a rack on the tree of their outcomes, or as they come."""

    def __init__(self, monkeypatch, *, walks: bool) -> None:
        self.why: list[str] = []
        """Why runs were not walked."""
        self.count = 0

        def walk(*given):
            self.count += 1
            if not walks:
                raise NotWalked("as it comes")
            try:
                return outcome_run.walk(*given)
            except NotWalked as error:
                self.why.append(str(error))
                raise

        monkeypatch.setattr(feedback_run, "walk", walk)


def hdawg(rack) -> None:
    rack.forward(1, (REGISTERS[0], 0))


def each_its_own(rack) -> None:
    """The second result first, so that its bits are at other places of the message."""
    rack.forward(1, (REGISTERS[0], 0))
    rack.forward(2, (REGISTERS[1], 0), (REGISTERS[0], 1))


def by_a_table(rack) -> None:
    """The PQSC looks both qubits' results up: 1 where they differ."""
    rack.set("zsyncs/1/output/enable", 1, "PQSC")
    rack.set("zsyncs/1/output/source", 1, "PQSC")
    rack.set("zsyncs/1/output/decoder/source", 0, "PQSC")
    for k, index in enumerate((0, 2)):
        node = f"feedback/decoder/lut/sources/{k}"
        rack.set(f"{node}/register", REGISTERS[0], "PQSC")
        rack.set(f"{node}/index", index, "PQSC")
    table = vector_of(np.array([0, 1, 1, 0], np.uint32))
    rack.set("feedback/decoder/lut/tables/0", table, "PQSC")


def of_both(rack) -> None:
    rack.forward(1, (REGISTERS[0], 0), (REGISTERS[0], 1))


OTHER = FLIP.replace("PROCESSED_A, 0, 1, 0", "PROCESSED_A, 2, 1, 0")
ODD = FLIP.replace("var t = 8;", "var t = 8; var x; var y;").replace(
    f"  if (getFeedback(ZSYNC_DATA_PROCESSED_A, t + {HEARD}))",
    f"  x = getFeedback(ZSYNC_DATA_PROCESSED_A, t + {HEARD});\n"
    "  configureFeedbackProcessing(ZSYNC_DATA_PROCESSED_A, 2, 1, 0);\n"
    f"  y = getFeedback(ZSYNC_DATA_PROCESSED_A, t + {HEARD + 4});\n"
    "  configureFeedbackProcessing(ZSYNC_DATA_PROCESSED_A, 0, 1, 0);\n"
    "  if (x - y)",
)
"""Where results of two qubits differ, of which one word tells both."""
RAW = FLIP.replace("getFeedback(ZSYNC_DATA_PROCESSED_A,", "getFeedback(ZSYNC_DATA_RAW,")
CASES = {
    "one HDAWG": ("SHFQA2", hdawg, {FIRST_HDAWG: FLIP}, 1, {}),
    "until success": (
        "SHFQA2",
        hdawg,
        {FIRST_HDAWG: UNTIL_SUCCESS},
        1,
        {"read": READ_AGAIN, "reads": TRIES + 1},
    ),
    "two HDAWGs": (
        "SHFQA2",
        each_its_own,
        {FIRST_HDAWG: FLIP, SECOND_HDAWG: OTHER},
        2,
        {},
    ),
    "beside a generator": (
        "SHFQC",
        hdawg,
        {FIRST_HDAWG: FLIP, ("SHFQC", SG): OWN, ("HDAWG8", "awgs/0"): PLAIN},
        2,
        {},
    ),
    "shots of any length": (
        "SHFQA2",
        hdawg,
        {FIRST_HDAWG: LONGER_FLIP},
        1,
        {"read": LONGER_READ},
    ),
    "a start for each shot": (
        "SHFQA2",
        hdawg,
        {FIRST_HDAWG: EACH_FLIP},
        1,
        {"read": EACH_READ, "starts": SHOTS},
    ),
    "by a table": ("SHFQA2", by_a_table, {FIRST_HDAWG: RAW}, 2, {}),
    "a word read twice": ("SHFQA2", of_both, {FIRST_HDAWG: ODD}, 2, {}),
}
COSTLY = {"two HDAWGs", "by a table", "a word read twice", "a start for each shot"}


def played(monkeypatch, case, *, walks: bool) -> tuple[list[np.ndarray], list[int], Runs]:
    """Return results, what they have left in the PQSC's registers, and how runs were played."""
    analyser, forwards, programs, qubits, more = case
    runs = Runs(monkeypatch, walks=walks)
    rack = FlippingRack(analyser)
    forwards(rack)
    rack.calibrate({FIRST_HDAWG: FLIP}, qubits)
    found = rack.play(SHOTS, programs, qubits, **more)
    bank = list(rack.execution._bank.registers)
    words = [
        sum(
            int((one[at] * np.exp(-1j * angle)).real > threshold) << 2 * q
            for q, (one, angle, threshold) in enumerate(
                zip(found, rack.angles, rack.thresholds, strict=False)
            )
        )
        for at in (-2, -1)
    ]
    written = REGISTERS if more.get("reads", 2) == 2 else REGISTERS[:1]
    assert [bank[register] for register in written] == words[-len(written) :]
    return found, bank, runs


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=pytest.mark.slow if name in COSTLY else ()) for name in CASES],
)
def test_walked_and_as_it_comes_are_equal_to_the_bit(monkeypatch, name) -> None:
    walked, bank, runs = played(monkeypatch, CASES[name], walks=True)
    assert not runs.why
    assert runs.count
    as_it_comes, same, _ = played(monkeypatch, CASES[name], walks=False)
    for one, other in zip(walked, as_it_comes, strict=True):
        assert one.tobytes() == other.tobytes()
    assert bank == same


def test_a_flip_leaves_a_qubit_in_0() -> None:
    rack = FlippingRack()
    hdawg(rack)
    rack.calibrate({FIRST_HDAWG: FLIP})
    (found,) = rack.play(200, {FIRST_HDAWG: FLIP})
    turned = (found * np.exp(-1j * rack.angles[0])).real.reshape(-1, 2)
    first, second = (turned > rack.thresholds[0]).mean(axis=0)
    low, high = sorted((first, second))
    assert low < 0.2 < 0.3 < high < 0.7


@pytest.mark.slow
def test_results_that_are_read_as_some_have_come_are_played_as_they_come(monkeypatch) -> None:
    """What was walked takes each for as late as the latest: that is not believed."""
    ends = [64 + ENDS + shot * (PERIOD + LONGER) for shot in range(SHOTS)]
    cycles = [feedback_cycles(Route.HDAWG_REGISTER, end) - end // 8 for end in ends]
    assert min(cycles) < max(cycles)
    between = (64 + ENDS) // 8 + min(cycles) - 8
    program = LONGER_FLIP.replace(f"t + {HEARD}", f"t + {between}")
    case = "SHFQA2", hdawg, {FIRST_HDAWG: program}, 1, {"read": LONGER_READ}
    walked, _, runs = played(monkeypatch, case, walks=True)
    assert runs.why == ["a generator does not do what was walked"]
    as_it_comes, _, _ = played(monkeypatch, case, walks=False)
    assert walked[0].tobytes() == as_it_comes[0].tobytes()


def filtered(rack) -> None:
    at = "sigouts/3/precompensation"
    for node, value in (("timeconstant", 40e-9), ("amplitude", -0.1), ("enable", 1)):
        rack.set(f"{at}/exponentials/0/{node}", value, "HDAWG4")
    rack.set(f"{at}/enable", 1, "HDAWG4")


def at_its_own_rate(rack) -> None:
    rack.set("system/clocks/sampleclock/freq", 2.4e9, "HDAWG8")
    rack.set("sigouts/3/on", 0, "HDAWG8")


def brief(rack) -> None:
    rack.listens_s = 200e-6


@pytest.mark.parametrize(
    ("prepare", "reason"),
    [
        (filtered, "dev8001.sigout3: its filters keep what was played before"),
        (at_its_own_rate, "dev8002/awgs/0 does not run at 2 GSa/s"),
        (brief, "the PQSC no longer listens when the last readout is over"),
    ],
)
def test_what_has_no_tree_says_why_and_is_played_as_it_comes(monkeypatch, prepare, reason) -> None:
    runs = Runs(monkeypatch, walks=True)
    rack = FlippingRack()
    hdawg(rack)
    prepare(rack)
    programs = {FIRST_HDAWG: FLIP, ("HDAWG8", "awgs/0"): PLAIN}
    (found,) = rack.play(SHOTS, programs)
    assert len(found) == 2 * SHOTS
    assert len(runs.why) == runs.count == 1
    assert reason in runs.why[0]

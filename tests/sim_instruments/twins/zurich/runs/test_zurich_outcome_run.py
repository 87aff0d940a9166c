"""Active reset on an SHFQC is the same to the bit, walked or played as it comes."""

import numpy as np
import pytest
from benches.feedback_shfqc import DRIVE, PERIOD, READ
from tests.benches.zurich.two_qubit_programs import BOTH, SECOND

from benches import feedback_shfqc
from podium.sim_instruments.execution.breakpoints import Breakpoint
from podium.sim_instruments.execution.outcome_tree import OutcomeTree
from podium.sim_instruments.twins.zurich.runs import feedback_run, outcome_run
from podium.sim_instruments.twins.zurich.runs.outcome_run import NotWalked

SHOTS = 30
EACH = "waitDigTrigger(1);"
TRIGGERED_READ = f"""
repeat ({{shots}}) {{{{
  {EACH} playZero(208); playZero(6000);
  startQA(QA_GEN_0, QA_INT_0, true, 0, 0);
  playZero(20000);
  startQA(QA_GEN_0, QA_INT_0, true, 0, 0);
}}}}
"""
TRIGGERED_DRIVE = f"""
wave w = hann(80, 1.0); wave z = zeros(80);
assignWaveIndex(1, 2, w, 1, 2, z, 0);
configureFeedbackProcessing(QA_DATA_PROCESSED, 0, 1, 0);
repeat ({{shots}}) {{{{
  {EACH} playZero(112); resetOscPhase();
  executeTableEntry(2);
  playZero(4400);
  executeTableEntry(QA_DATA_PROCESSED, 600);
  playZero(8000);
}}}}
"""
BRANCHES = DRIVE.replace(
    "executeTableEntry(QA_DATA_PROCESSED, t + 600);",
    "if (getFeedback(QA_DATA_PROCESSED, t + 580)) {{ executeTableEntry(1); }}"
    " else {{ playZero(80); }}",
)
SWEPT = DRIVE.replace("repeat ({shots})", "repeat ({shots} / 3) {{ var k; for (k = 0; k < 3; k++)")
SWEPT = SWEPT.replace("executeTableEntry(2);", "executeTableEntry(k);") + "}}"
DELAYED = DRIVE.replace("var t = 8;", "var t = 8; var v; var u;").replace(
    "repeat ({shots}) {{", "repeat ({shots} / 3) {{ v = 0; u = 0; repeat (3) {{"
)
DELAYED = DELAYED.replace(
    f"  t += {PERIOD // 8};", f"  playZero(v + 64); t += u + {PERIOD // 8 + 8};"
)
DELAYED = DELAYED.replace("\n}}", "  v += 160; u += 20;\n}} }}")
DELAYED_READ = READ.replace(
    "repeat ({shots}) {{", "var v; repeat ({shots} / 3) {{ v = 0; repeat (3) {{"
)
DELAYED_READ = DELAYED_READ.replace("\n}}", " playZero(v + 64); v += 160;\n}} }}")
"""A wait that is swept in a register: what is heard when is a sum of it."""
HEAD, _, SHOT = DRIVE.partition("repeat ({shots}) {{")
POINTS, ROUNDS = 100, 2
WRITTEN_OUT = f"{HEAD}repeat ({{shots}} / {POINTS}) {{{{{POINTS * SHOT[: SHOT.rindex('}}')]}}}}}"
"""A sweep whose points are written out, as those of pulses that differ in their waveforms are."""
LATER = f"""
wave w = hann(80, 1.0); wave z = zeros(80);
assignWaveIndex(1, 2, w, 1, 2, z, 0);
configureFeedbackProcessing(QA_DATA_PROCESSED, 0, 1, 0);
var t = 8; var first; var second;
waitDigTrigger(1); playZero(64);
repeat ({{shots}}) {{{{
  playZero(112); resetOscPhase();
  executeTableEntry(2);
  playZero(4400);
  first = getFeedback(QA_DATA_PROCESSED, t + 600);
  playZero(6400);
  second = getFeedback(QA_DATA_PROCESSED, t + 1360);
  if (first) {{{{ executeTableEntry(1); }}}} else {{{{ playZero(80); }}}}
  playZero({PERIOD - 112 - 80 - 4400 - 6400 - 80});
  t += {PERIOD // 8};
}}}}
"""
"""Flips by the first word once the second one has come: what is played does not show in it."""
EVERY_BIT = DRIVE.replace("QA_DATA_PROCESSED, t", "QA_DATA_RAW, t")
EVERY_BIT = EVERY_BIT.replace(
    "executeTableEntry(QA_DATA_RAW, t + 600)",
    "executeTableEntry(getFeedback(QA_DATA_RAW, t + 580) & 1)",
)
POINTS_SWEPT = 260
SWEPT_FAR = DRIVE.replace(
    "repeat ({shots}) {{",
    f"repeat ({{shots}} / {POINTS_SWEPT}) {{{{ var k = 0; repeat ({POINTS_SWEPT}) {{{{",
)
SWEPT_FAR = SWEPT_FAR.replace("\n}}", "  k += 16;\n}} }}").replace(
    "playZero(4400);", "playZero(k + 64); playZero(4336 - k);"
)
"""A pulse that comes later from shot to shot, in a register: all points are met before one is met
again."""
PLAIN = f"""
wave w = hann(80, 1.0); wave z = zeros(80);
assignWaveIndex(1, 2, w, 1, 2, z, 0);
waitDigTrigger(1); playZero(64);
repeat ({{shots}}) {{{{ executeTableEntry(1); playZero({PERIOD - 80}); }}}}
"""


def played(
    monkeypatch, walks: bool, *programs, qubits: int = 1, shots: int = SHOTS, **more
) -> tuple[np.ndarray, list[str]]:
    """Return results, and why runs were not walked."""
    why: list[str] = []

    def walk(*told):
        if not walks:
            raise NotWalked("as it comes")
        try:
            return outcome_run.walk(*told)
        except NotWalked as error:
            why.append(str(error))
            raise

    monkeypatch.setattr(feedback_run, "walk", walk)
    one = feedback_shfqc.Shfqc(qubits)
    one.calibrate()
    why.clear()
    return one.play(shots, *programs, **more)[0], why


@pytest.mark.parametrize(
    ("programs", "more"),
    [
        pytest.param((DRIVE, READ), {}, marks=pytest.mark.slow),
        pytest.param((BRANCHES, READ), {}, marks=pytest.mark.slow),
        pytest.param((SWEPT, READ), {}, marks=pytest.mark.slow),
        pytest.param((DRIVE, READ), {"other": PLAIN, "qubits": 2}, marks=pytest.mark.slow),
        ((DELAYED, DELAYED_READ), {}),
        ((LATER, READ), {}),
        ((EVERY_BIT, READ), {}),
        ((DRIVE, BOTH), {"other": SECOND, "qubits": 2}),
        ((TRIGGERED_DRIVE, TRIGGERED_READ), {"triggers": SHOTS}),
    ],
    ids=[
        "an entry",
        "a branch",
        "a sweep",
        "with another",
        "a swept wait",
        "a flip by an earlier word",
        "whole words",
        "two qubits",
        "a trigger a shot",
    ],
)
def test_walked_and_as_it_comes_are_equal_to_the_bit(monkeypatch, programs, more) -> None:
    walked, why = played(monkeypatch, True, *programs, **more)
    assert not why
    as_it_comes, _ = played(monkeypatch, False, *programs, **more)
    assert walked.tobytes() == as_it_comes.tobytes()
    levels = walked.reshape(-1, 2)
    assert np.ptp(levels.real, axis=0).min() > 0


def test_a_sweep_that_is_written_out_is_walked(monkeypatch) -> None:
    """All its points are met for the first time before one is met again."""
    shots = POINTS * ROUNDS
    walked, why = played(monkeypatch, True, WRITTEN_OUT, READ, shots=shots)
    assert not why
    as_it_comes, _ = played(monkeypatch, False, WRITTEN_OUT, READ, shots=shots)
    assert walked.tobytes() == as_it_comes.tobytes()


def test_a_sweep_in_a_register_is_walked(monkeypatch) -> None:
    """Its points are told apart by what registers hold, as those of a program by its place."""
    _, why = played(monkeypatch, True, SWEPT_FAR, READ, shots=POINTS_SWEPT * ROUNDS)
    assert not why


def test_a_generator_that_is_looked_at_is_played_as_it_comes_and_does_the_same() -> None:
    one = feedback_shfqc.Shfqc()
    one.calibrate()
    walked = one.play(SHOTS)[0]
    other = feedback_shfqc.Shfqc()
    other.calibrate()
    texts = DRIVE.splitlines()
    line = next(n for n, text in enumerate(texts, 1) if "executeTableEntry(QA" in text)
    seen = []

    def halted(name, tell) -> bool:
        seen.append(tell())
        return False

    other.execution.stop_at(("dev12000", "sgchannels/0/awg"), [Breakpoint(line)], halted)
    assert other.play(SHOTS)[0].tobytes() == walked.tobytes()
    assert [one["line"] for one in seen] == [line] * SHOTS
    assert len({one["time_ns"] for one in seen}) == SHOTS
    assert other.execution.signals_until_now(("dev12000", "sgchannels/0/awg")) is None


def test_what_was_walked_is_not_believed(monkeypatch) -> None:
    """Rows that differ from those of the whole program have the run played as it comes."""
    as_it_comes, _ = played(monkeypatch, False)

    def others(*told):
        return real(*told) + 1

    real = outcome_run._rows
    monkeypatch.setattr(outcome_run, "_rows", others)
    doubted, why = played(monkeypatch, True)
    assert why
    assert "does not do what was walked" in why[0]
    assert doubted.tobytes() == as_it_comes.tobytes()


def test_words_that_are_superseded_decide_nothing(monkeypatch) -> None:
    """Two readouts a shot have words; what the second one says is overwritten unread."""
    decided: set[int] = set()
    node = OutcomeTree._node

    def counted(self, halt) -> int:
        decided.add(len(halt.decisions) if halt.captures else 1)
        return node(self, halt)

    monkeypatch.setattr(OutcomeTree, "_node", counted)
    _, why = played(monkeypatch, True)
    assert not why
    assert decided <= {0, 1}
    assert 1 in decided

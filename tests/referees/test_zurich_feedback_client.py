"""The vendor's client runs SeqC that depends on what it measures, on a twin before a chip.

Programs are plain SeqC, compiled by the vendor's compiler in the vendor's toolkit; what comes out
is held against a Monte Carlo of its own, with numbers of the chip and of the readout that was
calibrated through the client.
"""

import numpy as np
import pytest
from tests.benches.referees.reset_monte_carlo import expected, flipped, near
from tests.benches.thoroughness import sampled
from tests.benches.zurich.feedback_client import (
    DELAY,
    DRIVE,
    HEAD,
    PI,
    SAMPLES,
    START,
    driving,
    play,
    shfqc,
)
from zhinst.timing_models import (
    FeedbackPath,
    QAType,
    QCCSFeedbackModel,
    SGType,
    TriggerSource,
    get_feedback_system_description,
)

__all__ = ["shfqc"]

BRANCH = (
    HEAD
    + """
var bit;
repeat ({shots}) {{
  playZero(112); resetOscPhase();
  executeTableEntry(2);
  playZero({wait});
  bit = getFeedback(QA_DATA_PROCESSED, t + {latency} - 20);
  if (bit) {{ executeTableEntry(1); }} else {{ playZero(80); }}
  playZero({rest});
  t += 5000;
}}
"""
)


@pytest.mark.parametrize(
    "text",
    sampled([DRIVE, BRANCH], kept=[]),
    ids=["a table entry", "a branch"],
)
def test_active_reset_leaves_what_decay_and_errors_of_assignment_predict(shfqc, text):
    shots = 2000
    half = shfqc.separation[0]
    assert half > 2
    drive = (0, driving(shots, text=text), PI[0], PI[0] / 2)
    found = play(shfqc, shots, "result_of_discrimination", drive)[0].real
    first, second = found[:, 0], found[:, 1]
    assert set(np.unique(found)) == {0.0, 1.0}
    bit, again = expected(half, shots, flipped, lambda level, bit: np.where(bit, 1 - level, level))
    assert near(first.sum(), bit.sum(), shots)
    assert near(second.sum(), again.sum(), shots)
    for value in (0, 1):
        mine, theirs = second[first == value], again[bit == value]
        assert near(mine.mean() * 1000, theirs.mean() * 1000, 1000), value
    assert second.mean() < 0.2 * first.mean(), "the qubit was reset"


def test_without_the_pulse_the_same_program_resets_nothing(shfqc):
    shots = 1000
    drive = (0, driving(shots), 0.0, PI[0] / 2)
    found = play(shfqc, shots, "result_of_discrimination", drive)[0].real
    assert abs(found[:, 1].mean() - found[:, 0].mean()) < 0.08
    assert np.mean(found[:, 0] == found[:, 1]) > 0.85, "a level that was read stays"


def test_an_entry_that_is_asked_for_a_cycle_too_early_depends_on_the_reading_before(shfqc):
    """The vendor's model says when a result can be read; before, the last one is still there."""
    model = QCCSFeedbackModel(
        get_feedback_system_description(
            SGType.SHFQC, QAType.SHFQC, trigger_source=TriggerSource.INTERNAL,
            feedback_path=FeedbackPath.INTERNAL,
        )
    )  # fmt: skip
    there = model.get_latency(START + DELAY + SAMPLES)
    shots = 800
    # The entry begins on the grid of 16 samples.
    times = [there + (there + 3) % 2, there - 1 - (there + 2) % 2]
    assert times[1] in (there - 1, there - 2)
    timely, early = (
        play(
            shfqc, shots, "result_of_discrimination",
            (0, driving(shots, latency=latency), PI[0], PI[0] / 2),
        )[0].real
        for latency in times
    )  # fmt: skip
    assert timely[:, 1].mean() < 0.15
    # What is still there is the second reading of the shot before.
    flips = early[1:, 0] != early[1:, 1]
    before = early[:-1, 1]
    assert flips[before == 1].mean() > 0.8
    assert flips[before == 0].mean() < 0.15


@pytest.mark.slow
def test_a_gate_on_another_qubit_depends_on_the_result(shfqc):
    """q1 is flipped where q0 was read 1: both are read together, each in its couple of bits."""
    shots = 1000
    found = play(
        shfqc, shots, "result_of_discrimination",
        (0, driving(shots), 0.0, PI[0] / 2),
        (1, driving(shots, shift=0), PI[1], 0.0),
    ).real  # fmt: skip
    cause, kept = found[0, :, 0], found[0, :, 1]
    before, effect = found[1, :, 0], found[1, :, 1]
    assert 0.4 < cause.mean() < 0.6
    assert effect[(cause == 1) & (before == 0)].mean() > 0.85
    assert effect[(cause == 0) & (before == 0)].mean() < 0.12
    assert (kept == cause).mean() > 0.85, "q0 stays what it was read as"
    own = play(
        shfqc, shots, "result_of_discrimination", (1, driving(shots, shift=2), PI[1], PI[1] / 2)
    ).real
    assert own[1, :, 1].mean() < 0.2 * own[1, :, 0].mean(), "the second couple is q1's"

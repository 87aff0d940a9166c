"""Pulses are shaped for the chip that was seen: also where it is not the one that was expected."""

import numpy as np
import pytest
from tests.benches.thoroughness import cases

from podium.control.calibration.gate_model import GateModel, PairLevels
from podium.control.calibration.pulse_design import (
    EARLY_NS,
    PRIOR,
    Trial,
    both_halves,
    draw_of,
    learned,
    line_matrix,
    shaped,
)
from podium.control.compilers.line_inverse import behind_line
from podium.control.facility.line_response import LineResponse
from podium.control.parameters.entry import Measured

STORED = PairLevels(6.02e9, 5.40e9, (-175e6, -180e6), 5.2e6, 1.0, 0.4)
MEETING = 0.56
HIDDEN = {name: value for name, (value, _) in PRIOR.items()} | {
    "scale": 1.004,
    "late": 0.4,
    "exchange": 1.008,
    "growth": 0.016,
}


def seen(samples: np.ndarray, rng: np.random.Generator) -> Trial:
    """What the hidden chip does, as well as it is measured."""
    [played] = GateModel([draw_of(STORED, MEETING, HIDDEN, samples.size)]).played(samples)
    found = [
        Measured(value + sigma * rng.normal(), sigma, "1")
        for value, sigma in (
            (played.conditional, 2e-3),
            (played.lost, 1e-3),
            (played.swapped, 1e-3),
        )
    ]
    return Trial(tuple(samples.tolist()), *found)


def test_a_line_is_late_and_keeps_some_of_a_step() -> None:
    rng = np.random.default_rng(3)
    samples = rng.normal(0, 1, 40)
    line = LineResponse(((0.003, EARLY_NS * 1e-9),), None, (0.25 / 0.75, 1e-9))
    given = np.append(samples, [0.0, 0.0])
    wanted = 0.75 * behind_line(line, given, 1e9)
    assert line_matrix(40, 0.25, 0.003) @ samples == pytest.approx(wanted, abs=1e-12)


def test_each_look_leaves_less_of_the_error() -> None:
    rng = np.random.default_rng(4)
    begin = both_halves(MEETING * np.concatenate([np.ones(35), np.full(3, 0.3)]))
    trials = [seen(begin, rng)]
    chip = GateModel([draw_of(STORED, MEETING, HIDDEN, 72)])
    errors = [GateModel([draw_of(STORED, MEETING, HIDDEN, 76)]).played(begin)[0].infidelity]
    for _ in range(cases(1, 2)):
        pulse, expected = shaped(learned(STORED, MEETING, trials), 72, 0.99)
        errors.append(chip.played(pulse)[0].infidelity)
        trials += [seen(scale * pulse, rng) for scale in (1.0, 1.003, 0.997)]
        assert expected < 3e-4
    belief = learned(STORED, MEETING, trials)
    pulse, _ = shaped(belief, 72, 0.99)
    assert chip.played(pulse)[0].infidelity < 2e-4 < 2e-3 < errors[0]
    for name in ("scale", "exchange", "late"):
        off = abs(belief.fit.values[name] - HIDDEN[name])
        assert off < 4 * belief.fit.sigmas[name], name


def test_a_pulse_has_no_area_and_stays_below_full_scale() -> None:
    trial = Trial((0.0, 0.0), Measured(0.0, 1.0, "1"), *2 * (Measured(0.0, 1.0, "1"),))
    belief = learned(STORED, MEETING, [trial])
    pulse, error = shaped(belief, 76, 0.57)
    assert pulse.sum() == pytest.approx(0, abs=1e-12)
    assert np.abs(pulse).max() <= 0.57
    alone = GateModel([belief.likeliest(76)]).played(pulse)[0]
    assert alone.infidelity < error

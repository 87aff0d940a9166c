"""A fit that is repeated with something shifted begins from what it found before."""

import numpy as np
import pytest

from podium.control.calibration.fits.least_squares import (
    Bound,
    FitFailed,
    Solutions,
    fit_least_squares,
    near,
    solutions_noted,
)

X = np.linspace(0.0, 1.0, 60)


def decaying(at):
    amplitude, rate, frequency, offset = at
    return amplitude * np.exp(-rate * X) * np.cos(2 * np.pi * frequency * X) + offset


def two_wells(values):
    x = values["x"]
    return np.array([x * x - 1.0, 0.3 * (x - 1.0)])


def test_a_fit_near_an_earlier_one_stays_in_its_minimum() -> None:
    """Of two minima near -1 and at 1 the one at 1 is lower; the shifted data lower the other."""
    starts = [{"x": -1.5}, {"x": 1.5}]
    with solutions_noted() as solutions:
        first = fit_least_squares(two_wells, np.zeros(2), 1.0, starts)
    assert first.values["x"] == pytest.approx(1.0)
    shifted = np.array([0.0, -0.6])
    assert fit_least_squares(two_wells, shifted, 1.0, starts).values["x"] < 0
    with near(solutions):
        assert fit_least_squares(two_wells, shifted, 1.0, starts).values["x"] > 0
    with near(solutions):  # and again: nothing was used up
        assert fit_least_squares(two_wells, shifted, 1.0, starts).values["x"] > 0


def test_a_second_fit_has_its_own_predecessor_and_a_third_has_none() -> None:
    def line(values):
        return values["a"] * X + values["b"]

    with solutions_noted() as solutions:
        fit_least_squares(two_wells, np.zeros(2), 1.0, [{"x": 1.5}])
        fit_least_squares(line, 2 * X + 1, 1.0, [{"a": 0.0, "b": 0.0}])
    assert [sorted(one or {}) for one in solutions.found] == [["x"], ["a", "b"]]
    with near(solutions):
        fit_least_squares(two_wells, np.zeros(2), 1.0, [{"x": -1.5}])
        again = fit_least_squares(line, 3 * X + 1, 1.0, [{"a": 0.0, "b": 0.0}])
        third = fit_least_squares(two_wells, np.zeros(2), 1.0, [{"x": -1.5}])
    assert again.values["a"] == pytest.approx(3.0)
    assert third.values["x"] < 0
    assert len(solutions.found) == 2


def test_a_parameter_is_fitted_up_to_its_bound() -> None:
    with pytest.raises(FitFailed, match="do not fix"):
        fit_least_squares(
            lambda v: v["a"] * X * 0 + v["b"], X * 0 + 1 + 0.1 * X, 1.0, [{"a": 1.0, "b": 1.0}]
        )
    fit = fit_least_squares(lambda v: v["a"] * X, 2 * X, 0.01, [{"a": 0.5}], {"a": Bound(0.0, 1.0)})
    assert fit.values["a"] == pytest.approx(1.0, abs=1e-5)


def test_where_a_slope_vanishes_the_other_starts_are_tried_again() -> None:
    def model(values):
        return values["a"] + max(values["w"], 0.0) * X

    with near(Solutions([{"a": 1.0, "w": -1.0}])):
        again = fit_least_squares(model, 1 + 0.5 * X, 0.01, [{"a": 0.8, "w": 0.7}])
    assert again.values["w"] == pytest.approx(0.5, abs=1e-6)

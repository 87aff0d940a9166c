"""Our own minimiser against SciPy's: the same minima, within bounds and at them."""

import numpy as np
import pytest
from scipy.optimize import least_squares

from podium.control.calibration.fits.least_squares import (
    Bound,
    FitFailed,
    fit_least_squares,
    near,
    solutions_noted,
)
from podium.control.calibration.fits.levenberg_marquardt import descend

X = np.linspace(0.0, 1.0, 60)


def decaying(at):
    amplitude, rate, frequency, offset = at
    return amplitude * np.exp(-rate * X) * np.cos(2 * np.pi * frequency * X) + offset


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("tight", [False, True])
def test_the_minimum_is_the_one_of_scipy(seed: int, tight: bool) -> None:
    random = np.random.default_rng(seed)
    true = np.array([1.0, 2.0, 3.0, 0.2]) * random.uniform(0.8, 1.2, 4)
    data = decaying(true) + 0.02 * random.standard_normal(X.size)
    start = true * random.uniform(0.9, 1.1, 4)
    width = np.array([0.05, 0.1, 0.05, 0.01]) if tight else np.full(4, np.inf)

    def residuals(u):
        return (decaying(start + u) - data) / 0.02

    found = descend(residuals, -width, width)
    wanted = least_squares(residuals, np.zeros(4), bounds=(-width, width))
    assert found is not None
    assert found.cost == pytest.approx(wanted.cost, rel=1e-5)
    assert np.all(np.abs(found.at) <= width)
    np.testing.assert_allclose(found.at, wanted.x, atol=1e-3 * 0.02)


def test_a_valley_that_bends_is_followed_to_its_end() -> None:
    """Rosenbrock's: 100 (y - x^2)^2 + (1 - x)^2, from (-1.2, 1)."""
    start = np.array([-1.2, 1.0])

    def residuals(u):
        x, y = start + u
        return np.array([10 * (y - x * x), 1 - x])

    found = descend(residuals, np.full(2, -10.0), np.full(2, 10.0))
    assert found is not None
    np.testing.assert_allclose(start + found.at, [1.0, 1.0], atol=1e-6)


def test_what_is_not_a_number_at_the_start_leads_nowhere() -> None:
    def residuals(u):
        return np.full(3, np.nan)

    assert descend(residuals, -np.ones(1), np.ones(1)) is None


def test_a_step_into_what_is_not_a_number_is_taken_back() -> None:
    def residuals(u):
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.array([np.log(1.0 + u[0]) - 2.0, 0.0])

    found = descend(residuals, np.full(1, -np.inf), np.full(1, np.inf))
    assert found is not None
    assert 1.0 + found.at[0] == pytest.approx(np.exp(2.0), rel=1e-6)


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

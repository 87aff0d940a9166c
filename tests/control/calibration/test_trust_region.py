"""SciPy's least squares with bounds is the referee."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import least_squares

from podium.control.calibration.fits.trust_region import Descent, descend

Array = NDArray[np.float64]
ENDS = 1e-9
TIME = np.linspace(0, 3, 40)


def decays(random: np.random.Generator) -> tuple[Array, Array, Array, Array]:
    """Return data of a decay, and a start with the bounds about it."""
    truth = np.array([0.2, 1.0, random.uniform(0.3, 3.0)])
    data = truth[0] + truth[1] * np.exp(-truth[2] * TIME) + random.normal(0, 0.02, TIME.size)
    start = truth * random.uniform(0.6, 1.6, 3)
    return data, start, start - random.uniform(0.05, 3, 3), start + random.uniform(0.05, 3, 3)


class Decay:
    """Tells how far a decay is off its data, in steps from a start."""

    def __init__(self, data: Array, start: Array, scale: float) -> None:
        self.data, self.start, self.scale = data, start, scale

    def left_at(self, at: Array) -> Array:
        offset, height, rate = self.start + at * self.scale
        return np.asarray((offset + height * np.exp(-rate * TIME) - self.data) / self.scale)

    def slopes_at(self, at: Array) -> Array:
        _, height, rate = self.start + at * self.scale
        gone = np.exp(-rate * TIME)
        return np.stack([np.ones_like(TIME), gone, -height * TIME * gone], axis=1)


def descended(problem: Decay, low: Array, high: Array) -> Descent:
    found = descend(problem.left_at, problem.slopes_at, low, high, 10.0, ENDS)
    assert found is not None
    return found


def test_it_ends_where_scipy_does_beside_bounds_too() -> None:
    random = np.random.default_rng(5)
    at_bounds = 0
    for _ in range(60):
        data, start, low, high = decays(random)
        problem = Decay(data, start, 0.02)
        low, high = (low - start) / problem.scale, (high - start) / problem.scale
        found = descended(problem, low, high)
        wanted = least_squares(
            problem.left_at, np.zeros(3), jac=problem.slopes_at, bounds=(low, high), ftol=1e-14
        )
        assert 0.5 * found.left @ found.left == pytest.approx(wanted.cost, rel=1e-6)
        near = np.linalg.norm(problem.slopes_at(found.at) @ (found.at - wanted.x))
        assert near < 0.03, "of a sigma of what is left"
        assert (found.at >= low).all()
        assert (found.at <= high).all()
        assert found.left == pytest.approx(problem.left_at(found.at))
        assert found.slopes == pytest.approx(problem.slopes_at(found.at))
        at_bounds += int(np.any(found.at - low < 1e-6) or np.any(high - found.at < 1e-6))
    assert 10 < at_bounds < 50


def test_a_start_at_a_bound_leaves_it_where_the_squares_fall_inside() -> None:
    data, start, *_ = decays(np.random.default_rng(0))
    problem = Decay(data, start, 0.02)
    inner = np.zeros(3), np.full(3, 1e3)
    found = descended(problem, *inner)
    wanted = least_squares(problem.left_at, np.full(3, 1e-9), bounds=inner, ftol=1e-14)
    assert 0.5 * found.left @ found.left == pytest.approx(wanted.cost, rel=1e-6)


def test_a_direction_that_changes_nothing_is_not_gone_along() -> None:
    def slopes_at(at: Array) -> Array:
        return np.stack([np.ones(5), np.zeros(5)], axis=1)

    found = descend(
        lambda at: np.full(5, at[0] - 3.0),
        slopes_at,
        *(np.full(2, -9.0), np.full(2, 9.0)),
        10,
        ENDS,
    )
    assert found is not None
    assert found.at == pytest.approx([3.0, 0.0])


def test_what_is_no_number_leads_nowhere() -> None:
    bounds = np.full(1, -1.0), np.full(1, 1.0)
    assert descend(lambda at: np.full(3, np.nan), lambda at: np.ones((3, 1)), *bounds, 1, 1) is None


def test_a_step_into_what_is_no_number_is_made_shorter() -> None:
    def left_at(at: Array) -> Array:
        with np.errstate(invalid="ignore"):
            return np.asarray(np.log(np.array([2.0, 1.0]) - at[0]) * np.array([1.0, 0.01]))

    def slopes_at(at: Array) -> Array:
        return np.asarray(np.array([[-1.0], [-0.01]]) / (np.array([[2.0], [1.0]]) - at[0]))

    found = descend(left_at, slopes_at, np.full(1, -9.0), np.full(1, 9.0), 10.0, ENDS)
    assert found is not None
    assert found.at[0] == pytest.approx(0.99, abs=0.02)

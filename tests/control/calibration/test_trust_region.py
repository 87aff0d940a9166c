"""Our steps of the trust-region reflective method end where SciPy's do."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import least_squares

from podium.control.calibration.fits.trust_region import minimise

X = np.linspace(-1.0, 1.0, 60)
MODELS = {
    "line": (lambda p: p[0] + p[1] * X, 2),
    "decay": (lambda p: p[0] * np.exp(-p[1] * (X + 1)) + p[2], 3),
    "peak": (lambda p: p[0] / (1 + ((X - p[1]) / (0.1 + p[2] ** 2)) ** 2) + p[3], 4),
    "oscillation": (lambda p: p[0] * np.cos(2 * np.pi * (p[1] + 1) * X + p[2]) + p[3], 4),
    "edge": (lambda p: np.where(p[0] < X, p[1], p[2]) + p[3] * X**2, 4),
    "two of one": (lambda p: (p[0] + p[1]) * X, 2),
}
NO = np.inf


def both(model, true, start, low, high, seed, noise):
    """Return where ours ends and where SciPy's does, from one start; None: nowhere."""
    of, count = MODELS[model]
    true, start, low, high = (np.asarray(one[:count], float) for one in (true, start, low, high))
    data = of(true) + np.random.default_rng(seed).normal(0, noise, X.size)
    start = np.clip(start, low, high)
    theirs = least_squares(lambda p: of(p) - data, start, bounds=(low, high))
    ours = minimise(lambda p: of(p) - data, start, low, high)
    return ours, theirs if theirs.status > 0 else None


numbers = st.lists(st.floats(-2, 2, allow_subnormal=False), min_size=4, max_size=4)
widths = st.lists(st.sampled_from([0.01, 0.5, 3.0, NO]), min_size=4, max_size=4)


@settings(deadline=None, derandomize=True)
@given(
    st.sampled_from(sorted(MODELS)), numbers, numbers, widths, widths, st.sampled_from([1e-3, 0.3])
)
def test_it_ends_where_scipy_does(model, true, start, below, above, noise) -> None:
    low, high = np.subtract(start, below), np.add(start, above)
    ours, theirs = both(model, true, start, low, high, 1, noise)
    assert (ours is None) == (theirs is None)
    if ours is None or theirs is None:
        return
    assert np.all((ours.at > low[: ours.at.size]) & (ours.at < high[: ours.at.size]))
    # One of the two may turn off to another minimum where a step falls on the edge of two.
    assert ours.cost == pytest.approx(theirs.cost, rel=1e-5, abs=1e-9)
    assert ours.jacobian.shape == theirs.jac.shape


@pytest.mark.parametrize(
    ("low", "high"),
    [
        ([-NO] * 4, [NO] * 4),
        ([0.0, -NO, -1.0, -0.5], [NO, 0.25, 1.0, 0.5]),
        ([0.0, 0.6, -1.0, -0.5], [2.0, 0.7, 1.0, 0.5]),
    ],
    ids=["no bounds", "inside", "at a bound"],
)
def test_parameters_and_slopes_are_scipys(low, high) -> None:
    ours, theirs = both(
        "peak", [1.3, 0.2, 0.4, 0.1], [1.0, 0.62, 0.6, 0.0], low, high, seed=2, noise=1e-2
    )
    assert ours is not None
    assert ours.at == pytest.approx(theirs.x, abs=1e-6)
    assert ours.jacobian == pytest.approx(theirs.jac, abs=1e-4)
    assert ours.cost == pytest.approx(theirs.cost, rel=1e-9)


def test_residuals_that_are_no_numbers_lead_nowhere() -> None:
    none = np.full(2, NO)
    assert minimise(lambda p: X * np.nan + p[0], np.ones(2), -none, none) is None
    with pytest.raises(ValueError, match="are not below"):
        minimise(lambda p: p, np.zeros(2), np.ones(2), np.ones(2))


def test_a_step_into_what_is_no_number_is_shortened() -> None:
    def residuals(at):
        return np.where(at[0] < 3, at[0] + X * at[0] ** 2 - 2.5, np.nan)

    none = np.full(1, NO)
    found = minimise(residuals, np.array([0.1]), -none, none)
    assert found is not None
    assert found.at == pytest.approx(least_squares(residuals, [0.1]).x, rel=1e-6)

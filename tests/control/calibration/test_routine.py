"""What every routine refuses, also one of your own: what noise would give as well."""

import numpy as np
import pytest
from scipy import stats
from tests.benches.calibration.honest_sigmas import FALSE_ALARM
from tests.benches.thoroughness import cases

from podium.control.calibration.fits.least_squares import FitFailed
from podium.control.calibration.outcome import Outcome, Panel, Series
from podium.control.calibration.routine import (
    FALSE_ALARMS,
    PARAMETERS,
    refuse_clipped,
    refuse_empty,
    refuse_senseless,
    refuse_unexplained,
)
from podium.control.parameters.entry import Measured

SCANS = cases(1_000, 3_000)
X = np.linspace(-1, 1, 41)
WIDTH = 0.08


def peak(centre: float) -> np.ndarray:
    return np.asarray(1 / (1 + ((X - centre) / WIDTH) ** 2))


BASES = np.stack([np.linalg.qr(np.stack([np.ones(X.size), peak(x)], axis=1))[0] for x in X])
"""Of a constant and the peak at each place, (41, 41, 2)."""


def fitted(points: np.ndarray) -> Panel:
    """Return the panel of the peak that fits best, of those at every point; its height is free."""
    each = (BASES @ (BASES.swapaxes(1, 2) @ points[:, None]))[..., 0]
    best = each[np.argmin(np.sum((points - each) ** 2, axis=1))]
    series = (Series("data", X, points), Series("fit", X, best, line=True))
    return Panel("q0", "x", "y", series)


def passes(panel: Panel) -> bool:
    try:
        refuse_unexplained(panel)
    except FitFailed:
        return False
    return True


def test_noise_is_hardly_ever_explained() -> None:
    """At the best of 41 places: as many pass as are said to, at most."""
    rng = np.random.default_rng(21)
    passed = sum(passes(fitted(rng.normal(0, 1, X.size))) for _ in range(SCANS))
    assert passed <= stats.binom.isf(FALSE_ALARM, SCANS, FALSE_ALARMS)


def test_noise_is_not_explained_by_many_parameters_either() -> None:
    """A fit of as many parameters as a line is taken to have passes as seldom as is said."""
    rng = np.random.default_rng(24)
    columns = np.vander(X, PARAMETERS + 1)
    onto, *_ = np.linalg.svd(columns, full_matrices=False)
    passed = 0
    for points in rng.normal(0, 1, (SCANS, X.size)):
        line = Series("fit", X, onto @ (onto.T @ points), line=True)
        passed += passes(Panel("q0", "x", "y", (Series("data", X, points), line)))
    assert passed <= stats.binom.isf(FALSE_ALARM, SCANS, FALSE_ALARMS / X.size)


def test_a_real_line_is_explained() -> None:
    """Of lines as high as 12 times the noise of a point, nearly none is refused."""
    rng = np.random.default_rng(22)
    panels = [fitted(12 * peak(rng.uniform(-0.5, 0.5)) + rng.normal(0, 1, 41)) for _ in range(200)]
    assert sum(map(passes, panels)) >= 199
    with pytest.raises(
        FitFailed, match=r"leaves \d+ % of the scatter of 41 points: they are noise"
    ):
        refuse_unexplained(fitted(rng.normal(0, 1, X.size)))


def test_lines_are_compared_with_points_wherever_they_are_drawn() -> None:
    """A line on a grid of its own, in any order, and several pairs of points and lines."""
    rng = np.random.default_rng(23)
    grid = np.linspace(1, -1, 401)
    pairs = [
        (Series("data", X, 8 * np.sin(4 * X + k) + rng.normal(0, 1, 41)),
         Series("fit", grid, 8 * np.sin(4 * grid + k), line=True))
        for k in (0, 1)
    ]  # fmt: skip
    series = tuple(one for one, _ in pairs) + tuple(line for _, line in pairs)
    assert passes(Panel("q0", "x", "y", series))
    assert not passes(Panel("q0", "x", "y", (*series[:2], series[3], series[2])))


def test_panels_without_lines_and_those_that_say_so_are_not_judged() -> None:
    points = Series("data", X, np.random.default_rng(24).normal(0, 1, 41))
    flat = Series("fit", X, np.zeros(41), line=True)
    assert passes(Panel("q0", "x", "y", (points,)))
    assert not passes(Panel("q0", "x", "y", (points, flat)))
    assert passes(Panel("q0", "x", "y", (points, flat), judged=False))


@pytest.mark.parametrize("sigma", [0.0, -1.0, np.nan, np.inf])
def test_a_sigma_that_no_store_keeps_is_refused(sigma: float) -> None:
    refuse_senseless({"t1": Measured(1e-5, 1e-6, "s")})
    with pytest.raises(FitFailed, match="the fit gives t1 = 1e-05 ±"):
        refuse_senseless({"t1": Measured(1e-5, sigma, "s")})
    with pytest.raises(FitFailed, match="the fit gives t1 = nan ±"):
        refuse_senseless({"t1": Measured(np.nan, 1e-6, "s")})


def test_what_is_drawn_must_be_numbers_that_differ() -> None:
    points = np.random.default_rng(25).normal(0, 1, 41)
    refuse_empty(Panel("q0", "x", "y", (Series("data", X, points),)))
    for values, says in ((np.full(41, 0.3), "are the same"), (points * np.nan, "not numbers")):
        with pytest.raises(FitFailed, match=says):
            refuse_empty(Panel("q0", "x", "y", (Series("data", X, values),)))


def test_a_capture_of_the_element_that_clipped_is_enough() -> None:
    outcome = Outcome("x", "X", saturated={"q1_herald", "q10"})
    refuse_clipped(outcome, "q0")
    with pytest.raises(FitFailed, match="the input clipped"):
        refuse_clipped(outcome, "q1")
    with pytest.raises(FitFailed, match="the input clipped"):
        refuse_clipped(outcome, "q10")

"""Fits how a Ramsey phase goes with the height of a pulse, of both signs, and unwinds it."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.fits.least_squares import Fit, FitFailed, fit_least_squares
from podium.control.calibration.fits.ramsey_phase import nearest_turn

Array = NDArray[np.float64]
STEPS = (1 / 16, 1 / 4, 0.8, 1.0)
SHARES = np.array([0.0, *(sign * step for step in STEPS for sign in (1, -1))])
"""Of the largest pulse, in the order in which phases are unwound: each pair tells the next one's
whole turns."""
POWERS = (0, 1, 2, 4)
"""Of the polynomial: what is odd is a slope, what is even may bend."""
SCATTERED = 12.0
"""Largest sum of squares per degree of freedom of phases that follow it."""


def unwound(turns: Array) -> Array:
    """Return phases over :data:`SHARES`, less the first, each pair near to what the last tells.

    From one pair to the next what is odd goes with the height, and what is even with its square.
    """
    found = np.asarray(turns - turns[0], np.float64)
    slope = bend = 0.0
    for k, step in enumerate(STEPS):
        pair = slice(2 * k + 1, 2 * k + 3)
        odd, even = slope * step, bend * step**2
        found[pair] = nearest_turn(found[pair], np.array([even + odd, even - odd]))
        up, down = found[pair].tolist()
        slope, bend = (up - down) / (2 * step), (up + down) / (2 * step**2)
    return found


def phase_at(shares: Array, values: Mapping[str, float]) -> Array:
    """Return the polynomial at shares of the largest pulse, turns."""
    terms = [values[f"c{k}"] * shares**k for k in POWERS]
    return np.asarray(np.sum(terms, axis=0), np.float64)


def fit_slope(turns: Array, sigma: Array) -> Fit:
    """Fit a polynomial to unwound phases over :data:`SHARES`: ``c1`` is its slope, turns.

    Raises FitFailed.
    """
    columns = np.stack([SHARES**k for k in POWERS], axis=1)
    begin = np.linalg.lstsq(columns / sigma[:, None], turns / sigma, rcond=None)[0]
    start = {f"c{k}": value for k, value in zip(POWERS, begin.tolist(), strict=True)}
    found = fit_least_squares(lambda v: phase_at(SHARES, v), turns, sigma, [start])
    if found.chi2 > SCATTERED:
        raise FitFailed(
            f"phases do not go smoothly with the height of a pulse: they scatter "
            f"{np.sqrt(found.chi2):.1f} times as much as their shots explain; a level may be "
            "crossed on the way"
        )
    return found

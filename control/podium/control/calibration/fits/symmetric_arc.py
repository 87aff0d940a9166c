"""Fits where a fluxonium's resonator is even over the flux, whatever its arc looks like.

A fluxonium's spectrum is even about half a flux quantum and about none. Its resonator's arc is so
too, also where a warm qubit mixes the arcs of its levels, photons bend them, and lines cross; so
the two fluxes are found by the symmetry alone, and only which is which by the arc's shape.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.fits.least_squares import Fit, FitFailed

Array = NDArray[np.float64]

PERIOD_OFF = 0.08
"""Periods are looked for within this part of the expected one."""
PERIODS, PLACES = 17, 151
"""Steps of the search over the period, and over places in half a period."""
LEAST_PAIRS = 5
"""Biases that must have a mirror image within what was measured."""
UNSEEN = 0.4
"""What counts of a flux at the end of what was measured, with too few mirror images: the other
flux must tell it alone."""
UNEVEN = 0.85
"""An arc is even where mirrored points differ by less than this part of what they scatter: about
both fluxes together; noise alone leaves some 1.4."""
MOVES = 8.0
"""Sigmas of a single bias by which a resonator that follows its qubit moves at least."""
KNOTS = 5
"""Of the even function about half a flux quantum: lines between them."""
REACH = 0.1
"""Periods to both sides within which that function is fitted."""
ROBUST = 3.0
"""Sigmas from which on a point pulls with the same force only (Huber)."""
SEARCHED = 0.02
"""Periods to both sides of where mirrored points fit best within which the middle lies."""


@dataclass(frozen=True, slots=True)
class Middles:
    """The fluxes about which an arc is even, V."""

    half_v: float
    """A bias of half a flux quantum, the nearest one to 0 V."""
    period_v: float
    sigma_v: float
    """Of the period."""


def find_middles(
    bias_v: Array,
    line_hz: Array,
    sigma_hz: Array,
    shape: Callable[[Array], Array],
    period_v: float,
) -> Middles:
    """Find both fluxes from biases over a whole period.

    ``shape``: the line about its bare frequency over the distance from half a flux quantum, in
    flux quanta, as the design has it, Hz; ``period_v``: what the period is expected to be. Raises
    FitFailed where the line does not move, or is not even.
    """
    scatter = float(np.median(np.abs(line_hz - np.median(line_hz))))
    if line_hz.size < 2 * LEAST_PAIRS or np.ptp(line_hz) < MOVES * float(np.median(sigma_hz)):
        raise FitFailed(
            f"the resonator does not follow the bias: it moves by {np.ptp(line_hz) / 1e3:.0f} kHz "
            f"at {line_hz.size} biases; is the flux line connected?"
        )
    scatter = max(scatter, float(np.median(sigma_hz)))
    order = np.argsort(bias_v)
    volts, lines = bias_v[order], line_hz[order]
    best = np.inf, 0.0, 0.0, period_v
    for period in period_v * np.linspace(1 - PERIOD_OFF, 1 + PERIOD_OFF, PERIODS):
        places = np.linspace(-0.25, 0.25, PLACES) * period
        others = places - np.copysign(period / 2, places)
        missed = _uneven(volts, lines, places, scatter) + _uneven(volts, lines, others, scatter)
        at = int(np.argmin(missed))
        if missed[at] < best[0]:
            best = float(missed[at]), float(places[at]), float(others[at]), float(period)
    missed_by, one, other, period = best
    if missed_by > UNEVEN:
        raise FitFailed(
            f"the resonator's arc is even about no two biases half a period apart: mirrored "
            f"points differ by {missed_by / 2:.2f} of what they scatter"
        )
    half, whole = sorted((one, other), key=lambda v: _unlike(volts, lines, v, period, shape))
    if _unlike(volts, lines, half, period, shape) > 0.7 * _unlike(
        volts, lines, whole, period, shape
    ):
        raise FitFailed(
            f"the resonator's arc is even about {one:.3f} and {other:.3f} V, and looks like half "
            "a flux quantum at neither"
        )
    half -= period * round(half / period)
    both_seen = max(_uneven(volts, lines, np.array([one, other]), scatter)) != UNSEEN
    doubt = 2 / PERIODS if both_seen else 1.0
    return Middles(half, period, doubt * PERIOD_OFF * period_v)


def _uneven(volts: Array, lines: Array, places: Array, scatter: float) -> Array:
    """Return by how much mirrored points differ about each place, of the scatter, 1 at most."""
    mirrored = 2 * places[:, None] - volts
    inside = (mirrored >= volts[0]) & (mirrored <= volts[-1])
    apart = np.abs(np.interp(mirrored, volts, lines) - lines)
    shares = np.where(inside, np.minimum(apart / scatter, 1.0), 0.0).sum(axis=1)
    count = inside.sum(axis=1)
    return np.asarray(np.where(count >= 2 * LEAST_PAIRS, shares / np.maximum(count, 1), UNSEEN))


def _unlike(
    volts: Array, lines: Array, half_v: float, period_v: float, shape: Callable[[Array], Array]
) -> float:
    """Return how far points lie from the design's shape, if half a flux quantum were there, Hz."""
    left = lines - shape((volts - half_v) / period_v)
    left = np.abs(left - np.median(left))
    most = 2 * float(np.median(np.abs(lines - np.median(lines))))
    return float(np.minimum(left, most).mean())


def fit_symmetric_arc(bias_v: Array, line_hz: Array, sigma_hz: Array, middles: Middles) -> Fit:
    """Fit an even function of straight pieces about half a flux quantum.

    Returns ``sweet_spot``, ``period`` (V), and ``line_0``, ``line_1`` ... (Hz), the line at
    knots from there to :data:`REACH` periods away. Raises FitFailed.
    """
    near_v, reach_v = middles.half_v, REACH * middles.period_v
    use = np.abs(bias_v - near_v) < reach_v
    volts, lines, sigmas = bias_v[use], line_hz[use], sigma_hz[use]
    if volts.size < KNOTS + 2:
        raise FitFailed(f"{volts.size} biases near {near_v:.3f} V are too few for an even arc")
    searched = SEARCHED * middles.period_v
    places = near_v + np.linspace(-searched, searched, 161)
    tried = [_even(volts - place, lines, sigmas, reach_v) for place in places]
    at = int(np.argmin([one.cost for one in tried]))
    found, middle = tried[at], float(places[at])
    slope = found.slope_by_middle(volts - middle, reach_v)
    jacobian = np.column_stack([slope, found.basis]) * (found.weights / sigmas)[:, None]
    degrees = volts.size - KNOTS - 1
    chi2 = found.cost / degrees
    covariance = np.linalg.pinv(jacobian.T @ jacobian) * max(1.0, chi2)
    names = ("sweet_spot", *(f"line_{n}" for n in range(KNOTS)), "period")
    whole = np.zeros((len(names), len(names)))
    whole[:-1, :-1] = covariance
    whole[-1, -1] = middles.sigma_v**2
    values = [middle, *found.lines_hz.tolist(), middles.period_v]
    sigma = float(np.hypot(np.sqrt(covariance[0, 0]), 2 * searched / 160 / np.sqrt(12)))
    if not sigma < searched / 2 or at in (0, len(places) - 1):
        raise FitFailed(f"the sweet spot is only known to {min(sigma, searched):.3f} V")
    whole[0, 0] = sigma**2
    sigmas_of = dict(zip(names, np.sqrt(np.diag(whole)).tolist(), strict=True))
    known = dict(zip(names, values, strict=True))
    return Fit(known, sigmas_of, whole, names, chi2, degrees)


def symmetric_arc(bias_v: Array, values: dict[str, float]) -> Array:
    """Return the line of :func:`fit_symmetric_arc` over the bias, Hz; NaN beyond its reach."""
    reach_v = REACH * values["period"]
    apart = np.abs(bias_v - values["sweet_spot"])
    lines = np.array([values[f"line_{n}"] for n in range(KNOTS)])
    found = _hats(apart, reach_v) @ lines
    return np.asarray(np.where(apart <= reach_v, found, np.nan))


@dataclass(frozen=True, slots=True, eq=False)
class _EvenFunction:
    lines_hz: Array
    basis: Array
    """Shape (points, knots)."""
    weights: Array
    cost: float

    def slope_by_middle(self, apart_v: Array, reach_v: float) -> Array:
        """Return how the line at each point moves with the middle, Hz / V."""
        step = 1e-3 * reach_v
        ahead, behind = (_hats(np.abs(apart_v + s), reach_v) for s in (-step, step))
        return np.asarray((ahead - behind) @ self.lines_hz / (2 * step))


def _hats(apart_v: Array, reach_v: float) -> Array:
    """Return the functions whose sums are straight between knots, shape (points, knots)."""
    knots = np.linspace(0, reach_v, KNOTS)
    return np.asarray(np.maximum(0.0, 1 - np.abs(apart_v[:, None] - knots) / knots[1]))


def _even(apart_v: Array, lines: Array, sigmas: Array, reach_v: float) -> _EvenFunction:
    """Fit an even function for one middle, points far off it counting less."""
    basis = _hats(np.abs(apart_v), reach_v)
    weights = np.ones(lines.size)
    middle = float(np.median(lines))
    for _ in range(6):
        scaled = basis * (weights / sigmas)[:, None]
        found, *_ = np.linalg.lstsq(scaled, (lines - middle) * weights / sigmas, rcond=1e-9)
        left = np.abs(lines - middle - basis @ found) / sigmas
        weights = np.sqrt(np.minimum(1.0, ROBUST / np.maximum(left, 1e-9)))
    cost = np.where(left < ROBUST, left**2, ROBUST * (2 * left - ROBUST)).sum()
    return _EvenFunction(np.asarray(found + middle, np.float64), basis, weights, float(cost))

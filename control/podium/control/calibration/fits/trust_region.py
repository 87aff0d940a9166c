"""Descends a sum of squares by steps that are trusted over a radius.

Gauss-Newton steps where they stay within the radius, else those of Levenberg and Marquardt that
have its length (Moré, in Numerical Analysis, Lecture Notes in Mathematics 630, 105 (1978)); radius
and ends as ``scipy.optimize.least_squares`` has them without bounds. A coordinate that has come to
a bound is held there as long as the squares fall beyond it. SciPy's import, and its many cases,
take more of a processor than most fits do.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

INSET = 1e-9
"""Bounds are kept from by so much: models need not hold on them."""
TOUCHES = 0.1 * INSET
"""Nearer to a bound than that is at it: so near the machine comes."""
ROUNDS = 100
"""Steps at most."""
GRADIENT, STEP = 1e-8, 1e-8
"""It has come to its end where the slope of half the squares is below the first, or a step is
shorter than the second, of the place's distance from 0."""
POOR, GOOD, GROWS = 0.25, 0.75, 2.0
"""Shares of what a step should take away: below the first the radius becomes that share of the
step, above the second it grows."""
LENGTHS, LENGTH = 10, 0.01
"""A step's length is sought so often, to that share of the radius."""


@dataclass(frozen=True, slots=True, eq=False)
class Descent:
    """Holds where a descent has ended."""

    at: Array
    """Shape (p,)."""
    left: Array
    """Shape (n,): the residuals there."""
    slopes: Array
    """Shape (n, p): theirs."""


def descend(
    left_at: Callable[[Array], Array],
    slopes_at: Callable[[Array], Array],
    low: Array,
    high: Array,
    radius: float,
    ends: float,
) -> Descent | None:
    """Return where half the squares of ``left_at`` are least, from 0 on; None: nowhere.

    ``low``, ``high`` of shape (p,): bounds, around 0; ``radius``: of the first step; ``ends``: it
    ends where a step takes away less than that share of the squares. Coordinates are scaled: a
    step of 1 along any moves the residuals by about as much.
    """
    low, high = low + INSET, high - INSET
    at = np.clip(np.zeros(len(low)), low, high)
    left, slopes = left_at(at), slopes_at(at)
    if not (np.isfinite(left).all() and np.isfinite(slopes).all()):
        return None
    for _ in range(ROUNDS):
        uphill = left @ slopes
        free = ~_goes_out(-uphill, at, low, high)
        if not free.any() or np.abs(uphill[free]).max() < GRADIENT:
            return Descent(at, left, slopes)
        half_squares = 0.5 * float(left @ left)
        gained, done = 0.0, False
        while gained <= 0 and not done:
            step = _step_along(free, at, left, slopes, low, high, radius)
            share = _share_within(step, at, low, high)
            step *= share
            size = float(np.linalg.norm(step))
            moved = slopes @ step
            expected = -float(left @ moved) - 0.5 * float(moved @ moved)
            there = np.clip(at + step, low, high)
            new = left_at(there)
            gained = half_squares - 0.5 * float(new @ new)
            if not np.isfinite(gained):
                gained = -np.inf
            come = gained / expected if expected > 0 else 0.0
            if come < POOR:
                radius = POOR * size
            elif come > GOOD and size > 0.95 * radius:
                radius *= GROWS
            small = size < STEP * (STEP + float(np.linalg.norm(at)))
            done = small or (share == 1 and come > POOR and gained < ends * half_squares)
        if gained > 0:
            at, left = there, new
            slopes = slopes_at(at)
        if done:
            return Descent(at, left, slopes)
    return None


def _step_along(
    free: NDArray[np.bool_],
    at: Array,
    left: Array,
    slopes: Array,
    low: Array,
    high: Array,
    radius: float,
) -> Array:
    """Return the next step: of ``free`` coordinates, but those that it would take out of bounds."""
    step = np.zeros(len(at))
    while free.any():
        turned, sizes, directions = np.linalg.svd(slopes[:, free], full_matrices=False)
        step[:] = 0.0
        step[free] = _step(sizes, left @ turned, radius) @ directions
        blocked = _goes_out(step, at, low, high)
        if not blocked.any():
            return step
        free = free & ~blocked
    return np.zeros(len(at))


def _goes_out(way: Array, at: Array, low: Array, high: Array) -> NDArray[np.bool_]:
    """Return which coordinates are at a bound that a way leads beyond."""
    return np.asarray((at <= low + TOUCHES) & (way < 0) | (at >= high - TOUCHES) & (way > 0))


def _share_within(step: Array, at: Array, low: Array, high: Array) -> float:
    """Return which share of a step leads to the first bound on its way; 1: there is none."""
    there = at + step
    if (there >= low).all() and (there <= high).all():
        return 1.0
    outside = (there < low) | (there > high)
    room = np.where(step > 0, high - at, low - at)[outside] / step[outside]
    return float(np.clip(room.min(), 0.0, 1.0))


def _step(sizes: Array, along: Array, radius: float) -> Array:
    """Return the step, along the directions of singular values ``sizes``, of a length at most.

    ``along``: the residuals in these directions.
    """
    weighed = sizes * along
    has_all = sizes[-1] > np.finfo(np.float64).eps * len(sizes) * sizes[0]
    if has_all:
        step = -along / sizes
        if np.linalg.norm(step) <= radius:
            return np.asarray(step)

    def too_long(damping: float) -> tuple[float, float]:
        """Return by how much the step is longer than the radius, and how that changes."""
        below = sizes**2 + damping
        length = float(np.linalg.norm(weighed / below))
        return length - radius, -float(np.sum(weighed**2 / below**3)) / length

    most, least = float(np.linalg.norm(weighed)) / radius, 0.0
    if has_all:
        longer, change = too_long(0.0)
        least = -longer / change
    damping = max(1e-3 * most, float(np.sqrt(least * most)))
    for _ in range(LENGTHS):
        if not least <= damping <= most:
            damping = max(1e-3 * most, float(np.sqrt(least * most)))
        longer, change = too_long(damping)
        if longer < 0:
            most = damping
        least = max(least, damping - longer / change)
        damping -= (longer + radius) * longer / change / radius
        if abs(longer) < LENGTH * radius:
            break
    step = -weighed / (sizes**2 + damping)
    return np.asarray(step * (radius / np.linalg.norm(step)))

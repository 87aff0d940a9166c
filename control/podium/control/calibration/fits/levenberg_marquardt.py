"""Least squares from one start, within bounds: the method of Levenberg and Marquardt.

K. Levenberg, Quart. Appl. Math. 2, 164 (1944); D. Marquardt, J. SIAM 11, 431 (1963); the damping is
scaled with the curvature (J. More, in Lecture Notes in Mathematics 630, 105, 1978). A parameter at
a bound that wants to go beyond stays there, the others are free; steps are cut off at the bounds.
SciPy's ``least_squares`` finds the same minima; of its time for fits as small as ours (ten
parameters, a hundred points) three quarters are its own.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

TOLERANCE = 1e-8
"""It is over when a step lowers the sum of squares by less than this share of it, or moves the
parameters by less than this share of them (SciPy's ftol and xtol)."""
STEPS_PER_PARAMETER = 100
"""Tried steps before a start is given up (SciPy's max_nfev)."""
DIFFERENCE = float(np.sqrt(np.finfo(np.float64).eps))
"""Relative step of slopes by differences, as MINPACK and SciPy have it."""
DAMPING, LEAST_DAMPING, MOST_DAMPING = 1e-3, 1e-12, 1e12
FREE_DAMPING = 0.1
"""With more damping than this a small step says nothing about how far the minimum is."""


@dataclass(frozen=True, slots=True, eq=False)
class Minimum:
    """Where the sum of squares is least."""

    at: Array
    """Shape (p,)."""
    cost: float
    """Half the sum of squares."""
    slopes: Array
    """Shape (n, p): of the residuals, there."""


def descend(residuals: Callable[[Array], Array], low: Array, high: Array) -> Minimum | None:
    """Minimise the sum of squares of ``residuals(u)`` from u = 0; None when it comes to no end.

    ``low``, ``high``: bounds of u, shape (p,), 0 about between them. The scale of u should be such
    that a step of 1 matters about as much in each parameter.
    """
    at = np.clip(np.zeros(low.size), low, high)
    here = residuals(at)
    cost = 0.5 * float(here @ here)
    if not np.isfinite(cost):
        return None
    slopes = slopes_at(residuals, at, here, low, high)
    damping = DAMPING
    for _ in range(STEPS_PER_PARAMETER * at.size):
        gradient = slopes.T @ here
        if not np.all(np.isfinite(gradient)):
            return None
        free = np.flatnonzero(
            ~(((at <= low) & (gradient > 0)) | ((at >= high) & (gradient < 0)) | (gradient == 0))
        )
        if not free.size or cost == 0.0:
            return Minimum(at, cost, slopes)
        step = _step(slopes[:, free], gradient[free], damping)
        there = at.copy()
        there[free] = np.clip(at[free] + step, low[free], high[free])
        moved = there - at
        along = slopes @ moved
        expected = -float(gradient @ moved) - 0.5 * float(along @ along)
        next_here = residuals(there)
        next_cost = 0.5 * float(next_here @ next_here)
        gained = cost - next_cost
        short = float(np.linalg.norm(moved)) < TOLERANCE * (TOLERANCE + float(np.linalg.norm(at)))
        little = abs(expected) <= TOLERANCE * cost and damping <= FREE_DAMPING
        if gained > 0:
            over = short or (little and gained <= TOLERANCE * cost)
            damping *= 0.1 if gained > 0.75 * expected else 2.0 if gained < 0.25 * expected else 1.0
            damping = max(damping, LEAST_DAMPING)
            at, here, cost = there, next_here, next_cost
            slopes = slopes_at(residuals, at, here, low, high)
        else:
            over = short or little
            damping *= 8.0
        if over or damping > MOST_DAMPING:
            return Minimum(at, cost, slopes)
    return None


def slopes_at(
    residuals: Callable[[Array], Array], at: Array, here: Array, low: Array, high: Array
) -> Array:
    """Return how the residuals change with each parameter, shape (n, p), by differences."""
    out = np.empty((here.size, at.size))
    for k in range(at.size):
        # A parameter that is 0 moves by as much as one of 1.
        size = DIFFERENCE * max(abs(float(at[k])), 1.0)
        there = at.copy()
        there[k] += size if at[k] + size <= high[k] else -size
        out[:, k] = (residuals(there) - here) / (there[k] - at[k])
    return out


def _step(slopes: Array, gradient: Array, damping: float) -> Array:
    """Return the damped step of Gauss and Newton."""
    curvature = slopes.T @ slopes
    size = np.diagonal(curvature).copy()
    size[size == 0.0] = 1.0
    root = np.sqrt(size)
    scaled = curvature / np.outer(root, root)
    scaled[np.diag_indices_from(scaled)] = 1.0 + damping
    try:
        step = -np.linalg.solve(scaled, gradient / root)
    except np.linalg.LinAlgError:  # two parameters do the same, and nothing is damped any more
        step = -np.linalg.lstsq(scaled, gradient / root, rcond=None)[0]
    return np.asarray(step / root)

"""Tests Bell's inequality on counts: S of four pairs of axes, nothing corrected, no shot left out.

One end reads along x or y, the other along axes all round the equator. Which four pairs of axes
make S is decided by one half of the shots, and S counted on the other half: S is then no maximum
over its own noise (Clauser et al., Phys. Rev. Lett. 23, 880 (1969)).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
AXES = 16
"""Axes of the second end in a turn: the nearest is within 11 degrees, which costs S 2 % at most."""
LOCAL = 2.0
"""No model in which each end's outcome is its own has a larger S."""


@dataclass(frozen=True, slots=True, eq=False)
class ChshTest:
    """S of the second half of the shots."""

    s: float
    sigma: float
    chosen: tuple[int, int]
    """Axes of the second end."""
    products: Array
    """Mean products of the outcomes of all shots, shape (2, AXES)."""


def chsh_test(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> ChshTest:
    """Return S; arguments: read as 1, (shots, 2 * AXES), first along x with all axes, then y."""
    product = (1 - 2.0 * first) * (1 - 2.0 * second)
    half = len(product) // 2
    means = [part.mean(axis=0).reshape(2, AXES) for part in (product[:half], product[half:])]
    judged, counted = means
    # S = E(x, b) + E(x, b') + E(y, b) - E(y, b'): each axis b is chosen by itself
    one, other = int(np.argmax(judged[0] + judged[1])), int(np.argmax(judged[0] - judged[1]))
    terms = np.array([counted[0, one], counted[0, other], counted[1, one], counted[1, other]])
    s = float(terms[0] + terms[1] + terms[2] - terms[3])
    sigma = float(np.sqrt(np.sum(1 - terms**2) / (len(product) - half)))
    return ChshTest(s, sigma, (one, other), product.mean(axis=0).reshape(2, AXES))

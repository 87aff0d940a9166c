"""Random draws that depend on names, not on the order in which they are asked for.

Each draw has a Philox generator of its own, keyed by seed, element and quantity: a qubit
more in a facility, or a quantity more in a chip library, moves no other number.
"""

import hashlib
from collections.abc import Callable
from functools import cache
from statistics import NormalDist

import numpy as np

from podium.sim_instruments.physics.spread import CUT, Spread


def draw(spread: Spread, seed: int, element: str, quantity: str, attempt: int = 0) -> float:
    """Draw one number: the same for the same seed, names and attempt, whatever else is drawn.

    Raises ValueError where the cuts leave nothing.
    """
    low = max(spread.value - CUT * spread.spread, spread.low)
    high = min(spread.value + CUT * spread.spread, spread.high)
    if not low <= high or spread.spread < 0:
        raise ValueError(f"{element}.{quantity}: no number fits {spread}")
    if spread.spread == 0:
        return spread.value
    uniform = generator(seed, element, quantity, attempt).random()
    cdf, inverse = _normal()
    below, above = (cdf((edge - spread.value) / spread.spread) for edge in (low, high))
    drawn = spread.value + spread.spread * inverse(below + uniform * (above - below))
    return min(max(drawn, low), high)


@cache
def _normal() -> tuple[Callable[[float], float], Callable[[float], float]]:
    """Return the normal distribution's function and its inverse.

    SciPy's where it is, as all worlds of chips were drawn by it; boxes on a bench do without.
    The two agree to some parts in 1e15.
    """
    try:
        from scipy.special import ndtr, ndtri  # heavy: see .relaxation
    except ModuleNotFoundError:
        return NormalDist().cdf, NormalDist().inv_cdf
    return (lambda x: float(ndtr(x))), (lambda p: float(ndtri(p)))


def generator(seed: int, *names: str | int) -> np.random.Generator:
    """A generator keyed by the seed and the names."""
    digest = hashlib.sha256("/".join([str(seed), *map(str, names)]).encode()).digest()
    return np.random.Generator(np.random.Philox(key=int.from_bytes(digest[:16], "little")))

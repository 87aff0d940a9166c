"""Models a transmon's relaxation: a warm bath also lifts some population from 1 to 2.

Rates of a weakly anharmonic ladder in a bath: down from n at n times the rate from 1 (Peterer et
al., Phys. Rev. Lett. 114, 010501 (2015), found this sequential decay), up by detailed balance.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class LadderDecay:
    """Gives the signal after a pi pulse on equilibrium, over time in units of 1 / (1-to-0 rate)."""

    weights: Array
    """Of the exponentials, shape (2,); they add up to 1."""
    rates: Array
    """Of the exponentials, shape (2,)."""
    lifetime: float
    """1/e time of P(1) towards its thermal value, in the same unit of time."""

    def signal(self, time: Array) -> Array:
        """Return the signal: 1 at time 0, 0 in the end; shape as ``time``."""
        return np.asarray(np.exp(-np.multiply.outer(time, self.rates)) @ self.weights)


def ladder_decay(thermal: float, ratio_12: float, second: float) -> LadderDecay:
    """Return the decay of a transmon with excited population ``thermal`` in equilibrium.

    ``ratio_12``: f12 / f01. ``second``: where level 2 stands on the axis on which 0 is at 0 and 1
    at 1.
    """
    up = thermal / (1 - thermal)
    rates = np.zeros((3, 3))  # [to, from]
    rates[0, 1], rates[1, 0] = 1.0, up
    rates[1, 2], rates[2, 1] = 2.0, 2.0 * up**ratio_12
    generator = rates - np.diag(rates.sum(axis=0))
    values, vectors = np.linalg.eig(generator)
    order = np.argsort(np.abs(values))
    values, vectors = values[order].real, vectors[:, order].real
    rest = vectors[:, 0] / vectors[:, 0].sum()
    start = rest[[1, 0, 2]]
    parts = np.linalg.solve(vectors, start - rest)[1:] * vectors[:, 1:]
    seen = np.array([0.0, 1.0, second]) @ parts
    one = parts[1]

    from scipy.optimize import brentq  # heavy: the page imports routines, and fits nothing

    def excess(time: float) -> float:
        return float(one @ np.exp(values[1:] * time) - one.sum() / np.e)

    lifetime = float(brentq(excess, 0.1, 10.0))
    return LadderDecay(seen / seen.sum(), -values[1:], lifetime)

"""What happens to a qubit and its resonator while it is read, and the fidelity that is left."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.fits.driven_resonator import Integrated, KnownResonator

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Window:
    """What happens to a qubit and its resonator while it is read, by time."""

    t1_s: float
    arrives_s: float
    """From when the state was there to the arrival of the pulse."""
    opens_s: float
    """From there to the opening of the window; it closes with the pulse."""
    known: KnownResonator
    """The resonator, as far as it was known before."""

    def shares(self, pulse: Integrated, growth: Array | float) -> tuple[float, Array]:
        """Return which share of 1 has decayed before the pulse arrives, and in each of its parts.

        ``growth``: by what share critical photons hasten the decay; shape of ``pulse``, or 1 for
        its last axis.
        """
        folds = self.arrives_s + np.cumsum(pulse.waits_s + growth * pulse.lit_s, axis=-1)
        alive = np.exp(-folds / self.t1_s)
        first = float(np.exp(-self.arrives_s / self.t1_s))
        each = -np.diff(alive, axis=-1, prepend=first)
        return 1 - first, np.asarray(each)


def overlap_of(distance: Array) -> Array:
    """Return the share of a Gaussian cloud beyond the middle between two, for their distance."""
    from scipy.special import ndtr  # heavy

    return np.asarray(ndtr(-distance / 2))


def expected_fidelity(distance: Array, before: float, shares: Array, place: Array) -> Array:
    """Return 1 - (P(1|0) + P(0|1)) / 2 with the best threshold between the clouds.

    ``before``: share of 1 that has decayed when the pulse arrives, which is read as 0. ``shares``:
    what decays in each part of it, which lies at ``place``, 0 at the one cloud and 1 at the other;
    one axis more than ``distance``. (Gambetta et al., Phys. Rev. A 76, 012325 (2007), Sec. III,
    where all of it lies evenly between.) So the best threshold is nearer to 0 than to 1.
    """
    from scipy.special import ndtr  # heavy

    distance = np.maximum(distance, 1e-3)
    middle = distance / 2
    at = distance[..., None] * place
    # Density of what lies between, over that of either cloud in the middle; there the threshold
    # takes as many from one as it gives to the other. Two steps of a fixed point.
    density = np.sum(shares * _normal(middle[..., None] - at), axis=-1)
    between = density / (2 * np.maximum(_normal(middle), 1e-300))
    nearer = np.arcsinh(between) / middle
    nearer = np.arcsinh(between * np.exp(np.minimum(nearer, middle) ** 2 / 2)) / middle
    threshold = middle - np.minimum(nearer, 0.9 * middle)
    zero, one = ndtr(threshold), ndtr(threshold - distance)
    late = np.sum(shares, axis=-1)
    decayed = np.sum(shares * ndtr(threshold[..., None] - at), axis=-1)
    wrong_one = (1 - before - late) * one + decayed + before * zero
    return np.asarray(1 - (1 - zero + wrong_one) / 2)


def _normal(place: Array) -> Array:
    """Return the density of a normal distribution."""
    return np.asarray(np.exp(-(place**2) / 2) / np.sqrt(2 * np.pi))

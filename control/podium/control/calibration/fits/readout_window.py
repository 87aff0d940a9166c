"""Computes the fidelity of a readout from the decay of the qubit and the resonator's filling."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.fits.driven_resonator import Integrated, KnownResonator

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Window:
    """Describes a readout in time: arrival, opening, decay of the qubit."""

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


THRESHOLDS = np.linspace(0.16, 0.52, 10)
"""Of the way from 0 to 1: what decays lies between, so the best is nearer to 0."""


def best_threshold(distance: Array, before: float, shares: Array, place: Array) -> Array:
    """Return the threshold between the clouds that is wrong least often, of the way from 0 to 1.

    Arguments as of :func:`expected_fidelity`.
    """
    right = np.stack(
        [
            expected_fidelity(distance, before, shares, place, np.full_like(distance, one))
            for one in THRESHOLDS
        ]
    )
    top = np.clip(np.argmax(right, axis=0), 1, len(THRESHOLDS) - 2)
    low, middle, high = (np.take_along_axis(right, (top + k)[None], axis=0)[0] for k in (-1, 0, 1))
    bend = np.minimum(low - 2 * middle + high, -1e-12)
    step = THRESHOLDS[1] - THRESHOLDS[0]
    return np.asarray(THRESHOLDS[top] + step * np.clip(0.5 * (low - high) / bend, -1, 1))


def expected_fidelity(
    distance: Array, before: float, shares: Array, place: Array, threshold: Array
) -> Array:
    """Return 1 - (P(1|0) + P(0|1)) / 2 with a threshold between the clouds.

    ``before``: share of 1 that has decayed when the pulse arrives, which is read as 0. ``shares``:
    what decays in each part of it, which lies at ``place``, 0 at the one cloud and 1 at the other;
    one axis more than ``distance``. (Gambetta et al., Phys. Rev. A 76, 012325 (2007), Sec. III,
    where all of it lies evenly between.) ``threshold``: of the way from 0 to 1.
    """
    from scipy.special import ndtr  # heavy

    at = distance * threshold
    zero, one = ndtr(at), ndtr(at - distance)
    decayed = np.sum(shares * ndtr(at[..., None] - distance[..., None] * place), axis=-1)
    left = 1 - before - np.sum(shares, axis=-1)
    return np.asarray(1 - (1 - zero + left * one + decayed + before * zero) / 2)

"""Single-shot readout: two clouds in the IQ plane and the line between them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.fits.least_squares import FitFailed, look_at
from podium.control.calibration.fits.projection import Levels

Array = NDArray[np.float64]
ComplexArray = NDArray[np.complex128]

APART = 10.0
"""The means of both clouds must be that many of their own sigmas apart."""
LOWEST_FIDELITY = 0.6
"""Below, the two preparations are told apart hardly better than by a coin."""


@dataclass(frozen=True, slots=True)
class Discrimination:
    """How well shots tell the prepared state."""

    levels: Levels
    threshold: float
    """On the projected axis (0 at the ground cloud's mean, 1 at the excited one's)."""
    false_excited: float
    """Share of shots prepared in 0 that read 1."""
    false_ground: float
    """Share of shots prepared in 1 that read 0."""
    shots: int
    """Shots that were judged, of each preparation."""

    @property
    def fidelity(self) -> float:
        """1 - (P(1|0) + P(0|1)) / 2, as prepared."""
        return 1 - (self.false_excited + self.false_ground) / 2

    @property
    def sigma(self) -> float:
        """Binomial standard deviation of :attr:`fidelity`."""
        a = max(self.false_excited, 0.5 / self.shots)
        b = max(self.false_ground, 0.5 / self.shots)
        return float(np.sqrt((a * (1 - a) + b * (1 - b)) / self.shots) / 2)


def levels_of(ground: ComplexArray, excited: ComplexArray) -> Levels:
    """Return means and per-shot scatter of two sets of shots, shapes (n,)."""
    zero, one = complex(np.mean(ground)), complex(np.mean(excited))
    bare = Levels(zero, one, 0.0, 0.0)
    return Levels(
        zero, one, float(np.var(bare.project(ground))), float(np.var(bare.project(excited)))
    )


def discriminate(ground: ComplexArray, excited: ComplexArray) -> Discrimination:
    """Set the threshold on every other shot and judge it on the rest: no shot judges itself.

    Raises FitFailed when the two sets cannot be told apart.
    """
    look_at(ground, excited)
    spread = np.sqrt((np.var(ground) + np.var(excited)) / 2 / len(ground))
    apart = abs(np.mean(excited) - np.mean(ground)) / spread
    if apart < APART:
        raise FitFailed(f"both preparations look alike: their means are {apart:.1f} sigma apart")
    levels = levels_of(ground, excited)
    train = levels.project(ground[::2]), levels.project(excited[::2])
    test = levels.project(ground[1::2]), levels.project(excited[1::2])
    threshold = best_threshold(*train)
    seen = Discrimination(
        levels,
        threshold,
        float(np.mean(test[0] > threshold)),
        float(np.mean(test[1] <= threshold)),
        min(len(test[0]), len(test[1])),
    )
    if seen.fidelity < LOWEST_FIDELITY:
        raise FitFailed(
            f"both preparations look alike: the best threshold tells {seen.fidelity * 100:.1f} % "
            "of the shots, a coin 50 %"
        )
    return seen


def best_threshold(ground: Array, excited: Array) -> float:
    """Return the threshold with the fewest errors, both preparations counting alike."""
    values = np.concatenate([ground, excited])
    order = np.argsort(values)
    from_ground = np.concatenate([np.ones(len(ground)), np.zeros(len(excited))])[order]
    below_ground = np.cumsum(from_ground) / len(ground)
    below_excited = np.cumsum(1 - from_ground) / len(excited)
    score = below_ground - below_excited
    # A smooth score: the counting noise near the flat top must not choose.
    width = max(1, len(score) // 100)
    kernel = np.ones(width) / width
    k = int(np.argmax(np.convolve(score, kernel, mode="same")))
    return float(values[order][k])

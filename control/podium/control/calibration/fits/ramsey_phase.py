"""Reads phases out of Ramsey sequences whose second pulse is played at three phases."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.fits.least_squares import FitFailed, look_at

Array = NDArray[np.float64]

PHASES = (0.0, 1 / 3, 2 / 3)
"""Of the second pulse, turns: they tell phase, contrast and offset of a fringe."""
LEAST_CONTRAST = 0.25
"""A fringe with less is none: its qubit was not driven, or has lost its phase."""


@dataclass(frozen=True, slots=True, eq=False)
class Phases:
    """Fringes over N points."""

    turns: Array
    """Shape (n,): the phase of the second pulse, turns, at which the fringe is highest."""
    sigma: Array
    """Of ``turns``."""
    contrast: Array
    """Height of each fringe from its lowest to its highest point."""


def read_phases(signal: Array, sigma: Array) -> Phases:
    """Return the phases of fringes, (n, 3): ``signal`` over :data:`PHASES`, with its deviation.

    Raises FitFailed where a fringe has too little contrast, or none above its noise.
    """
    look_at(signal)
    turn = np.exp(2j * np.pi * np.array(PHASES))
    sums = signal @ turn / 0.75
    contrast = np.abs(sums)
    noise = np.sqrt(1.5 * np.mean(sigma**2, axis=-1)) / 0.75
    least = np.maximum(LEAST_CONTRAST, 6 * noise)
    poor = contrast < least
    if np.any(poor):
        k = int(np.argmin(contrast / least))
        raise FitFailed(
            f"{int(poor.sum())} of {contrast.size} fringes are none: the lowest has a contrast of "
            f"{contrast[k] * 100:.0f} %, and {least[k] * 100:.0f} % are needed"
        )
    return Phases(np.angle(sums) / (2 * np.pi), noise / (2 * np.pi * contrast), contrast)


def nearest_turn(turns: Array, near: Array | float) -> Array:
    """Return ``turns``, each moved by whole turns so that it is nearest to ``near``."""
    return np.asarray(turns - np.round(turns - near))

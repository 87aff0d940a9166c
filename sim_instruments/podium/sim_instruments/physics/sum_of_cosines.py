"""The sum of many cosines of time at one instant, as flicker noise of a clock is made of."""

import numpy as np
from numpy.typing import NDArray

from podium.firmware_interfaces.exact_time import FS_PER_S

_BASE_FS = 10 * FS_PER_S
"""Angles are counted from a multiple of this: in floats to 1e-9 of the sum."""


class SumOfCosines:
    """Cosines of amplitude 1, each of a period of its own."""

    def __init__(self, cosines: tuple[tuple[int, float], ...]) -> None:
        """Return the sum of ``cosines``: period, fs, and phase, turns, of each."""
        self._cosines = cosines
        self._rates = np.array([2 * np.pi / period_fs for period_fs, _ in cosines])
        self._base, self._begun = -1, np.zeros(0)
        """Since when angles are counted, and what they were by then."""

    def at(self, at_fs: int) -> float:
        """Return the sum at ``at_fs``, TAI."""
        base, since_fs = divmod(at_fs, _BASE_FS)
        if self._base != base:
            self._base, self._begun = base, 2 * np.pi * self._turns(base * _BASE_FS)
        angles = since_fs * self._rates
        angles += self._begun
        np.cos(angles, angles)
        return float(angles.sum())

    def _turns(self, at_fs: int) -> NDArray[np.float64]:
        """Return the turns of each at ``at_fs``, those that are whole left out."""
        return np.array(
            [at_fs % period_fs / period_fs + phase for period_fs, phase in self._cosines]
        )

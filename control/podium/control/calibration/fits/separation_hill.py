"""Gives the distance of 0 and 1 over frequency and amplitude of the probe: a smooth hill.

The resonator's law (:mod:`.driven_resonator`) tells it up to a factor, and how it grows with the
length. Neighbours, and what no law tells, are a quadratic form in the logarithm beside it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.fits.driven_resonator import (
    DrivenResonator,
    Integrated,
    ring_up,
)
from podium.control.calibration.fits.least_squares import FitFailed
from podium.control.calibration.fits.readout_window import Clouds, ThirdLevel, Window

Array = NDArray[np.float64]
PARTS = 8
"""Of a pulse, in which what decays lies at one place: closer together than clouds are wide."""


@dataclass(frozen=True, slots=True, eq=False)
class Separations:
    """Holds readings at n settings, arrays of shape (n,)."""

    frequency_hz: Array
    log_amplitude: Array
    length_s: Array
    """Of the pulse."""
    distance: Array
    """Of the means of 0 and 1, in units of one shot's noise."""
    sigma: Array
    shots: Array
    """Of each state."""
    lost: Array
    """How many of those prepared in 1 lie on the side of 0."""


@dataclass(frozen=True, slots=True, eq=False)
class Hill:
    """Gives the distance as a function of the setting, and how photons hasten the decay.

    The resonator's law, with what the distances measured differ from it by.
    """

    middle: Array
    """Frequency and logarithm of the amplitude, shape (2,)."""
    scale: Array
    """Shape (2,)."""
    terms: Array
    """Of the logarithm of the distance over that of the law: 1, x, y, xx, xy, yy; shape (6,)."""
    growth: float
    """By what share critical photons hasten the decay: about 1."""
    uneven: tuple[float, float]
    """By how much more, a resonator's width and a factor of e in amplitude above the middle."""
    window: Window
    resonator: DrivenResonator

    def correction(self, frequency_hz: Array, log_amplitude: Array) -> Array:
        """Return the distance over that of the resonator's law; shapes broadcast."""
        x = (frequency_hz - self.middle[0]) / self.scale[0]
        y = (log_amplitude - self.middle[1]) / self.scale[1]
        height = sum(t * one for t, one in zip(self.terms, _columns(x, y), strict=True))
        return np.asarray(np.exp(height))

    def away(self, frequency_hz: Array, log_amplitude: Array) -> tuple[Array, Array]:
        """Return how far settings are from the middle, in resonator widths and factors of e."""
        widths = (frequency_hz - self.middle[0]) / self.resonator.kappa_hz
        return np.asarray(widths), np.asarray(log_amplitude - self.middle[1])

    def law(self, frequency_hz: Array, log_amplitude: Array, length_s: Array) -> Integrated:
        """Return what the resonator's law says, decays in :data:`PARTS`.

        All arrays broadcast; the length goes along their last axis, the others do not.
        """
        return self._integrated(self.resonator, frequency_hz, log_amplitude, length_s)

    def third(
        self, frequency_hz: Array, log_amplitude: Array, length_s: Array, law: Integrated
    ) -> ThirdLevel | None:
        """Return what the law says of 1 where 2 is read in its place; None: it is not.

        Settings as of :meth:`law`, which has given ``law``.
        """
        if self.window.shelved is None:
            return None
        ground_hz = self.resonator.ground_hz
        line_hz = ground_hz + self.window.shelved.line_hz
        upside_down = replace(self.resonator, ground_hz=line_hz, excited_hz=ground_hz)
        lifts = self._integrated(upside_down, frequency_hz, log_amplitude, length_s)
        return ThirdLevel(-law.place_of(lifts), lifts.place, lifts.lit_s)

    def _integrated(
        self,
        resonator: DrivenResonator,
        frequency_hz: Array,
        log_amplitude: Array,
        length_s: Array,
    ) -> Integrated:
        f, a = np.broadcast_arrays(frequency_hz[..., 0], log_amplitude[..., 0])
        ring = resonator.ring_up(f, np.exp(a), float(np.max(length_s)))
        return ring.integrated(self.window.opens_s, length_s, PARTS)

    def lit_s(
        self,
        resonators: Sequence[DrivenResonator],
        frequency_hz: Array,
        log_amplitude: Array,
        length_s: Array,
    ) -> Array:
        """Return photons in 1, of the critical number, times time, of pulses on other resonators.

        Settings of shape (n,); returns (resonators, n).
        """
        longest_s, step_s = float(np.max(length_s)), self.resonator.longest_step_s
        ring = ring_up(resonators, frequency_hz, np.exp(log_amplitude), longest_s, step_s)
        return ring.lit_until(length_s[:, None])[..., 0]

    def tilt(self, frequency_hz: Array, log_amplitude: Array) -> Array:
        """Return what photons do to the decay, of what as many as are critical are known to do."""
        widths, folds = self.away(frequency_hz, log_amplitude)
        return np.asarray(self.growth * np.exp(self.uneven[0] * widths + self.uneven[1] * folds))

    def clouds(
        self,
        frequency_hz: Array,
        log_amplitude: Array,
        law: Integrated,
        third: ThirdLevel | None = None,
    ) -> Clouds:
        """Return where shots lie; shapes of ``law``, ``third`` as :meth:`third` has it."""
        distance = law.distance * self.correction(frequency_hz, log_amplitude)
        growth = self.tilt(frequency_hz, log_amplitude)[..., None]
        return self.window.clouds(distance, law, growth, third)


def _columns(x: Array, y: Array) -> tuple[Array, ...]:
    return np.ones_like(x * y), x, y, x**2, x * y, y**2


def fit_hill(
    seen: Separations,
    use: NDArray[np.bool_],
    window: Window,
    off: float,
    resonator: DrivenResonator,
) -> tuple[Hill, Array]:
    """Fit the hill to the settings used; return it with the covariance of its terms.

    ``off``: share by which a distance may lie off it. Raises FitFailed.
    """
    middle = np.array([np.mean(seen.frequency_hz[use]), np.mean(seen.log_amplitude[use])])
    scale = np.array([np.std(seen.frequency_hz[use]), np.std(seen.log_amplitude[use])])
    if not np.all(scale > 0):
        raise FitFailed("settings that all share a frequency or an amplitude tell no hill")
    x = (seen.frequency_hz[use] - middle[0]) / scale[0]
    y = (seen.log_amplitude[use] - middle[1]) / scale[1]
    size = np.maximum(seen.distance[use], seen.sigma[use])
    hill = Hill(middle, scale, np.zeros(6), 1.0, (0.0, 0.0), window, resonator)
    places = (seen.frequency_hz[use], seen.log_amplitude[use], seen.length_s[use])
    law = hill.law(*(one[:, None] for one in places)).distance[:, 0]
    height = np.log(size / np.maximum(law, 1e-300))
    # What a form of low order misses counts as noise of each setting.
    weight = 1 / np.hypot(seen.sigma[use] / size, off)
    columns = np.stack(_columns(x, y), axis=1) * weight[:, None]
    if np.linalg.matrix_rank(columns) < columns.shape[1]:
        raise FitFailed("the settings lie on too few lines to tell a hill")
    terms, *_ = np.linalg.lstsq(columns, height * weight, rcond=None)
    covariance = np.linalg.inv(columns.T @ columns)
    return replace(hill, terms=np.asarray(terms)), np.asarray(covariance)

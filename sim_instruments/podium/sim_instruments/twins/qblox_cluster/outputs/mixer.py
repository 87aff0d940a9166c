"""The I/Q mixer behind an RF output: what it does wrong, and the settings that make up for it.

With paths I and Q the signal about the local oscillator is ``u I + v Q + leak``. A perfect mixer
has u = 1, v = j and no leak. ASSUMED, all of it: nothing of the vendor's tells which path a
correction changes and how its offsets reach the mixer; that there is an optimum, and where tones
appear that should not be there, is the same for any choice.
"""

import cmath
import math
from dataclasses import dataclass

from podium.firmware_interfaces.exact_time import FS_PER_MS

FULL_SCALE_MV = 500.0
"""ASSUMED: an offset of so many mV stands for digital full scale of a path."""

OFFSET_STEP_MV = 0.01
RATIO_STEP = 1e-4
ANGLE_STEP_DEG = 1e-3
"""ASSUMED: how finely the automatic calibration sets what it finds."""
LO_CALIBRATION_FS = 500 * FS_PER_MS
SIDEBAND_CALIBRATION_FS = 200 * FS_PER_MS
"""ASSUMED: how long the automatic calibrations take; the vendor's pages give no number."""


@dataclass(frozen=True, slots=True)
class Mixer:
    """Imperfections of one mixer."""

    gain_ratio: float = 1.0
    """Of path Q to path I."""
    phase_deg: float = 0.0
    """By which path Q is more than a quarter turn ahead."""
    offset_mv: tuple[float, float] = (0.0, 0.0)
    """At the mixer's inputs I and Q."""

    @property
    def quadrature(self) -> complex:
        """Return what becomes of 1 on path Q."""
        return 1j * self.gain_ratio * cmath.exp(1j * math.radians(self.phase_deg))

    def leak(self, offset_mv: tuple[float, float]) -> complex:
        """Return the carrier that comes through at such offsets, in digital full scales."""
        i, q = ((a + b) / FULL_SCALE_MV for a, b in zip(self.offset_mv, offset_mv, strict=True))
        return i + self.quadrature * q

    def sidebands(self, gain_ratio: float, phase_deg: float) -> tuple[complex, complex]:
        """Return (a, b): of an envelope z the signal is ``a z + b conj(z)``.

        With the correction path Q is ``gain_ratio cos(phase)`` of what it was, and
        ``gain_ratio sin(phase)`` of it is taken from path I.
        """
        angle = math.radians(phase_deg)
        v = gain_ratio * (self.quadrature * math.cos(angle) - math.sin(angle))
        return (1 - 1j * v) / 2, (1 + 1j * v) / 2

    def best_offset_mv(self) -> tuple[float, float]:
        """Return the offsets at which nothing leaks."""
        i, q = (_stepped(-one, OFFSET_STEP_MV) for one in self.offset_mv)
        return i, q

    def best_correction(self) -> tuple[float, float]:
        """Return gain ratio and phase (degrees) at which there is no image."""
        phase = math.radians(self.phase_deg)
        angle = math.atan(-self.gain_ratio * math.sin(phase))
        ratio = 1 / (self.gain_ratio * math.cos(phase) * math.cos(angle))
        return _stepped(ratio, RATIO_STEP), _stepped(math.degrees(angle), ANGLE_STEP_DEG)


PERFECT = Mixer()


def _stepped(value: float, step: float) -> float:
    return round(round(value / step) * step, 9)

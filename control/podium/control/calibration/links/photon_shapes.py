"""Shapes the sideband drives that make a photon and catch it again.

A transmon in f emits through its transfer resonator (width kappa) as its f0-g1 rate g(t) says. The
photon is ``sqrt(Gamma) / 2 * sech(Gamma t / 2)``, Gamma at most kappa (angular, 1/s): Pechal et
al., Phys. Rev. X 4, 041010 (2014); Morin et al., Phys. Rev. Lett. 123, 133602 (2019).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from podium.control.program.waveforms import Sampled
from podium.firmware_interfaces.exact_time import FS_PER_NS

Array = NDArray[np.float64]
STEP_NS = 1
"""Samples of a sideband pulse."""
STRONGEST = 0.95
"""Share of full scale that a pulse may ask for."""


def sech_rate_hz(time_s: Array, bandwidth_hz: float, kappa_hz: float) -> Array:
    """Return g / 2 pi at ``time_s`` that emits a sech photon centred on 0, Hz.

    With ``T = tanh(Gamma t / 2)``: ``b = sqrt(Gamma / kappa) / 2 * sech``, ``a**2 = (1 - T) / 2 *
    (1 - Gamma (1 + T) / (2 kappa))``, ``g = b (kappa - Gamma T) / (2 a)``. b is the amplitude of
    the photon in the resonator, a that of f. Raises ValueError where Gamma is above kappa.
    """
    if not 0 < bandwidth_hz <= kappa_hz * (1 + 1e-9):
        raise ValueError(
            f"a photon of {bandwidth_hz / 1e6:.4g} MHz does not leave a resonator of "
            f"{kappa_hz / 1e6:.4g} MHz: at most that"
        )
    gamma, kappa = 2 * np.pi * bandwidth_hz, 2 * np.pi * max(kappa_hz, bandwidth_hz)
    half = gamma * time_s / 2
    # (1 - T) / 2 and sech without the loss of digits far out
    late = 1 / (1 + np.exp(2 * half))
    sech = 1 / np.cosh(half)
    filled = np.sqrt(gamma / kappa) / 2 * sech
    left = np.sqrt(late * (1 - gamma * (1 - late) / kappa))
    tilt = kappa - gamma * np.tanh(half)
    return np.asarray(filled * tilt / (2 * left) / (2 * np.pi))


@dataclass(frozen=True, slots=True)
class SidebandDrive:
    """Describes the effect of a line's drive on f0-g1, as measured or designed."""

    rate_hz: float
    """g / 2 pi at full scale."""
    stark_hz: float
    """Shift of the resonance at full scale, Hz; it goes with power."""

    def samples(self, rate_hz: Array | NDArray[np.complex128]) -> NDArray[np.complex128]:
        """Return the envelope, of full scale, that makes this g(t) / 2 pi and follows the shift.

        ``rate_hz``: at the middles of samples :data:`STEP_NS` apart, complex where the drive is to
        turn against the resonance. To its phase comes 2 pi times the integral of the shift: the
        drive stays on the resonance that it moves. Raises ValueError where full scale does not do.
        """
        height = rate_hz / self.rate_hz
        power = np.abs(height) ** 2
        if float(np.max(power)) > STRONGEST**2:
            raise ValueError(
                f"the pulse needs {float(np.sqrt(np.max(power))):.2f} of full scale, "
                f"{STRONGEST:g} at most: photons of a smaller bandwidth need less"
            )
        turns = np.cumsum(self.stark_hz * power) * STEP_NS * 1e-9
        turns -= self.stark_hz * power * STEP_NS * 0.5e-9
        return np.asarray(height * np.exp(2j * np.pi * (turns - turns[len(turns) // 2])))


def emission(
    drive: SidebandDrive, bandwidth_hz: float, kappa_hz: float, duration_ns: int
) -> NDArray[np.complex128]:
    """Return the envelope of the pulse that emits a sech photon in its middle, shape (ns,)."""
    return drive.samples(sech_rate_hz(middles_s(duration_ns), bandwidth_hz, kappa_hz))


def absorption(
    drive: SidebandDrive, bandwidth_hz: float, kappa_hz: float, duration_ns: int
) -> NDArray[np.complex128]:
    """Return the envelope that catches such a photon, shape (ns,): its emission reversed."""
    return drive.samples(sech_rate_hz(-middles_s(duration_ns), bandwidth_hz, kappa_hz))


def middles_s(duration_ns: int) -> Array:
    """Return the middles of a pulse's samples from its middle, s, shape (ns,)."""
    return np.asarray((np.arange(duration_ns) + 0.5 - duration_ns / 2) * 1e-9, np.float64)


def played(envelope: NDArray[np.complex128]) -> Sampled:
    """Return samples as a program plays them."""
    return Sampled(envelope.real.tolist(), envelope.imag.tolist(), step_fs=STEP_NS * FS_PER_NS)

"""Projects points of the IQ plane to one real signal."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
ComplexArray = NDArray[np.complex128]


@dataclass(frozen=True, slots=True)
class Levels:
    """Holds the IQ points of a qubit prepared in 0 or in 1, and their scatter."""

    ground: complex
    """Mean of the IQ points after no pulse, V."""
    excited: complex
    """Mean after a pi pulse, V."""
    ground_variance: float
    """Variance of one shot along the line between the two, in units of their distance squared."""
    excited_variance: float

    def project(self, iq: ComplexArray) -> Array:
        """Return 0 at ``ground`` and 1 at ``excited``, linear between; shape as given."""
        axis = self.excited - self.ground
        return np.asarray(np.real((iq - self.ground) * np.conj(axis)) / abs(axis) ** 2)

    def sigma(self, projected: Array, shots: int) -> Array:
        """Return the standard deviation of means of ``shots`` shots at projected means.

        A mixture of two kinds of shots at 0 and 1: both scatter, and which kind it is, is drawn.
        """
        p = np.clip(projected, 0.0, 1.0)
        variance = (1 - p) * self.ground_variance + p * self.excited_variance + p * (1 - p)
        return np.asarray(np.sqrt(variance / shots))


def principal_axis(iq: ComplexArray) -> Array:
    """Return the coordinate along the direction in which the points vary most, mean 0, V."""
    centred = np.asarray(iq - np.mean(iq))
    flat = centred.ravel()
    angle = 0.5 * np.angle(np.sum(flat**2))
    return np.asarray(np.real(centred * np.exp(-1j * angle)))


def line_axis(iq: ComplexArray) -> Array:
    """Return the coordinate along the direction in which a line stands out of a scan, mean 0, V.

    ``iq``: a scan, shape (n,), at rest for most of its points. Where all is noise, the direction
    is that of the noise's greatest excursion.
    """
    resting = complex(np.median(iq.real), np.median(iq.imag))
    away = iq - resting
    smooth = np.convolve(away, np.ones(3) / 3, mode="same")
    greatest = smooth[int(np.argmax(np.abs(smooth)))]
    if greatest == 0:
        return np.zeros(len(iq))
    return np.asarray(np.real(away * np.conj(greatest)) / abs(greatest))

"""A plain judge of photons that meet: amplitudes of two emitters, sample by sample, no Podium code.

One excitation in each emitter: f and the resonator's photon are two complex amplitudes that a
two-by-two matrix moves, its exponential taken for each sample. What leaves is ``sqrt(kappa)`` times
the resonator's amplitude. Decay of the atom is left out: 30 us against a photon of 50 ns.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import expm

PARTS = 8
"""Steps to a sample of 1 ns."""
RINGS_NS = 120


@dataclass(frozen=True, slots=True)
class Emitter:
    """The truth of one end, Hz."""

    kappa_hz: float
    rate_hz: float
    """g / 2 pi at full scale."""
    stark_hz: float
    """Of f0-g1 at full scale."""


def emitted(
    emitter: Emitter, envelope: NDArray[np.complex128], off_hz: float
) -> NDArray[np.complex128]:
    """Return the photon's amplitude in steps of ``1/PARTS`` ns, in its resonator's frame.

    ``envelope``: of full scale, samples of 1 ns; ``off_hz``: the drive above f0-g1 at rest.
    """
    step_s = 1e-9 / PARTS
    f, photon = 1.0 + 0j, 0j
    left = []
    samples = np.concatenate([np.repeat(envelope, PARTS), np.zeros(RINGS_NS * PARTS)])
    for number, sample in enumerate(samples):
        at_s = (number + 0.5) * step_s
        rate = 2 * np.pi * emitter.rate_hz * sample * np.exp(2j * np.pi * off_hz * at_s)
        shift = 2 * np.pi * emitter.stark_hz * abs(sample) ** 2
        moves = np.array([[shift, np.conj(rate)], [rate, -1j * np.pi * emitter.kappa_hz]])
        f, photon = expm(-1j * moves * step_s) @ np.array([f, photon])
        left.append(np.sqrt(2 * np.pi * emitter.kappa_hz * step_s) * photon)
    return np.array(left)


def visibilities(
    first: NDArray[np.complex128], second: NDArray[np.complex128], apart_hz: float = 0.0
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return lags (s) of the second and the visibility at each.

    ``apart_hz``: the second resonator's frequency less the first's.
    """
    turned = second * np.exp(-2j * np.pi * apart_hz * 1e-9 / PARTS * np.arange(second.size))
    overlap = np.correlate(first, turned, "full")
    lags = (np.arange(overlap.size) - (second.size - 1)) * 1e-9 / PARTS
    norm = (abs(first) ** 2).sum() * (abs(second) ** 2).sum()
    return lags, np.asarray(abs(overlap) ** 2 / norm)

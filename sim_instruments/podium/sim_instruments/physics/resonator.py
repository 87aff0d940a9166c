"""A transmon dressed by its readout resonator.

``H = H_transmon + f_r a+a + coupling n (a + a+)`` over h, diagonalised without the
rotating-wave approximation in the product of the transmon's and the resonator's lowest levels.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh

from podium.sim_instruments.physics.transmon import Transmon

LEVELS = 4
"""Levels of the dressed transmon that the world keeps."""
TRANSMON_LEVELS = 8
PHOTON_LEVELS = 6
"""With 8 x 6 product states the four lowest dressed levels and their resonator frequencies
stand within 1 kHz of 12 x 10 for the chips of the library: test_resonator.py tells."""


@dataclass(frozen=True, slots=True, eq=False)
class Dressed:
    """A transmon with its resonator at one flux. Arrays have ``LEVELS`` entries or so."""

    levels_hz: NDArray[np.float64]
    """Shape (L,), above ground, no photon."""
    resonator_hz: NDArray[np.float64]
    """Shape (L,): one photon more, the transmon in level n."""
    charge: NDArray[np.float64]
    """Shape (L-1,): |<n|charge|n+1>| between dressed levels."""
    slope_hz: float
    """d f01 / d flux, Hz for a flux quantum."""
    coupling_01_hz: float
    """g of the bare 0-1 transition, Hz."""
    n_crit: float
    """(f_r - f01)**2 / (4 g**2), of the bare ones: Blais et al., Phys. Rev. A 69, 062320 (2004)."""

    @property
    def f01_hz(self) -> float:
        """The 0-1 transition, Hz."""
        return float(self.levels_hz[1])

    @property
    def anharmonicity_hz(self) -> float:
        """f12 - f01, signed, Hz."""
        return float(self.levels_hz[2] - 2 * self.levels_hz[1])

    @property
    def readout_hz(self) -> float:
        """Midpoint of the resonator's frequencies in 0 and 1, Hz."""
        return float(self.resonator_hz[0] + self.resonator_hz[1]) / 2

    @property
    def chi_hz(self) -> float:
        """(f_r in 1 - f_r in 0)/2, signed, Hz."""
        return float(self.resonator_hz[1] - self.resonator_hz[0]) / 2


def dress(
    transmon: Transmon,
    coupling_hz: float,
    resonator_hz: float,
    flux: float,
    *,
    transmon_levels: int = TRANSMON_LEVELS,
    photon_levels: int = PHOTON_LEVELS,
) -> Dressed:
    """Diagonalise transmon and resonator together at ``flux`` (flux quanta).

    ``coupling_hz`` multiplies the Cooper-pair number, ``resonator_hz`` is bare. A dressed state
    takes the name of the product state that weighs most in it.
    """
    bare = transmon.levels(flux, transmon_levels)
    one = np.eye(photon_levels)
    lower = np.diag(np.sqrt(np.arange(1.0, photon_levels)), 1)
    matrix = np.diag(
        (bare.energy_hz[:, None] + resonator_hz * np.arange(photon_levels)).reshape(-1)
    ) + coupling_hz * np.kron(bare.charge, lower + lower.T)
    energy, vectors = eigh(matrix)

    named = [n * photon_levels + photons for photons in (0, 1) for n in range(LEVELS)]
    weight = vectors[named] ** 2
    state = np.argmax(weight, axis=1)
    vacuum, photon = energy[state[:LEVELS]], energy[state[LEVELS:]]

    kept = vectors[:, state[:LEVELS]]
    charge = kept.T @ np.kron(bare.charge, one) @ kept
    softening = np.einsum("ik,ik->k", kept, np.kron(bare.cosine, one) @ kept)
    slope = -transmon.josephson_at(flux)[1] * (softening[1] - softening[0])
    coupling_01 = coupling_hz * float(bare.charge[0, 1])
    return Dressed(
        levels_hz=vacuum - vacuum[0],
        resonator_hz=photon - vacuum,
        charge=np.abs(np.diag(charge, 1)),
        slope_hz=float(slope),
        coupling_01_hz=coupling_01,
        n_crit=float((resonator_hz - bare.energy_hz[1]) ** 2 / (4 * coupling_01**2)),
    )

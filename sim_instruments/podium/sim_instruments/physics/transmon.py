"""A flux-tunable transmon by itself: an asymmetric SQUID over a charging energy.

Koch et al., Phys. Rev. A 76, 042319 (2007): ``H = 4 EC (n - ng)**2 - EJ(flux) cos(phi)``,
tridiagonal in the charge basis. Energies are divided by h (Hz), fluxes by the flux quantum.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.levels import BareLevels

CHARGE_CUTOFF = 20
"""Charge states -20..20: for EJ/EC < 500 the lowest ten levels have converged to 1e-9."""


@dataclass(frozen=True, slots=True, eq=False)
class TransmonLevels:
    """The lowest levels of a bare transmon at one flux, and its operators between them."""

    energy_hz: NDArray[np.float64]
    """Shape (K,), above the ground state, Hz."""
    charge: NDArray[np.float64]
    """Shape (K, K): the Cooper-pair number operator; neighbours have positive elements."""
    cosine: NDArray[np.float64]
    """Shape (K, K): cos(phi), by which the energies move with EJ."""


@dataclass(frozen=True, slots=True)
class Transmon:
    """The circuit's constants."""

    charging_hz: float
    """EC / h, with EC = e**2 / 2C."""
    josephson_hz: float
    """Sum of the two junctions' Josephson energies over h: EJ at whole flux quanta."""
    asymmetry: float
    """d = |EJ1 - EJ2| / (EJ1 + EJ2), 0..1."""
    offset_charge: float = 0.0
    """ng; at EJ/EC > 60 it moves the first three levels by less than a kilohertz."""

    def __post_init__(self) -> None:
        if not (self.charging_hz > 0 and self.josephson_hz > 0 and 0 <= self.asymmetry <= 1):
            raise ValueError(
                "a transmon needs EC > 0, EJ > 0 and an asymmetry of 0..1, "
                f"not EC {self.charging_hz!r} Hz, EJ {self.josephson_hz!r} Hz, d {self.asymmetry!r}"
            )

    def josephson_at(self, flux: float) -> tuple[float, float]:
        """EJ(flux) over h, and its slope per flux quantum: Koch 2007, eq. 2.18 (Hz, Hz)."""
        cosine, sine = math.cos(math.pi * flux), math.sin(math.pi * flux)
        d2 = self.asymmetry**2
        root = math.sqrt(cosine**2 + d2 * sine**2)
        slope = -math.pi * (1 - d2) * sine * cosine / root if root > 0 else 0.0
        return self.josephson_hz * root, self.josephson_hz * slope

    def levels(self, flux: float, count: int) -> TransmonLevels:
        """Diagonalise at ``flux`` (flux quanta); keeps the lowest ``count`` levels."""
        numbers = np.arange(-CHARGE_CUTOFF, CHARGE_CUTOFF + 1, dtype=np.float64)
        diagonal = 4 * self.charging_hz * (numbers - self.offset_charge) ** 2
        beside = np.full(numbers.size - 1, -self.josephson_at(flux)[0] / 2)
        from scipy.linalg import eigh_tridiagonal  # heavy: see .relaxation

        energy, vectors = eigh_tridiagonal(
            diagonal, beside, select="i", select_range=(0, count - 1)
        )
        charge = vectors.T @ (numbers[:, None] * vectors)
        signs = np.ones(count)
        for n in range(1, count):
            signs[n] = signs[n - 1] * (1.0 if charge[n - 1, n] >= 0 else -1.0)
        hop = vectors[:-1].T @ vectors[1:]
        return TransmonLevels(
            energy_hz=energy - energy[0],
            charge=charge * np.outer(signs, signs),
            cosine=(hop + hop.T) / 2 * np.outer(signs, signs),
        )

    def bare(self, flux: float, count: int) -> BareLevels:
        """Return the levels as :class:`.levels.Atom` has them."""
        levels = self.levels(flux, count)
        slope = self.josephson_at(flux)[1]
        return BareLevels(levels.energy_hz, levels.charge, -slope * levels.cosine)

"""A fluxonium by itself: a small junction, shunted by a large inductance and a capacitance.

Manucharyan et al., Science 326, 113 (2009): ``H = 4 EC n**2 - EJ cos(phi - 2 pi flux) +
EL phi**2 / 2``. In the basis of the oscillator that EC and EL make, cosine and sine are taken
through the eigenvectors of phi (Gauss-Hermite quadrature). Energies are divided by h (Hz), fluxes
by the flux quantum.
"""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.levels import BareLevels

BASIS = 80
"""Oscillator levels: the lowest ten levels of EJ / EL < 20 have converged to 1e-9."""
SWEET_SPOT = 0.5
"""Flux, in flux quanta, at which f01 is least and has no slope."""


@dataclass(frozen=True, slots=True)
class Fluxonium:
    """The circuit's constants."""

    charging_hz: float
    """EC / h, with EC = e**2 / 2C."""
    josephson_hz: float
    """EJ / h, of the small junction."""
    inductive_hz: float
    """EL / h, with EL = (flux quantum / 2 pi)**2 / L."""

    def __post_init__(self) -> None:
        if not min(self.charging_hz, self.josephson_hz, self.inductive_hz) > 0:
            raise ValueError(
                "a fluxonium needs EC > 0, EJ > 0 and EL > 0, not "
                f"EC {self.charging_hz!r} Hz, EJ {self.josephson_hz!r} Hz, "
                f"EL {self.inductive_hz!r} Hz"
            )

    def bare(self, flux: float, count: int) -> BareLevels:
        """Diagonalise at ``flux``, in flux quanta from the sweet spot at half a flux quantum."""
        basis = _basis(self.charging_hz, self.inductive_hz)
        shifted = basis.place - 2 * math.pi * (SWEET_SPOT + flux)
        matrix = np.diag(basis.energy_hz)
        matrix -= self.josephson_hz * (basis.vectors * np.cos(shifted)) @ basis.vectors.T
        energy, states = np.linalg.eigh(matrix)
        kept = states[:, :count]
        in_place = basis.vectors.T @ kept
        slope = -2 * math.pi * self.josephson_hz * np.sin(shifted)
        return BareLevels(
            energy_hz=energy[:count] - energy[0],
            charge=kept.T @ basis.charge @ kept,
            by_flux_hz=in_place.T @ (slope[:, None] * in_place),
        )


@dataclass(frozen=True, slots=True, eq=False)
class _Basis:
    """The oscillator of EC and EL."""

    energy_hz: NDArray[np.float64]
    place: NDArray[np.float64]
    """Shape (BASIS,): eigenvalues of phi."""
    vectors: NDArray[np.float64]
    """Their eigenvectors, in columns."""
    charge: NDArray[np.float64]
    """The Cooper-pair number, real and antisymmetric."""


@lru_cache(maxsize=64)
def _basis(charging_hz: float, inductive_hz: float) -> _Basis:
    raising = np.diag(np.sqrt(np.arange(1.0, BASIS)), 1)
    width = (8 * charging_hz / inductive_hz) ** 0.25
    place, vectors = np.linalg.eigh((raising + raising.T) * width / math.sqrt(2))
    return _Basis(
        energy_hz=math.sqrt(8 * charging_hz * inductive_hz) * (np.arange(float(BASIS)) + 0.5),
        place=place,
        vectors=vectors,
        charge=(raising - raising.T) / (math.sqrt(2) * width),
    )

"""Derives a fluxonium's spectrum from its circuit energies, for planning a measurement.

Manucharyan et al., Science 326, 113 (2009): ``H = 4 EC n**2 - EJ cos(phi - 2 pi flux) +
EL phi**2 / 2``, here over h and in the oscillator basis of EC and EL (Zhu et al., Phys. Rev. B 87,
024510 (2013)), cosine and sine by the eigenvectors of phi.
"""

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

HALF_FLUX = 0.5
"""The sweet spot, in flux quanta: f01 is least there and depends on flux to second order only."""
OSCILLATOR_LEVELS = 60
"""With so many the lowest ten levels of EJ / EL < 20 stand within 1e-6 of their frequency."""
KEPT = 10


@dataclass(frozen=True, slots=True)
class Energies:
    """Of one fluxonium, over h, Hz."""

    charging_hz: float
    josephson_hz: float
    inductive_hz: float


@dataclass(frozen=True, slots=True, eq=False)
class Spectrum:
    """At one flux."""

    levels_hz: "NDArray[np.float64]"
    """Shape (K,), above the ground state, Hz."""
    charge: "NDArray[np.float64]"
    """Shape (K, K): absolute elements of the Cooper-pair number."""
    signed: "NDArray[np.float64]"
    """Shape (K, K), antisymmetric: the Cooper-pair number is 1j times this."""

    @property
    def f01_hz(self) -> float:
        """The 0-1 transition, Hz."""
        return float(self.levels_hz[1])

    @property
    def anharmonicity_hz(self) -> float:
        """f12 - f01, signed, Hz."""
        return float(self.levels_hz[2] - 2 * self.levels_hz[1])

    def pulls(self, resonator_hz: float) -> "NDArray[np.float64]":
        """Return the pull of each level on a resonator, for a coupling of 1 Hz, shape (K,), Hz.

        Second order in the coupling g n (a + a+), without the rotating-wave approximation: the
        sum of 2 f |g n|**2 / (f**2 - f_r**2) over the transitions (f signed, from the level
        down; Zhu et al. 2013, Eq. 13).
        """
        import numpy as np

        down = self.levels_hz[:, None] - self.levels_hz[None, :]
        pulls = 2 * down * self.charge**2 / (down**2 - resonator_hz**2)
        return np.asarray(pulls.sum(axis=1))


@lru_cache(maxsize=512)
def spectrum(energies: Energies, flux: float = HALF_FLUX) -> Spectrum:
    """Diagonalise at ``flux``, in flux quanta."""
    import numpy as np

    steps = np.arange(1, OSCILLATOR_LEVELS)
    ladder = np.diag(np.sqrt(steps), 1)
    width = (8 * energies.charging_hz / energies.inductive_hz) ** 0.25
    place, vectors = np.linalg.eigh((ladder + ladder.T) * width / math.sqrt(2))
    shifted = place - 2 * math.pi * flux
    quantum_hz = math.sqrt(8 * energies.charging_hz * energies.inductive_hz)
    matrix = np.diag(quantum_hz * (np.arange(OSCILLATOR_LEVELS) + 0.5))
    matrix -= energies.josephson_hz * (vectors * np.cos(shifted)) @ vectors.T
    levels, states = np.linalg.eigh(matrix)
    number = (ladder - ladder.T) / (math.sqrt(2) * width)
    charge = (states.T @ number @ states)[:KEPT, :KEPT]
    return Spectrum(levels[:KEPT] - levels[0], np.abs(charge), charge)

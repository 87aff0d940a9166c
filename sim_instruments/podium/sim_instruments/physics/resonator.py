"""An artificial atom dressed by its readout resonator.

``H = H_atom + f_r a+a + coupling n (a + a+)`` over h, diagonalised without the rotating-wave
approximation in the product of the atom's and the resonator's lowest levels.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.fluxonium import Fluxonium
from podium.sim_instruments.physics.levels import BareLevels, is_antisymmetric
from podium.sim_instruments.physics.transmon import Transmon

LEVELS = 4
"""Levels of the dressed atom that the world keeps."""
TRANSMON_LEVELS = 8
FLUXONIUM_LEVELS = 12
PHOTON_LEVELS = 6
"""With 8 x 6 product states of a transmon, 12 x 6 of a fluxonium, the four lowest dressed levels
and their resonator frequencies stand within 1 kHz of many more for the chips of the library:
test_resonator.py tells."""
FAINT = 1e-2
"""A charge element below this much of the 0-1 one does not count for the critical photon number."""


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """An atom with its resonator at one flux: the states that the world knows, and two operators.

    States are n = 0 ... L - 1 without a photon, then the same with one: 2 L of them.
    """

    energy_hz: NDArray[np.float64]
    """Shape (2 L,), above the lowest."""
    charge: NDArray[np.float64]
    """Shape (2 L, 2 L): the Cooper-pair number, in the form of :class:`.levels.BareLevels`."""
    by_flux_hz: NDArray[np.float64]
    """Shape (2 L, 2 L): dH / d flux, Hz for a flux quantum."""
    coupling_01_hz: float
    """g of the bare 0-1 transition, Hz."""
    n_crit: float
    """Critical photon number."""
    level_n_crit: tuple[float, ...] = ()
    """Of a fluxonium, those in each level."""

    @property
    def levels(self) -> int:
        """L."""
        return self.energy_hz.size // 2


@dataclass(frozen=True, slots=True, eq=False)
class Dressed:
    """An atom with its resonator at one flux. Arrays have ``LEVELS`` entries or so."""

    levels_hz: NDArray[np.float64]
    """Shape (L,), above ground, no photon."""
    resonator_hz: NDArray[np.float64]
    """Shape (L,): one photon more, the atom in level n."""
    charges: NDArray[np.float64]
    """Shape (L, L): |<n|charge|m>| between dressed levels."""
    slope_hz: float
    """d f01 / d flux, Hz for a flux quantum."""
    coupling_01_hz: float
    """g of the bare 0-1 transition, Hz."""
    n_crit: float
    """Critical photon number: (f_r - f)**2 / (4 g**2) of the bare transition that limits it (Blais
    et al., Phys. Rev. A 69, 062320 (2004)): of a transmon 0-1, of a fluxonium the nearest one out
    of 0 or 1."""
    level_n_crit: tuple[float, ...] = ()
    """Of a fluxonium, those in each level: of the nearest line out of that, or out of 0 or 1."""
    alone: float = 1.0
    """How much of the excited state is this atom's own excitation, where others couple to it."""
    signed: NDArray[np.float64] | None = None
    """Shape (L, L): the antisymmetric charge of a fluxonium, with its signs."""

    @property
    def charge(self) -> NDArray[np.float64]:
        """Shape (L-1,): |<n|charge|n+1>|."""
        return np.diag(self.charges, 1)

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


def pair_of(
    atom: Transmon | Fluxonium,
    coupling_hz: float,
    resonator_hz: float,
    flux: float,
    *,
    atom_levels: int | None = None,
    photon_levels: int = PHOTON_LEVELS,
) -> Pair:
    """Diagonalise atom and resonator together at ``flux`` (flux quanta from the sweet spot).

    ``coupling_hz`` multiplies the Cooper-pair number, ``resonator_hz`` is bare. A dressed state
    takes the name of the product state that weighs most in it.
    """
    if atom_levels is None:
        atom_levels = FLUXONIUM_LEVELS if isinstance(atom, Fluxonium) else TRANSMON_LEVELS
    bare = atom.bare(flux, atom_levels)
    energy_hz, kept = _named(bare, coupling_hz, resonator_hz, photon_levels)
    one = np.eye(photon_levels)
    lines_hz = np.abs(bare.energy_hz[:, None] - bare.energy_hz[None, :])
    couplings_hz, many = coupling_hz * bare.charge, isinstance(atom, Fluxonium)
    return Pair(
        energy_hz=energy_hz - energy_hz[0],
        charge=kept.T @ _product(bare.charge, one) @ kept,
        by_flux_hz=kept.T @ _product(bare.by_flux_hz, one) @ kept,
        coupling_01_hz=coupling_hz * abs(float(bare.charge[0, 1])),
        n_crit=_critical(resonator_hz, lines_hz, couplings_hz, (0, 1) if many else ()),
        level_n_crit=tuple(
            _critical(resonator_hz, lines_hz, couplings_hz, (0, 1, n))
            for n in range(LEVELS if many else 0)
        ),
    )


def quoted_hz(
    atom: Transmon | Fluxonium, coupling_hz: float, resonator_hz: float, flux: float
) -> tuple[float, float, float, float]:
    """Return f01, anharmonicity, readout frequency and chi, as :class:`Dressed` has them.

    It takes half of the time of :func:`dress`, which finds the operators too.
    """
    count = FLUXONIUM_LEVELS if isinstance(atom, Fluxonium) else TRANSMON_LEVELS
    energy_hz, _ = _named(atom.bare(flux, count), coupling_hz, resonator_hz, PHOTON_LEVELS)
    levels_hz = (energy_hz - energy_hz[0]).tolist()
    vacuum, photon = levels_hz[:LEVELS], levels_hz[LEVELS:]
    lines = [one - without for one, without in zip(photon, vacuum, strict=True)]
    return (
        vacuum[1],
        vacuum[2] - 2 * vacuum[1],
        (lines[0] + lines[1]) / 2,
        (lines[1] - lines[0]) / 2,
    )


def _named(
    bare: BareLevels, coupling_hz: float, resonator_hz: float, photon_levels: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return energies of the states that :class:`Pair` keeps, Hz, and the states in columns."""
    lower = np.diag(np.sqrt(np.arange(1.0, photon_levels)), 1)
    # -1j n (a + a+) is real after a quarter turn of the photon's phase, a -> 1j a
    field = lower.T - lower if is_antisymmetric(bare.charge) else lower + lower.T
    matrix = np.diag(
        (bare.energy_hz[:, None] + resonator_hz * np.arange(photon_levels)).reshape(-1)
    ) + coupling_hz * _product(bare.charge, field)
    from scipy.linalg import eigh  # heavy: see .relaxation

    energy, vectors = eigh(matrix)
    named = [n * photon_levels + photons for photons in (0, 1) for n in range(LEVELS)]
    state = np.argmax(vectors[named] ** 2, axis=1)
    return energy[state], vectors[:, state]


def _product(atom: NDArray[np.float64], photons: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the Kronecker product of two square matrices."""
    size = atom.shape[0] * photons.shape[0]
    return (atom[:, None, :, None] * photons[None, :, None, :]).reshape(size, size)


def _critical(
    resonator_hz: float,
    lines_hz: NDArray[np.float64],
    couplings_hz: NDArray[np.float64],
    begins: tuple[int, ...],
) -> float:
    """Return the critical photon number. ASSUMED of a fluxonium: what limits it is the one
    transition out of ``begins`` that the resonator mixes with most; without any it is 0-1."""
    strongest = abs(float(couplings_hz[0, 1]))
    if strongest == 0.0:
        return float("inf")
    lines = [(0, 1)]
    if begins:
        lines = [
            (n, m)
            for n in begins
            for m in range(lines_hz.shape[0])
            if n != m and abs(couplings_hz[n, m]) > FAINT * strongest
        ]
    return min(
        float((resonator_hz - lines_hz[n, m]) ** 2 / (4 * couplings_hz[n, m] ** 2))
        for n, m in lines
    )


def dressed(pair: Pair) -> Dressed:
    """Return what the world wants to know of a pair by itself."""
    count = pair.levels
    vacuum, photon = pair.energy_hz[:count], pair.energy_hz[count:]
    return Dressed(
        levels_hz=vacuum - vacuum[0],
        resonator_hz=photon - vacuum,
        charges=np.abs(pair.charge[:count, :count]),
        slope_hz=float(pair.by_flux_hz[1, 1] - pair.by_flux_hz[0, 0]),
        coupling_01_hz=pair.coupling_01_hz,
        n_crit=pair.n_crit,
        level_n_crit=pair.level_n_crit,
        signed=pair.charge[:count, :count] if is_antisymmetric(pair.charge) else None,
    )


def dress(
    atom: Transmon | Fluxonium,
    coupling_hz: float,
    resonator_hz: float,
    flux: float,
    *,
    atom_levels: int | None = None,
    photon_levels: int = PHOTON_LEVELS,
) -> Dressed:
    """Diagonalise atom and resonator together at ``flux``: see :func:`pair_of`."""
    return dressed(
        pair_of(
            atom,
            coupling_hz,
            resonator_hz,
            flux,
            atom_levels=atom_levels,
            photon_levels=photon_levels,
        )
    )

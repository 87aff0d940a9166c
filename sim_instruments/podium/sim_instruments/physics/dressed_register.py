"""The dressed levels of fluxoniums and couplers, and what a drive of one moves between them.

``H = sum of the atoms + sum of c n_i n_j`` over h, diagonalised whole and without the rotating-wave
approximation, resonators left out. A drive of one atom moves its charge, and by that, as its states
are dressed, levels of its neighbours too.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.levels import Atom, drive_elements
from podium.sim_instruments.physics.register import (
    SHIFTING_LEVELS,
    Couplings,
    turned_charge,
    within,
)


@dataclass(frozen=True, slots=True, eq=False)
class DressedRegister:
    """N dressed levels of M atoms; the first of them are those that were asked for, by name."""

    energy_hz: NDArray[np.float64]
    """Shape (N,): above the lowest."""
    elements: NDArray[np.complex128]
    """Shape (M, N, N), Hermitian: what a drive of each atom moves, over its own 0-1 element."""


def dressed_register(
    atoms: Sequence[tuple[Atom, float]], couplings: Couplings, names: NDArray[np.int64]
) -> DressedRegister:
    """Return the dressed levels of coupled fluxoniums, and of transmons between them.

    ``atoms``: each with its flux, in flux quanta from its sweet spot; ``names`` (D, M): levels of
    the product states after which the first D are named, that of the ground state first. A dressed
    level takes the name of a product state that weighs much in it, no two the same, and has that
    part of it real and positive.
    """
    from scipy.linalg import eigh  # heavy: see .relaxation
    from scipy.optimize import linear_sum_assignment

    bare = [atom.bare(flux, SHIFTING_LEVELS) for atom, flux in atoms]
    sizes = [SHIFTING_LEVELS] * len(bare)
    charge01 = [abs(float(one.charge[1, 0])) for one in bare]
    moved = [
        within(sizes, {m: drive_elements(turned_charge(one.charge))}) for m, one in enumerate(bare)
    ]
    matrix = sum(within(sizes, {m: np.diag(one.energy_hz)}) for m, one in enumerate(bare))
    for (i, j), hz in couplings.items():
        matrix = matrix + hz * charge01[i] * charge01[j] * (moved[i] @ moved[j])
    energy, vectors = eigh(matrix)
    place = np.ravel_multi_index(tuple(names.T), sizes)
    _, column = linear_sum_assignment(-(np.abs(vectors[place]) ** 2))
    kept = vectors[:, column]
    own = kept[place, np.arange(place.size)]
    rest = np.setdiff1d(np.arange(energy.size), column)
    states = np.hstack([kept * (np.conj(own) / np.abs(own)), vectors[:, rest]])
    levels = energy[np.concatenate([column, rest])]
    found = np.stack([states.conj().T @ one @ states for one in moved])
    for m in range(len(bare)):
        first = int(np.flatnonzero((names.sum(axis=1) == 1) & (names[:, m] == 1))[0])
        found[m] /= np.abs(found[m, first, 0])
    return DressedRegister(levels - levels[0], found)

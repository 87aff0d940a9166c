"""Takes dressed states through a wait exactly: phases, and jumps that change how fast they turn.

An excitation shifts its neighbours, so an element that jumps in the middle of a wait ends or begins
a shift of the others' phases. A coherence between two states that differ in some elements turns at
a rate that depends on the levels of the others, the same on both sides; a jump of one of these
takes it to the coherence with that level changed. So what belongs together is a vector over the
levels of the elements that are equal, at most D numbers, and a wait is the exponential of a small
matrix for each pair of levels of those that differ.
"""

from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations, permutations, product

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.joint.density_evolution import basis_of, decoherence_rates
from podium.sim_instruments.physics.joint.elements import Cluster
from podium.sim_instruments.physics.joint.product_basis import ProductBasis

Array = NDArray[np.float64]
Complexes = NDArray[np.complex128]
Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class _Together:
    """Coherences between states that differ in the same elements: P pairs of levels of these."""

    rows: Integers
    """Shape (P, d): the one state, over the levels of the equal elements."""
    columns: Integers
    """Shape (P, d): the other state."""
    rates: Array
    """Shape (P, d, d), 1/ns, [to, from]: jumps of the equal elements, and what fades."""


@lru_cache(maxsize=16)
def _groups(cluster: Cluster) -> tuple[_Together, ...]:
    """Return all coherences, in groups of as many equal elements."""
    everything = range(len(cluster.elements))
    return tuple(
        _together(cluster, unequal)
        for count in range(len(cluster.elements) + 1)
        for unequal in combinations(everything, count)
    )


def _together(cluster: Cluster, unequal: tuple[int, ...]) -> _Together:
    basis = basis_of(cluster)
    rows, columns = _places(basis, unequal)
    decay = [decoherence_rates(one) for one in cluster.elements]
    moving = np.zeros((1, 1))
    for e, (_, own) in enumerate(decay):
        if e not in unequal:
            moving = np.kron(moving, np.eye(len(own))) + np.kron(np.eye(len(moving)), own)
    levels = basis.level[:, list(unequal)]
    one, other = levels[rows[:, 0]], levels[columns[:, 0]]
    fading = np.zeros(len(rows))
    for k, e in enumerate(unequal):
        fading += decay[e][0][one[:, k], other[:, k]]
    return _Together(rows, columns, moving - fading[:, None, None] * np.eye(len(moving)))


@lru_cache(maxsize=256)
def _places(basis: ProductBasis, unequal: tuple[int, ...]) -> tuple[Integers, Integers]:
    """Return rows and columns (P, d) of coherences between states that differ in these elements.

    Over the levels of the other elements, those of the last one running first.
    """
    counts = (basis.level.max(axis=0) + 1).tolist()
    number = np.empty(counts, np.int64)
    number[tuple(basis.level.T)] = np.arange(basis.size)
    by_unequal = np.moveaxis(number, unequal, range(len(unequal)))
    rows: list[Integers] = []
    columns: list[Integers] = []
    for apart in product(*(permutations(range(counts[e]), 2) for e in unequal)):
        for side, found in enumerate((rows, columns)):
            found.append(by_unequal[tuple(pair[side] for pair in apart)].ravel())
    return np.array(rows), np.array(columns)


def waited(state: Complexes, cluster: Cluster, turn_hz: Array, span_ns: float) -> Complexes:
    """Return dressed states (K, C, D, D) after a wait.

    ``turn_hz`` (K, D, D): by how much faster the one state turns than the other, at each node.
    """
    after = np.zeros_like(state)
    for one in _groups(cluster):
        if not np.any(state[:, :, one.rows, one.columns]):
            continue
        turning = -2e-9j * np.pi * turn_hz[:, one.rows, one.columns]
        rate = one.rates + turning[..., None] * np.eye(one.rows.shape[1])
        moved = _exponential(np.asarray(rate * span_ns, np.complex128))
        before = np.moveaxis(state[:, :, one.rows, one.columns], 1, -1)
        after[:, :, one.rows, one.columns] = np.moveaxis(moved @ before, -1, 1)
    return after


def _exponential(matrix: Complexes) -> Complexes:
    """Return the exponentials of matrices (..., d, d).

    What all of a matrix turns and fades by is taken out first: it is most of it.
    """
    from scipy.linalg import expm  # heavy: see .relaxation

    unit = np.eye(matrix.shape[-1])
    mean = np.einsum("...ii->...", matrix)[..., None, None] / len(unit)
    return np.asarray(np.exp(mean) * expm(matrix - mean * unit))

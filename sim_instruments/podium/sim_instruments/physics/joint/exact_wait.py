"""Takes dressed states through a wait exactly: phases, and jumps that change how fast they turn.

An excitation shifts its neighbours, so an element that jumps in the middle of a wait ends or begins
a shift of the others' phases. A coherence between two states that differ in some elements turns at
a rate that depends on the levels of the others, the same on both sides; a jump of one of these
takes it to the coherence with that level changed. So what belongs together is a vector over the
levels of the elements that are equal, at most D numbers, and a wait is the exponential of a small
matrix for each pair of levels of those that differ.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations, permutations, product

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.joint.density_evolution import basis_of
from podium.sim_instruments.physics.joint.elements import Cluster
from podium.sim_instruments.physics.joint.product_basis import ProductBasis

Array = NDArray[np.float64]
Complexes = NDArray[np.complex128]
TERMS = 14
"""Of the series of an exponential of a matrix whose norm is at most :data:`SMALL`: good to 1e-15 of
1, which each of some twenty squarings doubles."""
SMALL = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class _Together:
    """Coherences between states that differ in the same elements: P pairs of levels of these."""

    rows: NDArray[np.int64]
    """Shape (P, d): the one state, over the levels of the equal elements."""
    columns: NDArray[np.int64]
    """Shape (P, d): the other state."""
    rates: Array
    """Shape (P, d, d), 1/ns, [to, from]: jumps of the equal elements, and what fades."""


@lru_cache(maxsize=16)
def _groups(cluster: Cluster) -> tuple[_Together, ...]:
    """Return all coherences, in groups of as many equal elements."""
    basis = basis_of(cluster)
    return tuple(
        _together(cluster, basis, unequal)
        for count in range(len(cluster.elements) + 1)
        for unequal in combinations(range(len(cluster.elements)), count)
    )


def _together(cluster: Cluster, basis: ProductBasis, unequal: tuple[int, ...]) -> _Together:
    elements = cluster.elements
    counts = [one.count for one in elements]
    equal = [e for e in range(len(elements)) if e not in unequal]
    within = list(product(*(range(counts[e]) for e in equal)))
    place = {levels: k for k, levels in enumerate(within)}
    leaving = [1e-9 * one.rates_1_s.sum(axis=0) for one in elements]
    jumps = np.zeros((len(within), len(within)))
    for levels, k in place.items():
        for x, e in enumerate(equal):
            jumps[k, k] -= leaving[e][levels[x]]
            for to in range(counts[e]):
                if to != levels[x]:
                    other = place[(*levels[:x], to, *levels[x + 1 :])]
                    jumps[other, k] += 1e-9 * elements[e].rates_1_s[to, levels[x]]
    rows: list[list[int]] = []
    columns: list[list[int]] = []
    rates: list[Array] = []
    for apart in product(*(permutations(range(counts[e]), 2) for e in unequal)):
        fading = sum(
            0.5 * (leaving[e][n] + leaving[e][m]) + 1e-9 * elements[e].dephasing_1_s * (n - m) ** 2
            for e, (n, m) in zip(unequal, apart, strict=True)
        )
        rates.append(jumps - fading * np.eye(len(within)))
        for side, found in enumerate((rows, columns)):
            own = {e: pair[side] for e, pair in zip(unequal, apart, strict=True)}
            found.append(list(_states(basis, equal, within, own)))
    return _Together(np.array(rows), np.array(columns), np.array(rates))


def _states(
    basis: ProductBasis,
    equal: list[int],
    within: list[tuple[int, ...]],
    own: dict[int, int],
) -> Iterator[int]:
    """Yield the states with levels of the equal elements and those of the others."""
    for levels in within:
        every = own | dict(zip(equal, levels, strict=True))
        yield basis.index(*(every[e] for e in range(len(every))))


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
        moved = exponential(np.asarray(rate * span_ns, np.complex128))
        before = np.moveaxis(state[:, :, one.rows, one.columns], 1, -1)
        after[:, :, one.rows, one.columns] = np.moveaxis(moved @ before, -1, 1)
    return after


def exponential(matrix: Complexes) -> Complexes:
    """Return the exponentials of matrices (..., d, d), by squaring those of small parts of them.

    What all of a matrix turns and fades by is taken out first: it is most of it.
    """
    size = matrix.shape[-1]
    unit = np.eye(size)
    mean = np.einsum("...ii->...", matrix)[..., None, None] / size
    rest = matrix - mean * unit
    norm = float(np.abs(rest).sum(axis=-1).max(initial=0.0))
    squarings = max(0, int(np.ceil(np.log2(norm / SMALL)))) if norm > SMALL else 0
    rest = rest / 2.0**squarings
    found = unit + rest / TERMS
    for term in range(TERMS - 1, 0, -1):
        found = unit + rest @ found / term
    for _ in range(squarings):
        found = found @ found
    return np.asarray(np.exp(mean) * found)

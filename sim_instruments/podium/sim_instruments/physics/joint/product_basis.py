"""The product states of a cluster, in the order of their excitation number.

States with one sum of levels stand together: what conserves that number is a matrix of blocks.
"""

from dataclasses import dataclass
from functools import lru_cache
from itertools import product

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class ProductBasis:
    """D product states of E elements, B blocks."""

    level: NDArray[np.int64]
    """Shape (D, E): the level of each element in each state."""
    block: NDArray[np.int64]
    """Shape (B + 1,): first state of each block; block k has k excitations."""
    with_level: NDArray[np.int64]
    """Shape (E, L, D): the state that has element e in level n and is else that state; L is the
    largest number of levels, -1 where an element has not so many."""

    @property
    def size(self) -> int:
        """Return D."""
        return int(self.level.shape[0])

    @property
    def number(self) -> NDArray[np.int64]:
        """Return the excitation number of each state, shape (D,)."""
        return np.asarray(self.level.sum(axis=1))

    def index(self, *levels: int) -> int:
        """Return the number of the state with these levels; raises KeyError for none."""
        found = np.flatnonzero(np.all(self.level == np.array(levels), axis=1))
        if not found.size:
            raise KeyError(f"no state {levels}")
        return int(found[0])


@lru_cache(maxsize=64)
def product_basis(levels: tuple[int, ...]) -> ProductBasis:
    """Return the basis of elements with so many levels each."""
    states = sorted(product(*(range(count) for count in levels)), key=lambda state: sum(state))
    level = np.array(states, np.int64).reshape(len(states), len(levels))
    number = level.sum(axis=1)
    block = np.searchsorted(number, np.arange(int(number.max()) + 2))
    place = {state: index for index, state in enumerate(states)}
    most = max(levels)
    with_level = np.full((len(levels), most, len(states)), -1, np.int64)
    for index, state in enumerate(states):
        for e, count in enumerate(levels):
            for n in range(count):
                with_level[e, n, index] = place[(*state[:e], n, *state[e + 1 :])]
    return ProductBasis(level, block.astype(np.int64), with_level)

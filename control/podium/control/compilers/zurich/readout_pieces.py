"""Which part of a sweep a quantum analyzer channel can hold at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations
from math import prod

import numpy as np

from podium.control.compilers.points import IntArray


@dataclass(frozen=True, slots=True, eq=False)
class Share:
    """What is stored of one kind: there is room for ``limit`` different ones."""

    stored: tuple[IntArray, ...]
    """Which of them is used, shape (points,) each; below 0: none."""
    limit: int

    def needed(self, shape: tuple[int, ...], piece: tuple[int, ...]) -> int:
        """Return how many the first piece of such a size takes."""
        box = tuple(slice(0, extent) for extent in piece)
        used = [np.unique(one.reshape(shape)[box]) for one in self.stored]
        every = np.unique(np.concatenate([np.zeros(0, np.int64), *used]))
        return int((every >= 0).sum())


def largest_piece(
    shape: tuple[int, ...], counts: tuple[int, ...], shares: Sequence[Share]
) -> tuple[int, ...]:
    """Return the extents of the largest piece of a sweep that all shares have room for.

    ``shape``: of what is stored, 1 along axes on which nothing depends; ``counts``: of the axes,
    so that such an axis is taken whole. Pieces elsewhere than at the sweep's beginning may take
    more where its values recur.
    """
    long = [axis for axis, count in enumerate(shape) if count > 1]
    best = (1,) * len(shape)
    for order in permutations(long):
        piece = [1] * len(shape)
        for axis in order:
            piece[axis] = _extent(shape, piece, axis, shares)
        best = max(best, tuple(piece), key=prod)
    return tuple(
        count if size == 1 else extent
        for count, size, extent in zip(counts, shape, best, strict=True)
    )


def _extent(shape: tuple[int, ...], piece: list[int], axis: int, shares: Sequence[Share]) -> int:
    """Return how far a piece can grow along one axis: what it needs only grows with it."""
    fits, too_far = 1, shape[axis] + 1
    while too_far - fits > 1:
        middle = (fits + too_far) // 2
        tried = tuple(middle if k == axis else extent for k, extent in enumerate(piece))
        if all(one.needed(shape, tried) <= one.limit for one in shares):
            fits = middle
        else:
            too_far = middle
    return fits


__all__ = ["Share", "largest_piece"]

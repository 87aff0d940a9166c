"""Finds the part of a sweep that a quantum analyzer channel can hold at once."""

from collections.abc import Callable, Sequence
from itertools import permutations
from math import prod

import numpy as np

from podium.control.compilers.points import IntArray

Piece = tuple[int, ...]
"""How many points of each axis, from the first on."""
Needed = Callable[[Piece], int]


def different(stored: Sequence[IntArray], shape: tuple[int, ...], piece: Piece, things: int) -> int:
    """Return how many different things a piece takes, of so many ``things``.

    ``stored``: which of them is used, shape (points,) each, -1 where none is; ``shape``: of the
    points, with repetitions of a round before them where those differ.
    """
    every_repetition = [slice(None)] * (len(shape) - len(piece))
    box = (*every_repetition, *(slice(0, extent) for extent in piece))
    used = np.zeros(things + 1, np.bool_)  # the last of them is none
    for one in stored:
        used[one.reshape(shape)[box]] = True
    return int(np.count_nonzero(used[:-1]))


def largest_piece(shape: tuple[int, ...], counts: Piece, needed: Needed, limit: int) -> Piece:
    """Return the extents of the largest piece of a sweep that takes no more than ``limit``.

    ``shape``: of the points, 1 along axes on which nothing depends; ``counts``: of the axes, so
    that such an axis is taken whole. What a piece takes must only grow with it. Pieces elsewhere
    than at the sweep's beginning may take more where its values recur.
    """
    sizes = shape[len(shape) - len(counts) :]
    long = [axis for axis, size in enumerate(sizes) if size > 1]
    best = (1,) * len(sizes)
    for order in permutations(long):
        piece = [1] * len(sizes)
        for axis in order:
            piece[axis] = _extent(sizes, piece, axis, needed, limit)
        best = max(best, tuple(piece), key=prod)
    return tuple(
        count if size == 1 else extent
        for count, size, extent in zip(counts, sizes, best, strict=True)
    )


def _extent(sizes: Piece, piece: list[int], axis: int, needed: Needed, limit: int) -> int:
    """Return how far a piece can grow along one axis."""
    fits, too_far = 1, sizes[axis] + 1
    while too_far - fits > 1:
        middle = (fits + too_far) // 2
        tried = tuple(middle if k == axis else extent for k, extent in enumerate(piece))
        if needed(tried) <= limit:
            fits = middle
        else:
            too_far = middle
    return fits

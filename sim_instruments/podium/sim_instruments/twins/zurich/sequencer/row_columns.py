"""Takes columns of rows of some kinds, each in memory of its own, in one pass.

A run has up to millions of rows of 64 bytes. What is made of them reads column by column, and a
column of whole rows comes into the processor at an eighth of the pace of one that stands alone.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numba import njit

from podium.sim_instruments.twins.zurich.sequencer.image import Integers
from podium.sim_instruments.twins.zurich.sequencer.sequencer_state import Row


@njit(cache=True, nogil=True)
def _count(rows: Any, kind: int, kinds: int) -> int:
    """Return how many rows have one of the kinds, bits of a word, in the column ``kind``."""
    count = 0
    for row in range(rows.shape[0]):
        count += kinds >> rows[row, kind] & 1
    return count


@njit(cache=True, nogil=True)
def _take(rows: Any, kind: int, kinds: int, columns: Any, taken: Any) -> None:
    """Fill ``taken`` (C, n) with columns of the rows of these kinds."""
    place = 0
    for row in range(rows.shape[0]):
        if kinds >> rows[row, kind] & 1:
            for column in range(columns.size):
                taken[column, place] = rows[row, columns[column]]
            place += 1


def columns_of(rows: Integers, kinds: Sequence[int], columns: Sequence[int]) -> Integers:
    """Return ``columns`` of the rows (n, Row.COLUMNS) of some kinds, shape (C, rows of them)."""
    read = rows[:]
    read.flags.writeable = False  # kernels are compiled for rows that nobody writes to
    word = sum(1 << kind for kind in kinds)
    kind = int(Row.KIND)
    taken = np.empty((len(columns), _count(read, kind, word)), np.int64)
    _take(read, kind, word, np.array(columns, np.int64), taken)
    return taken

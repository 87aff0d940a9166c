"""Equal rows of an array of numbers get one number, found column by column.

NumPy's ``unique`` along an axis sorts whole rows with the interpreter's lock held: for seconds
where there are some hundred thousand, in which no thread of a simulation answers anybody.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]
SPAN_MAX: Final = 4096
"""So far apart whole numbers may be, beside their count, to be told apart by a table."""


def distinct_rows(rows: Integers | NDArray[np.float64]) -> tuple[Integers, Integers]:
    """Return the first of each kind of equal rows, and of which kind each row is.

    ``rows`` has shape (n, columns). Kinds ascend, as ``np.unique`` along an axis has them.
    """
    kind: Integers = np.zeros(len(rows), np.int64)
    kinds = min(len(rows), 1)
    for column in rows.T:
        if len(column) and column.min() != column.max():
            number, count = _ranks(column)
            kind, kinds = _ranks(kind * count + number)
    first: Integers = np.empty(kinds, np.int64)
    first[kind[::-1]] = np.arange(len(kind))[::-1]
    return first, kind


def _ranks(column: Integers | NDArray[np.float64]) -> tuple[Integers, int]:
    """Return the place of each number among the different ones, and how many of these there are.

    Without sorting them all: most are small, or the same for a stretch.
    """
    if column.dtype == np.int64:
        least = column.min()
        span = int(column.max()) - int(least) + 1
        if span <= SPAN_MAX + len(column):
            there = np.zeros(span, np.bool_)
            there[column - least] = True
            return (np.cumsum(there) - 1)[column - least], int(np.count_nonzero(there))
    begins = np.flatnonzero(np.concatenate([[True], column[1:] != column[:-1]]))
    values, number = np.unique(column[begins], return_inverse=True)
    lengths = np.diff(begins, append=len(column))
    return np.repeat(number.reshape(-1), lengths), len(values)

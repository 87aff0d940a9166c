"""Rows of a processor's real-time side are kept in few bytes until its trace is wanted.

Most columns hold one value for as long as a program loops, and the others small numbers: of 68
bytes that the kernel writes for a row, some twenty are left.
"""

from collections.abc import Iterator, Sequence
from weakref import WeakValueDictionary

import numpy as np
from numpy.typing import NDArray

Column = NDArray[np.signedinteger]
NARROW = (np.int8, np.int16, np.int32)
_constants: "WeakValueDictionary[tuple[int, str], Column]" = WeakValueDictionary()


def constant(value: int, count: int, kind: type[np.signedinteger]) -> Column:
    """Return an array of one value; it shares its memory with others of that value.

    Nobody may write to it.
    """
    name = value, np.dtype(kind).str
    found = _constants.get(name)
    if found is None or found.size < count:
        found = np.full(count, value, kind)
        _constants[name] = found
    return found[:count]


def packed(column: Column) -> Column:
    """Return a column as narrow as its numbers allow; of a single value it holds one entry."""
    low, high = int(column.min()), int(column.max())
    if low == high:
        return column[:1].copy()
    for kind in NARROW:
        limits = np.iinfo(kind)
        if limits.min <= low and high <= limits.max:
            return column.astype(kind)
    return column.copy()


class PackedRows:
    """Some rows that follow each other: columns as :func:`packed` leaves them."""

    def __init__(self, columns: Sequence[Column], count: int) -> None:
        """``columns``: of ``count`` entries each, or of one."""
        self.columns = list(columns)
        self.count = count

    def part(self, column: int, first: int, last: int) -> Column:
        """Return the entries of a column from one row up to another."""
        found = self.columns[column]
        return found[first:last] if found.size == self.count else np.repeat(found, last - first)


class RowStore:
    """All rows that a processor has made, the first column of them (64 bit) ascending."""

    def __init__(self) -> None:
        self._stretches: list[PackedRows] = []
        self.count = 0
        """Rows in it."""

    def append(self, columns: Sequence[Column]) -> None:
        """Add rows, packed: the columns may be used for others afterwards."""
        count = columns[0].size
        if count:
            rest = [packed(column) for column in columns[1:]]
            self._stretches.append(PackedRows([columns[0].copy(), *rest], count))
            self.count += count

    def between(self, first: int, before: int) -> Iterator[tuple[PackedRows, int, int]]:
        """Yield stretches with their rows from number ``first`` on, below ``before``.

        ``before`` bounds the first column.
        """
        begin = 0
        for rows in self._stretches:
            low, begin = max(first - begin, 0), begin + rows.count
            if low >= rows.count:
                continue
            high = int(np.searchsorted(rows.part(0, 0, rows.count), before))
            yield rows, low, max(high, low)
            if high < rows.count:
                return

    def changes(self, column: int) -> tuple[Column, Column]:
        """Return the first column and another, of the rows at which that may have changed."""
        times, values = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
        for rows in self._stretches:
            found = rows.columns[column]
            at = np.append(0, np.flatnonzero(np.diff(found)) + 1)
            times.append(rows.columns[0][at])
            values.append(found[at])
        return np.concatenate(times), np.concatenate(values)

    def join(self, kinds: Sequence[type[np.signedinteger]]) -> list[Column]:
        """Return all columns, of the given types; from then on the store holds these themselves."""
        joined = [self._joined(number, kind) for number, kind in enumerate(kinds)]
        self._stretches = [PackedRows(joined, self.count)] if self.count else []
        return joined

    def _joined(self, number: int, kind: type[np.signedinteger]) -> Column:
        parts = [rows.columns[number] for rows in self._stretches]
        if len(parts) == 1 and parts[0].size == self.count and parts[0].dtype == kind:
            return parts[0]
        values = {int(part[0]) for part in parts if part.size == 1}
        if len(values) == 1 and all(part.size == 1 for part in parts):
            return constant(values.pop(), self.count, kind)
        out = np.empty(self.count, kind)
        at = 0
        for rows in self._stretches:
            out[at : at + rows.count] = rows.columns[number]
            at += rows.count
            rows.columns[number] = out[:1]  # its place is in ``out`` now
        return out

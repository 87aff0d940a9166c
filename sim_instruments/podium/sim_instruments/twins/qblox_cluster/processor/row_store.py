"""Rows of a processor's real-time side are kept in few bytes until its trace is wanted.

Most columns hold one value for as long as a program loops, and the others few: of 68 bytes that
the kernel writes for a row one or two are left, the number of a row that is kept once. Where hardly
any two rows of a stretch are alike each column is kept as narrow as its numbers allow.
"""

from collections.abc import Iterator, Sequence
from weakref import WeakValueDictionary

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.deduplicate import distinct

Column = NDArray[np.signedinteger]
NARROW = (np.int8, np.int16, np.int32)
MOST_ALIKE = 1 << 16
"""A stretch of which at most so many rows differ is kept by their numbers."""
WORTH_NUMBERING = 16
"""And at most one in so many of its rows."""
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
        self._columns = list(columns)
        self.count = count

    def part(self, column: int, first: int, last: int) -> Column:
        """Return the entries of a column from one row up to another."""
        found = self._columns[column]
        return found[first:last] if found.size == self.count else np.repeat(found, last - first)

    def at(self, column: int, places: NDArray[np.int64]) -> Column:
        """Return the entries of a column in some of the rows."""
        found = self._columns[column]
        return found[places] if found.size == self.count else np.repeat(found, places.size)

    def only(self, column: int) -> int | None:
        """Return the one value that a column holds; None: there may be several."""
        found = self._columns[column]
        return int(found[0]) if found.size == 1 else None

    def whole(self, column: int, kind: type[np.signedinteger]) -> Column | None:
        """Return a column itself, if it is kept in that type; None: it is not."""
        found = self._columns[column]
        return found if found.size == self.count and found.dtype == kind else None

    def moved(self, column: int, place: Column) -> None:
        """Hear that all of a column has been copied elsewhere: it is kept there from now on."""
        self._columns[column] = place


class NumberedRows:
    """Some rows that follow each other, by numbers of rows that are kept once."""

    def __init__(self, begin: int, number: NDArray[np.unsignedinteger], rows: Sequence[Column]):
        """``number``: of each row; ``rows``: columns of those that differ.

        The first column counts from row to row, the first row from ``begin``.
        """
        self._begin, self._number, self._rows = begin, number, list(rows)
        self.count = number.size

    def part(self, column: int, first: int, last: int) -> Column:
        """Return the entries of a column from one row up to another."""
        if column == 0:
            steps = self._rows[0].take(self._number[:last].astype(np.intp))
            steps[:1] += self._begin
            return np.asarray(np.cumsum(steps, out=steps)[first:])
        value = self.only(column)
        if value is not None:
            return np.full(last - first, value, self._rows[column].dtype)
        return self._rows[column].take(self._number[first:last].astype(np.intp))

    def at(self, column: int, places: NDArray[np.int64]) -> Column:
        """Return the entries of a column in some of the rows."""
        if column == 0:
            return self.part(0, 0, self.count)[places]
        return np.asarray(self._rows[column][self._number[places]])

    def only(self, column: int) -> int | None:
        """Return the one value that a column holds; None: there may be several."""
        found = self._rows[column]
        return int(found[0]) if column and found.min() == found.max() else None

    def whole(self, column: int, kind: type[np.signedinteger]) -> Column | None:
        """Return a column itself: it is kept in numbers."""
        return None

    def moved(self, column: int, place: Column) -> None:
        """Hear that all of a column has been copied elsewhere: it is kept here as well."""


StoredRows = PackedRows | NumberedRows


def stored(columns: Sequence[Column]) -> StoredRows:
    """Return rows in few bytes; the columns, the first of them ascending, may be used again."""
    count = columns[0].size
    single = [column.min() == column.max() for column in columns[1:]]
    varied = [column for column, one in zip(columns[1:], single, strict=True) if not one]
    steps = np.diff(columns[0], prepend=columns[0][:1])
    if count >= WORTH_NUMBERING:
        keys = np.empty((count, 1 + len(varied)), np.int64)
        for place, column in enumerate((steps, *varied)):
            keys[:, place] = column
        number, example = distinct(keys)
        if example.size <= min(count // WORTH_NUMBERING, MOST_ALIKE):
            rows = [steps[example], *(column[example] for column in columns[1:])]
            narrow = np.uint8 if example.size <= 1 << 8 else np.uint16
            return NumberedRows(int(columns[0][0]), number.astype(narrow), rows)
    return PackedRows([columns[0].copy(), *(packed(column) for column in columns[1:])], count)


class RowStore:
    """All rows that a processor has made, the first column of them (64 bit) ascending."""

    def __init__(self) -> None:
        self._stretches: list[StoredRows] = []
        self.count = 0
        """Rows in it."""

    def append(self, columns: Sequence[Column]) -> None:
        """Add rows, packed: the columns may be used for others afterwards."""
        if columns[0].size:
            self._stretches.append(stored(columns))
            self.count += columns[0].size

    @property
    def stretches(self) -> tuple[StoredRows, ...]:
        """Return the rows as they were added."""
        return tuple(self._stretches)

    def between(self, first: int, before: int) -> Iterator[tuple[StoredRows, int, int]]:
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
            if rows.only(column) is not None:
                times.append(rows.part(0, 0, 1))
                values.append(rows.part(column, 0, 1))
                continue
            found = rows.part(column, 0, rows.count)
            at = np.append(0, np.flatnonzero(np.diff(found)) + 1)
            times.append(rows.part(0, 0, rows.count)[at])
            values.append(found[at])
        return np.concatenate(times), np.concatenate(values)

    def join(self, kinds: Sequence[type[np.signedinteger]]) -> list[Column]:
        """Return all columns, of the given types; from then on the store holds these themselves."""
        joined = [self._joined(number, kind) for number, kind in enumerate(kinds)]
        self._stretches = [PackedRows(joined, self.count)] if self.count else []
        return joined

    def _joined(self, number: int, kind: type[np.signedinteger]) -> Column:
        if len(self._stretches) == 1:
            whole = self._stretches[0].whole(number, kind)
            if whole is not None:
                return whole
        values = {rows.only(number) for rows in self._stretches}
        if len(values) == 1 and (value := values.pop()) is not None:
            return constant(value, self.count, kind)
        out = np.empty(self.count, kind)
        at = 0
        for rows in self._stretches:
            out[at : at + rows.count] = rows.part(number, 0, rows.count)
            at += rows.count
            rows.moved(number, out[at - rows.count : at])
        return out

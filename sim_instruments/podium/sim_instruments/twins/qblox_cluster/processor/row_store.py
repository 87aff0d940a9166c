"""Rows of a processor's real-time side are kept in few bytes until its trace is wanted.

Most columns hold one value for as long as a program loops, and the others few, or count on by few
steps, as times and bins do: of 68 bytes that the kernel writes for a row one or two are left, the
number of a row that is kept once. Where hardly any two rows of a stretch are alike each column is
kept as narrow as its numbers allow.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any
from weakref import WeakValueDictionary

import numpy as np
from numba import njit
from numpy.typing import NDArray

from podium.sim_instruments.physics.deduplicate import distinct

Column = NDArray[np.signedinteger]
NARROW = (np.int8, np.int16, np.int32)
MOST_ALIKE = 1 << 16
"""A stretch of which at most so many rows differ is kept by their numbers."""
WORTH_NUMBERING = 16
"""And at most one in so many of its rows."""
AT_REST = int(np.iinfo(np.int64).min)
"""In the place of a step: rows that do not acquire have no bin, the count goes on behind them."""
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


def _is_constant(column: Column) -> bool:
    """Tell whether all entries of a column are one value."""
    first = column[0]
    return bool(column[-1] == first) and not np.any(column != first)


def _steps(column: Column, rests: bool) -> tuple[int, Column]:
    """Return where a column begins to count, and the steps from row to row, the first of them 0.

    ``rests``: its entries -1 are :data:`AT_REST`, and steps go from one of the others to the next.
    """
    steps = np.empty(column.size, np.int64)
    return int(_fill_steps(column, rests, steps)), steps


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

    def __init__(
        self,
        begins: Mapping[int, int],
        number: NDArray[np.unsignedinteger],
        rows: Sequence[Column],
    ):
        """``number``: of each row; ``rows``: columns of those that differ.

        Columns in ``begins`` count from row to row, from there on; see :func:`_steps`.
        """
        self._begins, self._number, self._rows = dict(begins), number, list(rows)
        self.count = number.size

    def part(self, column: int, first: int, last: int) -> Column:
        """Return the entries of a column from one row up to another; nobody may write to them."""
        if column in self._begins:
            return self._counted(column, first, last)
        value = self.only(column)
        if value is not None:
            return constant(value, last - first, self._rows[column].dtype.type)
        rows = self._rows[column]
        found = np.empty(last - first, rows.dtype)
        _look_up(rows, self._number[first:last].astype(np.uint16, copy=False), found)
        return found

    def _counted(self, column: int, first: int, last: int) -> Column:
        """Return the entries of a column that counts, from one row up to another."""
        found = np.empty(last - first, np.int64)
        number = self._number[:last].astype(np.uint16, copy=False)
        _count(self._begins[column], self._rows[column], number, first, found)
        return found

    def at(self, column: int, places: NDArray[np.int64]) -> Column:
        """Return the entries of a column in some of the rows."""
        if column in self._begins:
            return self.part(column, 0, self.count)[places]
        return np.asarray(self._rows[column][self._number[places]])

    def only(self, column: int) -> int | None:
        """Return the one value that a column holds; None: there may be several."""
        found = self._rows[column]
        counts = column in self._begins
        return int(found[0]) if not counts and found.min() == found.max() else None

    def whole(self, column: int, kind: type[np.signedinteger]) -> Column | None:
        """Return a column itself: it is kept in numbers."""
        return None

    def moved(self, column: int, place: Column) -> None:
        """Hear that all of a column has been copied elsewhere: it is kept here as well."""


@njit(cache=True, nogil=True)
def _fill_steps(column: Any, rests: bool, steps: Any) -> int:
    """Fill ``steps`` and return where the column begins to count; see :func:`_steps`."""
    begin = before = 0
    counts = False
    for row in range(column.size):
        here = column[row] + 0
        if rests and here < 0:
            steps[row] = AT_REST
            continue
        if not counts:
            begin = before = here
            counts = True
        steps[row] = here - before
        before = here
    return begin


@njit(cache=True, nogil=True)
def _look_up(values: Any, number: Any, found: Any) -> None:
    """Fill ``found`` with the value of each number."""
    for row in range(number.size):
        found[row] = values[number[row]]


@njit(cache=True, nogil=True)
def _count(begin: int, steps: Any, number: Any, first: int, found: Any) -> None:
    """Fill ``found`` with what a column counts to in rows from ``first`` on, -1: it rests."""
    here = begin
    for row in range(number.size):
        step = steps[number[row]]
        rests = step == AT_REST
        here += 0 if rests else step
        if row >= first:
            found[row - first] = -1 if rests else here


@njit(cache=True, nogil=True)
def _write_again(once: Any, steps: Any, begin: int, turn: int, found: Any) -> None:
    """Fill ``found`` with ``once`` and a step more each time, from a time on; see RepeatedRows."""
    for time in range(found.size // once.size):
        for row in range(once.size):
            value = once[row] + (begin + time) * steps[row]
            found[time * once.size + row] = value % turn if turn else value


class RepeatedRows:
    """Rows that come again and again, each time with the same steps in columns that count."""

    def __init__(
        self,
        once: Sequence[Column],
        times: int,
        steps: Mapping[int, int | Column],
        turns: Mapping[int, int],
    ) -> None:
        """``once``: the columns of the first time.

        ``steps``: what is added to a column each time, to all of its rows or to each its own.
        ``turns``: columns that begin anew at a number.
        """
        self._once = list(once)
        self._steps, self._turns = dict(steps), dict(turns)
        self.times, self.each = times, once[0].size
        self.count = self.each * times
        self._values = [
            int(one[0]) if column not in steps and _is_constant(one) else None
            for column, one in enumerate(once)
        ]

    def step(self, column: int) -> int | Column:
        """Return what is added to a column each time."""
        return self._steps.get(column, 0)

    def part(self, column: int, first: int, last: int) -> Column:
        """Return the entries of a column from one row up to another; nobody may write to them."""
        once = self._once[column]
        value = self.only(column)
        if value is not None:
            return constant(value, last - first, once.dtype.type)
        begin, end = first // self.each, -(-last // self.each)
        found = np.empty(max(end - begin, 0) * self.each, once.dtype)
        steps = np.full(self.each, self.step(column), np.int64)
        _write_again(once, steps, begin, self._turns.get(column, 0), found)
        return found[first - begin * self.each :][: last - first]

    def some_of_each_time(self, places: NDArray[np.int64]) -> "RepeatedRows":
        """Return those rows alone that stand at some places of each time."""
        steps = {
            column: step[places] if isinstance(step, np.ndarray) else step
            for column, step in self._steps.items()
        }
        return RepeatedRows([one[places] for one in self._once], self.times, steps, self._turns)

    def at(self, column: int, places: NDArray[np.int64]) -> Column:
        """Return the entries of a column in some of the rows."""
        return self.part(column, 0, self.count)[places]

    def only(self, column: int) -> int | None:
        """Return the one value that a column holds; None: there may be several."""
        return self._values[column]

    def whole(self, column: int, kind: type[np.signedinteger]) -> Column | None:
        """Return a column itself: it is kept once."""
        return None

    def moved(self, column: int, place: Column) -> None:
        """Hear that all of a column has been copied elsewhere: it is kept here as well."""


StoredRows = PackedRows | NumberedRows | RepeatedRows


def stored(columns: Sequence[Column], counters: Collection[int] = ()) -> StoredRows:
    """Return rows in few bytes; the columns, the first of them ascending, may be used again.

    The first column and ``counters`` are those that count from row to row.
    """
    count = columns[0].size
    varied = [k for k, column in enumerate(columns) if k == 0 or not _is_constant(column)]
    if count >= WORTH_NUMBERING:
        begins: dict[int, int] = {}
        parts: list[Column] = []
        for k in varied:
            part = columns[k]
            if k == 0 or (k in counters and part.min() >= -1):
                begins[k], part = _steps(part, rests=k > 0)
            parts.append(part)
        words = np.empty((len(parts), count), np.int64)
        for place, part in enumerate(parts):
            words[place] = part
        number, example = distinct(words.T)
        if example.size <= min(count // WORTH_NUMBERING, MOST_ALIKE):
            rows = [column[example] for column in columns]
            for k in begins:
                rows[k] = parts[varied.index(k)][example]
            narrow = np.uint8 if example.size <= 1 << 8 else np.uint16
            return NumberedRows(begins, number.astype(narrow), rows)
    return PackedRows([columns[0].copy(), *(packed(column) for column in columns[1:])], count)


class RowStore:
    """All rows that a processor has made, the first column of them (64 bit) ascending."""

    def __init__(self, counters: Collection[int] = ()) -> None:
        """``counters``: further columns that count from row to row, as bins do."""
        self._counters = counters
        self._stretches: list[StoredRows] = []
        self.count = 0
        """Rows in it."""

    def append(self, columns: Sequence[Column]) -> None:
        """Add rows, packed: the columns may be used for others afterwards."""
        if columns[0].size:
            self._stretches.append(stored(columns, self._counters))
            self.count += columns[0].size

    def append_repeated(self, rows: RepeatedRows) -> None:
        """Add rows that come again and again."""
        self._stretches.append(rows)
        self.count += rows.count

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

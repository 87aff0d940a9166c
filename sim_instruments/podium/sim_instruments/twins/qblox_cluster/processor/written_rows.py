"""Rows that a Q1 processor's real-time side has written: in the kernel's buffers, and packed."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.twins.qblox_cluster.processor import q1_state as q1
from podium.sim_instruments.twins.qblox_cluster.processor.real_time_trace import EventKind
from podium.sim_instruments.twins.qblox_cluster.processor.row_store import (
    PackedRows,
    RepeatedRows,
    RowStore,
    StoredRows,
    constant,
)

FIRST_ROWS = 4096
MOST_ROWS = 1 << 16
"""At a stretch: 4 MB, which the allocator keeps for the next time. What it returns to the system
costs more to get back than the kernel takes to fill it."""
SPARE = 2
"""Rows, and entries that are sent, that one instruction may make."""
MIN_ROWS = SPARE
WIDE = 2
"""Columns of 64 bits in each row: time and phase."""
COUNTERS = (WIDE + q1.ROW_BIN,)
"""Columns that count from row to row, besides the times: where each shot has a bin of its own, all
rows would differ."""

KINDS: tuple[type[np.signedinteger], ...] = (
    np.int64,
    np.int64,
    *(np.int8 if k in (q1.ROW_KIND, q1.ROW_MARKER) else np.int32 for k in range(q1.ROW_COLUMNS)),
)
"""Of the columns of a trace: time, phase and those of the kernel."""
PLAYED = range(WIDE + q1.ROW_MARKER)
"""Those that say what is played: they stand before the markers."""
_AS_WRITTEN: tuple[type[np.signedinteger], ...] = (
    *(np.int64,) * WIDE,
    *(np.int32,) * q1.ROW_COLUMNS,
)
"""Of the same, as the kernel writes them."""
_BYTES: tuple[int, ...] = tuple(k for k, kind in enumerate(KINDS) if kind is np.int8)
"""Columns of a trace that take a byte each."""


class WrittenRows:
    """The rows of one run: first those that were packed, then those that the kernel has written.

    The kernel counts what it writes in the state vector of its run, and fills ``wide`` (2, n) and
    ``narrow`` (ROW_COLUMNS, n or more).
    """

    def __init__(self, state: NDArray[np.int64], most: int) -> None:
        self._state = state
        self._most = most
        """How many rows there may be."""
        self._store = RowStore(COUNTERS)
        self.wide, self.narrow = _buffers(max(MIN_ROWS, min(FIRST_ROWS, most)))

    @property
    def _written(self) -> int:
        return int(self._state[q1.ROWS])

    @property
    def count(self) -> int:
        """Return how many rows there are that were not dropped."""
        return self._store.count + self._written

    def make_room(self) -> bool:
        """Make room for more rows; False at the limit."""
        rows = self._written
        if rows <= self.wide.shape[1] - SPARE:
            return True
        self.pack()
        if self._store.count >= self._most:
            return False
        self._resize(min(4 * rows, MOST_ROWS))
        return True

    def _resize(self, most: int) -> None:
        """Take other buffers, which are empty: of so many rows, or of as many as there may be."""
        size = max(MIN_ROWS, min(most, self._most - self._store.count))
        if size != self.wide.shape[1]:
            self.wide, self.narrow = _buffers(size)

    def pack(self) -> None:
        """Put the rows that the kernel has written into the store."""
        rows = self._written
        self._store.append([*self.wide[:, :rows], *self.narrow[:, :rows]])
        self._state[q1.ROWS] = 0

    def repeat(self, rows: RepeatedRows) -> None:
        """Add rows that nobody wrote; all that the kernel has written was packed."""
        self._store.append_repeated(rows)
        self._resize(self.wide.shape[1])

    def let_go_of_buffers(self) -> None:
        """Pack where others were packed: other runs may fill buffers in the same place."""
        if self._store.count:
            self.pack()
            self.wide, self.narrow = _buffers(MIN_ROWS)

    def forget(self) -> None:
        """Keep none of them."""
        self._store = RowStore(COUNTERS)
        self._state[q1.ROWS] = 0

    def drop(self, count: int) -> None:
        """Forget the first rows; the others stand in the kernel's buffers."""
        if not self._store.count:
            last = self._written
            if count:
                left = last - count
                self.wide[:, :left] = self.wide[:, count:last].copy()
                self.narrow[:, :left] = self.narrow[:, count:last].copy()
                self._state[q1.ROWS] = left
            return
        columns = _columns(self._between(count, q1.FOR_EVER), _AS_WRITTEN)
        left = columns[0].size
        if left + SPARE > self.wide.shape[1]:
            self.wide, self.narrow = _buffers(2 * left)
        for row, column in zip([*self.wide, *self.narrow], columns, strict=True):
            row[:left] = column
        self._store = RowStore(COUNTERS)
        self._state[q1.ROWS] = left

    def view(self, first: int) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """Return the rows from number ``first`` on as the kernel writes them, a view.

        Time and phase, (2, n), and the other columns, (ROW_COLUMNS, n).
        """
        if self._store.count:
            self.drop(0)
        last = self._written
        return self.wide[:, first:last], self.narrow[:, first:last]

    def put(self, wide: NDArray[np.int64], narrow: NDArray[np.int32]) -> None:
        """Have these rows and no others; the state vector counts them already."""
        self._store = RowStore(COUNTERS)
        rows = wide.shape[1]
        if rows + SPARE > self.wide.shape[1]:
            self.wide, self.narrow = _buffers(2 * rows)
        self.wide[:, :rows], self.narrow[:, :rows] = wide, narrow

    def columns(self, first: int, before_ns: int) -> list[NDArray[Any]]:
        """Return copies of the columns of a trace: rows from ``first`` on that begin in time."""
        if self._store.count:
            return _columns(self._between(first, before_ns), KINDS)
        last = self._written
        if before_ns < q1.FOR_EVER:
            last = int(np.searchsorted(self.wide[0, :last], before_ns))
        wide = self.wide[:, first:last].copy()
        narrow = self.narrow[:, first:last].copy()
        columns: list[NDArray[Any]] = [*wide, *narrow]
        for k in _BYTES:
            columns[k] = columns[k].astype(np.int8)
        return columns

    def all_columns(self) -> list[NDArray[Any]]:
        """Return the columns of the whole trace."""
        self.pack()
        return self._store.join(KINDS)

    def stretches(self) -> Iterator[StoredRows]:
        """Yield all rows, in the stretches that they are kept in."""
        self.pack()
        yield from self._store.stretches

    def events(self) -> list[NDArray[Any]]:
        """Return the columns of a trace of rows that acquire or may change the markers."""
        self.pack()
        chosen: list[_Chosen] = []
        marker = -1
        for rows in self._store.stretches:
            found, marker = _events_of(rows, marker)
            chosen += found
        return [_joined_column(chosen, k, one) for k, one in enumerate(KINDS)]

    def marker_changes(self) -> tuple[NDArray[np.int64], NDArray[np.int8]]:
        """Return rows at which the markers may have changed: time and markers from there on."""
        self.pack()
        times, markers = self._store.changes(WIDE + q1.ROW_MARKER)
        return times, markers.astype(np.int8)

    def _between(self, first: int, before_ns: int) -> list[tuple[StoredRows, int, int]]:
        """Return stretches with their rows from number ``first`` on that begin before a time."""
        last = self._written
        new = PackedRows([*self.wide[:, :last], *self.narrow[:, :last]], last)
        found: list[tuple[StoredRows, int, int]] = list(self._store.between(first, before_ns))
        low = max(first - self._store.count, 0)
        if low < last and (not found or found[-1][2] == found[-1][0].count):
            found.append(
                (new, low, max(low, int(np.searchsorted(new.part(0, 0, last), before_ns))))
            )
        return found


def played_columns(rows: StoredRows, count: int) -> list[NDArray[Any]]:
    """Return the columns of a trace of what the first rows of a stretch play; others are 0."""
    return [
        rows.part(k, 0, count).astype(kind, copy=False) if k in PLAYED else constant(0, count, kind)
        for k, kind in enumerate(KINDS)
    ]


def _columns(
    found: Sequence[tuple[StoredRows, int, int]], kinds: Sequence[type[np.signedinteger]]
) -> list[NDArray[Any]]:
    """Return copies of all columns of parts of stretches, in types of one's own."""
    return [
        _joined([rows.part(k, *part) for rows, *part in found], kind)
        for k, kind in enumerate(kinds)
    ]


def _joined(parts: Sequence[NDArray[Any]], kind: type[np.signedinteger]) -> NDArray[Any]:
    """Return a copy: the kernel goes on writing into its buffers."""
    if len(parts) == 1:
        return np.array(parts[0], kind)
    return np.concatenate([np.zeros(0, kind), *parts], dtype=kind)


class _Chosen(NamedTuple):
    """Some rows of a stretch."""

    rows: StoredRows
    places: NDArray[np.int64] | range

    def column(self, number: int) -> NDArray[Any]:
        """Return the entries of a column in these rows; nobody may write to them."""
        if isinstance(self.places, range):
            return self.rows.part(number, self.places.start, self.places.stop)
        return self.rows.at(number, self.places)


def _events_of(rows: StoredRows, marker: int) -> tuple[list[_Chosen], int]:
    """Return those rows that acquire, or may change the markers, and the markers at the end.

    ``marker``: those before, -1: there is none.
    """
    if not isinstance(rows, RepeatedRows):
        places, marker = _events_within(rows, rows.count, marker)
        return [_Chosen(rows, places)], marker
    # Each time they are the same, but for the very first row: what is before it may be another.
    places, marker = _events_within(rows, rows.each, marker)
    later, marker = _events_within(rows, rows.each, marker)
    chosen = [_Chosen(rows, range(1))] if places.size > later.size else []
    if later.size:
        each_time = rows.some_of_each_time(later)
        first = max(later.size - places.size, 0)
        chosen.append(_Chosen(each_time, range(first, each_time.count)))
    return chosen, marker


def _events_within(rows: StoredRows, count: int, marker: int) -> tuple[NDArray[np.int64], int]:
    """Return which of the first rows of a stretch they are, and the markers behind these."""
    kinds = rows.part(WIDE + q1.ROW_KIND, 0, count)
    markers = rows.part(WIDE + q1.ROW_MARKER, 0, count)
    changes = np.diff(markers, prepend=np.array([marker], markers.dtype)) != 0
    return np.flatnonzero((kinds > EventKind.PLAY) | changes), int(markers[-1])


def _joined_column(
    chosen: Sequence[_Chosen], column: int, kind: type[np.signedinteger]
) -> NDArray[Any]:
    """Return the entries of a column at some rows of each stretch."""
    count = sum(len(one.places) for one in chosen)
    values = {one.rows.only(column) for one in chosen}
    if len(values) == 1 and (value := values.pop()) is not None:
        return constant(value, count, kind)
    out = np.empty(count, kind)
    at = 0
    for one in chosen:
        out[at : at + len(one.places)] = one.column(column)
        at += len(one.places)
    return out


def _buffers(size: int) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    # Columns an odd number of cache lines apart, so that they do not fall into the same set.
    padded = size // 32 * 32 + 48
    return (
        np.empty((WIDE, size), dtype=np.int64),
        np.empty((q1.ROW_COLUMNS, padded), dtype=np.int32),
    )

"""Equal stretches of a run's sorted events get one number, so that each is computed once.

A run of fifty thousand shots seldom holds more than a hundred different ones. Stretches are
compared by 64-bit fingerprints of their rows (SplitMix64: Steele, Lea, Flood, OOPSLA 2014);
two different stretches of one run share one with a probability below 1e-9.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numba import njit
from numpy.typing import NDArray

T = TypeVar("T", bound=np.generic)
N = TypeVar("N", np.int64, np.float64)
PHASE_STEP = 1e-7
"""Phases (turns) closer than this are taken for equal."""


@njit(cache=True, nogil=True)
def distinct(keys: NDArray[np.int64]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Number equal rows alike.

    ``keys`` has shape (m, k). Returns the number of each row, shape (m,), in the order of
    first appearance, and the first row of each number, shape (u,).

    Rows come from loops: one that is equal to what followed the row before when that came last is
    found without its fingerprint.
    """
    rows, columns = keys.shape
    size = 16
    while size < 2 * rows:
        size *= 2
    table = np.full(size, -1, np.int32)
    first = np.empty(rows, np.int64)
    number = np.empty(rows, np.int32)
    follows = np.empty(rows, np.int32)
    found = 0
    before = np.int32(-1)
    for row in range(rows):
        if before >= 0 and follows[before] >= 0:
            likely = follows[before]
            example = first[likely]
            same = True
            for column in range(columns):
                if keys[example, column] != keys[row, column]:
                    same = False
                    break
            if same:
                number[row] = before = likely
                continue
        mix = np.uint64(14695981039346656037)  # FNV-1a, 64 bit, word by word
        for column in range(columns):
            mix = (mix ^ np.uint64(keys[row, column])) * np.uint64(1099511628211)
            mix ^= mix >> np.uint64(29)
        slot = np.int64(mix & np.uint64(size - 1))
        while True:
            known = table[slot]
            if known < 0:
                table[slot] = known = found
                first[found] = row
                follows[found] = -1
                found += 1
                break
            same = True
            for column in range(columns):
                if keys[first[known], column] != keys[row, column]:
                    same = False
                    break
            if same:
                break
            slot = (slot + 1) & (size - 1)
        if before >= 0:
            follows[before] = known
        number[row] = before = known
    return number, first[:found]


def numbered(values: NDArray[N]) -> tuple[NDArray[N], NDArray[np.int64]]:
    """Return the different values, ascending, and which of them each is.

    As ``np.unique`` does, which sorts all of them: few are different here, most often none.
    """
    if len(values) and values.min() == values.max():
        return values[:1], np.zeros(len(values), np.int64)
    first, number = _ranked(values)
    return values[first], number


def distinct_rows(
    columns: Sequence[NDArray[np.integer[Any]] | NDArray[np.float64]] | NDArray[Any],
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the first of each kind of equal rows, and of which kind each row is.

    ``columns`` have shape (n,) each; of an array (0, n) all rows are equal. Kinds ascend, as
    ``np.unique`` has them along an axis: it sorts whole rows with the interpreter's lock held, for
    seconds where there are some hundred thousand, in which no thread of a simulation answers
    anybody.
    """
    count = len(columns[0]) if len(columns) else np.shape(columns)[-1]
    kind = np.zeros(count, np.int64)
    first = np.zeros(min(count, 1), np.int64)
    for column in columns:
        if len(column) and column.min() != column.max():
            different, number = _ranked(column)
            first, kind = _ranked(kind * len(different) + number)
    return first, kind


def _ranked(
    values: NDArray[np.integer[Any]] | NDArray[np.float64],
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return where each different value stands first, ascending, and which of them each is."""
    # Zero has two signs, of which the sum has none.
    words = (values + 0.0).view(np.int64) if values.dtype == np.float64 else values
    number, first = distinct(np.array(words, np.int64).reshape(-1, 1))  # a copy: one layout
    order = np.argsort(values[first])
    rank = np.empty_like(order)
    rank[order] = np.arange(order.size)
    return first[order], rank[number]


def firsts(ascending: NDArray[np.signedinteger]) -> NDArray[np.int64]:
    """Return the first row of each different value."""
    if not ascending.size:
        return np.zeros(0, np.int64)
    return np.flatnonzero(np.append(True, ascending[1:] != ascending[:-1])).astype(np.int64)


def ascending(values: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the different values, ascending: fast where they consist of a few ascending rows."""
    found = np.sort(values, kind="stable")
    return found[firsts(found)]


def in_groups(number: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Return the rows by their numbers (0 ... count - 1), those of one number in their order."""
    # NumPy sorts words of 16 bits by their digits: ten times as fast.
    short = number.astype(np.uint16) if count <= 1 << 16 else number
    return np.argsort(short, kind="stable")


@njit(cache=True, nogil=True)
def mixed(word: Any) -> Any:
    """Return SplitMix64's output for a 64-bit word."""
    word = (word ^ (word >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    word = (word ^ (word >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return word ^ (word >> np.uint64(31))


def offsets(counts: NDArray[np.integer[Any] | np.bool_]) -> NDArray[np.int64]:
    """Return where each of several stretches of so many rows begins, and where the last ends."""
    out = np.zeros(counts.size + 1, np.int64)
    np.cumsum(counts, out=out[1:])
    return out


def rows_of(first: NDArray[np.int64], counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the rows of stretches that begin at ``first``, one stretch behind the other."""
    begin = offsets(counts)
    return np.repeat(first - begin[:-1], counts) + np.arange(begin[-1], dtype=np.int64)


def phase_word(turns: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return phases as whole numbers of :data:`PHASE_STEP` within a turn."""
    words = np.empty(turns.size, np.int64)
    _fill_phase_words(np.ascontiguousarray(turns), words)
    return words


@njit(cache=True, nogil=True)
def _fill_phase_words(turns: Any, words: Any) -> None:
    steps = np.int64(round(1.0 / PHASE_STEP))
    for i in range(turns.size):
        words[i] = np.int64(np.rint((turns[i] % 1.0) / PHASE_STEP)) % steps


@dataclass(frozen=True, slots=True, eq=False)
class StretchNumbers:
    """Numbers of stretches; stretches with equal rows have equal numbers."""

    kind: NDArray[np.int64]
    """Shape (G,): number of each stretch, 0 ... len(example) - 1."""
    example: NDArray[np.int64]
    """Shape (U,): the first stretch of each kind."""


def number_stretches(
    first: NDArray[np.int64], columns: Sequence[NDArray[np.integer[Any]]]
) -> StretchNumbers:
    """Number the stretches that begin at rows ``first`` by the contents of their rows.

    ``columns`` each have one whole number for each row; the last stretch ends with the rows, and
    the first begins with them.
    """
    if first.size == 0:
        return StretchNumbers(np.zeros(0, np.int64), np.zeros(0, np.int64))
    prints = np.zeros(columns[0].size, np.uint64)
    for column in columns:
        _mix_in(np.ascontiguousarray(column, np.int64), prints)
    total = np.empty(first.size, np.int64)
    _add_stretches(np.ascontiguousarray(first, np.int64), prints, total)
    kind, example = distinct(total.reshape(-1, 1))
    return StretchNumbers(kind.astype(np.int64), example)


@njit(cache=True, nogil=True)
def _mixed_with(print_: Any, word: Any) -> Any:
    return mixed(print_ * np.uint64(0x9E3779B97F4A7C15) + word + np.uint64(0x632BE59BD9B4E019))


@njit(cache=True, nogil=True)
def _mix_in(column: Any, prints: Any) -> None:
    """Take a word of each row into its fingerprint."""
    for row in range(column.size):
        prints[row] = _mixed_with(prints[row], np.uint64(column[row]))


@njit(cache=True, nogil=True)
def _add_stretches(first: Any, prints: Any, total: Any) -> None:
    """Fill ``total`` (G,) with the fingerprint of each stretch."""
    for g in range(first.size):
        end = first[g + 1] if g + 1 < first.size else prints.size
        here = np.uint64(end - first[g])
        for row in range(first[g], end):
            here += _mixed_with(prints[row], np.uint64(row - first[g]))
        total[g] = np.int64(here)


class EqualArrays:
    """Keeps one of several equal arrays: trains of a run often begin together."""

    def __init__(self) -> None:
        self._known: dict[object, list[NDArray[Any]]] = {}
        self._same: dict[int, tuple[NDArray[Any], NDArray[Any]]] = {}
        """By an array's identity: itself, which keeps that its own, and the one that is kept."""

    def one_of(self, array: NDArray[T]) -> NDArray[T]:
        """Return an equal array that was given before, or this one; nobody may write to it."""
        if id(array) not in self._same:
            self._same[id(array)] = array, self._found(array)
        return self._same[id(array)][1]

    def _found(self, array: NDArray[T]) -> NDArray[T]:
        some = (array[0], array[array.size // 2], array[-1]) if array.size else ()
        known = self._known.setdefault((array.dtype.str, array.shape, *some), [])
        for one in known:
            if np.array_equal(one, array):
                return one
        known.append(array)
        return array


def clusters(start: NDArray[np.int64], end: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the rows at which groups of overlapping intervals begin; ``start`` is ascending.

    Intervals that only touch do not overlap.
    """
    if start.size == 0:
        return np.zeros(0, np.int64)
    reach = np.maximum.accumulate(end)
    return np.flatnonzero(np.append(True, start[1:] >= reach[:-1])).astype(np.int64)

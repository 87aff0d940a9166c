"""Find what repeats in a run: equal stretches of a sorted list of events get one number.

A run of fifty thousand shots seldom holds more than a hundred different ones. Stretches are
compared by 64-bit fingerprints of their rows (SplitMix64: Steele, Lea, Flood, OOPSLA 2014);
two different stretches of one run share one with a probability below 1e-9.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

PHASE_STEP = 1e-7
"""Phases (turns) closer than this are taken for equal."""


def _mixed(words: NDArray[np.uint64]) -> NDArray[np.uint64]:
    words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(words ^ (words >> np.uint64(31)))


def phase_word(turns: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return phases as whole numbers of :data:`PHASE_STEP` within a turn."""
    steps = round(1 / PHASE_STEP)
    return np.asarray(np.round((turns % 1.0) / PHASE_STEP).astype(np.int64) % steps)


@dataclass(frozen=True, slots=True, eq=False)
class Alike:
    """Stretches with equal rows have equal numbers."""

    kind: NDArray[np.int64]
    """Shape (G,): number of each stretch, 0 ... len(example) - 1."""
    example: NDArray[np.int64]
    """Shape (U,): the first stretch of each kind."""


def alike(first: NDArray[np.int64], columns: list[NDArray[np.int64]]) -> Alike:
    """Number the stretches that begin at rows ``first`` by the contents of their rows.

    ``columns`` each have one whole number for each row; the last stretch ends with the rows.
    """
    if first.size == 0:
        return Alike(np.zeros(0, np.int64), np.zeros(0, np.int64))
    rows = columns[0].size
    print_ = np.zeros(rows, np.uint64)
    with np.errstate(over="ignore"):
        lengths = np.diff(np.append(first, rows))
        place = np.arange(rows, dtype=np.int64) - np.repeat(first, lengths)
        for column in [*columns, place]:
            print_ = _mixed(
                print_ * np.uint64(0x9E3779B97F4A7C15)
                + column.astype(np.uint64)
                + np.uint64(0x632BE59BD9B4E019)
            )
        total = np.add.reduceat(print_, first) + lengths.astype(np.uint64)
    _, example, kind = np.unique(total, return_index=True, return_inverse=True)
    order = np.argsort(example)  # number the kinds in the order in which they appear
    rank = np.empty_like(order)
    rank[order] = np.arange(order.size)
    return Alike(rank[kind.reshape(-1)].astype(np.int64), example[order].astype(np.int64))


def clusters(start: NDArray[np.int64], end: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the rows at which groups of overlapping intervals begin; ``start`` is ascending.

    Intervals that only touch do not overlap.
    """
    if start.size == 0:
        return np.zeros(0, np.int64)
    reach = np.maximum.accumulate(end)
    return np.flatnonzero(np.append(True, start[1:] >= reach[:-1])).astype(np.int64)

"""Keeps the populations that were worked out during a walk, a row for each, as compiled code reads.

A walk (:mod:`.joint.joint_walk`, :mod:`.meeting.shared_walk`) goes on until it meets a kind of draw
from levels whose populations nobody has worked out; they are added here, and it goes on.
"""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

ROWS = 64
"""Of the table at first; it is doubled when it is full."""


class PopulationTable:
    """The populations at the readings of a kind of draw, by the levels that it starts from."""

    def __init__(self, kinds: int, starts: int, outcomes: int | None = None) -> None:
        """``starts``: different sets of levels that a draw may start from.

        ``outcomes``: that it may have; None: as many.
        """
        self.number = np.full((kinds, starts), -1, np.int64)
        """Shape (kinds, starts): the row of ``table``; -1 where it is not known."""
        self.table = np.zeros((ROWS, starts if outcomes is None else outcomes))
        """Shape (rows, starts): the populations; what a draw does not read is 0."""
        self._known = 0
        self._rows: dict[tuple[int, int], int] = {}
        """By kind and number of a state that is no joint level."""

    def add(self, kind: int, start: int, populations: NDArray[np.float64]) -> None:
        """Keep the populations of a kind of draw from the levels number ``start``."""
        self.number[kind, start] = self._append(populations[None])

    def add_each(self, found: Mapping[tuple[int, int], NDArray[np.float64]]) -> None:
        """Keep several, by kind of draw and number of levels."""
        for (kind, start), populations in found.items():
            self.add(kind, start, populations)

    def add_kinds(
        self, kinds: NDArray[np.int64], start: int, populations: NDArray[np.float64]
    ) -> None:
        """Keep the populations (k, n) of several kinds (k,) from the levels number ``start``."""
        self.number[kinds, start] = self._append(populations) + np.arange(kinds.size)

    def row_of_state(
        self, kind: int, state: int, column: Callable[[int, int], NDArray[np.float64]]
    ) -> int:
        """Return the row of a kind of draw from a state that is no joint level.

        ``column`` works the populations out, where nobody has.
        """
        if (kind, state) not in self._rows:
            self._rows[kind, state] = self._append(column(kind, state)[None])
        return self._rows[kind, state]

    def _append(self, populations: NDArray[np.float64]) -> int:
        """Add rows; return the number of the first."""
        first, count = self._known, len(populations)
        while first + count > len(self.table):
            self.table = np.concatenate([self.table, np.zeros_like(self.table)])
        self.table[first : first + count, : populations.shape[1]] = populations
        self._known += count
        return first

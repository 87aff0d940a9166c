"""Keeps the populations that were worked out during a walk, a row for each, as compiled code reads.

A walk (:mod:`.joint.joint_walk`, :mod:`.meeting.shared_walk`) goes on until it meets a kind of draw
from levels whose populations nobody has worked out; they are added here, and it goes on.
"""

import numpy as np
from numpy.typing import NDArray

ROWS = 64
"""Of the table at first; it is doubled when it is full."""


class KnownPopulations:
    """The populations at the readings of a kind of draw, by the levels that it starts from."""

    def __init__(self, kinds: int, starts: int) -> None:
        """``starts``: different sets of levels that a draw may start from."""
        self.number = np.full((kinds, starts), -1, np.int64)
        """Shape (kinds, starts): the row of ``table``; -1 where it is not known."""
        self.table = np.zeros((ROWS, starts))
        """Shape (rows, starts): the populations; what a draw does not read is 0."""
        self._known = 0

    def add(self, kind: int, start: int, populations: NDArray[np.float64]) -> None:
        """Keep the populations of a kind of draw from the levels number ``start``."""
        self.number[kind, start] = self.append(populations)

    def append(self, populations: NDArray[np.float64]) -> int:
        """Keep populations in a row of the table, and return its number."""
        if self._known == len(self.table):
            self.table = np.concatenate([self.table, np.zeros_like(self.table)])
        self.table[self._known, : populations.size] = populations
        self._known += 1
        return self._known - 1

"""Places the shots of a run, in samples of one instrument, and orders them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from podium.control.compilers.points import IntArray
from podium.firmware_interfaces.zurich.awg_limits import GRANULARITY

Number = TypeVar("Number", np.int64, np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class Shots:
    """All shots of a run.

    A shot that is no multiple of 16 samples long leaves the next one beside the grid on which
    waveforms begin. After at most 16 repetitions all is as it was at the start: so many are one
    round, and rounds are repeated.
    """

    samples: IntArray
    """How long a shot is, at all points."""
    counts: tuple[int, ...]
    """Number of points of each axis."""
    shots: int
    first: int
    """Where the first shot begins."""

    @property
    def even(self) -> bool:
        """Return whether all shots lie alike on the grid."""
        return self.samples.size == 1 and not self.samples.flat[0] % GRANULARITY

    @property
    def points_samples(self) -> int:
        """Return the length of one repetition of all points."""
        return int(self.samples.sum()) * (math.prod(self.counts) // self.samples.size)

    @property
    def round(self) -> int:
        """Return the number of repetitions in a round."""
        if self.even:
            return 1
        return min(self.shots, GRANULARITY // math.gcd(self.points_samples, GRANULARITY))

    @property
    def total(self) -> int:
        """Return the length of all shots."""
        return self.shots * self.points_samples

    def shape_of(self, arrays: Sequence[NDArray[Any]]) -> tuple[int, ...]:
        """Return the shape of the points that differ where ``arrays`` is all that counts.

        Where shots lie unevenly, all points and all repetitions of a round differ.
        """
        if self.even:
            return np.broadcast_shapes(*(one.shape for one in arrays))
        return (self.round, *self.counts)

    def counted(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return how often each axis of ``shape`` is gone along."""
        return self.counts if self.even else shape

    def flat(self, array: NDArray[Number], shape: tuple[int, ...]) -> NDArray[Number]:
        """Return ``array`` at all points of ``shape``, in their order."""
        return np.broadcast_to(array, shape).ravel()

    def offsets(self, shape: tuple[int, ...]) -> IntArray:
        """Return by how much the shots begin later than a multiple of 16 samples."""
        lengths = self.flat(self.samples, shape)
        if self.even:
            return np.full(len(lengths), self.first % GRANULARITY)
        begins = self.first + np.cumsum(lengths) - lengths
        return np.asarray(begins % GRANULARITY)


def combined(columns: IntArray) -> tuple[IntArray, IntArray]:
    """Return the columns that there are, and for each column which of them it is."""
    if (columns == columns[:, :1]).all():
        return columns[:, :1], np.zeros(columns.shape[1], np.int64)
    unique, inverse = np.unique(columns, axis=1, return_inverse=True)
    return unique, inverse.reshape(-1)

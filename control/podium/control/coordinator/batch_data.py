"""Adds up the data of batches: averages weighted by their counts, shots in a row."""

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from podium.control.bus.messages import CaptureData
from podium.control.program.batches import Batch
from podium.control.program.program import Program

Captures = Mapping[str, CaptureData]
Array = NDArray[Any]


class BatchData:
    """Holds the data of all batches so far."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._shape = tuple(axis.count for axis in program.axes)
        self._kept: list[tuple[Batch, Captures]] = []
        self._sums: dict[str, tuple[Array, ...]] = {}
        self._latest: Captures = {}
        self._clipped: set[str] = set()
        self._visited = 0

    @property
    def shots_done(self) -> int:
        """Return how many repetitions have visited every point."""
        return self._visited // math.prod(self._shape)

    @property
    def done(self) -> float:
        """Return the share of the whole."""
        return self._visited / (math.prod(self._shape) * self._program.shots)

    def add(self, batch: Batch, captures: Captures) -> None:
        """Add what the next batch has brought back."""
        self._visited += batch.shots * batch.points
        self._latest = captures
        self._clipped |= {name for name, one in captures.items() if one.out_of_range}
        if self._program.keep_shots:
            self._kept.append((batch, captures))
            return
        for name, one in captures.items():
            parts = _parts(one)
            if name not in self._sums:
                zeros = [np.zeros(self._shape) for _ in parts]
                self._sums[name] = (np.zeros(self._shape, np.int64), *zeros)
            counts, *sums = self._sums[name]
            for total, part in zip(sums, parts, strict=True):
                total[batch.piece] += np.where(one.counts > 0, part * one.counts, 0.0)
            counts[batch.piece] += one.counts

    def so_far(self) -> Callable[[], dict[str, CaptureData]]:
        """Return what gives the data as they are now, whatever is added later.

        It may take its time where shots are kept: call it off the loop.
        """
        latest, clipped = self._latest, frozenset(self._clipped)
        if self._program.keep_shots:
            kept = tuple(self._kept)
            arrays = {name: lambda name=name: _rows(kept, name, self._shape) for name in latest}
        else:
            now = {name: tuple(part.copy() for part in one) for name, one in self._sums.items()}
            arrays = {name: lambda name=name: _means(*now[name]) for name in latest}
        return lambda: {
            name: _put_together(arrays[name](), one, name in clipped)
            for name, one in latest.items()
        }


def _parts(one: CaptureData) -> tuple[Array, ...]:
    """Return what is averaged."""
    return (one.i, one.q) if one.results is None else (one.i, one.q, one.results)


def _put_together(arrays: tuple[Array, ...], latest: CaptureData, clipped: bool) -> CaptureData:
    """Return counts and averages as the data of a capture."""
    counts, i, q, *results = arrays
    trace = latest.trace_i, latest.trace_q
    found = results[0] if results else None
    return CaptureData(i, q, counts, *trace, clipped, found, latest.clicks)


def _means(counts: Array, *sums: Array) -> tuple[Array, ...]:
    """Return counts, and means over all that was counted; nan where nothing was."""
    with np.errstate(invalid="ignore"):
        return counts, *(np.asarray(total / counts) for total in sums)


def _rows(
    kept: tuple[tuple[Batch, Captures], ...], name: str, shape: tuple[int, ...]
) -> tuple[Array, ...]:
    """Return one row for each shot that was begun; nan where a point was not visited."""
    rows = max(batch.first_shot + batch.shots for batch, _ in kept)
    made = [np.full((rows, *shape), np.nan) for _ in _parts(kept[-1][1][name])]
    counts = np.zeros((rows, *shape), np.int64)
    for batch, captures in kept:
        where = (slice(batch.first_shot, batch.first_shot + batch.shots), *batch.piece)
        one = captures[name]
        for whole, part in zip(made, _parts(one), strict=True):
            whole[where] = part
        counts[where] = one.counts
    return counts, *made

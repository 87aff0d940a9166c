"""Splits a program's shots, so that its data are seen as they come.

The order in which points are visited stays as it is: shot after shot, the last axis fastest.
A batch is some repetitions of all points or, where one repetition takes too long to wait for,
one repetition of a piece of them.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product

from podium.control.program.program import Axis, Linear, Program, Table, Variable

Piece = tuple[slice, ...]
"""Which points: one slice for each axis, with a start and a stop."""


@dataclass(frozen=True, slots=True)
class Batch:
    """A part of a program's shots that is played in one go."""

    first_shot: int
    shots: int
    piece: Piece

    @property
    def points(self) -> int:
        """Return the number of points that it visits in each repetition."""
        return math.prod(one.stop - one.start for one in self.piece)


def whole(program: Program) -> Piece:
    """Return all points."""
    return tuple(slice(0, axis.count) for axis in program.axes)


def pieces(shape: Sequence[int], most: int) -> Iterator[Piece]:
    """Yield pieces of at most ``most`` points (at least one), in the order of visiting."""
    split = 0
    while split < len(shape) and math.prod(shape[split + 1 :]) > most:
        split += 1
    if split == len(shape):
        yield from (tuple(slice(k, k + 1) for k in at) for at in product(*map(range, shape)))
        return
    step = max(1, most // math.prod(shape[split + 1 :]))
    rest = tuple(slice(0, count) for count in shape[split + 1 :])
    for at in product(*map(range, shape[:split])):
        outer = tuple(slice(k, k + 1) for k in at)
        for start in range(0, shape[split], step):
            yield (*outer, slice(start, min(start + step, shape[split])), *rest)


def tiles(shape: Sequence[int], extents: Sequence[int]) -> Iterator[Piece]:
    """Yield pieces of at most ``extents`` points along each axis."""
    along = [
        [slice(k, min(k + extent, count)) for k in range(0, count, extent)]
        for count, extent in zip(shape, extents, strict=True)
    ]
    yield from product(*along)


def common(parts: Sequence[Sequence[Batch]]) -> list[Batch]:
    """Return parts of which each lies in one part of every sequence; each covers the whole."""
    found = list(parts[0])
    for others in parts[1:]:
        found = [both for one in found for other in others if (both := _both(one, other))]
    return sorted(found, key=lambda one: (one.first_shot, [axis.start for axis in one.piece]))


def _both(one: Batch, other: Batch) -> Batch | None:
    first = max(one.first_shot, other.first_shot)
    end = min(one.first_shot + one.shots, other.first_shot + other.shots)
    piece = tuple(
        slice(max(a.start, b.start), min(a.stop, b.stop))
        for a, b in zip(one.piece, other.piece, strict=True)
    )
    if end <= first or any(axis.stop <= axis.start for axis in piece):
        return None
    return Batch(first, end - first, piece)


def part_of(program: Program, batch: Batch) -> Program:
    """Return the program of one batch. Only the very first shot waits for biases to settle."""
    first = batch.first_shot == 0 and all(one.start == 0 for one in batch.piece)
    return replace(
        program,
        axes=tuple(_cut(axis, one) for axis, one in zip(program.axes, batch.piece, strict=True)),
        shots=batch.shots,
        settle_fs=program.settle_fs if first else 0,
    )


def _cut(axis: Axis, piece: slice) -> Axis:
    if (piece.start, piece.stop) == (0, axis.count):
        return axis
    return Axis(axis.name, tuple(_cut_variable(one, piece) for one in axis.variables))


def _cut_variable(variable: Variable, piece: slice) -> Variable:
    match variable.values:
        case Linear(start=start, step=step):
            values: Linear | Table = Linear.steps(
                start + piece.start * step, step, piece.stop - piece.start
            )
        case Table(given):
            values = Table(given[piece])
    return replace(variable, values=values)

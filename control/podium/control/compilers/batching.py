"""Cuts a program that does not fit into several, whose data are one set.

Points are cut where they are too many, shots where each has a place of its own. What is one shot
of one point and does not fit is refused as it is.
"""

import math
from collections.abc import Callable
from typing import TypeVar

from podium.control.compilers.errors import DoesNotFit, TooLarge
from podium.control.program.batches import Batch, part_of, pieces, tiles
from podium.control.program.program import Program

MOST = 100
"""More programs than this are not made of one: who asks for that has erred, or wants a stream."""

Artifact = TypeVar("Artifact")


def in_batches(
    program: Program,
    batch: Batch,
    compiled: Callable[[Program], Artifact],
    most: int = MOST,
) -> list[tuple[Batch, Artifact]]:
    """Return ``batch`` of ``program`` in as many parts as it takes, with what plays each.

    Raises as ``compiled`` does, :class:`DoesNotFit` where one shot of one point is too much, or
    more than ``most`` parts at once are needed.
    """
    try:
        return [(batch, compiled(part_of(program, batch)))]
    except TooLarge as error:
        parts = _cut(batch, error)
        if len(parts) == 1:
            raise DoesNotFit(
                f"{error}; this is one shot of one point, which cannot be split any further"
            ) from error
        if len(parts) > most:
            raise DoesNotFit(
                f"{error}; it would take {len(parts)} programs, one after the other, and {most} "
                "are the most: ask for less, or for a stream"
            ) from error
    return [one for part in parts for one in in_batches(program, part, compiled, most)]


def _cut(batch: Batch, error: TooLarge) -> list[Batch]:
    """Return ``batch`` in parts; one where it cannot be cut."""
    parts = max(2, -(-error.needed // error.limit))
    shape = tuple(one.stop - one.start for one in batch.piece)
    if error.piece and batch.points > math.prod(error.piece):
        return [
            Batch(batch.first_shot, batch.shots, _within(batch, piece))
            for piece in tiles(shape, error.piece)
        ]
    for what in error.into:
        if what == "shots" and batch.shots > 1:
            most = max(1, batch.shots // parts)
            return [
                Batch(batch.first_shot + k, min(most, batch.shots - k), batch.piece)
                for k in range(0, batch.shots, most)
            ]
        if what == "points" and batch.points > 1:
            most = max(1, batch.points // parts)
            return [
                Batch(batch.first_shot, batch.shots, _within(batch, piece))
                for piece in pieces(shape, most)
            ]
    return [batch]


def _within(batch: Batch, piece: tuple[slice, ...]) -> tuple[slice, ...]:
    return tuple(
        slice(outer.start + one.start, outer.start + one.stop)
        for outer, one in zip(batch.piece, piece, strict=True)
    )

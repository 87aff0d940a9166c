"""Counts the captures of a program, and finds their discriminators."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from podium.control.program.conditions import Discriminator
from podium.control.program.program import Capture, If, Program, RepeatUntil, Statement


@dataclass(frozen=True, slots=True)
class CaptureCount:
    """One capture of a program."""

    name: str
    discriminator: Discriminator | None
    least: int
    """How often it is made in a shot: from so often"""
    most: int
    """to so often, as what was measured goes."""


def capture_counts(program: Program) -> dict[str, CaptureCount]:
    """Return all captures by name."""
    return {one.name: one for one in _capture_counts(program.body, 1, 1)}


def _capture_counts(body: Sequence[Statement], least: int, most: int) -> Iterator[CaptureCount]:
    for statement in body:
        match statement:
            case Capture(_, name, _, _, discriminator):
                yield CaptureCount(name, discriminator, least, most)
            case If(_, then, orelse):
                yield from _capture_counts((*then, *orelse), 0, most)
            case RepeatUntil(inner, _, at_most):
                yield from _capture_counts(inner, least, most * at_most)

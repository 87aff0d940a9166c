"""Describes a core's work from shot to shot, before loops are made of it.

A point is a row of things that are done one after another (its *kinds*), each with one number
that may differ from point to point. Points with the same kinds can share code.
"""

from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np

from podium.control.compilers.points import IntArray


@dataclass(frozen=True, slots=True)
class Silence:
    """``playZero``; the number: samples."""


@dataclass(frozen=True, slots=True)
class Hold:
    """``playHold``; the number: samples."""


@dataclass(frozen=True, slots=True)
class Row:
    """``executeTableEntry``; the number: of an entry in the list of all that occur."""


@dataclass(frozen=True, slots=True)
class Choose:
    """``executeTableEntry`` of one of several entries; the number: of the list of them."""

    variable: str
    """That holds which of them."""


@dataclass(frozen=True, slots=True)
class NumberedText:
    """Text with a number in it, in place of ``{}``."""

    text: str


@dataclass(frozen=True, slots=True)
class Sweep:
    """``setSweepStep``; the number: of the step."""

    oscillator: int


@dataclass(frozen=True, slots=True)
class FixedText:
    """The same text at each point."""

    text: str


Kind: TypeAlias = Silence | Hold | Row | Choose | Sweep | NumberedText | FixedText
Kinds: TypeAlias = tuple[Kind, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Steps:
    """All points that a core goes through, in their order."""

    shape: tuple[int, ...]
    """How they are arranged; 1 along axes on which nothing depends."""
    pattern: IntArray
    """Shape (points,): which kinds."""
    kinds: tuple[Kinds, ...]
    """By pattern."""
    numbers: tuple[IntArray, ...]
    """By pattern, shape (points of this pattern, kinds): in the order of the points."""
    rank: IntArray = field(init=False)
    """Shape (points,): the how-manieth of its pattern a point is."""

    def __post_init__(self) -> None:
        rank = np.zeros(len(self.pattern), np.int64)
        for number in range(len(self.kinds)):
            here = self.pattern == number
            rank[here] = np.arange(int(here.sum()))
        object.__setattr__(self, "rank", rank)

    def of(self, points: IntArray) -> tuple[Kinds, IntArray]:
        """Return kinds and numbers of points that have the same kinds.

        The numbers have the shape of ``points``, kinds last.
        """
        number = int(self.pattern[points.flat[0]])
        return self.kinds[number], self.numbers[number][self.rank[points]]

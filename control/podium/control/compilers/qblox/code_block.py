"""Holds finished code: the lines of moments, and of shots that are trains of them."""

from collections.abc import Callable
from dataclasses import dataclass

from podium.firmware_interfaces.qblox_cluster.q1asm import Instruction

LOOPED = 6
"""Instructions of a wait that takes a loop, at most."""


@dataclass(frozen=True, slots=True)
class CodeBlock:
    """The lines of one moment."""

    lines: tuple[Instruction, ...]
    least_ns: tuple[int | None, ...]
    act: int
    """Which of the lines makes the settings take hold."""
    long_ns: int
    """Of a wait behind them that takes a loop; 0: none."""
    gap_ns: int
    """From this moment to the next."""


@dataclass(slots=True, eq=False)
class BlockTrain:
    """The code of one shot, or of one program of a series."""

    pieces: list[CodeBlock]
    notes: Callable[[], list[str]]
    """For the listing, in step with ``pieces``."""

    @property
    def count(self) -> int:
        """Return the largest number of instructions that it takes, hazards not counted."""
        return 1 + sum([len(one.lines) + LOOPED * (one.long_ns > 0) for one in self.pieces])

"""Defines an estimate: what a lab expects of a quantity before it is measured."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Estimate:
    """Holds a lab's expectation of a quantity before it is measured."""

    value: float
    """In :attr:`unit`."""
    spread: float
    """One standard deviation, >= 0; 0 where the file gives none."""
    unit: str
    """``Hz``, ``s``, ``V`` or ``1``."""
    source: str | None = None
    """Where the number comes from, if the file says so."""
    assumed: bool = False
    """The file says that the number is a guess."""
    by_default: bool = False
    """The file says nothing: a typical value stands here (see ``podium check``)."""
    spread_by_default: bool = False
    """The file gives a value alone: the spread is a usual one."""

"""Defines results of captures, and conditions on them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias


@dataclass(frozen=True, slots=True)
class Discriminator:
    """Result 1 where the real part of ``(i + 1j*q) * exp(2j*pi*rotation)`` reaches a level.

    ``i`` and ``q`` are those of the dataset: means over the window, V at the input connector.
    """

    rotation_turns: float
    threshold_v: float


Operation: TypeAlias = Literal["all", "any", "odd", "not all", "none", "even"]
"""How many of the results are 1. Of one result: ``all``, that it is 1; ``none``, that it is 0."""

OPPOSITE: dict[Operation, Operation] = {
    "all": "not all",
    "any": "none",
    "odd": "even",
    "not all": "all",
    "none": "any",
    "even": "odd",
}
"""The operation that is met where another is not."""


@dataclass(frozen=True, slots=True)
class Condition:
    """On the last results of captures in this shot."""

    captures: tuple[str, ...]
    """By name; each has a discriminator."""
    operation: Operation = "all"

    @property
    def opposite(self) -> "Condition":
        """Return the condition that is met where this one is not."""
        return Condition(self.captures, OPPOSITE[self.operation])

    def met(self, results: Mapping[str, int]) -> bool:
        """Say whether ``results``, 0 or 1 by capture, meet it."""
        ones = sum(results[name] for name in self.captures)
        match self.operation:
            case "all":
                return ones == len(self.captures)
            case "any":
                return ones > 0
            case "odd":
                return ones % 2 == 1
            case _:
                return not self.opposite.met(results)


def is_one(capture: str) -> Condition:
    """Return the condition that the result of ``capture`` is 1."""
    return Condition((capture,))


def is_zero(capture: str) -> Condition:
    """Return the condition that the result of ``capture`` is 0."""
    return Condition((capture,), "none")

"""Holds what a reproduction compares: published figures and ours, each with its model."""

import math
from dataclasses import asdict, dataclass
from typing import Any

SIGMAS = 2.0
"""Two figures agree that differ by no more than so many of their sigmas together."""


class CannotReproduce(Exception):
    """What is asked for cannot be reproduced. The message says what is missing."""


@dataclass(frozen=True, slots=True)
class Quantity:
    """A published figure, and what came out."""

    quantity: str
    """``rate``, ``bell_fidelity``, ``process_fidelity`` ..."""
    published: float
    published_sigma: float
    """Half of the tolerance that was asked for, where it is no sigma of a paper that counts."""
    ours: float
    ours_sigma: float
    model: str
    """What was run for it, and what was not."""

    @property
    def within(self) -> bool:
        """Whether both agree."""
        sigma = math.hypot(self.published_sigma, self.ours_sigma)
        return abs(self.ours - self.published) <= SIGMAS * sigma


@dataclass(frozen=True, slots=True)
class Reproduction:
    """All quantities of one reproduction."""

    name: str
    source: str
    """Where the published figures are from."""
    quantities: tuple[Quantity, ...]

    @property
    def within(self) -> bool:
        """Whether all agree."""
        return all(one.within for one in self.quantities)

    def plainly(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {
            "name": self.name,
            "source": self.source,
            "quantities": [{**asdict(one), "within": one.within} for one in self.quantities],
        }

"""Holds what a reproduction compares: published figures and ours, each with its model."""

import math
from dataclasses import asdict, dataclass
from typing import Any

SIGMAS = 2.0
"""Two figures agree that differ by no more than so many of their sigmas together."""


class CannotReproduce(Exception):
    """A figure cannot be reproduced. The message says what is missing."""


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
    at_least: bool = False
    """Whether the paper says no more than that it is greater than ``published``."""

    @property
    def within(self) -> bool:
        """Return whether both agree."""
        if self.at_least and self.ours >= self.published:
            return True
        sigma = math.hypot(self.published_sigma, self.ours_sigma)
        return abs(self.ours - self.published) <= SIGMAS * sigma


@dataclass(frozen=True, slots=True)
class Reproduction:
    """All quantities of one reproduction."""

    name: str
    source: str
    """Where the published figures are from."""
    quantities: tuple[Quantity, ...]
    missing: str = ""
    """What is not known of the paper, so that nothing is established; empty: it is known."""

    @property
    def within(self) -> bool:
        """Return whether all agree."""
        return all(one.within for one in self.quantities)

    @property
    def verdict(self) -> str:
        """Return ``agrees``, ``differs``, or ``not established`` where something is missing."""
        if self.missing:
            return "not established"
        return "agrees" if self.within else "differs"

    def plainly(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {
            "name": self.name,
            "source": self.source,
            "verdict": self.verdict,
            "missing": self.missing,
            "quantities": [_plainly(one) for one in self.quantities],
        }


def _plainly(one: Quantity) -> dict[str, Any]:
    found = {**asdict(one), "within": one.within}
    del found["at_least"]
    return found

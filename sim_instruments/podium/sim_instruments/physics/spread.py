"""A quantity lies within a spread of its nominal value."""

import math
from dataclasses import dataclass

CUT = 2.5
"""Draws stay within this many standard deviations: a chip beyond would have been sorted out."""


@dataclass(frozen=True, slots=True)
class Spread:
    """A normal distribution, cut at ``CUT`` standard deviations and at ``low`` and ``high``."""

    value: float
    spread: float
    """One standard deviation; 0 gives ``value`` always."""
    unit: str
    low: float = -math.inf
    high: float = math.inf

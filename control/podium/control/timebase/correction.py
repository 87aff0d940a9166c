"""Taking a skew out: whole ticks of the start, and a rest for pulses between two of them."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from podium.firmware_interfaces.exact_time import TickGrid


@dataclass(frozen=True, slots=True)
class Correction:
    """By how much one port is to be delayed."""

    ticks: int
    """Whole ticks by which its program starts later."""
    remainder_fs: Fraction
    """What is left, from half a tick earlier (included) to half a tick later."""


def delays_fs(skews_fs: Mapping[str, int]) -> dict[str, int]:
    """Return by how much each port is to be delayed so that all their edges come together.

    ``skews_fs``: of each port against the same reference. The latest of all is not delayed, as no
    port can be made earlier.
    """
    latest_fs = max(skews_fs.values(), default=0)
    return {port: latest_fs - skew_fs for port, skew_fs in skews_fs.items()}


def split(delay_fs: int, grid: TickGrid) -> Correction:
    """Return the nearest whole ticks of a delay, and the rest; ``ValueError`` below 0 fs."""
    if delay_fs < 0:
        raise ValueError(
            f"a port can be delayed, not made earlier: {delay_fs} fs; delay the others instead"
        )
    ticks = math.floor(delay_fs / grid.period_fs + Fraction(1, 2))
    return Correction(ticks, delay_fs - ticks * grid.period_fs)

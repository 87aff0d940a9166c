"""Finds start grids: instants at which all the hardware of a run can act together.

Every grid has a tick at TAI 0. That is how a timing plane hands out time: a pulse at each whole
second of TAI, and clocks that are multiples of 1 Hz. Where a controller counts its ticks from
somewhere else, the difference is part of its skew, and the skew ledger holds it.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Self

from podium.firmware_interfaces.exact_time import FS_PER_MS, TickGrid
from podium.firmware_interfaces.tai import Tai

LONGEST_FS = 10 * FS_PER_MS
"""A common grid coarser than this is refused: every start would wait for it.

ASSUMED: below half of the usual lead between FIRE and start.
"""


class NoCommonGrid(ValueError):
    """The hardware has no common grid that is fine enough. Nothing was changed."""


@dataclass(frozen=True, slots=True)
class StartGrid:
    """Instants of TAI at which a run may start."""

    period_fs: int
    """Spacing. Whole, as an instant is a whole number of femtoseconds."""

    def __post_init__(self) -> None:
        if self.period_fs < 1:
            raise ValueError(f"a start grid needs a period of at least 1 fs, got {self.period_fs}")

    @classmethod
    def common(cls, grids: Mapping[str, TickGrid]) -> Self:
        """Return the grid on which everything in ``grids`` (by name) has a tick.

        Raises ``NoCommonGrid``, naming the periods, if there is none below ``LONGEST_FS``.
        """
        for name, grid in grids.items():
            if grid.period_fs <= 0:
                raise NoCommonGrid(f"{name}: a tick lasts longer than 0 fs, got {grid.period_fs}")
        common = Fraction(1)
        for grid in grids.values():
            common = least_common_multiple(common, grid.period_fs)
        if common > LONGEST_FS:
            periods = ", ".join(f"{name}: {grid.period_fs} fs" for name, grid in grids.items())
            raise NoCommonGrid(
                f"these tick together only every {float(common):.3g} fs, and a start may not wait "
                f"longer than {LONGEST_FS} fs for its tick ({periods}); run them apart, or give "
                "them clocks with a larger common divisor"
            )
        return cls(common.numerator)  # a multiple of 1 fs

    def holds(self, instant: Tai) -> bool:
        """Return whether a run may start at ``instant``."""
        return instant.total_fs % self.period_fs == 0

    def at_or_after(self, instant: Tai, lead_fs: int = 0) -> Tai:
        """Return the first instant of the grid that is not before ``instant`` + ``lead_fs``."""
        ticks = -(-(instant.total_fs + lead_fs) // self.period_fs)
        return Tai.from_fs(ticks * self.period_fs)


def least_common_multiple(one: Fraction, other: Fraction) -> Fraction:
    """Return the smallest fraction that is a whole multiple of both; both are above 0.

    For a/b and c/d in lowest terms it is lcm(a, c) / gcd(b, d).
    """
    return Fraction(
        math.lcm(one.numerator, other.numerator), math.gcd(one.denominator, other.denominator)
    )

"""Exact time: integers of femtoseconds, and the tick grids that instruments live on.

Nothing here rounds. A time that does not fall on an instrument's grid is an
error that the compiler or the user must resolve, never something a driver
quietly mends.
"""

from dataclasses import dataclass
from fractions import Fraction

FS_PER_NS = 1_000_000
FS_PER_US = 1_000_000_000
FS_PER_MS = 1_000_000_000_000
FS_PER_S = 1_000_000_000_000_000


class OffGridError(ValueError):
    """A time falls between two ticks. Move it to one of the times named in the message."""


@dataclass(frozen=True, slots=True)
class TickGrid:
    """The grid of instants at which one instrument can act."""

    period_fs: Fraction
    """Exact spacing; 2.4 GSa/s is 1250000/3 fs, which no integer and no float can hold."""

    @classmethod
    def from_rate_hz(cls, rate_hz: int) -> "TickGrid":
        """Return the grid of an instrument that acts ``rate_hz`` times a second."""
        return cls(Fraction(FS_PER_S, rate_hz))

    def ticks(self, time_fs: int) -> int:
        """Return the tick index of ``time_fs``, or raise :class:`OffGridError`."""
        exact = time_fs / self.period_fs
        if exact.denominator != 1:
            below = exact.numerator // exact.denominator
            raise OffGridError(
                f"{time_fs} fs is between tick {below} ({below * self.period_fs} fs) "
                f"and tick {below + 1} ({(below + 1) * self.period_fs} fs)"
            )
        return exact.numerator

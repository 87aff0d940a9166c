"""International atomic time: an instant as whole seconds and integer femtoseconds."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self

from podium.firmware_interfaces.exact_time import FS_PER_NS, FS_PER_S

DIGITS = 15
"""Of femtoseconds in a written instant."""


@dataclass(frozen=True, slots=True, order=True)
class Tai:
    """An instant of TAI."""

    seconds: int
    """Since 1970-01-01 00:00:00 TAI."""
    femtoseconds: int
    """0 ... 10**15 - 1."""

    def __post_init__(self) -> None:
        if not 0 <= self.femtoseconds < FS_PER_S:
            raise ValueError(
                f"femtoseconds of an instant lie in 0 ... {FS_PER_S - 1}, got {self.femtoseconds}"
            )

    @classmethod
    def from_fs(cls, total_fs: int) -> Self:
        """Return the instant ``total_fs`` after 1970-01-01 00:00:00 TAI."""
        return cls(*divmod(total_fs, FS_PER_S))

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the instant that ``str`` wrote; raises ``ValueError`` for another text."""
        seconds, point, rest = text.removesuffix(" TAI").partition(".")
        if not (
            point
            and seconds.removeprefix("-").isdecimal()
            and rest.isdecimal()
            and len(rest) == DIGITS
        ):
            raise ValueError(f"{text!r} is no instant; SECONDS.FEMTOSECONDS TAI, 15 digits of fs")
        return cls(int(seconds), int(rest))

    @property
    def total_fs(self) -> int:
        """Femtoseconds since 1970-01-01 00:00:00 TAI."""
        return self.seconds * FS_PER_S + self.femtoseconds

    def __sub__(self, earlier: "Tai") -> int:
        """Return the femtoseconds from ``earlier`` to this instant (negative if it is later)."""
        return self.total_fs - earlier.total_fs

    def date(self) -> str:
        """Return date and time of day, to the nanosecond: ``2026-11-20 11:40:27.164794194 TAI``."""
        day = datetime.fromtimestamp(self.seconds, tz=UTC)  # counts days of 86400 s, as TAI has
        return f"{day:%Y-%m-%d %H:%M:%S}.{self.femtoseconds // FS_PER_NS:09d} TAI"

    def __str__(self) -> str:
        return f"{self.seconds}.{self.femtoseconds:015d} TAI"

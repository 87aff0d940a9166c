"""Versions of LabOne, and how a data server tells its own.

A version is year, month, patch and build since 25.01, before that year, month and build. Clients
since 25.01 refuse a server of another year or month by its hello, unless an option forbids it; that
of 24.10 does not look at it (seen with ``zhinst.core`` 24.10 to 26.7).
"""

import re
from dataclasses import dataclass
from typing import Self

_NUMBERS = re.compile(r"(\d\d)\.(\d\d?)(?:\.(\d+))?(?:\.(\d+))?", re.ASCII)
_PATCHES_SINCE = (25, 1)


@dataclass(frozen=True, slots=True)
class LabOneVersion:
    """A version of LabOne: 26.7.2.5."""

    year: int
    month: int
    patch: int
    """Always 0 before 25.01."""
    build: int

    @classmethod
    def of(cls, text: str) -> Self:
        """Return the version of a text: ``26.7.2.5``, ``25.04``, ``24.10.65175``.

        What it leaves out is 0. Raises ValueError.
        """
        found = _NUMBERS.fullmatch(text)
        if found is None or not 1 <= int(found[2]) <= 12:
            raise ValueError(f"{text!r} is no version of LabOne: 25.04, 26.7.2.5 or 24.10.65175 is")
        year, month, third, fourth = (int(digits or 0) for digits in found.groups())
        if (year, month) >= _PATCHES_SINCE:
            return cls(year, month, third, fourth)
        if fourth:
            raise ValueError(f"{text!r} is no version of LabOne: before 25.01 they had no patch")
        return cls(year, month, 0, third)

    @property
    def patched(self) -> bool:
        """Tell whether it has a patch."""
        return (self.year, self.month) >= _PATCHES_SINCE

    @property
    def hello(self) -> str:
        """As the hello has it: 26.7.2. ASSUMED: 24.10.65175 before 25.01.

        That is how the client of 24.10 names itself beside a server's version of the hello.
        """
        return f"{self.year}.{self.month}.{self.patch if self.patched else self.build}"

    @property
    def short(self) -> str:
        """Year and month, as ``/zi/about/version`` has them: 26.07."""
        return f"{self.year}.{self.month:02d}"

    @property
    def full(self) -> str:
        """As ``/zi/about/fullversion`` has it: 26.07.2.5. ASSUMED: the 0 of the month.

        ``zhinst.core.__version__`` has it.
        """
        return f"{self.short}.{self.patch}.{self.build}" if self.patched else self.hello

    @property
    def revision(self) -> int:
        """As ``/zi/about/revision`` has it: 26.7.2.5 is 260720005, 24.10.65175 is 241065175.

        So says ``ziDAQServer.revision()`` of 24.10 to 26.7; ASSUMED of servers.
        """
        low = self.patch * 10**4 + self.build if self.patched else self.build
        return self.year * 10**7 + self.month * 10**5 + low

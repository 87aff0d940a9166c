"""A recorded session with an instrument as a test that its twin must pass."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

LISTED = 20
"""So many differences are reported in full."""


class TwinDiffers(AssertionError):
    """The twin answers otherwise than the recorded instrument. The message says to what, and how.

    Mend the twin, not the recording, unless it was recorded with other firmware.
    """


@dataclass(frozen=True, slots=True)
class ReplayedCommand:
    """One recorded command, and the answers of instrument and twin."""

    number: int
    """Counted from 1."""
    port: str
    sent: str
    recorded: str
    """By the instrument; empty: nothing."""
    twin: str
    verdict: Literal["same", "numbers", "differs"]
    """``numbers``: the same words with other numbers, as a reading has them or a time."""

    def __str__(self) -> str:
        """Return it as a person compares it."""
        return (
            f"{self.number} {self.port}: {self.sent}\n"
            f"    recorded: {self.recorded or '(nothing)'}\n"
            f"    twin:     {self.twin or '(nothing)'}"
        )


@dataclass(frozen=True, slots=True)
class Replayed:
    """A whole session."""

    instrument: str
    model: str
    commands: tuple[ReplayedCommand, ...]

    def differences(
        self, *, ignoring: Iterable[str] = (), numbers: bool = False
    ) -> tuple[ReplayedCommand, ...]:
        """Return what the twin answered otherwise.

        ``ignoring``: regular expressions of commands that do not count (``r"\\*IDN\\?"``).
        ``numbers``: other numbers count as well.
        """
        wrong = ("numbers", "differs") if numbers else ("differs",)
        free = [re.compile(one) for one in ignoring]
        return tuple(
            one
            for one in self.commands
            if one.verdict in wrong and not any(each.search(one.sent) for each in free)
        )

    def check(self, *, ignoring: Iterable[str] = (), numbers: bool = False) -> None:
        """Raise :class:`TwinDiffers` if there are :meth:`differences`, or if nothing was sent."""
        __tracebackhide__ = True
        if not self.commands:
            raise TwinDiffers(f"nothing was sent to {self.instrument}: this tests nothing")
        found = self.differences(ignoring=ignoring, numbers=numbers)
        if found:
            more = f"\n... and {len(found) - LISTED} more" if len(found) > LISTED else ""
            raise TwinDiffers(
                f"the twin of {self.instrument} ({self.model}) answers {len(found)} of "
                f"{len(self.commands)} commands otherwise:\n"
                + "\n".join(map(str, found[:LISTED]))
                + more
            )

"""The one clock of the simulated world: TAI in integer femtoseconds, at wall rate plus leaps.

This and the sockets are the only places of the simulation that read the host's clock.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from podium.firmware_interfaces.exact_time import FS_PER_MS, FS_PER_NS, FS_PER_S

TAI_MINUS_UTC_S = 37  # since 2017-01-01, IERS Bulletin C 52
MANUAL_START_TAI_S = 1_767_225_637  # 2026-01-01T00:00:00 UTC
ANSWER_FS = FS_PER_MS
"""What an answer costs on a manual clock: its way over the laboratory network. ASSUMED."""


class ClockMode(Enum):
    """The way in which world time passes."""

    LEAP = "leap"
    """At wall rate; jumps over the rest of a running program once its results are known."""
    PACED = "paced"
    """At wall rate only, or so many times as fast."""
    MANUAL = "manual"
    """Only by answers, running programs and ``podium twin advance``: never by itself."""


@dataclass(frozen=True, slots=True)
class ClockState:
    """A world clock's numbers: who has them tells the same time, on the same computer."""

    start_fs: int
    leapt_fs: int
    rate: int
    origin_ns: int
    """Of the computer's monotonic clock, when the rate was set last."""
    paced_ns: int
    """What had passed then, ns of the world."""


class WorldClock:
    """World time. Never goes back."""

    def __init__(
        self,
        mode: ClockMode,
        *,
        rate: int = 1,
        monotonic_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        """Begin now. ``rate`` and what is raised: see :meth:`set_rate`."""
        self.mode = mode
        self.rate = 1
        self.leapt_fs = 0
        """Sum of all that passed at once; on a manual clock that is all that passed."""
        self._monotonic_ns = monotonic_ns
        self._origin_ns = monotonic_ns()
        self._paced_ns = 0
        """What passed until the rate was set last, ns of the world."""
        self._held_ns: int | None = None
        """The wall's clock when this one was stopped; None: it goes."""
        self.set_rate(rate)
        if mode is ClockMode.MANUAL:
            self.start_fs = MANUAL_START_TAI_S * FS_PER_S
        else:
            self.start_fs = time.time_ns() * FS_PER_NS + TAI_MINUS_UTC_S * FS_PER_S

    def now_fs(self) -> int:
        """Return TAI since 1970-01-01 in femtoseconds."""
        now_fs = self.start_fs + self.leapt_fs
        if self.mode is not ClockMode.MANUAL:
            wall_ns = max(0, self._wall_ns() - self._origin_ns)
            now_fs += (self._paced_ns + self.rate * wall_ns) * FS_PER_NS
        return now_fs

    def state(self) -> ClockState:
        """Return its numbers, for a clock in another process that tells the same time."""
        return ClockState(self.start_fs, self.leapt_fs, self.rate, self._origin_ns, self._paced_ns)

    def follow(self, state: ClockState) -> None:
        """Tell the time of the clock whose numbers these are."""
        self.start_fs, self.leapt_fs, self.rate = state.start_fs, state.leapt_fs, state.rate
        self._origin_ns, self._paced_ns = state.origin_ns, state.paced_ns

    def set_rate(self, rate: int, at_ns: int | None = None) -> None:
        """Let ``rate`` seconds pass in each of the wall's from now on; what is past stays.

        ``at_ns``: from this reading of the monotonic clock on, until which time stands still.
        Raises ValueError for a rate below 1, and for one other than 1 of a clock that is not paced.
        """
        if rate < 1 or (rate != 1 and self.mode is not ClockMode.PACED):
            raise ValueError(
                f"a {self.mode.value} clock cannot go {rate} times as fast as the wall's"
            )
        now_ns = self._wall_ns() if at_ns is None else at_ns
        self._paced_ns += self.rate * (now_ns - self._origin_ns)
        self._origin_ns, self.rate = now_ns, rate

    def _wall_ns(self) -> int:
        return self._monotonic_ns() if self._held_ns is None else self._held_ns

    @property
    def stands(self) -> bool:
        """Tell whether it was stopped."""
        return self._held_ns is not None

    def stop(self) -> None:
        """Stand still from now on, whatever the wall's clock does, until :meth:`go_on`."""
        if self._held_ns is None:
            self._held_ns = self._monotonic_ns()

    def go_on(self) -> None:
        """Go on from the time at which it was stopped; one that goes is left alone."""
        if self._held_ns is not None:
            self._origin_ns += self._monotonic_ns() - self._held_ns
            self._held_ns = None

    def answered(self) -> None:
        """Let pass what an answer of an instrument takes where no wall clock does it.

        An answer, not a command: how commands are cut into packets must not tell.
        """
        if self.mode is ClockMode.MANUAL:
            self.leapt_fs += ANSWER_FS

    def advance(self, span_fs: int) -> None:
        """Let ``span_fs`` pass at once. Raises ValueError for a negative span."""
        if span_fs < 0:
            raise ValueError(f"world time cannot go back by {-span_fs} fs")
        self.leapt_fs += span_fs

    def leap_to(self, until_fs: int) -> None:
        """Let time pass until ``until_fs``; a moment that is past changes nothing."""
        self.advance(max(0, until_fs - self.now_fs()))

"""Programs of a DC source: steps with a slope, each reached within its interval.

A run is a value; where the level is at an instant is computed, never stepped.
"""

from dataclasses import dataclass
from decimal import Decimal

from podium.firmware_interfaces.yokogawa_gs200 import SourceRange


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a program."""

    function: str
    source_range: SourceRange
    level: Decimal


@dataclass(frozen=True, slots=True)
class Run:
    """A program under way, or paused."""

    steps: tuple[Step, ...]
    first_level: Decimal
    """Where the source was when it began."""
    slope_fs: int
    interval_fs: int
    repeat: bool
    begun_fs: int
    """When it would have begun had it never been paused."""
    paused_fs: int | None = None

    def elapsed_fs(self, now_fs: int) -> int:
        """Return how long it has run, pauses not counted."""
        return (now_fs if self.paused_fs is None else self.paused_fs) - self.begun_fs

    @property
    def end_fs(self) -> int | None:
        """Return when the last step's interval is over; None while it repeats or is paused."""
        if self.repeat or self.paused_fs is not None:
            return None
        return self.begun_fs + len(self.steps) * self.interval_fs

    def steps_done(self, now_fs: int) -> int:
        """Return how many steps are over, repetitions counted."""
        done = self.elapsed_fs(now_fs) // self.interval_fs
        return done if self.repeat else min(done, len(self.steps))

    def step(self, now_fs: int) -> Step:
        """Return the step under way, or the last one."""
        return self.steps[self._index(now_fs) % len(self.steps)]

    def level(self, now_fs: int) -> Decimal:
        """Return the level, not rounded: it moves in a straight line during the slope time."""
        index = self._index(now_fs)
        target = self.steps[index % len(self.steps)].level
        since_fs = self.elapsed_fs(now_fs) - index * self.interval_fs
        # ASSUMED: a slope longer than the interval is cut to it, each step reaches its level.
        slope_fs = min(self.slope_fs, self.interval_fs)
        if since_fs >= slope_fs:
            return target
        before = self.steps[(index - 1) % len(self.steps)].level if index else self.first_level
        return before + (target - before) * since_fs / slope_fs

    def _index(self, now_fs: int) -> int:
        done = self.steps_done(now_fs)
        return done if self.repeat else min(done, len(self.steps) - 1)

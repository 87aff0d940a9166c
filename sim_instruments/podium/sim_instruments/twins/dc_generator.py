"""The DC generator of a QDAC-II's channel: where its level is at any time.

A movement is a value; the level at an instant is computed, never stepped.
"""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from typing import Literal

from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.firmware_interfaces.qdevil_qdac2 import SLEW_FREE


@dataclass(frozen=True, slots=True)
class LevelSlew:
    """A level on its way to another, or there."""

    from_v: Decimal
    to_v: Decimal
    begun_fs: int
    slew_v_per_s: Decimal

    @property
    def end_fs(self) -> int:
        """Return when it is there."""
        if self.slew_v_per_s == SLEW_FREE:
            return self.begun_fs
        took_s = abs(self.to_v - self.from_v) / self.slew_v_per_s
        return self.begun_fs + int((took_s * FS_PER_S).to_integral_value(ROUND_CEILING))

    def level(self, now_fs: int) -> Decimal:
        """Return where it is, V, between the steps of any converter."""
        if now_fs >= self.end_fs:
            return self.to_v
        gone_fs = max(0, now_fs - self.begun_fs)
        return self.from_v + (self.to_v - self.from_v) * gone_fs / (self.end_fs - self.begun_fs)


@dataclass(frozen=True, slots=True)
class Staircase:
    """Levels that are held one after the other, or gone through in straight lines."""

    from_v: Decimal
    """Where it is until the first."""
    level_at: Callable[[int], Decimal]
    """The level of each point, from 0."""
    points: int
    dwell_fs: int
    begun_fs: int
    """When the first is set: a delay is over by then."""
    count: int
    """How often; -1: without end."""
    analog: bool = False
    """The way between points is a straight line."""

    @property
    def end_fs(self) -> int | None:
        """Return when the last dwell is over; None: never."""
        if self.count < 0:
            return None
        return self.begun_fs + self.points * self.count * self.dwell_fs

    def left(self, now_fs: int) -> int:
        """Return how many repetitions are not over; -1: there is no end."""
        if self.count < 0:
            return -1
        return self.count - min(self._done(now_fs) // self.points, self.count)

    def level(self, now_fs: int) -> Decimal:
        """Return where it is, V, between the steps of any converter."""
        if now_fs < self.begun_fs:
            return self.from_v
        done = self._done(now_fs)
        if self.count >= 0 and done >= self.points * self.count:
            return self.level_at(self.points - 1)
        index = done % self.points
        here = self.level_at(index)
        if not self.analog or index == self.points - 1:
            return here
        within_fs = (now_fs - self.begun_fs) % self.dwell_fs
        return here + (self.level_at(index + 1) - here) * within_fs / self.dwell_fs

    def _done(self, now_fs: int) -> int:
        return max(0, now_fs - self.begun_fs) // self.dwell_fs


Movement = LevelSlew | Staircase


@dataclass(frozen=True, slots=True)
class StaircasePlan:
    """A sweep or a list as it is set, whenever it is started."""

    level_at: Callable[[int], Decimal]
    points: int
    dwell_fs: int
    count: int
    delay_fs: int
    analog: bool = False
    stepped: bool = False
    """Each start sets the next level and holds it. ASSUMED: after the last comes the first."""


class DcGenerator:
    """One channel's level, and whether it waits for a trigger.

    ASSUMED: the slew limits what is set in FIXed mode; a list's or a sweep's steps jump.
    """

    def __init__(self) -> None:
        self._movement: Movement = LevelSlew(Decimal(0), Decimal(0), 0, SLEW_FREE)
        self._step = 0
        self.armed: Literal["", "once", "always"] = ""
        """Whether a trigger from its source starts it."""

    def level(self, now_fs: int) -> Decimal:
        """Return the level, V."""
        return self._movement.level(now_fs)

    @property
    def staircase(self) -> Staircase | None:
        """Return the sweep or list that was begun last, if nothing has come after it."""
        return self._movement if isinstance(self._movement, Staircase) else None

    def go(self, to_v: Decimal, slew_v_per_s: Decimal, now_fs: int) -> None:
        """Move to a level from wherever it is."""
        self._movement = LevelSlew(self.level(now_fs), to_v, now_fs, slew_v_per_s)

    def hold(self, now_fs: int) -> None:
        """Stay where it is; wait for no trigger."""
        self.armed = ""
        self.go(self.level(now_fs), SLEW_FREE, now_fs)

    def rewind(self) -> None:
        """Begin stepped lists at their first level again."""
        self._step = 0

    def start(self, plan: StaircasePlan, now_fs: int) -> None:
        """Begin a sweep or a list, or go on by one step of a stepped one."""
        begun_fs, at_v = now_fs + plan.delay_fs, self.level(now_fs)
        if plan.stepped:
            to_v = plan.level_at(self._step % plan.points)
            self._step += 1
            hold = 1  # of any length: the level stays
            self._movement = Staircase(at_v, lambda index: to_v, 1, hold, begun_fs, 1)
            return
        self._movement = Staircase(
            at_v, plan.level_at, plan.points, plan.dwell_fs, begun_fs, plan.count, plan.analog
        )

    def left(self, now_fs: int) -> int:
        """Return the repetitions left of what runs; -1 of what has no end."""
        return self._movement.left(now_fs) if isinstance(self._movement, Staircase) else 0

    def end_fs(self, now_fs: int) -> int | None:
        """Return when what moves now has ended; None where nothing moves, or without end."""
        end_fs = self._movement.end_fs
        return None if end_fs is None or end_fs <= now_fs else end_fs

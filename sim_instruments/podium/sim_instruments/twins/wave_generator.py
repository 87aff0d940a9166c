"""A wave generator of a QDAC-II's channel: what it adds to the level at any time."""

from collections.abc import Callable
from dataclasses import dataclass
from math import pi, sin
from typing import Literal


@dataclass(frozen=True, slots=True)
class Wave:
    """A wave as it is set, whenever it is started."""

    value_v: Callable[[float], float]
    """By phase, from 0 to 1 within a period, V."""
    period_fs: int
    count: int
    """Periods; -1: without end."""
    delay_fs: int


def sine(phase: float) -> float:
    """Return a sine from -1 to 1; it begins at 0 and rises."""
    return sin(2 * pi * phase)


def square(phase: float, duty: float) -> float:
    """Return 1 for the share ``duty`` of a period, then -1."""
    return 1.0 if phase < duty else -1.0


def triangle(phase: float, duty: float) -> float:
    """Return a straight way from -1 to 1 within the share ``duty`` of a period, and back.

    ASSUMED: where in its period it begins.
    """
    if phase < duty:
        return 2 * phase / duty - 1
    return 1 - 2 * (phase - duty) / (1 - duty) if duty < 1 else -1.0


class WaveGenerator:
    """One kind of waves of one channel. ASSUMED: while it is silent its offset is gone, too."""

    def __init__(self) -> None:
        self._wave: Wave | None = None
        self._begun_fs = 0
        self.armed: Literal["", "once", "always"] = ""
        """Whether a trigger from its source starts it."""

    def start(self, wave: Wave, now_fs: int) -> None:
        """Begin, anew where it runs."""
        self._wave, self._begun_fs = wave, now_fs + wave.delay_fs

    def abort(self) -> None:
        """Be silent from now on, and wait for no trigger."""
        self._wave = None
        self.armed = ""

    def level(self, now_fs: int) -> float:
        """Return what it adds, V."""
        wave = self._wave
        if wave is None or now_fs < self._begun_fs or self.left(now_fs) == 0:
            return 0.0
        within_fs = (now_fs - self._begun_fs) % wave.period_fs
        return wave.value_v(within_fs / wave.period_fs)

    def left(self, now_fs: int) -> int:
        """Return the periods that are not over; -1: there is no end."""
        if self._wave is None:
            return 0
        if self._wave.count < 0:
            return -1
        done = max(0, now_fs - self._begun_fs) // self._wave.period_fs
        return max(0, self._wave.count - done)

    def end_fs(self, now_fs: int) -> int | None:
        """Return when it falls silent; None where it is, or without end."""
        if self._wave is None or self._wave.count < 0 or not self.left(now_fs):
            return None
        return self._begun_fs + self._wave.count * self._wave.period_fs

"""Keeps what nodes play heats a fridge with, until its plant takes it over world time.

Playback says in advance what a run will dissipate and for how long. A plant takes the mean of each
:data:`BIN_FS` at that bin's end: thousands of short runs are one change of its inputs, and what it
reads depends on what was played, not on who looked when.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from threading import Lock

from podium.firmware_interfaces.exact_time import FS_PER_S

BIN_FS = 10 * FS_PER_S
"""Short against the minutes in which a plate follows its heat."""

Played = tuple[str, int, str]
"""Instrument, run and sender, as they are stopped."""


@dataclass(slots=True)
class _Source:
    played: Played
    start_fs: int
    end_fs: int
    watts: Mapping[str, float]
    late_fs: int
    """By how much it was reported too late: it heats so much later, and as long."""


class PlaybackHeat:
    """The heat of one fridge's nodes. Any thread may report it; one takes it."""

    def __init__(self, start_fs: int) -> None:
        self._lock = Lock()
        self._sources: list[_Source] = []
        self._begin_fs = start_fs
        """Of the bin that is not complete."""
        self._taken: dict[str, float] = {}

    def add(self, played: Played, start_fs: int, end_fs: int, watts: Mapping[str, float]) -> None:
        """Note mean powers by stage, W, from ``start_fs`` to ``end_fs`` of world time."""
        with self._lock:
            late_fs = max(0, self._begin_fs - start_fs)
            self._sources.append(
                _Source(played, start_fs + late_fs, end_fs + late_fs, dict(watts), late_fs)
            )

    def stop(self, played: Played, at_fs: int) -> None:
        """Hear that nothing more is played by a sender of a run from ``at_fs`` on."""
        with self._lock:
            for one in self._sources:
                if one.played == played:
                    one.end_fs = min(one.end_fs, max(one.start_fs, at_fs + one.late_fs))

    def take(self, to_fs: int) -> list[tuple[int, dict[str, float]]]:
        """Return the changes at the ends of bins up to a time: when, and W by stage."""
        found = []
        with self._lock:
            while self._begin_fs + BIN_FS <= to_fs:
                if not self._sources and not any(self._taken.values()):
                    self._begin_fs += (to_fs - self._begin_fs) // BIN_FS * BIN_FS
                    break
                watts = self._mean(self._begin_fs, self._begin_fs + BIN_FS)
                self._begin_fs += BIN_FS
                self._sources = [one for one in self._sources if one.end_fs > self._begin_fs]
                if watts != self._taken:
                    found.append((self._begin_fs, watts))
                    self._taken = watts
        return found

    def _mean(self, begin_fs: int, end_fs: int) -> dict[str, float]:
        """Return the mean powers between two times, W; 0 where there was something before."""
        watts = dict.fromkeys(self._taken, 0.0)
        for one in self._sources:
            within = min(end_fs, one.end_fs) - max(begin_fs, one.start_fs)
            if within > 0:
                for stage, power in one.watts.items():
                    watts[stage] = watts.get(stage, 0.0) + power * (within / BIN_FS)
        return watts

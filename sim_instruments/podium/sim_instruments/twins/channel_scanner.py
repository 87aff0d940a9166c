"""A scanner that shows one channel after another to a bridge: when was each measured last?"""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Stop:
    """The scanner stays at a channel for these times."""

    channel: int
    pause_fs: int
    """For the bridge to settle; no reading is made."""
    dwell_fs: int
    """Measured all the time."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """The scanner follows this schedule from ``begun_fs`` on, until it receives another one."""

    stops: tuple[Stop, ...]
    """In the order in which they come, the first from ``begun_fs`` on."""
    scanning: bool
    """False: it stays at the first stop."""
    begun_fs: int
    measured_before_fs: Mapping[int, int] = field(default_factory=dict)
    """When each channel was measured last before ``begun_fs``; none if never."""

    def channel(self, now_fs: int) -> int:
        """Return the channel that the bridge is at."""
        if not self.scanning:
            return self.stops[0].channel
        into_fs = (now_fs - self.begun_fs) % self._period_fs
        for stop in self.stops:
            into_fs -= stop.pause_fs + stop.dwell_fs
            if into_fs < 0:
                return stop.channel
        return self.stops[-1].channel

    def measured_fs(self, channel: int, now_fs: int) -> int | None:
        """Return when ``channel`` was measured last, None if it never was."""
        offset_fs = 0
        for stop in self.stops if self.scanning else self.stops[:1]:
            if stop.channel == channel:
                return self._last_in(stop, offset_fs, now_fs)
            offset_fs += stop.pause_fs + stop.dwell_fs
        return self.measured_before_fs.get(channel)

    def changed(self, stops: tuple[Stop, ...], scanning: bool, now_fs: int) -> "Schedule":
        """Return what follows when the scanner receives something else at ``now_fs``."""
        known = {*self.measured_before_fs, *(stop.channel for stop in self.stops)}
        before = {channel: self.measured_fs(channel, now_fs) for channel in known}
        measured = {channel: at_fs for channel, at_fs in before.items() if at_fs is not None}
        return Schedule(stops, scanning, now_fs, measured)

    @property
    def _period_fs(self) -> int:
        return sum(stop.pause_fs + stop.dwell_fs for stop in self.stops)

    def _last_in(self, stop: Stop, offset_fs: int, now_fs: int) -> int | None:
        since_first_fs = now_fs - self.begun_fs - offset_fs - stop.pause_fs
        if since_first_fs < 0:
            return self.measured_before_fs.get(stop.channel)
        if not self.scanning:
            return now_fs
        into_fs = since_first_fs % self._period_fs
        return now_fs - into_fs + min(into_fs, stop.dwell_fs)

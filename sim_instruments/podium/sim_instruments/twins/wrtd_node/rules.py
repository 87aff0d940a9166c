"""Rules of a WRTD node: which event raises which output when, and what became of each event.

What is done in which order stands in :meth:`Rule.take`. ASSUMED, from the names of the counters
and fields in ``wrtd-common.h``: synchronisation is looked at first, then the hold-off, then
whether there is time left; a hold-off begins at the event's own time, before delay and
alignment, and without one events may come in any order; an event that is discarded holds
nothing off.
"""

from dataclasses import dataclass, field
from enum import Enum

from podium.firmware_interfaces.exact_time import FS_PER_NS
from podium.firmware_interfaces.wrtd_node import LATENCY_NS

LATENCY_FS = LATENCY_NS * FS_PER_NS


class Miss(Enum):
    """The reason why an event raised nothing."""

    NO_SYNC = "no sync"
    HOLDOFF = "hold-off"
    LATE = "timeout"
    OVERFLOW = "overflow"


@dataclass(slots=True)
class Counts:
    """Counts of the events of one rule. Times are those of the node's own clock, fs."""

    received: int = 0
    received_last_fs: int = 0
    raised: int = 0
    raised_last_fs: int = 0
    missed: dict[Miss, int] = field(default_factory=lambda: dict.fromkeys(Miss, 0))
    missed_last_fs: int = 0


@dataclass(slots=True)
class Rule:
    """One rule, with the settings that it has after it was added."""

    name: str
    source: str = ""
    destination: str = ""
    enabled: bool = False
    send_late: bool = True  # ASSUMED
    repeat_count: int = 0
    """How many events it takes before it disables itself; 0: no end. ASSUMED."""
    delay_ns: int = 0
    holdoff_ns: int = 0
    resync_period_ns: int = 0
    """Outputs are moved on to the next multiple of it; 0: they are not. ASSUMED."""
    resync_factor: int = 0
    """And by that many periods more. ASSUMED."""
    counts: Counts = field(default_factory=Counts)
    _held_off_until_fs: int = 0
    _taken: int = 0

    def enable(self) -> None:
        """Take events from now on; hold-off and repetitions begin anew."""
        self.enabled, self._held_off_until_fs, self._taken = True, 0, 0

    def take(self, event_fs: int, now_fs: int, synced: bool, room: bool) -> int | None:
        """Take an event of time ``event_fs`` at ``now_fs``, both by the node's clock.

        Return when its output is to rise, by that clock; None where it raises nothing.
        ``room``: whether the output can have another pulse before it.
        """
        self.counts.received += 1
        self.counts.received_last_fs = event_fs
        due_fs = self._due_fs(event_fs)
        late = due_fs < now_fs + LATENCY_FS
        miss: Miss | None = None
        if not synced:
            miss = Miss.NO_SYNC
        elif self.holdoff_ns and event_fs < self._held_off_until_fs:
            miss = Miss.HOLDOFF
        elif late and not self.send_late:
            miss = Miss.LATE
        elif not room:
            miss = Miss.OVERFLOW
        if miss is not None:
            self.counts.missed[miss] += 1
            self.counts.missed_last_fs = event_fs
            return None
        self._held_off_until_fs = event_fs + self.holdoff_ns * FS_PER_NS
        self._taken += 1
        if self.repeat_count and self._taken >= self.repeat_count:
            self.enabled = False
        due_fs = now_fs + LATENCY_FS if late else due_fs  # ASSUMED: late is as soon as it can
        self.counts.raised += 1
        self.counts.raised_last_fs = due_fs
        return due_fs

    def _due_fs(self, event_fs: int) -> int:
        due_fs = event_fs + self.delay_ns * FS_PER_NS
        if self.resync_period_ns:
            period_fs = self.resync_period_ns * FS_PER_NS
            due_fs = (-(-due_fs // period_fs) + self.resync_factor) * period_fs
        return due_fs

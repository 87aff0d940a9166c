"""The hardware of a node as it is: what played, and when. It knows no protocol and no record.

A trigger plane that raises triggers at a time, a controller that starts on the edge, its clocks.
Calibration is taken to be done: what is loaded corrects the shift that the controller's clock has
when it is loaded. A re-lock draws the shift anew.
"""

import random
from dataclasses import dataclass, field

from tests.chaos.scheduler import Scheduler, ms, tai

from podium.control.bus.messages import RunId
from podium.control.runs.messages import UNVERIFIED, Relock, Start
from podium.control.timebase.epochs import Epochs
from podium.firmware_interfaces.exact_time import FS_PER_NS

TICK_FS = 4 * FS_PER_NS
RESOLUTION_FS = 1 * FS_PER_NS
JITTER_FS = 40_000.0
"""One sigma. Five sigma of the skew floor (100 ps) are more than twelve of these."""
LATENCY_FS = 212 * FS_PER_NS
"""From the trigger's edge to the first sample; known and corrected."""
NO_SYNC_FS = ms(80)
"""After a re-lock the trigger plane has no time so long, and misses triggers."""
SHIFT_TICKS = 69
"""A re-lock shifts by up to 276 ns in whole ticks (a fixed 276 ns was seen in the field)."""


@dataclass(frozen=True, slots=True)
class Played:
    """What left the connectors."""

    node: str
    run: RunId
    tag: str
    nominal_fs: int
    """When it should have, going by the trigger that started it."""
    at_fs: int
    edge_was_late: bool
    relocked_fs: int | None
    """When its controller was first locked anew after the program was loaded."""


@dataclass
class Plant:
    name: str
    scheduler: Scheduler
    draw: random.Random
    source: str
    raises_late_triggers: bool
    """Whether its trigger plane raises a trigger that came too late at once: it must not."""
    played: list[Played] = field(default_factory=list)
    controller_epoch: int = 1
    timing_epoch: int = 1
    relocked: list[tuple[int, Relock]] = field(default_factory=list)
    lose_next_edge: int = 0
    delay_next_edge: int = 0
    loaded_fs: int = 0
    """When a program was last loaded."""
    _shift_fs: int = 0
    _no_sync_until_fs: int = 0
    _loaded: tuple[RunId, int, int] | None = None
    """Run, duration, shift that is corrected."""
    _relocks_before: int = 0
    _armed: bool = False
    _triggers: dict[int, int] = field(default_factory=dict)
    _serial: int = 0
    _starts: int = 0
    _start: Start | None = None
    _late: int = 0
    _missed: int = 0
    _bins: bytes = b""

    # Clocks

    def epochs(self) -> Epochs:
        return Epochs(
            ((self.name, self.controller_epoch), (f"{self.name}.timing", self.timing_epoch))
        )

    def relock_controller(self) -> None:
        self.controller_epoch += 1
        before_fs = self._shift_fs
        while self._shift_fs == before_fs:
            self._shift_fs = self.draw.randint(-SHIFT_TICKS, SHIFT_TICKS) * TICK_FS
        self._note(Relock(self.name, self.controller_epoch))

    def relock_timing(self) -> None:
        self.timing_epoch += 1
        self._no_sync_until_fs = self.scheduler.now_fs + NO_SYNC_FS
        self._note(Relock(f"{self.name}.timing", self.timing_epoch))

    def _note(self, relock: Relock) -> None:
        self.relocked.append((self.scheduler.now_fs, relock))

    # Commands of whoever is connected

    def load(self, run: RunId, duration_fs: int) -> None:
        self.loaded_fs = self.scheduler.now_fs
        self._loaded = (run, duration_fs, self._shift_fs)
        self._relocks_before = len(self.relocked)

    def arm(self) -> None:
        self._armed = self._loaded is not None
        self._starts, self._start, self._bins = 0, None, b""
        self._late = self._missed = 0

    def set_trigger(self, t0_fs: int) -> None:
        if t0_fs <= self.scheduler.now_fs:
            if not self.raises_late_triggers:
                self._late += 1
                return
            t0_fs = self.scheduler.now_fs + ms(0.001)
        self._serial += 1
        serial = self._serial
        self._triggers[serial] = t0_fs
        self.scheduler.at(t0_fs, lambda: self._rise(serial))

    def make_safe(self) -> bool | None:
        self._triggers.clear()
        self._armed = False
        return None if self.source == UNVERIFIED else self._starts > 0

    def start(self) -> Start | None:
        return self._start

    def counters(self) -> tuple[int, int, int]:
        """Return starts, late, missed since it was armed."""
        return self._starts, self._late, self._missed

    def relocks(self) -> tuple[Relock, ...]:
        return tuple(one for _, one in self.relocked[self._relocks_before :])

    def bins(self) -> bytes:
        return self._bins

    # The edge

    def _rise(self, serial: int) -> None:
        t0_fs = self._triggers.pop(serial, None)
        if t0_fs is None:
            return
        if self.scheduler.now_fs < self._no_sync_until_fs:
            self._missed += 1
        elif self.lose_next_edge:
            self.lose_next_edge -= 1
        elif self.delay_next_edge:
            delay_fs, self.delay_next_edge = self.delay_next_edge, 0
            self.scheduler.after(delay_fs, lambda: self._begin(t0_fs, delay_fs))
        else:
            self._begin(t0_fs, 0)

    def _begin(self, nominal_fs: int, late_fs: int) -> None:
        if not self._armed or self._loaded is None:
            return
        run, _, corrected_fs = self._loaded
        self._armed = False
        self._starts += 1
        edge_fs = nominal_fs + late_fs + int(self.draw.gauss(0, JITTER_FS / 4))
        # The controller samples the edge in the middle of a tick, by calibration.
        ticks = round(late_fs / TICK_FS)
        out_fs = nominal_fs + ticks * TICK_FS + self._shift_fs - corrected_fs
        out_fs += int(self.draw.gauss(0, JITTER_FS))
        tag = f"{run}@{self.name}#{len(self.played)}"
        relocked_fs = next(
            (at for at, one in self.relocked[self._relocks_before :] if one.domain == self.name),
            None,
        )
        self.played.append(
            Played(self.name, run, tag, nominal_fs, out_fs, late_fs > 0, relocked_fs)
        )
        self._bins = tag.encode()
        if self.source != UNVERIFIED:
            # In its own time, which a re-lock shifts together with its outputs.
            told_fs = (edge_fs + LATENCY_FS) // RESOLUTION_FS * RESOLUTION_FS + RESOLUTION_FS // 2
            self._start = Start(tai(told_fs), RESOLUTION_FS, self.source)
        else:
            self._start = Start(tai(nominal_fs), TICK_FS, UNVERIFIED)

"""The current sensor of a QDAC-II's channel: readings at once, or on triggers.

What it reads is computed when somebody looks, of the levels that there were: whoever changes a
level lets it collect first.
"""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Literal

NOISE_A = {"LOW": 20e-12, "HIGH": 500e-9}
"""Standard deviation of a reading, A, for an aperture of 20 ms. ASSUMED: the page of the QDAC says
"down to a few tens of pA"."""
NOISE_APERTURE_FS = 20 * 10**12
KEPT_MAX = 10_000  # ASSUMED: readings that a channel keeps


@dataclass(frozen=True, slots=True)
class SensorSettings:
    """A reading depends on these settings."""

    range_name: str
    full_scale_a: float
    aperture_fs: int
    delay_fs: int
    count: int
    """Readings for each trigger; -1: without end."""


@dataclass(slots=True, eq=False)
class TriggerTrain:
    """Triggers in equal distances, until whoever raises them stops."""

    first_fs: int
    period_fs: int = 1
    number: int = 1
    """-1: without end."""
    stopped_fs: int | None = None

    def stop(self, now_fs: int) -> None:
        """Raise none from ``now_fs`` on."""
        if self.stopped_fs is None:
            self.stopped_fs = now_fs

    def accepted(self, stride: int, now_fs: int) -> int:
        """Return how many were raised by ``now_fs``, of each ``stride`` the first."""
        until_fs = now_fs if self.stopped_fs is None else min(now_fs, self.stopped_fs - 1)
        if until_fs < self.first_fs:
            return 0
        raised = (until_fs - self.first_fs) // self.period_fs + 1
        if self.number >= 0:
            raised = min(raised, self.number)
        return -(-raised // stride)


class CurrentSensor:
    """Measures what flows out of one channel."""

    def __init__(self, seed: int, current_a: Callable[[int], float]) -> None:
        """``seed``: of the noise of its readings; ``current_a``: what flows at a time (fs), A."""
        self._random = Random(seed)
        self._current_a = current_a
        self._train: TriggerTrain | None = None
        self._settings: SensorSettings | None = None
        self._taken = 0
        self._readings: list[float] = []
        self._last = 0.0
        self.armed: Literal["", "once", "always"] = ""
        """Whether a trigger from its source starts it."""

    def start(self, settings: SensorSettings, train: TriggerTrain, now_fs: int) -> None:
        """Read on each trigger of a train; what runs is given up.

        ASSUMED: a trigger that comes while it reads is ignored.
        """
        self.collect(now_fs)
        self._settings, self._train = settings, train
        self._taken = 0

    def abort(self, now_fs: int) -> None:
        """End what runs; wait for no trigger. What was measured is kept."""
        self.collect(now_fs)
        self._train = None
        self.armed = ""

    def measure(self, settings: SensorSettings, now_fs: int) -> float:
        """Measure once, at once; what runs is given up."""
        self.abort(now_fs)
        self._last = self._reading(settings, now_fs)
        return self._last

    def left(self, now_fs: int) -> int:
        """Return the readings of a series that are still to come; -1: there is no end."""
        self.collect(now_fs)
        if self._train is None or self._settings is None or self._train.number != 1:
            return 0
        count = self._settings.count
        return -1 if count < 0 else count - self._taken

    def available(self, now_fs: int) -> tuple[float, ...]:
        """Return all readings, A, that were not removed."""
        self.collect(now_fs)
        return tuple(self._readings)

    def remove(self, now_fs: int) -> tuple[float, ...]:
        """Return all readings, A, and keep none."""
        found = self.available(now_fs)
        self._readings.clear()
        return found

    def last(self, now_fs: int) -> float:
        """Return the newest reading, A; 0 before the first."""
        self.collect(now_fs)
        return self._last

    def collect(self, now_fs: int) -> None:
        """Take the readings that are ready by ``now_fs``."""
        train, settings = self._train, self._settings
        if train is None or settings is None:
            return
        due = self._due(train, settings, now_fs)
        # Those that would be pushed out at once are not drawn.
        for index in range(max(self._taken, due - KEPT_MAX), due):
            self._last = self._reading(settings, self._middle_fs(train, settings, index))
            self._readings.append(self._last)
        del self._readings[:-KEPT_MAX]
        self._taken = due
        if train.number == 1 and due == settings.count:
            self._train = None

    def _due(self, train: TriggerTrain, settings: SensorSettings, now_fs: int) -> int:
        """Return how many readings are ready."""
        since_fs = now_fs - train.first_fs - settings.delay_fs
        if settings.count < 0:
            return max(0, since_fs) // settings.aperture_fs if train.accepted(1, now_fs) else 0
        accepted = train.accepted(_stride(train, settings), now_fs)
        if accepted == 0 or since_fs < 0:
            return 0
        span_fs = _stride(train, settings) * train.period_fs
        in_last_fs = since_fs - (accepted - 1) * span_fs
        return (accepted - 1) * settings.count + min(
            settings.count, max(0, in_last_fs) // settings.aperture_fs
        )

    def _middle_fs(self, train: TriggerTrain, settings: SensorSettings, index: int) -> int:
        """Return the middle of a reading's aperture."""
        trigger, within = (0, index) if settings.count < 0 else divmod(index, settings.count)
        begun_fs = train.first_fs + trigger * _stride(train, settings) * train.period_fs
        return begun_fs + settings.delay_fs + (2 * within + 1) * settings.aperture_fs // 2

    def _reading(self, settings: SensorSettings, at_fs: int) -> float:
        spread = NOISE_A[settings.range_name]
        spread *= (NOISE_APERTURE_FS / settings.aperture_fs) ** 0.5
        most = settings.full_scale_a  # ASSUMED: more is read as full scale
        return max(-most, min(self._current_a(at_fs) + self._random.gauss(0.0, spread), most))


def _stride(train: TriggerTrain, settings: SensorSettings) -> int:
    """Return of how many triggers the first is read on: the others come while it reads."""
    if train.number == 1 or settings.count < 0:
        return 1
    busy_fs = settings.delay_fs + settings.count * settings.aperture_fs
    return max(1, -(-busy_fs // train.period_fs))

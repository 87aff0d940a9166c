"""The current sensor of a QDAC-II's channel: series of measurements, on triggers or at once."""

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
    """What a reading depends on."""

    range_name: str
    full_scale_a: float
    aperture_fs: int
    delay_fs: int
    count: int
    """Readings of a series; -1: without end."""


@dataclass(frozen=True, slots=True)
class _Series:
    settings: SensorSettings
    begun_fs: int
    current_a: float
    """ASSUMED: of the whole series, as it was when it began."""


class CurrentSensor:
    """Measures what flows out of one channel."""

    def __init__(self, seed: int) -> None:
        """``seed``: of the noise of its readings."""
        self._random = Random(seed)
        self._series: _Series | None = None
        self._taken = 0
        self._readings: list[float] = []
        self._last = 0.0
        self.armed: Literal["", "once", "always"] = ""
        """Whether a trigger from its source starts a series."""

    def start(self, settings: SensorSettings, current_a: float, now_fs: int) -> None:
        """Begin a series; one that runs is given up."""
        self._collect(now_fs)
        self._series = _Series(settings, now_fs + settings.delay_fs, current_a)
        self._taken = 0

    def abort(self, now_fs: int) -> None:
        """End the series; wait for no trigger. What was measured is kept."""
        self._collect(now_fs)
        self._series = None
        self.armed = ""

    def measure(self, settings: SensorSettings, current_a: float, now_fs: int) -> float:
        """Measure once, at once; series and triggers are given up."""
        self.abort(now_fs)
        self._last = self._reading(settings, current_a)
        return self._last

    def left(self, now_fs: int) -> int:
        """Return the readings of the series that are still to come; -1: there is no end."""
        self._collect(now_fs)
        if self._series is None:
            return 0
        count = self._series.settings.count
        return -1 if count < 0 else count - self._taken

    def available(self, now_fs: int) -> tuple[float, ...]:
        """Return all readings, A, that were not removed."""
        self._collect(now_fs)
        return tuple(self._readings)

    def remove(self, now_fs: int) -> tuple[float, ...]:
        """Return all readings, A, and keep none."""
        found = self.available(now_fs)
        self._readings.clear()
        return found

    def last(self, now_fs: int) -> float:
        """Return the newest reading, A; 0 before the first."""
        self._collect(now_fs)
        return self._last

    def _collect(self, now_fs: int) -> None:
        series = self._series
        if series is None:
            return
        settings = series.settings
        due = max(0, now_fs - series.begun_fs) // settings.aperture_fs
        if settings.count >= 0:
            due = min(due, settings.count)
        fresh = due - self._taken
        # Those that would be pushed out at once are not drawn.
        for _ in range(min(fresh, KEPT_MAX)):
            self._last = self._reading(settings, series.current_a)
            self._readings.append(self._last)
        del self._readings[:-KEPT_MAX]
        self._taken = due
        if due == settings.count:
            self._series = None

    def _reading(self, settings: SensorSettings, current_a: float) -> float:
        spread = NOISE_A[settings.range_name]
        spread *= (NOISE_APERTURE_FS / settings.aperture_fs) ** 0.5
        most = settings.full_scale_a  # ASSUMED: more is read as full scale
        return max(-most, min(current_a + self._random.gauss(0.0, spread), most))

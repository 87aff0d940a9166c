"""Measurements of the temperature controller: the last one of a channel, and those before it."""

from collections.abc import Callable
from math import exp
from typing import Any

from podium.firmware_interfaces import bluefors_tc as api
from podium.firmware_interfaces.bluefors_control import TAI_MINUS_UTC_S
from podium.firmware_interfaces.bluefors_tc import Code
from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.sim_instruments.twins.bluefors_tc.rounds import MeasurementRounds
from podium.sim_instruments.twins.fridge_readings import FridgeReadings
from podium.sim_instruments.twins.reading_noise import ReadingNoise

NOISE = 1e-3
"""Standard deviation of a measurement, of the temperature. ASSUMED."""
REACTANCE_OHM = 1.4e6
"""Of the wires beside a sensor. ASSUMED, from the example in the technical reference."""
LOWEST_K, HIGHEST_K = 5e-3, 325.0
"""Of the calibration curves; beyond it there is no temperature. ASSUMED."""


def sensor_ohm(kelvin: float) -> float:
    """Return the resistance of a ruthenium oxide sensor. ASSUMED: 20 kohm at 10 mK, 2 at 4 K."""
    return 1000.0 * exp((1.2 / kelvin) ** 0.23)


class History:
    """Measurements as they come of the fridge's temperatures and the rounds."""

    KEPT_FS = 1100 * FS_PER_S
    """So far back measurements can be had here; a real one keeps years."""

    def __init__(
        self,
        serial: str,
        kelvin: Callable[[int, int], float],
        wired: frozenset[int],
        rounds: MeasurementRounds,
    ) -> None:
        """``wired``: channels that have a sensor."""
        self._readings = FridgeReadings(kelvin)
        self._noise = ReadingNoise(serial)
        self._wired = wired
        self._rounds = rounds

    @property
    def now_fs(self) -> int:
        """World time, as the box has heard of it last."""
        return self._readings.now_fs

    @now_fs.setter
    def now_fs(self, now_fs: int) -> None:
        self._readings.now_fs = now_fs

    @staticmethod
    def utc_s(at_fs: int) -> float:
        """Return UTC in seconds since 1970."""
        return at_fs / FS_PER_S - TAI_MINUS_UTC_S

    def measurement(self, channel: int, at_fs: int) -> dict[str, Any]:
        """Return the measurement of a channel that ended at a time."""
        found: dict[str, Any] = {
            "channel_nr": channel,
            "timestamp": self.utc_s(at_fs),
            "settings_nr": channel,
        }
        true_k = self._true_k(channel, at_fs)
        if true_k is None:
            empty = dict.fromkeys(api.MEASURED)
            return found | empty | {"status_flags": [int(Code.NO_DATA)]}
        read_k = true_k * (1.0 + NOISE * self._noise.normal(channel, at_fs // FS_PER_S))
        ohm = sensor_ohm(read_k)
        flags = []
        if not LOWEST_K <= read_k <= HIGHEST_K:
            flags = [int(Code.BELOW_RANGE if read_k < LOWEST_K else Code.ABOVE_RANGE)]
        return found | {
            "temperature": None if flags else read_k,
            "resistance": ohm,
            "reactance": REACTANCE_OHM,
            **api.impedance(ohm, REACTANCE_OHM),
            "status_flags": flags,
        }

    def _true_k(self, channel: int, at_fs: int) -> float | None:
        """Return the temperature where a channel's sensor is; None: it has none in this fridge."""
        if channel not in self._wired:
            return None
        try:
            return self._readings.kelvin(channel, at_fs)
        except KeyError:
            return None

    def last_kelvin(self, channel: int, now_fs: int) -> float | None:
        """Return what a channel has read last; None: nothing, or nothing valid."""
        ends = [at_fs for at_fs, which in self._recent(now_fs) if which == channel]
        if not ends:
            return None
        kelvin: float | None = self.measurement(channel, ends[-1])["temperature"]
        return kelvin

    def _recent(self, now_fs: int) -> list[tuple[int, int]]:
        return self._rounds.results(now_fs - self.KEPT_FS, now_fs)

    def columns(
        self, channel: int, since_fs: int, until_fs: int, fields: tuple[str, ...]
    ) -> tuple[bool, dict[str, list[Any]]]:
        """Return whether it is too much, and the fields of all measurements in (since, until]."""
        since_fs = max(since_fs, self.now_fs - self.KEPT_FS)
        ends = [
            at_fs for at_fs, which in self._rounds.results(since_fs, until_fs) if which == channel
        ]
        over = len(ends) * max(1, len(fields)) > api.SAMPLES_MAX
        rows = [] if over else [self.measurement(channel, at_fs) for at_fs in ends]
        return over, {
            field: [row[field] for row in rows] for field in dict.fromkeys(("timestamp", *fields))
        }

"""The air of the laboratory as a weather station in it sees it: temperature, humidity, pressure.

The temperature is that of :mod:`.room`, by which clocks and cables drift as well. The air holds as
much water as its dew point says; relative humidity follows from the temperature by the Magnus
formula (WMO-No. 8, annex 4.B): e(t) = 611.2 Pa exp(17.62 t / (243.12 C + t)). Everything is a
function of time in closed form.
"""

from math import exp, pi, sin

from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.sim_instruments.physics.counter_based_random import key, uniform
from podium.sim_instruments.physics.room import Room

ZERO_C_K = 273.15
MEAN_K = 295.15
"""ASSUMED: 22 C, what laboratories are set to."""
DEW_POINT_K = 282.15
"""ASSUMED: 9 C, which is 44 % at 22 C."""
MEAN_PA = 98_500.0
"""ASSUMED: 240 m above the sea, by the standard atmosphere."""
DEW_SWINGS = ((457_000, 2.5), (86_400, 0.5))
"""Period (s) and amplitude (K) of weather and day. ASSUMED."""
PRESSURE_SWINGS = ((611_000, 900.0), (1_370_000, 700.0), (43_200, 60.0))
"""Period (s) and amplitude (Pa) of weather and of the air's tide. ASSUMED."""


class RoomAir:
    """Air whose temperature is the room's."""

    def __init__(self, room: Room) -> None:
        """Take the room; phases of the weather are drawn from its seed."""
        self._room = room

    def temperature_k(self, at_fs: int) -> float:
        """Return the temperature, K."""
        return MEAN_K + self._room.deviation_k(at_fs)

    def dew_point_k(self, at_fs: int) -> float:
        """Return the dew point, K."""
        return DEW_POINT_K + self._swing("dew point", DEW_SWINGS, at_fs)

    def relative_humidity(self, at_fs: int) -> float:
        """Return the relative humidity, 0 to 1."""
        wet, warm = _saturation_pa(self.dew_point_k(at_fs)), self.temperature_k(at_fs)
        return min(wet / _saturation_pa(warm), 1.0)

    def pressure_pa(self, at_fs: int) -> float:
        """Return the barometric pressure at the room's height, Pa."""
        return MEAN_PA + self._swing("pressure", PRESSURE_SWINGS, at_fs)

    def _swing(self, of: str, swings: tuple[tuple[int, float], ...], at_fs: int) -> float:
        element = key(self._room.seed, "room", of)
        total = 0.0
        for number, (period_s, amplitude) in enumerate(swings):
            period_fs = period_s * FS_PER_S
            turns = at_fs % period_fs / period_fs + uniform(element, number)
            total += amplitude * sin(2 * pi * turns)
        return total


def _saturation_pa(kelvin: float) -> float:
    celsius = kelvin - ZERO_C_K
    return 611.2 * exp(17.62 * celsius / (243.12 + celsius))

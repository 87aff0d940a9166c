from math import exp

import pytest

from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.sim_instruments.physics.room import Room, still_air
from podium.sim_instruments.physics.room_air import MEAN_K, MEAN_PA, RoomAir

HOUR_FS = 3600 * FS_PER_S
MONTH = range(720)


def test_it_is_as_warm_as_the_room_and_the_same_for_the_same_seed() -> None:
    room = Room(5)
    air, again, other = RoomAir(room), RoomAir(Room(5)), RoomAir(Room(6))
    for hour in (0, 7, 400):
        at_fs = hour * HOUR_FS
        assert air.temperature_k(at_fs) == MEAN_K + room.deviation_k(at_fs)
        assert air.pressure_pa(at_fs) == again.pressure_pa(at_fs) != other.pressure_pa(at_fs)
    assert RoomAir(still_air()).temperature_k(HOUR_FS) == MEAN_K


def test_a_month_of_it_is_weather() -> None:
    air = RoomAir(Room(5))
    humid = [air.relative_humidity(hour * HOUR_FS) for hour in MONTH]
    heavy = [air.pressure_pa(hour * HOUR_FS) for hour in MONTH]
    assert 0.25 < min(humid) < 0.4 < max(humid) < 0.65
    assert 96_500 < min(heavy) < MEAN_PA - 500
    assert MEAN_PA + 500 < max(heavy) < 100_500


def test_warmer_air_with_as_much_water_is_drier() -> None:
    """By the Magnus formula, written as WMO-No. 8 has it for hPa."""
    air = RoomAir(Room(5))
    at_fs = 3 * HOUR_FS
    dew_c, warm_c = (one - 273.15 for one in (air.dew_point_k(at_fs), air.temperature_k(at_fs)))
    expected = exp(17.62 * dew_c / (243.12 + dew_c) - 17.62 * warm_c / (243.12 + warm_c))
    assert air.relative_humidity(at_fs) == pytest.approx(expected, rel=1e-12)

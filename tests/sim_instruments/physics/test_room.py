"""The laboratory's air."""

import numpy as np
import pytest

from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.sim_instruments.physics.room import Room, still_air

DAY_S = 86_400
NOW_S = 1_800_000_000


def deviations_k(room: Room, begin_s: int, length_s: int, step_s: int) -> np.ndarray:
    return np.array(
        [room.deviation_k(at_s * FS_PER_S) for at_s in range(begin_s, begin_s + length_s, step_s)]
    )


@pytest.mark.parametrize("seed", range(8))
def test_the_air_swings_as_that_of_a_laboratory_with_air_conditioning(seed: int) -> None:
    room = Room(seed)
    month = deviations_k(room, NOW_S, 30 * DAY_S, 120)
    assert abs(np.mean(month)) < 0.05
    assert 0.2 < np.std(month) < 0.5
    assert np.max(np.abs(month)) < 1.0
    days = month[: len(month) // 720 * 720].reshape(-1, 720)
    swings = np.ptp(days, axis=1)
    assert 0.8 < np.min(swings) < np.max(swings) < 1.5, "of each day"
    assert np.std(days.mean(axis=1)) > 0.03, "no day is like another"
    minutes = np.abs(np.diff(deviations_k(room, NOW_S, 6 * 3600, 60)))
    assert np.max(minutes) < 0.08, "air has its inertia"


def test_seeds_have_air_of_their_own_and_still_air_has_none() -> None:
    assert Room(1).deviation_k(NOW_S * FS_PER_S) != Room(2).deviation_k(NOW_S * FS_PER_S)
    assert still_air().deviation_k(NOW_S * FS_PER_S) == 0.0
    assert still_air().kelvin_seconds(0, NOW_S * FS_PER_S) == 0.0


def test_the_integral_is_that_of_the_deviation() -> None:
    room, span_s = Room(3), 7 * 3600
    steps = deviations_k(room, NOW_S, span_s + 1, 10)
    found = room.kelvin_seconds(NOW_S * FS_PER_S, (NOW_S + span_s) * FS_PER_S)
    assert found == pytest.approx(np.trapezoid(steps, dx=10), rel=1e-5)

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podium.firmware_interfaces.exact_time import FS_PER_S as S
from podium.sim_instruments.twins.heater_loop import (
    STEPS_AT_ONCE,
    Gains,
    HeaterLines,
    PidLoop,
    Setpoint,
    StepGrid,
)


def test_a_setpoint_moves_at_its_rate_and_stops_at_its_target() -> None:
    up, down = Setpoint(4.0, 5.0, 10 * S, 0.1), Setpoint(5.0, 4.0, 10 * S, 0.1)
    assert up.at(15 * S) == pytest.approx(4.5)
    assert down.at(15 * S) == pytest.approx(4.5)
    assert up.moving(15 * S)
    assert (up.at(20 * S), up.moving(20 * S)) == (5.0, False)
    assert Setpoint(4.0, 5.0, 10 * S, 0.0).at(10 * S) == 5.0


@given(st.lists(st.integers(0, 20 * S), min_size=2, max_size=9).map(sorted))
def test_each_step_is_returned_once_however_often_one_looks(times: list[int]) -> None:
    often, once = StepGrid(), StepGrid()
    once.due(times[0])
    often.due(times[0])
    found = [at for time in times[1:] for at in often.due(time)]
    assert found == list(once.due(times[-1]))
    assert all(at % S == 0 and times[0] < at <= times[-1] for at in found)


def test_a_long_absence_is_made_up_for_within_bounds() -> None:
    grid = StepGrid()
    grid.due(0)
    assert len(grid.due(10 * STEPS_AT_ONCE * S)) == STEPS_AT_ONCE


def test_a_loop_is_proportional_to_the_error_its_integral_and_its_slope() -> None:
    loop = PidLoop()
    gains = Gains(2.0, 10.0, 3.0)
    assert loop.step(1.0, gains) == pytest.approx(2 * (1 + 0.1))
    assert loop.step(2.0, gains) == pytest.approx(2 * (2 + 0.3 + 3 * 1))


def test_the_integral_does_not_wind_up_in_saturation() -> None:
    loop = PidLoop()
    gains = Gains(1.0, 1.0, 0.0)
    for _ in range(1000):
        assert loop.step(1000.0, gains) == 100.0
    assert loop.step(-1.0, gains) == 0.0


def test_only_changes_of_connected_outputs_are_written() -> None:
    written: list[tuple[str, float, int]] = []
    lines = HeaterLines({0: "still"}, lambda *what: written.append(what))
    for output, power_w, now_fs in ((0, 0.0, 1), (0, 1e-3, 2), (0, 1e-3, 3), (1, 5.0, 4)):
        lines.deliver(output, power_w, now_fs)
    assert written == [("heater.still.power", 1e-3, 2)]

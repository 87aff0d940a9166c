"""The facility's time, as readings are stamped with it."""

from podium.control.supervision.facility_time import FacilityTime

HOST_S = 1_700_000_000.25


def test_without_any_stamp_it_is_the_hosts() -> None:
    time = FacilityTime()
    time.hear("a", None)
    assert time.now(HOST_S) == (1_700_000_000, 250_000_000_000_000)


def test_readings_that_come_late_do_not_turn_it_back() -> None:
    time = FacilityTime()
    time.hear("a", (100, 0))
    time.hear("b", (90, 5))
    assert time.now(HOST_S) == (100, 0)
    assert time.jumps == 0


def test_a_clock_that_is_set_back_is_followed() -> None:
    time = FacilityTime()
    time.hear("a", (100, 0))
    time.hear("b", (100, 7))
    time.hear("a", (40, 0))
    assert time.now(HOST_S) == (40, 0)
    time.hear("b", (41, 0))
    assert (time.now(HOST_S), time.jumps) == ((41, 0), 1)


def test_a_stamp_that_is_no_time_is_left() -> None:
    time = FacilityTime()
    time.hear("a", (100, 10**15))
    time.hear("a", (100, -1))
    assert time.now(HOST_S)[0] == 1_700_000_000

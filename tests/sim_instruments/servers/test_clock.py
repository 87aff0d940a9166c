import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podium.firmware_interfaces.exact_time import FS_PER_MS, FS_PER_NS, FS_PER_S
from podium.sim_instruments.servers.clock import (
    MANUAL_START_TAI_S,
    TAI_MINUS_UTC_S,
    ClockMode,
    WorldClock,
)

MODES = list(ClockMode)
ON_THE_WALL = [ClockMode.LEAP, ClockMode.PACED]


class Wall:
    """The host's monotonic clock, in hand."""

    def __init__(self) -> None:
        self.ns = 123_456_789

    def __call__(self) -> int:
        return self.ns


@pytest.fixture
def wall() -> Wall:
    return Wall()


@pytest.mark.parametrize("mode", ON_THE_WALL)
def test_world_time_starts_at_tai_now_and_runs_at_wall_rate(wall, mode) -> None:
    before = time.time()
    clock = WorldClock(mode, monotonic_ns=wall)
    after = time.time()
    assert before - 1e-3 <= clock.start_fs / FS_PER_S - TAI_MINUS_UTC_S <= after + 1e-3
    start_fs = clock.now_fs()
    wall.ns += 7
    assert clock.now_fs() - start_fs == 7 * FS_PER_NS


def test_a_paced_clock_goes_so_many_times_as_fast_as_the_wall(wall) -> None:
    clock = WorldClock(ClockMode.PACED, rate=600, monotonic_ns=wall)
    start_fs = clock.now_fs()
    wall.ns += 7
    assert clock.now_fs() - start_fs == 600 * 7 * FS_PER_NS
    clock.advance(5)
    assert clock.now_fs() - start_fs == 600 * 7 * FS_PER_NS + 5


def test_a_rate_that_is_set_anew_counts_from_then_on(wall) -> None:
    clock = WorldClock(ClockMode.PACED, monotonic_ns=wall)
    wall.ns += 10**9
    clock.set_rate(600)
    assert clock.now_fs() - clock.start_fs == FS_PER_S
    wall.ns += 10**9
    clock.set_rate(30)
    wall.ns += 10**9
    assert clock.now_fs() - clock.start_fs == 631 * FS_PER_S
    assert clock.leapt_fs == 0
    with pytest.raises(ValueError, match="0 times"):
        clock.set_rate(0)


@pytest.mark.parametrize("mode", [ClockMode.LEAP, ClockMode.MANUAL])
def test_only_a_paced_clock_has_a_rate(mode) -> None:
    with pytest.raises(ValueError, match="600 times"):
        WorldClock(mode, rate=600)
    with pytest.raises(ValueError, match="0 times"):
        WorldClock(ClockMode.PACED, rate=0)


def test_a_manual_clock_starts_at_a_known_moment_and_stands_still(wall) -> None:
    clock = WorldClock(ClockMode.MANUAL, monotonic_ns=wall)
    assert clock.now_fs() == MANUAL_START_TAI_S * FS_PER_S
    wall.ns += 10**12
    assert clock.now_fs() == MANUAL_START_TAI_S * FS_PER_S


def test_an_answer_takes_a_millisecond_of_a_manual_clock_and_nothing_of_others(wall) -> None:
    for mode, passed_fs in ((ClockMode.MANUAL, FS_PER_MS), *((m, 0) for m in ON_THE_WALL)):
        clock = WorldClock(mode, monotonic_ns=wall)
        before_fs = clock.now_fs()
        clock.answered()
        assert clock.now_fs() - before_fs == passed_fs


@pytest.mark.parametrize("mode", MODES)
def test_a_leap_lands_on_its_femtosecond_and_is_counted(wall, mode) -> None:
    clock = WorldClock(mode, monotonic_ns=wall)
    until_fs = clock.now_fs() + 1_000_000_000_000_001
    clock.leap_to(until_fs)
    assert clock.now_fs() == until_fs
    assert clock.leapt_fs == 1_000_000_000_000_001


@pytest.mark.parametrize("mode", MODES)
def test_a_leap_to_the_past_changes_nothing(wall, mode) -> None:
    clock = WorldClock(mode, monotonic_ns=wall)
    now_fs = clock.now_fs()
    clock.leap_to(now_fs - 1)
    assert clock.now_fs() == now_fs
    assert clock.leapt_fs == 0


@pytest.mark.parametrize("mode", MODES)
def test_going_back_is_refused(wall, mode) -> None:
    with pytest.raises(ValueError, match="cannot go back by 5 fs"):
        WorldClock(mode, monotonic_ns=wall).advance(-5)


@given(
    st.sampled_from(MODES),
    st.lists(
        st.one_of(
            st.tuples(st.just("wall"), st.integers(0, 10**12)),
            st.tuples(st.just("advance"), st.integers(0, 10**19)),
            st.tuples(st.just("leap"), st.integers(-(10**19), 10**19)),
            st.tuples(st.just("answered"), st.just(0)),
        )
    ),
)
def test_whatever_is_done_world_time_never_goes_back(mode, deeds) -> None:
    wall = Wall()
    clock = WorldClock(mode, monotonic_ns=wall)
    seen_fs = clock.now_fs()
    for what, amount in deeds:
        match what:
            case "wall":
                wall.ns += amount
            case "advance":
                clock.advance(amount)
            case "leap":
                clock.leap_to(clock.now_fs() + amount)
            case "answered":
                clock.answered()
        assert clock.now_fs() >= seen_fs
        seen_fs = clock.now_fs()


@pytest.mark.parametrize("mode", MODES)
def test_who_follows_a_clock_tells_its_time(mode) -> None:
    wall = Wall()
    one = WorldClock(mode, monotonic_ns=wall)
    wall.ns += 5_000
    one.advance(7)
    other = WorldClock(mode, monotonic_ns=wall)
    other.follow(one.state())
    wall.ns += 10**9
    assert other.now_fs() == one.now_fs()
    one.leap_to(one.now_fs() + 10**15)
    other.leapt_fs = one.leapt_fs
    assert other.now_fs() == one.now_fs()


def test_a_rate_that_is_announced_ahead_is_taken_everywhere_at_one_instant() -> None:
    wall = Wall()
    early, late = (WorldClock(ClockMode.PACED, rate=600, monotonic_ns=wall) for _ in range(2))
    late.follow(early.state())
    at_ns = wall.ns + 20
    early.set_rate(3, at_ns)
    seen_fs = early.now_fs()
    wall.ns += 10
    assert early.now_fs() == seen_fs, "until then it stands still"
    late.set_rate(3, at_ns)
    wall.ns += 50
    assert early.now_fs() == late.now_fs() > seen_fs


@pytest.mark.parametrize("mode", list(ClockMode))
def test_a_clock_that_is_stopped_goes_on_from_there(wall, mode) -> None:
    clock = WorldClock(mode, monotonic_ns=wall)
    wall.ns += 1_000
    clock.stop()
    stopped_fs = clock.now_fs()
    wall.ns += 5_000
    clock.stop()
    assert (clock.now_fs(), clock.stands) == (stopped_fs, True)
    clock.advance(7)
    clock.go_on()
    assert (clock.now_fs(), clock.stands) == (stopped_fs + 7, False)
    wall.ns += 2_000
    clock.go_on()
    passed_fs = 0 if mode is ClockMode.MANUAL else 2_000 * FS_PER_NS
    assert clock.now_fs() == stopped_fs + 7 + passed_fs

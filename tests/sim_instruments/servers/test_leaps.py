import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.benches.servers.box_on_a_wire import Box

from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.sim_instruments.servers.clock import ANSWER_FS, ClockMode, WorldClock
from podium.sim_instruments.servers.leaps import Timekeeper, TimeOf, leap_target_fs
from podium.sim_instruments.twins.twin import IDLE, Horizon


def running(until_fs: int) -> Horizon:
    return Horizon(armed=False, busy_until_fs=until_fs, computing=False)


ARMED = Horizon(armed=True, busy_until_fs=None, computing=False)
COMPUTING = Horizon(armed=False, busy_until_fs=None, computing=True)


def test_with_nothing_to_wait_for_time_does_not_leap() -> None:
    assert leap_target_fs([], 5) is None
    assert leap_target_fs([IDLE, IDLE], 5) is None


def test_time_leaps_to_the_end_of_what_runs() -> None:
    assert leap_target_fs([IDLE, running(9)], 5) == 9


def test_with_several_running_time_leaps_to_the_first_end() -> None:
    assert leap_target_fs([running(30), running(9), running(20)], 5) == 9


def test_an_end_that_is_past_is_not_leapt_to() -> None:
    assert leap_target_fs([running(5)], 5) is None
    assert leap_target_fs([running(4), running(9)], 5) == 9


@pytest.mark.parametrize("obstacle", [ARMED, COMPUTING])
def test_who_is_armed_or_computes_holds_time_back_for_all(obstacle) -> None:
    assert leap_target_fs([running(9), obstacle], 5) is None


horizons = st.builds(
    Horizon, st.booleans(), st.one_of(st.none(), st.integers(0, 20)), st.booleans()
)


@given(st.lists(horizons), st.integers(0, 20))
def test_a_leap_goes_forward_and_never_past_an_end(seen, now_fs) -> None:
    target_fs = leap_target_fs(seen, now_fs)
    if target_fs is None:
        return
    assert target_fs > now_fs
    assert not any(h.armed or h.computing for h in seen)
    ends = [h.busy_until_fs for h in seen if h.busy_until_fs is not None]
    assert not any(now_fs < end_fs < target_fs for end_fs in ends)


def keeper(mode: ClockMode, **boxes) -> Timekeeper:
    return Timekeeper(WorldClock(mode, monotonic_ns=lambda: 0), boxes)


@pytest.mark.parametrize("mode", [ClockMode.LEAP, ClockMode.MANUAL])
def test_the_clock_passes_the_end_of_each_in_turn(mode) -> None:
    first, second = Box(), Box()
    time = keeper(mode, first=first, second=second)
    start_fs = time.clock.start_fs
    first.busy_until_fs, second.busy_until_fs = start_fs + 3, start_fs + FS_PER_S
    assert time.leap()
    assert time.clock.now_fs() == start_fs + FS_PER_S
    assert not time.leap()


def test_at_each_end_the_twins_are_asked_again() -> None:
    """What one does when its program ends may hold time back."""
    first, second = Box(), Box()
    time = keeper(ClockMode.LEAP, first=first, second=second)
    start_fs = time.clock.start_fs
    first.busy_until_fs, second.busy_until_fs = start_fs + 3, start_fs + FS_PER_S
    horizon = second.horizon

    def armed_from_then(now_fs: int) -> Horizon:
        second.armed = now_fs >= start_fs + 3
        return horizon(now_fs)

    second.horizon = armed_from_then
    assert time.leap()
    assert time.clock.now_fs() == start_fs + 3


def test_a_paced_clock_never_leaps() -> None:
    busy = Box()
    time = keeper(ClockMode.PACED, busy=busy)
    busy.busy_until_fs = time.clock.now_fs() + FS_PER_S
    assert not time.leap()
    assert time.clock.leapt_fs == 0


@pytest.mark.parametrize(
    ("mode", "held"), [(ClockMode.MANUAL, True), (ClockMode.LEAP, False), (ClockMode.PACED, False)]
)
def test_only_a_manual_clock_holds_commands_while_a_twin_computes(mode, held) -> None:
    first, second = Box(), Box()
    time = keeper(mode, first=first, second=second)
    assert not time.holds()
    second.computing = True
    assert time.holds() is held


def test_a_client_is_not_held_for_ever_and_then_answers_take_no_time() -> None:
    """What a twin computes for longer than clients wait must be heard of as under way."""
    box, wall_s = Box(), [100.0]
    clock = WorldClock(ClockMode.MANUAL, monotonic_ns=lambda: 0)
    time = Timekeeper(clock, {"box": box}, monotonic_s=lambda: wall_s[0])
    box.computing = True
    assert time.holds()
    wall_s[0] += 0.9 * time.holds_for_s
    assert time.holds()
    wall_s[0] += 0.2 * time.holds_for_s
    assert not time.holds()
    time.answered()
    assert clock.leapt_fs == 0
    box.computing = False
    assert not time.holds()
    time.answered()
    assert clock.leapt_fs == ANSWER_FS
    box.computing = True
    assert time.holds(), "each computation is waited for anew"


@given(st.binary())
def test_pieces_together_are_what_came(data) -> None:
    for mode in ClockMode:
        assert b"".join(keeper(mode).pieces(data)) == data


def test_only_a_manual_clock_looks_at_single_lines() -> None:
    data = b"one\ntwo\r\n\nthr"
    assert keeper(ClockMode.MANUAL).pieces(data) == [b"one\n", b"two\r\n", b"\n", b"thr"]
    assert keeper(ClockMode.LEAP).pieces(data) == [data]


def test_a_leap_ends_at_the_limit_that_a_twin_has_named() -> None:
    limit = Horizon(armed=False, busy_until_fs=None, computing=False, not_beyond_fs=7)
    assert leap_target_fs([running(9), limit], 5) == 7
    assert leap_target_fs([running(6), limit], 5) == 6
    assert leap_target_fs([running(9), limit], 7) is None
    assert leap_target_fs([limit], 5) is None


def test_a_twin_that_nobody_has_spoken_to_since_it_was_idle_is_not_asked_again() -> None:
    busy, quiet = Box(), Box()
    time = keeper(ClockMode.LEAP, busy=busy, quiet=quiet)
    assert not time.leap()
    busy.busy_until_fs = quiet.busy_until_fs = time.clock.start_fs + 9
    assert not time.leap(), "both were idle"
    time.wake("busy")
    assert time.leap()
    assert time.clock.leapt_fs == 9


def test_before_a_leap_those_are_asked_as_well_that_are_not_awake() -> None:
    busy, armed = Box(), Box()
    time = keeper(ClockMode.LEAP, busy=busy, armed=armed)
    assert not time.leap()
    busy.busy_until_fs, armed.armed = time.clock.start_fs + 9, True
    time.wake("busy")
    assert not time.leap()


def test_who_speaks_to_a_twin_wakes_it() -> None:
    box = Box()
    keeping = keeper(ClockMode.LEAP, box=box)
    assert not keeping.leap()
    box.busy_until_fs = keeping.clock.start_fs + 9
    of_box = TimeOf(keeping, "box")
    assert not of_box.leap()
    of_box.wake()
    assert of_box.leap()


def test_none_is_awake_when_all_are_idle_until_one_is_spoken_to() -> None:
    box = Box()
    keeping = keeper(ClockMode.LEAP, box=box)
    assert keeping.is_awake, "nobody has asked it yet"
    assert not keeping.leap()
    assert not keeping.is_awake
    keeping.wake("box")
    assert keeping.is_awake
    box.armed = True
    assert not keeping.leap()
    assert keeping.is_awake

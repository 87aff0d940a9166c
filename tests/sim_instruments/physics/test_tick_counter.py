import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from podium.firmware_interfaces.exact_time import FS_PER_MS, FS_PER_NS, FS_PER_S
from podium.sim_instruments.physics.clock_makes import CONTROLLER, WHITE_RABBIT, ClockMake
from podium.sim_instruments.physics.clocks import Clock
from podium.sim_instruments.physics.room import Room
from podium.sim_instruments.physics.tick_counter import TickCounter

NOW_FS = 1_800_000_000 * FS_PER_S
LOCKS = st.lists(st.tuples(st.integers(1, 10**13), st.booleans()), max_size=4)


def a_counter(seed: int = 1, make: ClockMake = CONTROLLER) -> TickCounter:
    room = Room(seed)
    clock = Clock(seed, "cluster_a", make, room)
    clock.follow(Clock(seed, "wrtd_a", WHITE_RABBIT, room))
    return TickCounter(clock)


def troubled(seed: int, locks: list[tuple[int, bool]]) -> TickCounter:
    """A counter whose clock lost its lock, or locked anew, so long after each other."""
    counter, at_fs = a_counter(seed), NOW_FS
    for span_fs, lock in locks:
        at_fs += span_fs
        if lock:
            counter.clock.lock(at_fs, 0)
        else:
            counter.clock.lose(at_fs)
    return counter


@settings(deadline=None)  # the first clock compiles its kernels
@given(st.integers(0, 50), LOCKS, st.integers(0, 10**14))
def test_the_first_tick_at_or_after_an_instant_is_just_that(seed, locks, after_fs) -> None:
    counter = troubled(seed, locks)
    tick = counter.to_ticks(NOW_FS + after_fs)
    assert counter.to_world(tick - 1) < NOW_FS + after_fs <= counter.to_world(tick)


@settings(deadline=None)  # the first clock compiles its kernels
@given(st.integers(0, 50), st.integers(-20_000, 20_000), st.booleans())
def test_the_count_never_goes_back_whatever_a_lock_does(seed, around, lock) -> None:
    counter = troubled(seed, [(FS_PER_MS, True), (FS_PER_MS, lock), (FS_PER_MS, True)])
    middle = counter.to_ticks(NOW_FS + 3 * FS_PER_MS) + around
    instants = [counter.to_world(middle + number) for number in range(-8, 9)]
    assert instants == sorted(instants)


def test_every_tick_has_its_instant_right_through_a_relock() -> None:
    backward = forward = 0
    for seed in range(40):
        counter = troubled(seed, [(FS_PER_MS, True)])
        lock_fs = NOW_FS + FS_PER_MS
        first = counter.to_ticks(lock_fs - 20 * FS_PER_NS)
        instants = [counter.to_world(first + number) for number in range(40)]
        assert instants == sorted(instants)
        steps = [b - a for a, b in itertools.pairwise(instants)]
        odd = [step for step in steps if abs(step - FS_PER_NS) > 500_000]
        forward += instants.count(lock_fs) > 1
        backward += any(step > FS_PER_NS for step in odd)
    assert forward > 5, "ticks that were passed over come at once, with the lock"
    assert backward > 5, "a count that is set back stands still meanwhile"


def test_ticks_are_a_nanosecond_apart_and_off_tai_by_the_error_of_the_clock() -> None:
    counter = a_counter()
    tick = counter.to_ticks(NOW_FS)
    near = [counter.to_world(tick + n) for n in range(1000)]
    assert all(abs(b - a - FS_PER_NS) < 200_000 for a, b in itertools.pairwise(near))
    assert near[0] != tick * FS_PER_NS
    assert abs(near[0] - tick * FS_PER_NS) < 10 * FS_PER_NS


def test_trigger_samples_are_every_fourth_tick_of_the_same_count() -> None:
    counter = a_counter()
    for number in range(20):
        captured_fs = counter.clock.captured_fs(NOW_FS + number * 1_234_567)
        tick = counter.to_ticks(captured_fs - FS_PER_NS // 2)
        assert counter.to_world(tick) == captured_fs
        assert tick % 4 == 0


def test_with_another_period_it_counts_by_that() -> None:
    counter = TickCounter(a_counter().clock, 4 * FS_PER_NS)
    tick = counter.to_ticks(NOW_FS)
    assert abs(counter.to_world(tick + 1) - counter.to_world(tick) - 4 * FS_PER_NS) < 200_000

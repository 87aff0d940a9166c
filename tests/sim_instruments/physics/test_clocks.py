"""Clocks: what is constant, what runs away, and how phase noise averages down.

Statistical tests have fixed seeds; their bounds are five standard errors or wider.
"""

from dataclasses import replace
from math import log2

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.benches.thoroughness import cases

from podium.firmware_interfaces.exact_time import FS_PER_NS, FS_PER_S, FS_PER_US
from podium.sim_instruments.physics.clock_makes import (
    CONTROLLER,
    RUBIDIUM,
    WHITE_RABBIT,
    WHITE_RABBIT_LOW_JITTER,
    Cable,
    ClockMake,
)
from podium.sim_instruments.physics.clocks import Clock, LockState, draw_errors
from podium.sim_instruments.physics.room import Room, still_air

NOW_FS = 1_800_000_000 * FS_PER_S
PERFECT = ClockMake()
RELOCKS = cases(400, 1_000)
MAKES = (WHITE_RABBIT, WHITE_RABBIT_LOW_JITTER, CONTROLLER, RUBIDIUM)


def clock(
    make: ClockMake, seed: int = 1, element: str = "node_a", room: Room | None = None
) -> Clock:
    return Clock(seed, element, make, room or still_air())


def time_deviation_fs(errors_fs: np.ndarray, times: int) -> float:
    """TDEV over ``times`` samples (NIST SP 1065, eq. 31), from phases (n,), fs."""
    means = np.convolve(errors_fs, np.ones(times) / times, mode="valid")
    second = means[2 * times :] - 2 * means[times:-times] + means[: -2 * times]
    return float(np.sqrt(np.mean(second**2) / 6))


def errors_fs(one: Clock, count: int, spacing_fs: int) -> np.ndarray:
    return np.array([one.error_fs(NOW_FS + n * spacing_fs) for n in range(count)], dtype=float)


def test_a_perfect_clock_shows_tai() -> None:
    one = clock(PERFECT)
    assert one.error_fs(NOW_FS) == 0
    assert one.world_fs(NOW_FS + 17) == NOW_FS + 17


def test_ticks_of_the_past_lie_where_they_lay_whatever_locks_come_later() -> None:
    """Some of these lie beside another microsecond, whose white noise is another."""
    one = clock(replace(CONTROLLER, trigger_grid_fs=400 * FS_PER_NS))
    ticks = [NOW_FS // FS_PER_NS + 37 * n for n in range(500)]
    before = [one.tick_fs(tick, FS_PER_NS) for tick in ticks]
    for later in (1, 2, 3):
        one.lock(NOW_FS + later * FS_PER_S, takes_fs=0)
        assert [one.tick_fs(tick, FS_PER_NS) for tick in ticks] == before


@settings(deadline=None)  # the first clock compiles its kernels
@given(st.lists(st.integers(0, 10**21), min_size=1, max_size=6), st.sampled_from(MAKES))
def test_how_often_and_in_which_order_one_looks_changes_nothing(after_fs, make) -> None:
    once, again = (Clock(7, "node_b", make, Room(7)) for _ in range(2))
    forth = [once.error_fs(NOW_FS + span_fs) for span_fs in after_fs]
    back = [again.error_fs(NOW_FS + span_fs) for span_fs in reversed(after_fs)]
    assert forth == back[::-1]


def test_seeds_and_elements_have_clocks_of_their_own() -> None:
    found = {
        Clock(seed, element, CONTROLLER, still_air()).error_fs(NOW_FS)
        for seed in (1, 2, 3)
        for element in ("node_a", "node_b")
    }
    assert len(found) == 6


@settings(deadline=None)  # the first clock compiles its kernels
@given(st.integers(0, 10**24), st.sampled_from(MAKES), st.booleans())
def test_local_and_world_time_are_each_others_inverse_without_noise(after_fs, make, free) -> None:
    one = clock(replace(make, white_fs=0.0, flicker_fs=0.0), room=Room(3))
    if free:
        one.lose(NOW_FS)
    local_fs = one.local_fs(NOW_FS + after_fs % 10**20)
    assert abs(one.local_fs(one.world_fs(local_fs)) - local_fs) <= 1


def test_white_noise_has_its_rms_and_averages_down_as_one_over_root_tau() -> None:
    one = clock(ClockMake(white_fs=13_000.0))
    seen = errors_fs(one, 8192, 2 * FS_PER_US)
    assert np.std(seen) == pytest.approx(13_000, rel=0.05)
    slope = log2(time_deviation_fs(seen, 64) / time_deviation_fs(seen, 4)) / 4
    assert slope == pytest.approx(-0.5, abs=0.1)


def test_flicker_noise_does_not_average_down() -> None:
    slopes = []
    for seed in range(6):
        seen = errors_fs(clock(ClockMake(flicker_fs=1_000.0), seed), 2048, FS_PER_S // 1000)
        slopes.append(log2(time_deviation_fs(seen, 64) / time_deviation_fs(seen, 4)) / 4)
    assert np.mean(slopes) == pytest.approx(0.0, abs=0.12)


def test_flicker_noise_has_its_rms_in_each_decade() -> None:
    spread = []
    for seed in range(12):
        seen = errors_fs(clock(ClockMake(flicker_fs=1_000.0), seed), 1000, FS_PER_S // 1000)
        power = np.abs(np.fft.rfft(seen * np.hanning(len(seen)))) ** 2
        # of a Hann window, 3/8 of the power is left; bins are 1 Hz apart
        spread.append(2 * power[10:101].sum() / len(seen) ** 2 / 0.375)
    assert np.sqrt(np.mean(spread)) == pytest.approx(1_000, rel=0.2)


def test_a_locked_clock_follows_the_room_and_comes_back() -> None:
    room = Room(5)
    one = clock(ClockMake(delay_per_k_fs=3_000.0), room=room)
    for hours in range(0, 48, 5):
        at_fs = NOW_FS + hours * 3600 * FS_PER_S
        assert one.error_fs(at_fs) == round(3_000 * room.deviation_k(at_fs))


def test_boxes_of_one_make_feel_the_room_each_in_its_own_way() -> None:
    """2,000 boxes: the mean is known to 1.1 %, the spread to 1.6 % of it; bounds at 5 sigma."""
    coefficients = [
        draw_errors(seed, "node_a", CONTROLLER).delay_per_k_fs / CONTROLLER.delay_per_k_fs
        for seed in range(2_000)
    ]
    assert np.mean(coefficients) == pytest.approx(1.0, abs=0.056)
    assert np.std(coefficients) == pytest.approx(0.5, rel=0.08)
    assert draw_errors(1, "node_a", ClockMake(delay_per_k_fs=5.0)).delay_per_k_fs == 5.0


def test_a_free_clock_runs_away_by_its_frequency_error_its_ageing_and_the_room() -> None:
    room = Room(5)
    make = ClockMake(offset_fs=9e4, frequency=1e-6, ageing_per_s=1e-12, frequency_per_k=5e-8)
    one = clock(make, room=room)
    offset_fs = one.error_fs(NOW_FS)
    one.lose(NOW_FS)
    assert one.error_fs(NOW_FS) == offset_fs, "it begins where it was"
    # an independent reckoning: half of the span, and all of it
    half_fs, all_fs = (NOW_FS + hours * 3600 * FS_PER_S for hours in (1, 2))

    def of_room(until_fs: int) -> float:
        steps = np.linspace(0, (until_fs - NOW_FS) // FS_PER_S, 20_001)
        warm = [room.deviation_k(NOW_FS + int(step * FS_PER_S)) for step in steps]
        return float(5e-8 * np.trapezoid(warm, steps)) * FS_PER_S

    half, whole = (one.error_fs(at) - offset_fs - of_room(at) for at in (half_fs, all_fs))
    ageing = (whole - 2 * half) / 3600**2 / FS_PER_S
    frequency = (4 * half - whole) / 2 / 3600 / FS_PER_S
    assert 1e-8 < abs(frequency) < 5e-6
    assert 1e-14 < abs(ageing) < 5e-12
    assert one.state(all_fs) is LockState.FREE


def test_a_lock_makes_a_new_epoch_and_a_new_offset() -> None:
    one = clock(replace(CONTROLLER, white_fs=0.0, flicker_fs=0.0))
    before_fs = one.error_fs(NOW_FS)
    one.lock(NOW_FS + FS_PER_S, 3 * FS_PER_S)
    instants = [NOW_FS, NOW_FS + FS_PER_S, NOW_FS + 4 * FS_PER_S - 1, NOW_FS + 4 * FS_PER_S]
    assert [one.state(at) for at in instants] == [
        LockState.LOCKED,
        LockState.LOCKING,
        LockState.LOCKING,
        LockState.LOCKED,
    ]
    assert [one.epoch(at) for at in instants] == [0, 0, 0, 1]
    assert one.since_fs(instants[-1]) == instants[-1]
    assert one.error_fs(NOW_FS) == before_fs, "the past stays what it was"
    moved_fs = one.error_fs(instants[-1]) - before_fs
    assert 0 < abs(moved_fs) < CONTROLLER.relock_window_fs
    assert one.held(NOW_FS, instants[1] - 1)
    assert not one.held(NOW_FS, instants[-1])
    assert not one.held(instants[1], instants[2])


def test_what_counts_as_lost_is_a_lock_that_was_there() -> None:
    one = clock(CONTROLLER)
    one.lose(NOW_FS)
    one.lock(NOW_FS + FS_PER_S, takes_fs=FS_PER_S)
    one.lock(NOW_FS + 5 * FS_PER_S, takes_fs=FS_PER_S)
    at_s = (-1, 0, 1, 2, 4, 5, 7)
    assert [one.losses(NOW_FS + s * FS_PER_S) for s in at_s] == [0, 1, 1, 1, 1, 2, 2]


def test_a_reference_that_goes_while_the_clock_locks_leaves_it_free() -> None:
    one = clock(CONTROLLER)
    one.lock(NOW_FS, 3 * FS_PER_S)
    one.lose(NOW_FS + FS_PER_S)
    late_fs = NOW_FS + 10 * FS_PER_S
    assert (one.state(late_fs), one.epoch(late_fs)) == (LockState.FREE, 0)
    one.lock(late_fs, 0)
    assert (one.state(late_fs), one.epoch(late_fs)) == (LockState.LOCKED, 1)


def test_a_lock_cannot_change_in_the_past() -> None:
    one = clock(CONTROLLER)
    one.lose(NOW_FS)
    with pytest.raises(ValueError, match="time does not go back"):
        one.lock(NOW_FS - 1, FS_PER_S)
    with pytest.raises(ValueError, match="cannot take -1 fs"):
        one.lock(NOW_FS, -1)


def relocked(make: ClockMake, times: int) -> tuple[Clock, list[int]]:
    one = clock(make)
    instants = [NOW_FS + n * FS_PER_S for n in range(times)]
    for at_fs in instants:
        one.lock(at_fs, 0)
    return one, instants


def largest_gap_from_even(turns: list[float]) -> float:
    """The Kolmogorov-Smirnov distance from an even distribution over 0 ... 1."""
    ordered = np.sort(turns)
    return float(np.max(np.abs(ordered - (np.arange(len(ordered)) + 0.5) / len(ordered))))


def test_the_phase_of_an_oscillator_is_drawn_evenly_at_each_lock() -> None:
    one, instants = relocked(CONTROLLER, RELOCKS)
    turns = [one.lo_phase_turns("slot2.out0", at_fs) for at_fs in instants]
    assert largest_gap_from_even(turns) < 2.6 / RELOCKS**0.5  # false alarm 1e-6
    assert one.lo_phase_turns("slot2.out0", NOW_FS) == one.lo_phase_turns("slot2.out0", NOW_FS + 9)
    assert one.lo_phase_turns("slot2.out0", NOW_FS) != one.lo_phase_turns("slot4.out0", NOW_FS)


def test_the_grid_of_the_trigger_input_is_drawn_evenly_at_each_lock() -> None:
    one, instants = relocked(ClockMake(trigger_grid_fs=4 * FS_PER_NS), RELOCKS)
    waits = [(one.captured_fs(at_fs) - at_fs) / (4 * FS_PER_NS) for at_fs in instants]
    assert largest_gap_from_even(waits) < 2.6 / RELOCKS**0.5


@settings(deadline=None)  # the first clock compiles its kernels
@given(st.integers(0, 10**18), st.integers(0, 50))
def test_an_edge_counts_at_the_next_sample_of_one_grid(after_fs, seed) -> None:
    grid_fs = 4 * FS_PER_NS
    one = clock(ClockMake(offset_fs=500e3, trigger_grid_fs=grid_fs), seed)
    first_fs, edge_fs = one.captured_fs(NOW_FS), NOW_FS + after_fs
    captured_fs = one.captured_fs(edge_fs)
    assert 0 <= captured_fs - edge_fs < grid_fs
    assert (captured_fs - first_fs) % grid_fs == 0


def test_an_edge_between_two_samples_counts_at_either_by_jitter() -> None:
    one = clock(replace(WHITE_RABBIT, flicker_fs=0.0))
    grid_fs = WHITE_RABBIT.trigger_grid_fs
    sample_fs = clock(replace(WHITE_RABBIT, flicker_fs=0.0, white_fs=0.0)).captured_fs(NOW_FS)
    ticks = {
        round((one.captured_fs(sample_fs + n * grid_fs * 1000) - sample_fs) / grid_fs) - n * 1000
        for n in range(200)
    }
    assert ticks == {0, 1}


def test_the_default_switch_is_39_degrees_at_the_carrier_of_a_link() -> None:
    assert 360 * 8.4e9 * WHITE_RABBIT.white_fs * 1e-15 == pytest.approx(39, abs=0.5)


def test_a_cable_delays_and_the_room_stretches_it() -> None:
    cable, room = Cable(10.0), Room(2)
    assert cable.delay_fs(still_air(), NOW_FS) == 50 * FS_PER_NS
    stretch_fs = cable.delay_fs(room, NOW_FS) - 50 * FS_PER_NS
    assert stretch_fs == round(50 * FS_PER_NS * 5e-5 * room.deviation_k(NOW_FS))


def test_a_clock_that_follows_another_has_its_errors_too_until_it_loses_it() -> None:
    room = Room(4)
    reference = clock(WHITE_RABBIT, element="wrtd_a", room=room)
    alone, follower = (clock(CONTROLLER, element="cluster_a", room=room) for _ in range(2))
    follower.follow(reference)
    for number in range(20):
        at_fs = NOW_FS + number * FS_PER_S
        both_fs = alone.error_fs(at_fs) + reference.error_fs(at_fs)
        assert abs(follower.error_fs(at_fs) - both_fs) <= 1
    before_fs = follower.error_fs(NOW_FS + 20 * FS_PER_S)
    reference.lock(NOW_FS + 20 * FS_PER_S, 0)
    assert follower.error_fs(NOW_FS + 20 * FS_PER_S) != before_fs
    assert follower.epoch(NOW_FS + 21 * FS_PER_S) == 0, "nobody has told it"
    lost_fs = NOW_FS + 30 * FS_PER_S
    follower.lose(lost_fs)
    reference.lose(lost_fs + FS_PER_S)
    reference.lock(lost_fs + 5 * FS_PER_S, 0)
    jump_fs = follower.error_fs(lost_fs + 5 * FS_PER_S) - follower.error_fs(
        lost_fs + 5 * FS_PER_S - 1
    )
    assert abs(jump_fs) < 20_000, "free, it does not feel what its reference does"


def test_what_is_remembered_of_a_tick_is_forgotten_when_a_lock_changes_anywhere_above() -> None:
    asked, fresh = (
        [clock(WHITE_RABBIT), clock(CONTROLLER)],
        [clock(WHITE_RABBIT), clock(CONTROLLER)],
    )
    for above, one in (asked, fresh):
        one.follow(above)
    ticks = [NOW_FS // FS_PER_NS + n * 10**6 for n in range(0, 4000, 100)]
    before = [asked[1].tick_fs(tick, FS_PER_NS) for tick in ticks]
    assert before == [asked[1].tick_fs(tick, FS_PER_NS) for tick in ticks]
    for number in (0, 1):
        for one in (asked[number], fresh[number]):
            one.lock(NOW_FS + (1 + number) * FS_PER_S, FS_PER_S // 2)
        told = [asked[1].tick_fs(tick, FS_PER_NS) for tick in ticks]
        assert told != before
        before = told
    assert before == [fresh[1].tick_fs(tick, FS_PER_NS) for tick in ticks]


def test_clocks_do_not_follow_each_other_in_a_circle() -> None:
    one, other = clock(CONTROLLER, element="a"), clock(CONTROLLER, element="b")
    one.follow(other)
    for first, second in ((other, one), (one, one)):
        with pytest.raises(ValueError, match="cannot follow itself"):
            first.follow(second)


def chain(seed: int, makes: list[ClockMake], room: Room) -> Clock:
    """Return the last of clocks that each follow the one before."""
    before: Clock | None = None
    for number, make in enumerate(makes):
        one = Clock(seed, f"clock_{number}", make, room)
        if before is not None:
            one.follow(before)
        before = one
    assert before is not None
    return before


def first_tick_one_by_one(one: Clock, at_fs: int, period_fs: int) -> int:
    """Return the first tick at or after an instant, by looking at each from well before it."""
    tick = (one.local_fs(at_fs) - 2 * one.make.trigger_grid_fs) // period_fs - 4
    assert one.tick_fs(tick, period_fs) < at_fs
    while one.tick_fs(tick, period_fs) < at_fs:
        tick += 1
    return tick


LOOKS = st.lists(st.integers(0, 10**18), min_size=1, max_size=4)


@settings(deadline=None, max_examples=cases(80, 5_000))
@given(
    st.integers(0, 10**6),
    st.lists(st.sampled_from(MAKES), min_size=1, max_size=4),
    st.sampled_from([FS_PER_NS, 4 * FS_PER_NS, 8 * FS_PER_NS, 10 * FS_PER_US]),
    LOOKS,
    st.sampled_from(["locked", "free", "locked again"]),
)
def test_the_first_tick_is_the_one_that_looking_at_each_finds(
    seed, makes, period_fs, after_fs, lock
) -> None:
    one = chain(seed, makes, Room(seed))
    if lock != "locked":
        one.lose(NOW_FS)
    if lock == "locked again":
        one.lock(NOW_FS + 10**17, 0)
    for span_fs in after_fs:
        at_fs = NOW_FS + span_fs
        assert one.first_tick(at_fs, period_fs) == first_tick_one_by_one(one, at_fs, period_fs)


def test_a_steady_clock_looks_at_one_tick_to_find_the_first(monkeypatch) -> None:
    one = chain(3, [RUBIDIUM, WHITE_RABBIT, WHITE_RABBIT, CONTROLLER], Room(3))
    looked: list[int] = []
    solve = Clock._solve_fs

    def counted(clock: Clock, local_fs) -> int:
        looked.append(1)
        return solve(clock, local_fs)

    monkeypatch.setattr(Clock, "_solve_fs", counted)
    looks = 200
    for number in range(looks):
        one.first_tick(NOW_FS + number * 1_000_003 * FS_PER_US, FS_PER_NS)
    assert len(looked) < 1.1 * looks  # near the steps of white noise more than one

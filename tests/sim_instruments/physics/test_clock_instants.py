import numpy as np
import pytest

from podium.firmware_interfaces.exact_time import FS_PER_NS
from podium.sim_instruments.physics.clock_instants import add_cosine, lateness_fs
from podium.sim_instruments.physics.clock_makes import CONTROLLER, WHITE_RABBIT
from podium.sim_instruments.physics.clocks import Clock
from podium.sim_instruments.physics.room import Room
from podium.sim_instruments.physics.tick_counter import TickCounter

START_FS = 1_795_439_113 * 10**15 + 123_456_789


def following(seed: int) -> Clock:
    room = Room(seed)
    clock, plane = Clock(seed, "ticks", CONTROLLER, room), Clock(seed, "plane", WHITE_RABBIT, room)
    clock.follow(plane)
    return clock


@pytest.mark.parametrize("lost", [False, True])
def test_many_instants_are_those_of_each_tick(lost: bool) -> None:
    clock = following(3)
    if lost:
        clock.lose(START_FS + 10**15 // 2)
    counter = TickCounter(clock)
    tick = counter.to_ticks(START_FS)
    at_ns = np.arange(200, dtype=np.int64) * 5_000_003
    found = lateness_fs(counter, tick, START_FS, at_ns)
    exact = [counter.to_world(tick + ns) - START_FS - ns * FS_PER_NS for ns in at_ns.tolist()]
    assert np.abs(found - np.array(exact)).max() <= (0 if lost else 20)
    assert np.std(found) > 100, "its noise is in it"
    none = lateness_fs(counter, tick, START_FS, at_ns[:0])
    assert none.size == 0


def test_noise_between_points_of_a_grid_is_that_of_each_tick() -> None:
    counter = TickCounter(following(4))
    tick = counter.to_ticks(START_FS)
    at_ns = np.arange(20_000, dtype=np.int64) * 250_007
    many = lateness_fs(counter, tick, START_FS, at_ns)
    some = at_ns[::100]
    exact = np.array(
        [counter.to_world(tick + ns) - START_FS - ns * FS_PER_NS for ns in some.tolist()]
    )
    assert np.abs(many[::100] - exact).max() <= 20


def test_a_cosine_added_is_that_of_the_library() -> None:
    at_fs = np.random.default_rng(5).uniform(-1e13, 1e16, 4000)
    out = np.ones(at_fs.size)
    add_cosine(3.0, 0.37, 1.0 / 10_123_456_789, at_fs, out)
    expected = 1.0 + 3.0 * np.cos(2 * np.pi * (0.37 + at_fs / 10_123_456_789))
    assert np.abs(out - expected).max() < 1e-8  # of 1e6 turns as floats: 1e-9
    near = np.zeros(4000)
    turns = np.linspace(-1.0, 1.0, near.size)
    add_cosine(1.0, 0.0, 1.0, turns, near)
    assert np.abs(near - np.cos(2 * np.pi * turns)).max() < 1e-12

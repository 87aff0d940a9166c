"""How large a batch should be, learnt from how long the last ones took."""

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podium.control.coordinator.batch_size import BatchSize, power_of_two


def walls(pace: BatchSize, wall_s, batches: int = 40) -> list[float]:
    """Return how long batches take, one after the other, where ``wall_s(size)`` tells how long."""
    took = []
    for _ in range(batches):
        size = power_of_two(pace.size())
        took.append(wall_s(size))
        pace.took(size, took[-1])
    return took


@given(st.floats(0, 0.15), st.floats(1e-8, 0.4))
def test_batches_come_to_take_about_as_long_as_they_should(fixed_s, each_s) -> None:
    took = walls(BatchSize(0.4, 0.0, 1, 10**12), lambda size: fixed_s + each_s * size)
    assert all(0.15 <= one <= 0.41 or one == fixed_s + each_s for one in took[20:])


@given(st.floats(0, 0.1), st.floats(1e-9, 1e-2), st.floats(0, 1))
def test_on_the_way_there_no_batch_is_much_too_long(fixed_s, each_s, known) -> None:
    took = walls(BatchSize(0.4, known * each_s, 1, 10**6), lambda size: fixed_s + each_s * size)
    first_s = fixed_s + each_s * 10**6 / 16
    assert all(one < max(0.9, first_s) for one in took)


def test_the_first_batch_is_a_small_part_by_time_and_by_number() -> None:
    assert BatchSize(0.4, 0.01, 1, 10**6).size() == 10
    assert BatchSize(0.4, 1e-9, 1, 320).size() == 20
    assert BatchSize(0.4, 3.0, 1, 10).size() == 1
    assert BatchSize(0.4, 1e-9, 50, 3).size() == 50
    assert BatchSize(0.4, 0.01, 50, 3).size() == 10


def test_one_that_was_slow_by_chance_is_forgotten() -> None:
    pace = BatchSize(0.4, 0.0, 1, 10**9)
    walls(pace, lambda size: 1e-4 * size)
    usual = pace.size()
    pace.took(2048, 5.0)
    walls(pace, lambda size: 1e-4 * size, 6)
    assert pace.size() == pytest.approx(usual, rel=0.5)


def test_where_beginning_alone_takes_too_long_batches_are_not_made_ever_smaller() -> None:
    took = walls(BatchSize(0.4, 0.0, 1, 10**9), lambda size: 1.0 + 1e-3 * size)
    assert all(1.05 < one < 3.1 for one in took[10:])


@given(st.integers(1, 2**40))
def test_sizes_are_powers_of_two(number) -> None:
    size = power_of_two(number)
    assert size <= number < 2 * size


@pytest.mark.parametrize("fixed_s", [1.0, 3.0])
@pytest.mark.parametrize("seed", range(20))
def test_on_a_busy_machine_batches_do_not_shrink_to_single_shots(fixed_s, seed) -> None:
    """Each batch takes seconds, whatever its size: 2000 shots were 1900 batches, and an hour."""
    points, shots, noise = 61, 2000, random.Random(f"busy {seed}")
    pace = BatchSize(0.5, 200e-6 / points, points, shots)
    done = batches = 0
    while done < shots:
        batch = min(power_of_two(max(1, pace.size() // points)), shots - done)
        wall_s = (fixed_s + 20e-6 * batch * points) * math.exp(noise.gauss(0.0, 0.5))
        pace.took(batch * points, wall_s)
        done, batches = done + batch, batches + 1
    assert batches < 100

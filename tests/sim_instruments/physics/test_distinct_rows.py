"""Equal rows get one number, as NumPy numbers them, and other threads go on meanwhile."""

import threading
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from podium.sim_instruments.physics.distinct_rows import distinct_rows

NUMBERS = st.sampled_from([-(2**62), -5000, -1, 0, 1, 2, 4097, 2**40])
SHAPES = array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=9)


@given(
    st.one_of(
        arrays(np.int64, SHAPES, elements=NUMBERS),
        arrays(np.float64, SHAPES, elements=st.sampled_from([-1.5, 0.0, 0.25, 1e300])),
    )
)
def test_rows_are_numbered_as_numpy_numbers_them(rows) -> None:
    first, kind = distinct_rows(rows)
    expected, which = np.unique(rows, axis=0, return_inverse=True)
    assert np.array_equal(rows[first], expected)
    assert np.array_equal(kind, which.reshape(-1))
    assert all(first[number] == np.flatnonzero(kind == number)[0] for number in set(kind.tolist()))


def test_no_rows_are_of_no_kind() -> None:
    first, kind = distinct_rows(np.zeros((0, 3), np.int64))
    assert first.size == kind.size == 0


@pytest.mark.parametrize("words", [2**10, 2**40], ids=["by tables", "by sorting"])
def test_other_threads_go_on_while_many_rows_are_numbered(words) -> None:
    draws = np.random.default_rng(3)
    rows = draws.integers(0, words, (50, 4))[draws.integers(0, 50, 300_000)]
    turns, over = [0], threading.Event()

    def number_rows() -> None:
        distinct_rows(rows)
        over.set()

    def take_turns() -> None:
        while not over.is_set():
            turns[0] += 1
            time.sleep(0)

    other = threading.Thread(target=take_turns)
    begun = time.thread_time()
    other.start()
    number_rows()
    took_s = time.thread_time() - begun
    other.join()
    assert turns[0] > 20  # sorted with the lock held, it has one
    assert took_s < 1.0

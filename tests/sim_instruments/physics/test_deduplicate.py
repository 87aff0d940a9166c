import threading
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from podium.sim_instruments.physics.deduplicate import (
    PHASE_STEP,
    _fill_phase_words,
    clusters,
    distinct_rows,
    firsts,
    in_groups,
    number_stretches,
    numbered,
    phase_word,
)

NUMBERS = st.sampled_from([-(2**62), -5000, -1, 0, 1, 2, 4097, 2**40])
SHAPES = array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=9)
SMALL = st.integers(-3, 3)


@settings(deadline=None)  # kernels come from the disk at first
@given(st.lists(st.lists(st.tuples(SMALL, SMALL), min_size=1, max_size=4), max_size=30))
def test_stretches_share_a_number_exactly_when_their_rows_are_equal(
    stretches: list[list[tuple[int, int]]],
) -> None:
    rows = np.array([row for stretch in stretches for row in stretch], np.int64).reshape(-1, 2)
    lengths = [len(stretch) for stretch in stretches]
    first = np.cumsum([0, *lengths])[:-1].astype(np.int64)
    found = number_stretches(first[: len(stretches)], [rows[:, 0].copy(), rows[:, 1].copy()])
    seen: list[list[tuple[int, int]]] = []
    for stretch, kind in zip(stretches, found.kind, strict=True):
        if stretch not in seen:
            seen.append(stretch)
        assert seen.index(stretch) == kind
    assert [stretches[i] for i in found.example] == seen


@settings(deadline=None)  # kernels come from the disk at first
@given(st.lists(st.tuples(st.integers(0, 40), st.integers(1, 12)), max_size=25))
def test_clusters_are_separated_by_silence_and_nothing_else(
    intervals: list[tuple[int, int]],
) -> None:
    intervals.sort()
    start = np.array([at for at, _ in intervals], np.int64)
    end = np.array([at + lasts for at, lasts in intervals], np.int64)
    first = set(clusters(start, end).tolist())
    for row in range(len(intervals)):
        silent = all(end[other] <= start[row] for other in range(row))
        assert (row in first) == silent


def test_phases_are_equal_across_the_turn() -> None:
    words = phase_word(np.array([0.0, 1.0, -1.0, 1.0 - 0.2 * PHASE_STEP, 0.5, -0.5]))
    assert words.tolist() == [0, 0, 0, 0, words[4], words[4]]


@settings(deadline=None)  # kernels come from the disk at first
@given(st.lists(st.sampled_from([0, 3, -7, 2**62, 5])))
def test_few_different_values_are_numbered_as_numpy_does(values: list[int]) -> None:
    array = np.array(values, np.int64)
    found, which = numbered(array)
    wanted, inverse = np.unique(array, return_inverse=True)
    assert found.tolist() == wanted.tolist()
    assert which.tolist() == inverse.reshape(-1).tolist()


@settings(deadline=None)  # kernels come from the disk at first
@given(st.lists(st.integers(0, 9)))
def test_the_first_of_each_in_an_ascending_list(values: list[int]) -> None:
    array = np.array(sorted(values), np.int64)
    assert firsts(array).tolist() == np.unique(array, return_index=True)[1].tolist()


@settings(deadline=None)  # kernels come from the disk at first
@given(st.lists(st.integers(0, 70_000)), st.sampled_from([70_001, 65_536]))
def test_rows_come_in_groups_and_keep_their_order(values: list[int], count: int) -> None:
    array = np.array(values, np.int64) % count
    rows = in_groups(array, count)
    assert rows.tolist() == sorted(range(len(values)), key=lambda row: array[row])


def test_stretches_are_alike_where_all_rows_and_columns_are() -> None:
    rng = np.random.default_rng(3)
    rows = rng.integers(-1, 2, (2, 500))
    words = phase_word(rng.integers(0, 4, 500) / 4)
    first = np.append(0, 1 + np.flatnonzero(rng.random(499) < 0.4)).astype(np.int64)
    found = number_stretches(first, [rows[0].astype(np.int32), rows[1].astype(np.int8), words])
    stretches = np.split(np.stack([*rows, words], axis=1), first[1:])
    plain = [tuple(map(tuple, one.tolist())) for one in stretches]
    seen = list(dict.fromkeys(plain))
    assert len(seen) > 50
    assert found.kind.tolist() == [seen.index(one) for one in plain]
    assert found.example.tolist() == [plain.index(one) for one in seen]


def test_phases_are_read_by_one_kernel_however_they_lie_in_memory() -> None:
    """A kernel is compiled anew for each layout: seconds in which somebody's first run waits."""
    turns = np.linspace(-1.0, 1.0, 8)
    whole, every_other = phase_word(turns), phase_word(turns[::2])
    assert every_other.tolist() == whole[::2].tolist()
    assert len(_fill_phase_words.signatures) == 1


@settings(deadline=None)  # kernels come from the disk at first
@given(
    st.one_of(
        arrays(np.int64, SHAPES, elements=NUMBERS),
        arrays(np.float64, SHAPES, elements=st.sampled_from([-1.5, -0.0, 0.0, 0.25, 1e300])),
    )
)
def test_rows_are_numbered_as_numpy_numbers_them(rows) -> None:
    first, kind = distinct_rows(rows.T)
    expected, which = np.unique(rows, axis=0, return_inverse=True)
    assert np.array_equal(rows[first], expected)
    assert np.array_equal(kind, which.reshape(-1))
    assert all(first[number] == np.flatnonzero(kind == number)[0] for number in set(kind.tolist()))


def test_no_rows_are_of_no_kind() -> None:
    for columns in (np.zeros((3, 0), np.int64), np.zeros((0, 0), np.int64), []):
        first, kind = distinct_rows(columns)
        assert first.size == kind.size == 0


def test_rows_without_columns_are_all_equal() -> None:
    first, kind = distinct_rows(np.zeros((0, 4), np.int64))
    assert first.tolist() == [0]
    assert kind.tolist() == [0] * 4


@pytest.mark.parametrize("words", [2**10, 2**40], ids=["small", "large"])
def test_other_threads_go_on_while_many_rows_are_numbered(words) -> None:
    draws = np.random.default_rng(3)
    rows = draws.integers(0, words, (50, 4))[draws.integers(0, 50, 300_000)]
    turns, over = [0], threading.Event()

    def number_rows() -> None:
        distinct_rows(rows.T)
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

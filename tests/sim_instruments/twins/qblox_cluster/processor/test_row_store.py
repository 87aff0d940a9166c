"""Rows come out of the store as they were put in, whatever part of them is asked for."""

import numpy as np
import pytest

from podium.sim_instruments.twins.qblox_cluster.processor.row_store import (
    NumberedRows,
    PackedRows,
    RepeatedRows,
    RowStore,
    constant,
    stored,
)

KINDS = (np.int64, np.int64, np.int8, np.int32, np.int32)
STRETCHES = (7, 1, 1000, 2)
LOOPED = 640


def looped(begin: int) -> list[np.ndarray]:
    """A program's loop: the same twenty rows again and again."""
    row = np.arange(LOOPED) % 20
    time = begin + np.cumsum(100 + 7 * row)
    return [time, (1 << 40) - row, (row % 3).astype(np.int32), 0 * row, -row.astype(np.int32)]


def rows(seed: int = 3) -> list[list[np.ndarray]]:
    """Stretches of ascending times, wide numbers, few kinds, one value, one value in each."""
    random = np.random.default_rng(seed)
    found, time_ns = [], 0
    for number, count in enumerate(STRETCHES):
        time = time_ns + np.cumsum(random.integers(0, 1 << 40, count))
        time_ns = int(time[-1])
        found.append(
            [
                time,
                random.integers(-(1 << 40), 1 << 40, count),
                random.integers(0, 3, count).astype(np.int32),
                np.full(count, 77, np.int32),
                np.full(count, number, np.int32),
            ]
        )
    return found


def filled() -> tuple[RowStore, list[np.ndarray]]:
    store, stretches = RowStore(), rows()
    stretches.append(looped(int(stretches[-1][0][-1])))
    for columns in stretches:
        store.append(columns)
    return store, [np.concatenate([one[k] for one in stretches]) for k in range(len(KINDS))]


def test_all_columns_come_back_and_stay_as_they_are() -> None:
    store, wanted = filled()
    for _ in range(2):
        joined = store.join(KINDS)
        for column, one, kind in zip(joined, wanted, KINDS, strict=True):
            assert column.dtype == kind
            assert column.flags.c_contiguous
            assert np.array_equal(column, one)
    more = rows(4)[0]
    more[0] = more[0] + wanted[0][-1]
    store.append(more)
    assert np.array_equal(store.join(KINDS)[0], np.concatenate([wanted[0], more[0]]))


@pytest.mark.parametrize("joined", [False, True])
def test_any_part_is_what_was_put_in(joined: bool) -> None:
    store, wanted = filled()
    if joined:
        store.join(KINDS)
    times = wanted[0]
    for first in (0, 3, 7, 8, 9, 500, 1008, times.size):
        for before in (0, int(times[4]), int(times[8]), int(times[700]), 1 << 62):
            parts = list(store.between(first, before))
            last = max(first, int(np.searchsorted(times, before)))
            for k, one in enumerate(wanted):
                found = [rows.part(k, low, high) for rows, low, high in parts]
                assert np.array_equal(np.concatenate([one[:0], *found]), one[first:last])


def test_changes_are_at_all_rows_where_a_column_is_another() -> None:
    store, wanted = filled()
    for number in (2, 3, 4):
        times, values = store.changes(number)
        there = np.searchsorted(times, wanted[0], side="right") - 1
        assert np.array_equal(values[there], wanted[number])
    assert store.changes(3)[0].size == len(STRETCHES) + 1


def test_columns_of_one_value_share_their_memory() -> None:
    assert np.shares_memory(constant(5, 1000, np.int32), constant(5, 30, np.int32))
    store, wanted = filled()
    assert sum(one.size for one in store.join(KINDS)) == 5 * wanted[0].size
    stored = PackedRows([np.arange(1000), np.array([4], np.int8)], 1000)
    assert stored.part(1, 5, 8).tolist() == [4, 4, 4]
    store = RowStore()
    store.append([np.arange(1000), np.full(1000, 9), np.arange(1000) % 100])
    (kept,) = store.stretches
    assert [kept.only(column) for column in range(3)] == [None, 9, None]


def test_rows_of_a_loop_are_kept_by_their_numbers() -> None:
    kept = stored(looped(50))
    assert isinstance(kept, NumberedRows)
    assert kept._number.nbytes == LOOPED
    assert kept._rows[0].size == 21, "the first row has no step"
    assert isinstance(stored(rows()[2]), PackedRows)


def test_rows_of_which_each_has_a_bin_of_its_own_are_kept_by_their_numbers() -> None:
    """Rows between those that acquire have none; in the middle they begin anew, as sweeps do."""
    time, wide, kind, one, other = looped(50)
    bins = (5 + np.arange(LOOPED) // 2 % (LOOPED // 4)).astype(np.int32)
    bins[np.arange(LOOPED) % 5 < 3] = -1
    columns = [time, wide, bins, kind, one, other]
    assert isinstance(stored(columns), PackedRows)
    kept = stored(columns, counters=(2, 4))
    assert isinstance(kept, NumberedRows)
    assert kept.only(2) is None
    assert kept.only(4) == 0, "what does not change is no counter"
    for first, last in ((0, LOOPED), (100, 101), (300, 500)):
        assert np.array_equal(kept.part(2, first, last), bins[first:last])
    places = np.array([3, 600, 7])
    assert np.array_equal(kept.at(2, places), bins[places])
    bins[77] = -2
    store = RowStore(counters=(2, 4))
    store.append(columns)
    assert np.array_equal(store.join((np.int64,) * 6)[2], bins), "no number is lost"


@pytest.mark.parametrize("stretch", range(len(STRETCHES) + 1))
def test_single_rows_are_those_of_the_whole(stretch: int) -> None:
    store, _ = filled()
    found = store.stretches[stretch]
    places = np.random.default_rng(stretch).permutation(found.count)[: max(1, found.count // 3)]
    for k in range(len(KINDS)):
        assert np.array_equal(found.at(k, places), found.part(k, 0, found.count)[places])
        middle = found.count // 2
        assert np.array_equal(
            found.part(k, middle, found.count), found.part(k, 0, found.count)[middle:]
        )


def test_rows_that_come_again_are_those_that_would_be_written_out() -> None:
    once = [np.array([7, 9, 30]), np.array([5, 999, 0]), np.full(3, 4, np.int8)]
    once += [np.array([1, -1, 8], np.int32), np.array([2, 3, 2], np.int8)]
    slope = np.array([2, 0, -1], np.int32)
    again = RepeatedRows(once, 5, {0: 40, 1: 600, 3: slope}, {1: 1000})
    written = [
        np.concatenate([once[0] + 40 * k for k in range(5)]),
        np.concatenate([(once[1] + 600 * k) % 1000 for k in range(5)]),
        np.tile(once[2], 5),
        np.concatenate([once[3] + slope * k for k in range(5)]),
        np.tile(once[4], 5),
    ]
    assert again.count == 15
    assert [again.only(k) for k in range(5)] == [None, None, 4, None, None]
    places = np.array([14, 0, 4, 9])
    store = RowStore()
    store.append([column[:3] - 40 * (k == 0) for k, column in enumerate(written)])
    store.append_repeated(again)
    for k, one in enumerate(written):
        for first, last in ((0, 15), (4, 11), (6, 7), (5, 5), (0, 2), (14, 15)):
            assert np.array_equal(again.part(k, first, last), one[first:last])
        assert np.array_equal(again.at(k, places), one[places])
        assert again.part(k, 0, 15).dtype == once[k].dtype
    ((_, low, high),) = store.between(5, 100)
    assert (low, high) == (2, np.searchsorted(written[0], 100))
    joined = store.join((np.int64, np.int64, np.int8, np.int32, np.int8))
    for k, one in enumerate(written):
        assert np.array_equal(joined[k][3:], one)

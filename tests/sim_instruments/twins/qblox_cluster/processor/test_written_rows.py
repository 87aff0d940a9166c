"""Rows that acquire or may change the markers are found among those that nobody wrote out, too."""

import numpy as np
import pytest

from podium.sim_instruments.twins.qblox_cluster.processor import q1_state as q1
from podium.sim_instruments.twins.qblox_cluster.processor.real_time_trace import EventKind
from podium.sim_instruments.twins.qblox_cluster.processor.row_store import RepeatedRows
from podium.sim_instruments.twins.qblox_cluster.processor.written_rows import (
    KINDS,
    WIDE,
    WrittenRows,
)

KIND, MARKER, BIN = WIDE + q1.ROW_KIND, WIDE + q1.ROW_MARKER, WIDE + q1.ROW_BIN
EACH, TIMES = 6, 5


def written(random: np.random.Generator, markers: int, acquires: bool) -> WrittenRows:
    """A few rows, passes of a loop that nobody wrote out, and a few rows more."""
    state = np.zeros(q1.STATE_SIZE, np.int64)
    rows = WrittenRows(state, 1000)
    last = 0

    def some(count: int) -> list[np.ndarray]:
        columns = [random.integers(0, 99, count).astype(kind) for kind in KINDS]
        columns[0] = last + np.cumsum(random.integers(1, 9, count))
        columns[MARKER] = random.integers(0, markers, count).astype(np.int8)
        columns[KIND] = np.full(count, EventKind.PLAY, np.int8)
        if acquires:
            columns[KIND] += random.integers(0, 2, count).astype(np.int8)
        return columns

    def write(count: int) -> None:
        for row, column in zip([*rows.wide, *rows.narrow], some(count), strict=True):
            row[:count] = column
        state[q1.ROWS] = count
        rows.pack()

    rows.wide, rows.narrow = (
        np.zeros((WIDE, 99), np.int64),
        np.zeros((q1.ROW_COLUMNS, 99), np.int32),
    )
    write(4)
    last = 100
    steps = {0: 60, 1: 7, BIN: random.integers(0, 3, EACH).astype(np.int32)}
    rows.repeat(RepeatedRows(some(EACH), TIMES, steps, {1: 100}))
    last = 1000
    write(4)
    return rows


@pytest.mark.parametrize("seed", range(30))
@pytest.mark.parametrize(("markers", "acquires"), [(1, False), (1, True), (2, False), (2, True)])
def test_they_are_those_of_all_rows(seed: int, markers: int, acquires: bool) -> None:
    rows = written(np.random.default_rng(seed), markers, acquires)
    found = rows.events()
    whole = rows.all_columns()
    changes = np.diff(whole[MARKER], prepend=-1) != 0
    places = np.flatnonzero((whole[KIND] > EventKind.PLAY) | changes)
    for column, one, kind in zip(found, whole, KINDS, strict=True):
        assert column.dtype == kind
        assert column.tolist() == one[places].tolist()

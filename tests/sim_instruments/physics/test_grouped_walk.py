"""Shots of few kinds are drawn and summed as single ones are."""

import numpy as np
import pytest

from podium.sim_instruments.physics.grouped_walk import JUMPED, level_bounds, sum_windows
from podium.sim_instruments.physics.walk import drawn


def test_bounds_pick_the_levels_that_subtraction_picks() -> None:
    rng = np.random.default_rng(5)
    matrix = rng.dirichlet(np.full(4, 0.3), (3, 4))
    matrix[0, 0], matrix[1, 2, 1] = (0.5, 0.0, 0.5, 0.0), -1e-18
    bounds = level_bounds.py_func(matrix)
    for draw in rng.random(500):
        for row, bound in zip(matrix.reshape(-1, 4), bounds.reshape(-1, 3), strict=True):
            assert np.count_nonzero(draw >= bound) == drawn.py_func(row, row.sum(), draw)


@pytest.mark.parametrize("qubits", [1, 4, 6])
def test_windows_lack_what_each_resonator_takes(qubits: int) -> None:
    """Two kinds of episodes, in steps of one and of two readings; every ninth reading jumps."""
    rng = np.random.default_rng(qubits)
    windows, levels = 3, 4
    step = rng.integers(0, 2, 40).astype(np.int32)
    first_reading, kind = np.array([0, 1, 3]), np.array([0, 1, 0])
    of = np.concatenate([kind[first_reading[c] : first_reading[c + 1]] for c in step])
    jumped = rng.random((qubits, of.size)) < 1 / 9
    jumps = np.count_nonzero(jumped)
    rows = 2 * qubits * levels + jumps
    base, taken = np.exp(2j * np.pi * rng.random((2, rows, windows)))
    whole = np.arange(2 * qubits * levels).reshape(2, qubits, levels)
    level = rng.integers(0, levels, jumped.shape).astype(np.uint8)
    wanted = base[of].copy()
    place = 2 * qubits * levels + np.cumsum(jumped.ravel()).reshape(jumped.shape) - 1
    for q in range(qubits):
        wanted -= taken[np.where(jumped[q], place[q], whole[of, q, level[q]])]
    found = np.empty((of.size, windows), np.complex128)
    first = np.append(0, np.cumsum(jumped.sum(axis=1)))
    given = np.where(jumped, level | JUMPED, level).astype(np.uint8)
    tables = base[:2].copy(), taken, whole, given, first, np.nonzero(jumped)[1]
    numbers = np.arange(2 * qubits * levels, rows)
    sum_windows(step, first_reading, kind, *tables, numbers, 0, first[:-1].copy(), found)
    assert np.abs(found - wanted).max() < 1e-13

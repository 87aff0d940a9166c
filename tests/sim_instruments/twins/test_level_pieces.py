"""Levels behind a filter become pieces: sample by sample the same, and equal ones are one."""

import numpy as np

from podium.sim_instruments.twins.level_pieces import APART_NS, train_of_words


def dense(train, end_ns: int) -> np.ndarray:
    signal = np.zeros(end_ns, complex)
    for at, k in zip(train.start_ns, train.piece, strict=True):
        piece = train.pieces[k]
        values = np.full(piece.duration_ns, piece.level)
        values[: piece.samples.size] = piece.samples
        signal[at : at + piece.duration_ns] += values
    return signal


def made(when: np.ndarray, levels: np.ndarray, end_ns: int):
    """A train of the levels' real and imaginary parts as words."""
    words = np.column_stack([levels.real, levels.imag]).astype(np.int64)
    given = words, lambda some: some[:, 0] + 1j * some[:, 1]
    return train_of_words("line", "sender", when, given, end_ns)


def drawn(seed: int) -> tuple[np.ndarray, np.ndarray, int]:
    """Changes of a level, among them silences, long ones, and stretches that come again."""
    rng = np.random.default_rng(seed)
    gaps = rng.choice([1, 2, APART_NS - 1, APART_NS, 500], 60, p=[0.5, 0.2, 0.1, 0.1, 0.1])
    levels = rng.choice([0, 0, 3 - 1j, 1j, -2], 60)
    gaps, levels = np.tile(gaps, 3), np.tile(levels, 3).astype(complex)
    when = 7 + np.cumsum(gaps)
    return when, levels, int(when[-1]) + int(rng.choice([0, 1, 40]))


def test_pieces_are_the_signal_and_no_two_are_alike() -> None:
    for seed in range(40):
        when, levels, end_ns = drawn(seed)
        train = made(when, levels, end_ns)
        until = max(end_ns, int(when[-1]) + 1)
        at = np.searchsorted(when, np.arange(until), side="right") - 1
        expected = np.where(at >= 0, levels[np.maximum(at, 0)], 0)
        np.testing.assert_array_equal(dense(train, until), expected)
        contents = {(p.samples.tobytes(), p.level, p.duration_ns) for p in train.pieces}
        assert len(contents) == len(train.pieces) < len(train.start_ns)
        first = [int(np.flatnonzero(train.piece == k)[0]) for k in range(len(train.pieces))]
        assert first == sorted(first), "numbered by their first appearance"


def test_nothing_leaves_where_all_levels_are_zero() -> None:
    none = np.zeros(0, np.int64), np.zeros(0, complex)
    assert made(*none, 100) is None
    assert made(np.array([3, 50]), np.zeros(2, complex), 100) is None

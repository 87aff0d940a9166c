import numpy as np

from podium.control.compilers.zurich import readout_pieces
from podium.control.compilers.zurich.readout_pieces import largest_piece

POWERS, FREQUENCIES = 13, 61
EACH = np.arange(POWERS * FREQUENCIES)
BY_POWER, BY_FREQUENCY = np.divmod(EACH, FREQUENCIES)
SHAPE = (POWERS, FREQUENCIES)


def different(stored, shape: tuple[int, ...], piece: tuple[int, ...]) -> int:
    things = 1 + max(int(one.max()) for one in stored)
    return readout_pieces.different(stored, shape, piece, things)


def largest(*stored: np.ndarray, limit: int) -> tuple[int, ...]:
    return largest_piece(SHAPE, SHAPE, lambda piece: different(stored, SHAPE, piece), limit)


def test_what_every_point_needs_of_its_own_limits_how_many_points_there_are() -> None:
    assert largest(EACH, limit=8) in {(8, 1), (4, 2), (2, 4), (1, 8)}


def test_the_larger_of_two_ways_to_cut_is_taken() -> None:
    # Three sets of weights for a frequency leave room for two frequencies, at any powers.
    weights = [BY_FREQUENCY + FREQUENCIES * k for k in range(3)]

    def needed(waves_max: int):
        def most(piece: tuple[int, ...]) -> int:
            waves = different([EACH], SHAPE, piece) * 8 / waves_max
            return max(int(np.ceil(waves)), different(weights, SHAPE, piece))

        return most

    assert largest_piece(SHAPE, SHAPE, needed(16), 8) == (8, 2)
    assert largest_piece(SHAPE, SHAPE, needed(128), 8) == (13, 2)


def test_what_depends_on_one_axis_leaves_the_others_whole() -> None:
    assert largest(BY_POWER, limit=1) == (1, 61)
    assert largest(np.full(len(EACH), -1), limit=1) == SHAPE


def test_an_axis_on_which_nothing_hangs_is_taken_whole() -> None:
    one = np.arange(FREQUENCIES)
    shape = (1, FREQUENCIES)
    found = largest_piece(shape, (250, FREQUENCIES), lambda p: different([one], shape, p), 2)
    assert found == (250, 2)


def test_repetitions_that_differ_are_all_in_a_piece() -> None:
    twice = np.arange(2 * FREQUENCIES)
    shape = (2, FREQUENCIES)
    found = largest_piece(shape, (FREQUENCIES,), lambda p: different([twice], shape, p), 8)
    assert found == (4,)

import numpy as np

from podium.control.compilers.zurich.readout_pieces import Share, largest_piece

POWERS, FREQUENCIES = 13, 61
EACH = np.arange(POWERS * FREQUENCIES)
BY_POWER, BY_FREQUENCY = np.divmod(EACH, FREQUENCIES)
SHAPE = (POWERS, FREQUENCIES)


def test_what_every_point_needs_of_its_own_limits_how_many_points_there_are() -> None:
    piece = largest_piece(SHAPE, SHAPE, [Share((EACH,), 8)])
    assert piece in {(8, 1), (4, 2), (2, 4), (1, 8)}


def test_the_larger_of_two_ways_to_cut_is_taken() -> None:
    # Three sets of weights for a frequency leave room for two frequencies, at any powers.
    weights = tuple(BY_FREQUENCY + FREQUENCIES * k for k in range(3))
    assert largest_piece(SHAPE, SHAPE, [Share((EACH,), 16), Share(weights, 8)]) == (13, 1)
    assert largest_piece(SHAPE, SHAPE, [Share((EACH,), 128), Share(weights, 8)]) == (13, 2)


def test_what_hangs_on_one_axis_leaves_the_others_whole() -> None:
    assert largest_piece(SHAPE, SHAPE, [Share((BY_POWER,), 1)]) == (1, 61)
    silent = np.full(len(EACH), -1)
    assert largest_piece(SHAPE, SHAPE, [Share((silent,), 1)]) == SHAPE


def test_an_axis_on_which_nothing_hangs_is_taken_whole() -> None:
    one = np.arange(FREQUENCIES)
    assert largest_piece((1, FREQUENCIES), (250, FREQUENCIES), [Share((one,), 2)]) == (250, 2)

"""Pairs of maps that one map stands for."""

import numpy as np

from podium.sim_instruments.physics.joint.gate_programs import NONE, Program
from podium.sim_instruments.physics.joint.repeated_pairs import (
    WORTH,
    Pairs,
    repeated_pairs,
    turn_words,
    with_pairs,
)

PLAIN = np.array([True, True, True, False])


def program(maps: list[int], turns: list[float], spans: list[float] | None = None) -> Program:
    count = len(maps)
    return Program(
        np.array(maps),
        np.array(turns)[:, None] * np.arange(3),
        np.array(spans or [30.0] * count),
        np.full(count, 20.0),
        np.zeros(count),
        np.full(count, NONE),
    )


def pairs_of(one: Program, plain: np.ndarray, longest_ns: float) -> Pairs:
    return repeated_pairs(one, turn_words(one), plain, longest_ns)


def test_maps_in_a_row_make_pairs_that_share_no_map() -> None:
    one = program([0, 1, 2] * WORTH, [0.3, 0.1, 1.1 + 1e-12] * WORTH)
    found = pairs_of(one, PLAIN, 100.0)
    assert found.step.tolist() == [3 * k + 1 for k in range(WORTH)]
    assert np.diff(found.step).min() > 1
    again = with_pairs(one, found, np.array([2]))
    assert again.maps.tolist() == [2, 2] * WORTH
    np.testing.assert_array_equal(again.turns[:, 1], [0.3, 1.1 + 1e-12] * WORTH)


def test_pairs_are_as_often_as_they_are_worth_it_with_the_same_turn_between() -> None:
    others = np.random.default_rng(1).random(WORTH).tolist()
    turns = [turn for k in range(WORTH) for turn in (others[k], 0.25 + k)]
    found = pairs_of(program([0, 1] * WORTH, turns), PLAIN, 100.0)
    assert found.step.size == WORTH, "a whole turn is none"
    seldom = program([0, 1] * (WORTH - 1), turns[:-2])
    assert not pairs_of(seldom, PLAIN, 100.0).step.size
    apart = program([0, 1] * WORTH, [0.25 + 1e-6 * k for k in range(2 * WORTH)])
    assert not pairs_of(apart, PLAIN, 100.0).step.size


def test_maps_with_harmonics_or_a_unitary_between_and_long_ones_make_no_pair() -> None:
    assert not pairs_of(program([0, 3] * WORTH, [0.1] * 2 * WORTH), PLAIN, 1e3).step.size
    one = program([0, 1] * WORTH, [0.1, 0.2] * WORTH)
    assert not pairs_of(one, PLAIN, 49.0).step.size
    one.unitaries[0::2] = 1
    assert not pairs_of(one, PLAIN, 1e3).step[0::2].tolist().count(1)


def test_what_noise_turns_between_two_acts_in_halves_about_their_middle() -> None:
    """All of it, as long as the program goes on; each half as long as its side of the pair."""
    one = program([0, 1, 2] * WORTH, [0.3, 0.1, 0.7] * WORTH, [50.0, 32.0, 44.0] * WORTH)
    one.lasts[:] = np.tile([20.0, 40.0, 10.0], WORTH)
    found = pairs_of(one, PLAIN, 100.0)
    again = with_pairs(one, found, np.array([2]))
    assert again.spans.sum() == one.spans.sum()
    begins = np.cumsum(one.spans) - 0.5 * one.lasts
    middles = np.cumsum(again.spans)[0::2]
    np.testing.assert_allclose(again.lasts[0::2], 32 + 30)
    np.testing.assert_allclose(middles - 0.5 * again.lasts[0::2], begins[0::3])

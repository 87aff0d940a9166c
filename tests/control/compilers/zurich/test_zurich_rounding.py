"""Each number of Zurich Instruments against exact arithmetic, and frequencies by their compiler."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from podium.control.compilers.zurich import rounding
from podium.control.compilers.zurich.oscillators import Oscillators

HALF = Fraction(1, 2) + Fraction(1, 10**6)
WORDS_PER_HZ = Fraction(2**48, 2_000_000_000)


@given(st.floats(-1, 1))
def test_an_amplitude_and_a_sample_are_the_nearest_words(amplitude: float) -> None:
    asked = np.array([amplitude])
    for words, steps in (
        (rounding.amplitude_words(asked), 2**17),
        (rounding.sample_words(asked), 32_767),
    ):
        assert abs(int(words[0]) - Fraction(amplitude) * steps) <= HALF


@given(st.floats(-100, 100))
def test_a_phase_is_the_nearest_step_and_never_a_whole_turn(turns: float) -> None:
    (word,) = rounding.phase_words(np.array([turns]))
    assert 0 <= word < 2**23
    apart = (Fraction(turns) * 2**23 - int(word)) % 2**23
    assert min(apart, 2**23 - apart) <= Fraction(1, 2) + Fraction(1, 100)


def test_a_phase_just_below_a_turn_is_none() -> None:
    assert int(rounding.phase_words(np.array([1 - 1e-9]))[0]) == 0


@given(st.floats(-5e8, 5e8))
def test_a_frequency_is_the_nearest_word(offset_hz: float) -> None:
    (word,) = rounding.frequency_words(np.array([offset_hz]))
    assert abs(int(word) - Fraction(offset_hz) * WORDS_PER_HZ) <= 1  # of 2^47: floats end there
    assert abs(float(rounding.frequency_hz(np.array([word]))[0]) - offset_hz) <= 1e-5


@given(st.integers(-(2**46), 2**46))
def test_what_a_compiler_cuts_off_is_the_word_that_was_meant(word: int) -> None:
    """It multiplies by the words in a hertz and cuts off towards zero."""
    text = rounding.frequency_text(word)
    assert int(Fraction(text) * WORDS_PER_HZ) == word


def test_a_sweep_is_even_where_all_points_are_within_half_a_word_for_each_of_them() -> None:
    even_hz = np.linspace(-2e6, 2e6, 41)
    words, swept = Oscillators(0.0, "f").words(even_hz)
    assert swept is not None
    assert np.abs(rounding.frequency_hz(words) - even_hz).max() <= 41 / 2 * 7.2e-6
    assert words[-1] - words[0] == 40 * swept.step


@pytest.mark.parametrize("point", [1, 20, 39])
def test_a_sweep_of_which_one_point_is_elsewhere_is_not_even(point: int) -> None:
    hz = np.linspace(-2e6, 2e6, 41)
    hz[point] += 1.0
    words, swept = Oscillators(0.0, "f").words(hz)
    assert swept is None
    assert np.abs(rounding.frequency_hz(words) - hz).max() <= 7.2e-6

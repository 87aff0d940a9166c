"""Each number of a cluster against exact arithmetic: never further off than half a step."""

from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from podium.control.compilers.qblox import rounding

amplitudes = st.floats(-1, 1)
FULL = Fraction(32767 * 32767, 32768)
"""The word of the DAC at sample 32767 and gain 32767: their product, shifted by 15."""


def word(found: np.ndarray) -> int:
    (value,) = found.ravel()
    return int(value)


def off(found: int, exact: Fraction) -> Fraction:
    return abs(found - exact)


HALF = Fraction(1, 2) + Fraction(1, 10**6)
"""A step; the small rest is that of products of floats."""


@given(amplitudes)
def test_a_gain_is_the_nearest_word(amplitude: float) -> None:
    asked = np.array([amplitude])
    words = rounding.gain_words(asked)
    assert off(word(words), Fraction(amplitude) * 32767) <= HALF
    assert abs(float(rounding.gain_values(words)[0]) - amplitude) <= 0.500001 / 32767


@given(amplitudes)
def test_a_level_is_as_high_as_a_pulse_of_that_amplitude(amplitude: float) -> None:
    words = rounding.level_words(np.array([amplitude]))
    assert off(word(words), Fraction(amplitude) * FULL) <= HALF
    assert abs(float(rounding.level_values(words)[0]) - amplitude) <= 0.500001 / float(FULL)


def test_amplitude_1_is_one_height_whichever_way_it_is_made() -> None:
    (gain,) = rounding.gain_words(np.array([1.0]))
    (sample,) = rounding.sample_words(np.array([1.0]))
    (level,) = rounding.level_words(np.array([1.0]))
    assert int(gain) * int(sample) >> 15 == int(level) == 32766


@given(st.floats(-5e8, 5e8))
def test_a_carrier_is_the_nearest_quarter_of_a_hertz(nco_hz: float) -> None:
    words = rounding.frequency_words(np.array([nco_hz]))
    assert off(word(words), Fraction(nco_hz) * 4) <= HALF
    got_hz = float(rounding.frequency_values(words, 6e9)[0])
    assert abs(got_hz - (6e9 + nco_hz)) <= 0.1251


@given(st.floats(-100, 100))
def test_a_phase_is_the_nearest_of_1e9_in_a_turn_and_never_a_whole_one(turns: float) -> None:
    words = rounding.phase_words(np.array([turns]))
    assert 0 <= word(words) < 10**9
    apart = (Fraction(turns) * 10**9 - word(words)) % 10**9
    assert min(apart, 10**9 - apart) <= Fraction(1, 2) + Fraction(1, 100)
    assert 0 <= float(rounding.phase_values(words)[0]) < 1


def test_a_phase_just_below_a_turn_is_none() -> None:
    assert word(rounding.phase_words(np.array([1 - 1e-12]))) == 0
    assert word(rounding.phase_words(np.array([-1e-12]))) == 0
    assert word(rounding.phase_words(np.array([0.25]))) == 250_000_000
    assert word(rounding.phase_words(np.array([-0.25]))) == 750_000_000


@given(amplitudes)
def test_a_sample_is_the_nearest_word_and_halves_go_up(sample: float) -> None:
    (found,) = rounding.sample_words(np.array([sample]))
    exact = Fraction(sample) * 32767
    assert off(int(found), exact) <= HALF
    assert [int(one) for one in rounding.sample_words(np.array([0.5, -0.5]) / 32767)] == [1, 0]

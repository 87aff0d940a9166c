"""Lines of played samples: powers by Parseval, places, and what the converter takes away."""

import numpy as np
import pytest

from podium.sim_instruments.twins.played_spectrum import lines_of

RATE = 25e9


def watts(line):
    return 1e-3 * 10 ** (line.power_dbm / 10)


def test_a_sine_is_one_line_and_weaker_towards_half_the_rate():
    at = np.arange(2500)
    low, high = (lines_of(0.25 * np.sin(2 * np.pi * n * at / 2500) + 0.1, RATE) for n in (10, 1000))
    assert [one.frequency_hz for one in (*low, *high)] == pytest.approx([100e6, 10e9])
    assert watts(low[0]) == pytest.approx(0.25**2 / 2 / 50, rel=1e-4)
    assert high[0].power_dbm - low[0].power_dbm == pytest.approx(
        20 * np.log10(np.sinc(0.4)), abs=0.001
    )


def test_all_lines_together_have_the_power_of_the_samples():
    volts = np.random.default_rng(3).normal(0, 0.1, 512)
    found = lines_of(volts, RATE)
    plain = sum(watts(one) / np.sinc(one.frequency_hz / RATE) ** 2 for one in found)
    assert plain == pytest.approx(np.var(volts) / 50, rel=1e-6)


def test_what_does_not_alternate_and_what_is_silent_has_no_line():
    assert lines_of(np.full(100, 0.3), RATE) == lines_of(np.zeros(7), RATE) == ()

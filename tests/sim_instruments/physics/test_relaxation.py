import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.linalg import expm

from podium.sim_instruments.physics.relaxation import (
    boltzmann_factor,
    equilibrium,
    generator,
    jump_dephasing_1_s,
    jump_rates,
    lifetime_s,
    ramsey_time_s,
    slow_sigma_of,
    temperature_of,
)

LEVELS_HZ = np.array([0.0, 6.0e9, 11.825e9, 17.47e9])
LADDER = np.array([1.0, 1.39, 1.68])
QUALITY = 2 * math.pi * 6e9 * 33e-6


@given(st.floats(1e-4, 0.4))
def test_a_temperature_gives_back_its_population(population: float) -> None:
    factor = boltzmann_factor(6e9, temperature_of(6e9, population))
    assert factor / (1 + factor) == pytest.approx(population, rel=1e-9)


def test_equilibrium_is_the_boltzmann_distribution() -> None:
    rates = jump_rates(LEVELS_HZ, LADDER, QUALITY, 0.06)
    boltzmann = np.array([boltzmann_factor(level, 0.06) for level in LEVELS_HZ])
    assert np.allclose(equilibrium(rates), boltzmann / boltzmann.sum(), atol=1e-12)
    assert np.allclose(generator(rates) @ equilibrium(rates), 0, atol=1e-6)


def test_at_zero_temperature_the_lifetime_is_one_over_the_rate_down() -> None:
    rates = jump_rates(LEVELS_HZ, LADDER, QUALITY, 0.0)
    assert np.allclose(equilibrium(rates), [1, 0, 0, 0], atol=1e-12)
    assert lifetime_s(rates) == pytest.approx(33e-6, rel=1e-9)


def test_the_lifetime_is_what_a_propagated_pi_pulse_shows() -> None:
    rates = jump_rates(LEVELS_HZ, LADDER, QUALITY, 0.08)
    thermal = equilibrium(rates)
    start = thermal[[1, 0, 2, 3]]
    later = expm(generator(rates) * lifetime_s(rates)) @ start
    left = (later[1] - thermal[1]) / (start[1] - thermal[1])
    assert left == pytest.approx(1 / math.e, rel=1e-8)


def test_the_second_level_decays_by_the_square_of_the_ladder() -> None:
    rates = jump_rates(LEVELS_HZ, LADDER, QUALITY, 0.0)
    expected = 1.39**2 * (11.825 - 6.0) / 6.0
    assert rates[1, 2] / rates[0, 1] == pytest.approx(expected)
    assert jump_dephasing_1_s(rates) == pytest.approx(rates[0, 1] / 2)


@given(st.floats(1e3, 1e6), st.floats(0, 1e5))
def test_the_ramsey_time_is_where_the_ensemble_has_decayed_to_one_over_e(
    rate: float, sigma: float
) -> None:
    t2 = ramsey_time_s(rate, sigma)
    assert rate * t2 + (2 * math.pi * sigma * t2) ** 2 / 2 == pytest.approx(1)
    assert slow_sigma_of(rate, t2) == pytest.approx(sigma, rel=1e-3, abs=0.01 * rate)


def test_a_ramsey_time_beyond_the_white_part_is_refused() -> None:
    with pytest.raises(ValueError, match="longer than the 4e-05 s"):
        slow_sigma_of(25e3, 50e-6)

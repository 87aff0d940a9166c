"""What heat leaves of a qubit's signal: clouds, T1, and pulses counted by benchmarking."""

import numpy as np
import pytest
from tests.benches.calibration.honest_sigmas import assert_honest
from tests.benches.thoroughness import cases, sampled

from podium.control.calibration.fits.benchmarking import Populations, fit_decay_of
from podium.control.calibration.fits.iq_clouds import levels_of, levels_of_mixtures
from podium.control.calibration.fits.least_squares import FitFailed
from podium.control.calibration.routines.relaxation import (
    FLIPPING,
    HOT_REST,
    REST,
    Layout,
    fit_scan,
)
from podium.control.calibration.single_qubit_sequences import (
    PULSES_A_CLIFFORD,
    DrawnTurns,
    draw_turns,
)
from podium.control.calibration.two_qubit_cliffords import TURNS, unitary_of

ZERO, ONE, SIGMA = 1.0 - 2.0j, 3.5 + 0.5j, 0.6


def mixture(rng: np.random.Generator, in_one: float, shots: int) -> np.ndarray:
    noise = SIGMA * (rng.normal(size=shots) + 1j * rng.normal(size=shots))
    return np.where(rng.random(shots) < in_one, ONE, ZERO) + noise


@pytest.mark.parametrize("thermal", [0.05, 0.2, 0.36, 0.42])
def test_clouds_are_found_in_shots_that_hold_both(thermal: float) -> None:
    rng = np.random.default_rng(round(1000 * thermal))
    first, second = mixture(rng, thermal, 8000), mixture(rng, 1 - thermal, 8000)
    found = levels_of_mixtures(first, second)
    assert found.ground == pytest.approx(ZERO, abs=0.1)
    assert found.excited == pytest.approx(ONE, abs=0.1)
    apart = abs(ONE - ZERO)
    assert found.ground_variance == pytest.approx((SIGMA / apart) ** 2, rel=0.1)
    # what the means alone would have taken for 0
    assert abs(levels_of(first, second).ground - ZERO) > 0.5 * thermal * apart


def hot_scan(thermal: float, left: float, t1_s: float, rng: np.random.Generator):
    layout = Layout.of(1.1 * t1_s, FLIPPING)
    begins = np.where(layout.excited, 1 - left, left)
    in_one = thermal + (begins - thermal) * np.exp(-layout.delay_s / t1_s)
    sigma = np.sqrt(in_one * (1 - in_one) / 2000 + 1e-6)
    return layout, in_one + sigma * rng.normal(size=in_one.size), sigma


def fitted(thermal: float, seed: int):
    rng = np.random.default_rng(seed)
    layout, signal, sigma = hot_scan(thermal, 0.02, 190e-6, rng)

    def model(values):
        share = np.where(layout.excited, 1 - values["rest"], values["rest"])
        fall = np.exp(-layout.delay_s / values["decay"])
        return values["offset"] + values["amplitude"] * share * fall

    bounds = HOT_REST if thermal > 0.1 else REST
    return fit_scan(layout.delay_s, signal, sigma, layout.excited, model, 200e-6, bounds)


@pytest.mark.parametrize("thermal", sampled([0.005, 0.36, 0.42], kept=[0.42]))
def test_t1_and_its_sigma_hold_where_equilibrium_is_half_way_to_1(thermal: float) -> None:
    pulls = []
    for seed in range(cases(40, 120)):
        found = fitted(thermal, seed)
        pulls.append((found.values["decay"] - 190e-6) / found.sigmas["decay"])
    assert_honest({f"T1 at {thermal}": np.array(pulls)})


def test_without_the_wider_bounds_a_hot_qubit_would_seem_to_live_longer() -> None:
    rng = np.random.default_rng(3)
    layout, signal, sigma = hot_scan(0.39, 0.02, 190e-6, rng)

    def model(values):
        share = np.where(layout.excited, 1 - values["rest"], values["rest"])
        fall = np.exp(-layout.delay_s / values["decay"])
        return values["offset"] + values["amplitude"] * share * fall

    try:
        found = fit_scan(layout.delay_s, signal, sigma, layout.excited, model, 200e-6, REST)
    except FitFailed:
        return
    assert found.values["decay"] > 1.2 * 190e-6


def test_random_turns_come_back_to_their_target() -> None:
    assert pytest.approx(5 / 6) == PULSES_A_CLIFFORD
    targets = []
    for seed in range(40):
        drawn = draw_turns(1 + seed, (seed, 7))
        assert isinstance(drawn, DrawnTurns)
        assert len(drawn.places) == seed + 2
        state = np.array([1.0, 0.0], complex)
        for place in drawn.places:
            state = unitary_of(TURNS[place]) @ state
        assert abs(state[drawn.target]) == pytest.approx(1.0)
        targets.append(drawn.target)
    assert 8 < sum(targets) < 32
    assert draw_turns(20, (1,)) == draw_turns(20, (1,)) != draw_turns(20, (2,))


def test_the_error_of_a_pulse_is_that_of_a_clifford_over_its_pulses() -> None:
    """A depolarising pulse that leaves 0.998: p = 1 - (5/6) 0.002, error (1 - p) / 2 a Clifford."""
    rng = np.random.default_rng(11)
    lengths, draws, shots, left = np.array([1.0, 8, 64, 128, 256, 512]), 8, 4000, 0.998
    pulses = np.array([[rng.binomial(int(m), 5 / 6) for _ in range(draws)] for m in lengths])
    counted = rng.binomial(shots, 0.5 + 0.5 * left**pulses) / shots
    variance = counted * (1 - counted) / shots + 1e-8
    ones = np.ones(counted.shape)
    seen = Populations(lengths, counted, ones, variance, 0 * ones, 2)
    found = fit_decay_of(seen, leaks=False)
    error, sigma = found.error / PULSES_A_CLIFFORD, found.error_sigma / PULSES_A_CLIFFORD
    assert error == pytest.approx((1 - left) / 2, abs=4 * sigma)
    assert sigma < 0.1 * error

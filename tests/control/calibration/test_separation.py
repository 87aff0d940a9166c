"""The best readout setting, against hills and clouds that are made here, by other formulas."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from scipy.integrate import solve_ivp
from scipy.optimize import minimize

from podium.control.calibration.fits.least_squares import FitFailed
from podium.control.calibration.fits.separation import (
    MISSED,
    MISSED_SIGMA,
    BestSetting,
    Separations,
    Window,
    best_setting,
    expected_fidelity,
    overlap_of,
    share_lost,
)

WINDOW = Window(t1_s=28e-6, arrives_s=50e-9, opens_s=60e-9, fills_s=80e-9, critical_amplitude=0.25)
TOP = (7.2512e9, float(np.log(0.11)))
WIDTH = (2.1e6, 1.1)
LENGTH_S = 500e-9
DISTANCE = 5.2
"""At the top, for pulses of that length."""
HASTENED = 1 / WINDOW.critical_amplitude**2 * 0.8
"""Of the decay with the square of the amplitude; a little less than is expected of photons."""
SEEDS = 50


def grown(length_s: float) -> float:
    """Return the distance of pulses of that length: da/dt = (1 - a) / fills, over the window."""
    window = length_s - WINDOW.opens_s
    solved = solve_ivp(
        lambda _, y: [(1 - y[0]) / WINDOW.fills_s, y[0]],
        (0, length_s),
        [0.0, 0.0],
        t_eval=[WINDOW.opens_s, length_s],
        rtol=1e-9,
        atol=1e-18,
    )
    return float((solved.y[1, 1] - solved.y[1, 0]) / np.sqrt(window))


GRID_S = np.linspace(100e-9, 2e-6, 400)
GROWN = np.array([grown(one) for one in GRID_S]) / grown(LENGTH_S)


def distance(frequency_hz: np.ndarray, log_amplitude: np.ndarray, length_s: float) -> np.ndarray:
    x, y = (frequency_hz - TOP[0]) / WIDTH[0], (log_amplitude - TOP[1]) / WIDTH[1]
    shape = np.exp(-(x**2) / 2 - y**2 / 2 + 0.25 * x * y)
    return np.asarray(DISTANCE * shape * np.interp(length_s, GRID_S, GROWN))


def lost(log_amplitude: np.ndarray, length_s: float) -> np.ndarray:
    """Return how much of 1 has decayed when half of the window is over."""
    rate = (1 + HASTENED * np.exp(log_amplitude) ** 2) / WINDOW.t1_s
    half = (length_s + WINDOW.opens_s) / 2
    return np.asarray(1 - np.exp(-WINDOW.arrives_s / WINDOW.t1_s - half * rate))


def fidelity(frequency_hz: float, log_amplitude: float, length_s: float) -> float:
    there = np.array(log_amplitude)
    beyond = stats.norm.sf(distance(np.array(frequency_hz), there, length_s) / 2)
    gone = lost(there, length_s)
    wrong_zero, wrong_one = beyond, (1 - gone) * beyond + gone * (1 - beyond)
    return float(1 - (wrong_zero + wrong_one) / 2)


def true_best() -> tuple[np.ndarray, float]:
    """Return the best setting (Hz, log, s) and its fidelity."""
    found = minimize(
        lambda u: -fidelity(TOP[0] + 1e6 * u[0], TOP[1] + u[1], 1e-6 * u[2]),
        [0.0, 0.0, 0.5],
        method="Nelder-Mead",
        options={"xatol": 1e-5, "fatol": 1e-10, "maxiter": 4000},
    )
    u = found.x
    return np.array([TOP[0] + 1e6 * u[0], TOP[1] + u[1], 1e-6 * u[2]]), -float(found.fun)


def measured(
    rng: np.random.Generator, frequency: np.ndarray, log_amplitude: np.ndarray, shots: int
) -> Separations:
    """Return what a map of these settings would give: medians of shots, and counts."""
    f, a = (one.ravel() for one in np.meshgrid(frequency, log_amplitude))
    sigma = np.sqrt(2 * np.pi / 2 / shots)
    true = distance(f, a, LENGTH_S)
    seen = np.hypot(true + rng.normal(0, sigma, f.size), rng.normal(0, sigma, f.size))
    beyond, gone = stats.norm.sf(true / 2), lost(a, LENGTH_S)
    counts = rng.binomial(shots, (1 - gone) * beyond + gone * (1 - beyond))
    return Separations(
        f,
        a,
        np.full(f.size, LENGTH_S),
        np.sqrt(np.maximum(seen**2 - 2 * sigma**2, 0)),
        np.full(f.size, sigma),
        np.full(f.size, float(shots)),
        counts.astype(float),
    )


def joined(*maps: Separations) -> Separations:
    names = Separations.__dataclass_fields__
    return Separations(*(np.concatenate([getattr(one, name) for one in maps]) for name in names))


def found_of(seed: int) -> BestSetting:
    """Return the setting that a wide map and a narrow one about its best lead to."""
    rng = np.random.default_rng(seed)
    frequency, log_amplitude = (
        TOP[0] + np.linspace(-4e6, 3e6, 9),
        np.log(np.geomspace(0.03, 0.4, 8)),
    )
    wide = measured(rng, frequency, log_amplitude, 40)
    first = best_setting(wide, WINDOW)
    steps = np.linspace(-0.15, 0.15, 5)
    near = (first.frequency_hz + 7e6 * steps, first.log_amplitude + np.log(0.4 / 0.03) * steps)
    return best_setting(joined(wide, measured(rng, *near, 240)), WINDOW)


@pytest.fixture(scope="module")
def found() -> list[BestSetting]:
    return [found_of(seed) for seed in range(SEEDS)]


def test_the_best_setting_is_found_within_its_sigmas(found: list[BestSetting]) -> None:
    """Sigmas hold the steps of the grid that is searched as well: pulls are no wider than 1."""
    best, _ = true_best()
    places = np.array([[one.frequency_hz, one.log_amplitude, one.length_s] for one in found])
    pulls = (places - best) / np.array([one.sigmas for one in found])
    assert np.max(np.abs(pulls)) < 4
    assert np.all(np.sqrt(np.mean(pulls**2, axis=0)) < 1.3)
    assert np.all(np.sqrt(np.mean(pulls**2, axis=0)) > 0.05)
    assert np.all(np.std(places, axis=0) < [0.4e6, 0.2, 0.1e-6])


def test_the_loss_that_is_stated_is_the_loss_there_is(found: list[BestSetting]) -> None:
    """On a hill that is one: without what hills of real readouts miss."""
    _, greatest = true_best()
    true = np.array(
        [greatest - fidelity(one.frequency_hz, one.log_amplitude, one.length_s) for one in found]
    )
    assert np.all(true >= -1e-9)
    stated = np.array([one.loss for one in found]) - MISSED
    assert np.all(stated > 0)
    assert 0.4 < np.mean(true) / np.mean(stated) < 2.5
    sigma = np.array([one.loss_sigma for one in found])
    assert np.all(sigma >= MISSED_SIGMA)
    assert np.mean(np.abs(stated - true) < 2 * sigma) > 0.9
    expected = np.array([one.fidelity for one in found])
    assert np.mean(expected) == pytest.approx(greatest, abs=1.5e-3)


def test_the_loss_of_a_faint_map_is_that_of_its_hill() -> None:
    """Of few shots the hill itself is in doubt, more than what photons do to the decay."""
    frequency = TOP[0] + np.linspace(-4e6, 3e6, 9)
    log_amplitude = np.log(np.geomspace(0.03, 0.4, 8))
    _, greatest = true_best()
    true, stated = [], []
    for seed in range(SEEDS):
        few = measured(np.random.default_rng(seed), frequency, log_amplitude, 16)
        one = best_setting(few, WINDOW)
        true.append(greatest - fidelity(one.frequency_hz, one.log_amplitude, one.length_s))
        stated.append(one.loss - MISSED)
    assert 0.4 < np.mean(true) / np.mean(stated) < 2.5


def test_noise_has_no_best_setting() -> None:
    for seed in range(200):
        rng = np.random.default_rng(seed)
        frequency, log_amplitude = np.linspace(7.245e9, 7.255e9, 9), np.linspace(-3.5, -1, 8)
        wide = measured(rng, frequency, log_amplitude, 40)
        noise = np.hypot(*rng.normal(0, wide.sigma, (2, wide.sigma.size)))
        half = rng.binomial(40, 0.5, wide.sigma.size).astype(float)
        with pytest.raises(FitFailed, match="no setting tells 0 from 1: of 72, the best has"):
            best_setting(replace(wide, distance=noise, lost=half), WINDOW)


def test_a_readout_that_is_hardly_better_than_a_coin_has_no_best_setting() -> None:
    rng = np.random.default_rng(5)
    frequency, log_amplitude = TOP[0] + np.linspace(-4e6, 3e6, 9), np.linspace(-3.5, -1, 8)
    many = measured(rng, frequency, log_amplitude, 40_000)
    with pytest.raises(FitFailed, match="of the shots, a coin in 50 %"):
        best_setting(replace(many, distance=many.distance / 40), WINDOW)


def test_the_distance_grows_as_a_resonator_fills() -> None:
    lengths = np.array([150e-9, 300e-9, 900e-9])
    ours = WINDOW.grown(lengths)
    other = np.array([grown(one) for one in lengths])
    assert ours / ours[1] == pytest.approx(other / other[1], rel=1e-5)


@pytest.mark.parametrize(("apart", "growth"), [(4.0, 1.0), (6.0, 2.5)])
def test_the_fidelity_is_that_of_drawn_shots(apart: float, growth: float) -> None:
    """Shots whose state decays at a time drawn for each, with records of what was there when."""
    rng = np.random.default_rng(6)
    shots, length_s = 2_000_000, 1.2e-6
    times = rng.exponential(1.0, shots)
    # The rate is that of T1 before the pulse arrives, and higher under its photons.
    folds = WINDOW.arrives_s / WINDOW.t1_s
    decays_s = (times - folds) * WINDOW.t1_s / growth
    window = length_s - WINDOW.opens_s
    place = np.clip((decays_s - WINDOW.opens_s) / window, 0, 1)
    ones = apart * place + rng.normal(0, 1, shots)
    zeros = rng.normal(0, 1, shots)
    drawn = 1 - (np.mean(zeros > apart / 2) + np.mean(ones < apart / 2)) / 2
    told = expected_fidelity(np.array(apart), share_lost(np.array(length_s), growth, WINDOW))
    assert float(overlap_of(np.array(apart))) == pytest.approx(stats.norm.sf(apart / 2))
    assert float(told) == pytest.approx(drawn, abs=6e-4)


@pytest.mark.parametrize(("bend_hz", "width_hz"), [(3e6, 0.6e6), (4e6, 0.6e6), (5e6, 1.0e6)])
def test_no_setting_is_chosen_where_a_low_one_was_measured(bend_hz: float, width_hz: float) -> None:
    # A ridge that strong probes pull aside: a quadratic hill through its upper part goes on where
    # there is nothing.
    frequency, amplitude = (
        one.ravel()
        for one in np.meshgrid(np.linspace(-4.2e6, 1.2e6, 9), np.geomspace(0.01, 0.12, 8))
    )
    ridge = np.exp(-(((frequency + bend_hz * (amplitude / 0.12) ** 2) / width_hz) ** 2))
    apart = 60 * amplitude / np.hypot(1, amplitude / 0.09) * ridge
    each = np.ones(72)
    seen = Separations(
        frequency, np.log(amplitude), 600e-9 * each, apart, 0.03 * each, 4000 * each, 60 * each
    )
    best = best_setting(seen, WINDOW)
    nearest = np.argmin(
        ((frequency - best.frequency_hz) / np.ptp(frequency)) ** 2
        + ((np.log(amplitude) - best.log_amplitude) / np.ptp(np.log(amplitude))) ** 2
    )
    assert apart[nearest] > 0.3 * apart.max()

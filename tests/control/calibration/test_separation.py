"""The best readout setting, against hills and clouds that are made here, by other formulas."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from scipy import stats
from scipy.integrate import quad, solve_ivp
from scipy.optimize import minimize

from podium.control.calibration.fits.least_squares import FitFailed
from podium.control.calibration.fits.readout_window import Window, expected_fidelity, overlap_of
from podium.control.calibration.fits.separation import (
    TOP_FORM,
    WIDE_FORM,
    BestSetting,
    Separations,
    best_setting,
)

WINDOW = Window(
    t1_s=28e-6,
    arrives_s=50e-9,
    opens_s=60e-9,
    fills_s=80e-9,
    critical_amplitude=0.11,
    ground_hz=7.2556e9,
)
TOP = (7.2512e9, float(np.log(0.11)))
WIDTH = (2.1e6, 1.1)
LENGTH_S = 500e-9
DISTANCE = 5.2
"""At the top, for pulses of that length."""
Uneven = tuple[float, float]
EVEN: Uneven = (0.0, 0.0)
HASTENED = 1.2
"""By what share photons hasten the decay at the top; a little less than is expected of them."""
SEEDS = 50


def grown(lengths_s: np.ndarray) -> np.ndarray:
    """Return the distances of pulses of these lengths, which rise and exceed 60 ns.

    They are integrals of ``a`` over the window, where da/dt = (1 - a) / fills.
    """
    solved = solve_ivp(
        lambda _, y: [(1 - y[0]) / WINDOW.fills_s, y[0]],
        (0, lengths_s[-1]),
        [0.0, 0.0],
        t_eval=[WINDOW.opens_s, *lengths_s],
        rtol=1e-9,
        atol=1e-18,
        max_step=WINDOW.fills_s / 4,
    )
    return np.asarray(
        (solved.y[1, 1:] - solved.y[1, 0]) / np.sqrt(lengths_s - WINDOW.opens_s), float
    )


def lit(until_s: float) -> float:
    """Return the integral of the square of a field that fills, s."""
    return float(quad(lambda t: (1 - np.exp(-t / WINDOW.fills_s)) ** 2, 0, until_s)[0])


GRID_S = np.linspace(100e-9, 2e-6, 400)
LIT_S = np.array([lit(one) for one in GRID_S])
OPENED_S = lit(WINDOW.opens_s)
GROWN = grown(GRID_S) / np.interp(LENGTH_S, GRID_S, grown(GRID_S))


def distance(frequency_hz: np.ndarray, log_amplitude: np.ndarray, length_s: float) -> np.ndarray:
    x, y = (frequency_hz - TOP[0]) / WIDTH[0], (log_amplitude - TOP[1]) / WIDTH[1]
    shape = np.exp(-(x**2) / 2 - y**2 / 2 + 0.25 * x * y)
    return np.asarray(DISTANCE * shape * np.interp(length_s, GRID_S, GROWN))


def photons(frequency_hz: np.ndarray, log_amplitude: np.ndarray) -> np.ndarray:
    """Return the photons with the qubit in 1, of those at the top: from the fields' difference."""
    kappa_hz = 1 / (np.pi * WINDOW.fills_s)

    def field(f: np.ndarray, a: np.ndarray) -> np.ndarray:
        return distance(f, a, LENGTH_S) * np.abs(kappa_hz / 2 + 1j * (f - WINDOW.ground_hz))

    top = field(np.array(TOP[0]), np.array(TOP[1]))
    return np.asarray((field(frequency_hz, log_amplitude) / top) ** 2)


def decayed(
    frequency_hz: np.ndarray, log_amplitude: np.ndarray, length_s: float, uneven: Uneven = EVEN
) -> np.ndarray:
    """Return how much of 1 has decayed when the window opens, and closes; shape (2, ...)."""
    widths = np.pi * WINDOW.fills_s * (frequency_hz - TOP[0])
    tilt = np.exp(uneven[0] * widths + uneven[1] * (log_amplitude - TOP[1]))
    hastened = HASTENED * photons(frequency_hz, log_amplitude) * tilt
    ends = (WINDOW.opens_s, OPENED_S), (length_s, np.interp(length_s, GRID_S, LIT_S))
    folds = [(WINDOW.arrives_s + t + hastened * full) / WINDOW.t1_s for t, full in ends]
    return 1 - np.exp(-np.array(folds))


def fidelity(
    frequency_hz: float, log_amplitude: float, length_s: float, uneven: Uneven = EVEN
) -> float:
    """Return that of the best of many thresholds; what decays within lies at 100 places."""
    here = np.array(frequency_hz), np.array(log_amplitude), length_s
    apart = float(distance(*here))
    early, late = decayed(*here, uneven)
    between = (np.arange(100) + 0.5) / 100 * apart
    thresholds = np.linspace(0.25, 0.5, 51)[:, None] * apart
    below = stats.norm.cdf(thresholds - between).mean(axis=1)
    zero, one = (stats.norm.cdf(thresholds - place)[:, 0] for place in (0.0, apart))
    wrong_one = early * zero + (late - early) * below + (1 - late) * one
    return float(np.max(1 - (1 - zero + wrong_one) / 2))


@cache
def true_best(uneven: Uneven = EVEN) -> tuple[np.ndarray, float]:
    """Return the best setting (Hz, log, s) and its fidelity."""
    found = minimize(
        lambda u: -fidelity(TOP[0] + 1e6 * u[0], TOP[1] + u[1], 1e-6 * u[2], uneven),
        [0.0, 0.0, 0.5],
        method="Nelder-Mead",
        options={"xatol": 1e-5, "fatol": 1e-10, "maxiter": 4000},
    )
    u = found.x
    return np.array([TOP[0] + 1e6 * u[0], TOP[1] + u[1], 1e-6 * u[2]]), -float(found.fun)


def measured(
    rng: np.random.Generator,
    frequency: np.ndarray,
    log_amplitude: np.ndarray,
    shots: int,
    length_s: float = LENGTH_S,
    uneven: Uneven = EVEN,
) -> Separations:
    """Return what a map of these settings would give: medians of shots, and counts."""
    f, a = (one.ravel() for one in np.meshgrid(frequency, log_amplitude))
    sigma = np.sqrt(2 * np.pi / 2 / shots)
    true = distance(f, a, length_s)
    seen = np.hypot(true + rng.normal(0, sigma, f.size), rng.normal(0, sigma, f.size))
    beyond, gone = stats.norm.sf(true / 2), decayed(f, a, length_s, uneven).mean(axis=0)
    counts = rng.binomial(shots, (1 - gone) * beyond + gone * (1 - beyond))
    return Separations(
        f,
        a,
        np.full(f.size, length_s),
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
    stated = np.array([one.loss - WIDE_FORM.missed * (1 - one.fidelity) for one in found])
    assert np.all(stated > 0)
    assert 0.4 < np.mean(true) / np.mean(stated) < 2.5
    sigma = np.array([one.loss_sigma for one in found])
    assert np.all(sigma >= [WIDE_FORM.missed_sigma * (1 - one.fidelity) for one in found])
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
        stated.append(one.loss - WIDE_FORM.missed * (1 - one.fidelity))
    assert 0.4 < np.mean(true) / np.mean(stated) < 2.5


@pytest.mark.parametrize("uneven", [EVEN, TOP_FORM.uneven])
def test_a_narrow_map_that_shapes_the_hill_alone_misses_less(
    found: list[BestSetting], uneven: Uneven
) -> None:
    """Where photons hasten the loss as evenly as its form says."""
    _, greatest = true_best(uneven)

    def losses_of(all_found: list[BestSetting]) -> np.ndarray:
        places = [(one.frequency_hz, one.log_amplitude, one.length_s) for one in all_found]
        return np.array([greatest - fidelity(*place, uneven) for place in places])

    form = replace(TOP_FORM, uneven=uneven)
    tops = []
    for seed, one in enumerate(found):
        steps = np.linspace(-1, 1, 5)
        near = (one.frequency_hz + 0.5e6 * steps, one.log_amplitude + 0.2 * steps)
        last = measured(np.random.default_rng(1000 + seed), *near, 2000, one.length_s, uneven)
        tops.append(best_setting(last, WINDOW, form))
        assert tops[-1].loss_sigma < one.loss_sigma
    losses = losses_of(tops)
    stated = [one.loss - form.missed * (1 - one.fidelity) for one in tops]
    assert np.mean(losses) < 0.8 * np.mean(losses_of(found))
    assert 0.4 < np.mean(losses) / np.mean(stated) < 2.5


def test_the_shots_lost_tell_where_photons_do_what_nobody_expects(
    found: list[BestSetting],
) -> None:
    """Ten sigmas of the usual scatter off; taken for usual, the losses are seven sigmas off."""
    uneven = (2.0, 0.8)
    _, greatest = true_best(uneven)
    for seed, best in enumerate(found[:5]):
        for again in range(3):
            near = (
                best.frequency_hz + 0.6e6 * np.linspace(-1, 1, 5),
                best.log_amplitude + 0.22 * np.linspace(-1, 1, 5),
            )
            rng = np.random.default_rng(10 * seed + again)
            last = measured(rng, *near, 10_000, best.length_s, uneven)
            best = best_setting(last, WINDOW, TOP_FORM)
            if best.inside:
                break
        true = greatest - fidelity(best.frequency_hz, best.log_amplitude, best.length_s, uneven)
        assert abs(best.loss - true) < 3 * np.hypot(best.loss_sigma, 1.7e-4)


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
    other = grown(lengths)
    assert ours / ours[1] == pytest.approx(other / other[1], rel=1e-5)


@pytest.mark.parametrize(("apart", "growth"), [(4.0, 0.0), (6.0, 1.5), (9.0, 1.5)])
def test_the_fidelity_is_that_of_drawn_shots(apart: float, growth: float) -> None:
    """Shots whose state decays at a time drawn for each; no threshold does better than told."""
    rng = np.random.default_rng(6)
    shots, length_s = 2_000_000, 1.2e-6
    # The rate is that of T1 before the pulse arrives, and grows as photons do.
    times_s = np.linspace(0, 4e-6, 2000)
    folds = (times_s + growth * np.array([lit(t) for t in times_s])) / WINDOW.t1_s
    drawn_folds = rng.exponential(1.0, shots) - WINDOW.arrives_s / WINDOW.t1_s
    decays_s = np.interp(drawn_folds, folds, times_s)
    # What is written into the record fills as the field does.
    since_s = np.clip(decays_s, WINDOW.opens_s, length_s)
    written = since_s + WINDOW.fills_s * np.exp(-since_s / WINDOW.fills_s)
    whole = np.array([WINDOW.opens_s, length_s])
    place = np.interp(written, whole + WINDOW.fills_s * np.exp(-whole / WINDOW.fills_s), [0, 1])
    ones = apart * place + rng.normal(0, 1, shots)
    zeros = rng.normal(0, 1, shots)
    wrong = [np.mean(zeros > t) + np.mean(ones < t) for t in apart * np.linspace(0.3, 0.55, 26)]
    early, late = (WINDOW.decayed(t, growth) for t in (WINDOW.opens_s, length_s))
    told = expected_fidelity(np.array(apart), early, late)
    assert float(overlap_of(np.array(apart))) == pytest.approx(stats.norm.sf(apart / 2))
    assert float(told) == pytest.approx(1 - min(wrong) / 2, abs=6e-4)


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

"""The sigma that a fit states, against the scatter of its values over many made data sets.

A sigma that is too wide is as dishonest as one that is too narrow, so both are bounded, and by
nothing that the fit itself states: the scatter of (value - truth) / sigma must lie near 1. How
near follows from the number of data sets: 40 in a quick run, 600 in an exhaustive one.
"""

from collections.abc import Callable, Mapping

import numpy as np
import pytest
from scipy import stats
from tests.benches.calibration.honest_sigmas import FALSE_ALARM, assert_honest, band

from podium.control.calibration.fits.decay import Ends, exponential, fit_decay
from podium.control.calibration.fits.flux import (
    arc,
    fit_qubit_arc,
    fit_resonator_arc,
    fit_shaped_arc,
)
from podium.control.calibration.fits.iq_clouds import (
    Discrimination,
    best_threshold,
    discriminate,
    heralded_zeros,
)
from podium.control.calibration.fits.least_squares import Bound, Fit, FitFailed, fit_least_squares
from podium.control.calibration.fits.oscillation import cosine, fit_rabi, fit_ramsey, ramsey
from podium.control.calibration.fits.peak import PulsePrior, fit_pulse_line, pulse_line
from podium.control.calibration.fits.projection import Levels
from podium.control.calibration.fits.resonator import (
    DispersiveScan,
    ReadoutWindow,
    dip,
    fit_dispersive,
    fit_resonance,
)

Make = Callable[[np.random.Generator], Fit]


@pytest.fixture(params=[40, pytest.param(600, marks=pytest.mark.slow)])
def sets(request: pytest.FixtureRequest) -> int:
    """Data sets of each fit."""
    return request.param


@pytest.fixture(params=[pytest.param(600, marks=pytest.mark.slow)])
def sets_of_slow_fits(request: pytest.FixtureRequest) -> int:
    """Data sets of fits that take long; ``test_fits.py`` has fewer of them in a quick run."""
    return request.param


def pulls(make: Make, truth: Mapping[str, float], seed: int, sets: int) -> dict[str, np.ndarray]:
    """Return (value - truth) / sigma of each quantity, shape (sets,)."""
    rng = np.random.default_rng(seed)
    fits = [make(rng) for _ in range(sets)]
    return {
        name: np.array([(fit.values[name] - value) / fit.sigmas[name] for fit in fits])
        for name, value in truth.items()
    }


def line(x: np.ndarray) -> Callable[[Mapping[str, float]], np.ndarray]:
    return lambda values: values["offset"] + values["slope"] * x


@pytest.mark.parametrize("known", [True, False], ids=["noise known", "noise unknown"])
def test_a_straight_line_has_the_sigmas_of_textbooks(known: bool, sets: int) -> None:
    x = np.linspace(-1, 3, 40)
    truth = {"offset": 5.0, "slope": 2.0}
    noise = 0.3

    def make(rng: np.random.Generator) -> Fit:
        data = line(x)(truth) + rng.normal(0, noise, x.size)
        start = {"offset": 0.0, "slope": 1.0}
        return fit_least_squares(line(x), data, noise if known else None, [start])

    assert_honest(pulls(make, truth, 101, sets))
    # Var(slope) = s^2 / Sxx, Var(offset) = s^2 (1/n + mean^2 / Sxx), Cov = -s^2 mean / Sxx.
    fit = fit_least_squares(
        line(x), line(x)(truth) + noise * np.sin(np.arange(40)), noise, [{"offset": 0, "slope": 1}]
    )
    sxx, mean = float(np.sum((x - x.mean()) ** 2)), float(x.mean())
    assert fit.chi2 < 1, "the noise that is stated is more than there is"
    assert fit.sigmas["slope"] == pytest.approx(noise / np.sqrt(sxx), rel=1e-4)
    assert fit.sigmas["offset"] == pytest.approx(noise * np.sqrt(1 / 40 + mean**2 / sxx), rel=1e-4)
    assert fit.correlate("slope", "offset") == pytest.approx(-(noise**2) * mean / sxx, rel=1e-4)


def test_noise_that_was_understated_is_in_the_sigmas_all_the_same(sets: int) -> None:
    x = np.linspace(-1, 3, 60)
    truth = {"offset": 0.3, "slope": 0.1}

    def make(rng: np.random.Generator) -> Fit:
        data = line(x)(truth) + rng.normal(0, 0.03, x.size)
        return fit_least_squares(line(x), data, 0.01, [{"offset": 0.0, "slope": 0.0}])

    assert_honest(pulls(make, truth, 102, sets))


def test_weights_follow_the_noise_of_each_point(sets: int) -> None:
    x = np.linspace(-1, 3, 40)
    sigma = np.where(x > 1, 0.2, 0.01)
    truth = {"offset": 0.3, "slope": 0.1}

    def make(rng: np.random.Generator) -> Fit:
        data = line(x)(truth) + rng.normal(0, sigma)
        return fit_least_squares(line(x), data, sigma, [{"offset": 0.0, "slope": 0.0}])

    assert_honest(pulls(make, truth, 103, sets))
    exact = np.stack([np.ones(40), x], axis=1) / sigma[:, None]
    best = np.sqrt(np.diag(np.linalg.inv(exact.T @ exact)))
    fit = make(np.random.default_rng(104))
    assert [fit.sigmas["offset"], fit.sigmas["slope"]] == pytest.approx(best.tolist(), rel=0.25)


def test_few_points_have_few_degrees_of_freedom() -> None:
    """Of 5 points two are taken by the line: the mean variance that is stated is right for 3.

    Of fewer sets the mean would not tell 3 from 5.
    """
    sets = 240
    x, noise = np.arange(5.0), 0.1
    rng = np.random.default_rng(106)
    stated = [
        fit_least_squares(line(x), rng.normal(0, noise, 5), None, [{"offset": 0.1, "slope": 0.1}])
        for _ in range(sets)
    ]
    mean = float(np.mean([fit.sigmas["slope"] ** 2 for fit in stated]))
    exact = noise**2 / np.sum((x - 2) ** 2)
    # Of chi-square with 3 degrees, the mean of all is chi-square with 3 times as many.
    chi2 = stats.chi2(3 * sets)
    assert chi2.ppf(FALSE_ALARM / 2) < 3 * sets * mean / exact < chi2.isf(FALSE_ALARM / 2)


def test_parameters_that_the_data_do_not_fix_are_refused() -> None:
    x = np.linspace(0, 1, 20)
    data = 1 + x + np.random.default_rng(107).normal(0, 0.1, 20)
    with pytest.raises(FitFailed, match="do not fix all of one, other, slope"):
        fit_least_squares(
            lambda values: values["one"] + values["other"] + values["slope"] * x,
            data,
            0.1,
            [{"one": 0.2, "other": 0.3, "slope": 0.5}],
        )


@pytest.mark.parametrize("order", [1, -1])
def test_the_deepest_of_several_minima_is_taken(order: int) -> None:
    x = np.linspace(0, 10, 200)
    data = np.sin(3.0 * x)
    starts = [{"frequency": one} for one in (2.1, 2.8, 3.7, 4.2)][::order]
    fit = fit_least_squares(lambda values: np.sin(values["frequency"] * x), data, 0.1, starts)
    assert fit.values["frequency"] == pytest.approx(3.0, abs=1e-6)


def test_slopes_are_those_of_where_a_fit_ends() -> None:
    x = np.linspace(0, 1, 60)
    data = np.exp(-x / 0.3) + np.random.default_rng(7).normal(0, 0.02, 60)

    def decay(values: Mapping[str, float]) -> np.ndarray:
        return np.asarray(np.exp(-x / values["time"]))

    near, far = (fit_least_squares(decay, data, 0.02, [{"time": one}]) for one in (0.3, 0.05))
    assert far.values["time"] == pytest.approx(near.values["time"], rel=1e-4)
    assert far.sigmas["time"] == pytest.approx(near.sigmas["time"], rel=1e-2)
    slopes = x * np.exp(-x / near.values["time"]) / near.values["time"] ** 2 / 0.02
    assert near.sigmas["time"] == pytest.approx(1 / np.linalg.norm(slopes), rel=1e-2)


def test_a_bound_narrows_no_sigma() -> None:
    x = np.linspace(0, 1, 50)
    data = 1.0 - 0.02 * x + np.random.default_rng(105).normal(0, 0.1, 50)
    starts = [{"offset": 1.0, "slope": 0.5}]
    free = fit_least_squares(line(x), data, 0.1, starts)
    bound = fit_least_squares(line(x), data, 0.1, starts, {"slope": Bound(0.0, 1.0)})
    assert bound.sigmas["slope"] == pytest.approx(free.sigmas["slope"], rel=0.01)


def shots_of(
    rng: np.random.Generator, fraction: np.ndarray, shots: int, variances: tuple[float, float]
) -> np.ndarray:
    """Return means over shots that are 0 or 1, each with the scatter of its level."""
    ones = rng.binomial(shots, np.clip(fraction, 0, 1))
    variance = (shots - ones) * variances[0] + ones * variances[1]
    return (ones + rng.normal(0, np.sqrt(variance))) / shots


LEVELS = Levels(0j, 1 + 0j, 0.04, 0.09)
VARIANCES = (LEVELS.ground_variance, LEVELS.excited_variance)


@pytest.mark.parametrize("fraction", [0.02, 0.3, 0.9])
def test_the_mean_of_shots_scatters_as_the_levels_say(fraction: float, sets: int) -> None:
    rng = np.random.default_rng(110)
    shots = 250
    found = shots_of(rng, np.full(20 * sets, fraction), shots, VARIANCES)
    stated = LEVELS.sigma(np.array([fraction]), shots)[0]
    assert_honest({"fraction": (found - fraction) / stated})


@pytest.mark.parametrize("given", ["nothing", "offset", "ends"])
def test_a_decay(given: str, sets: int) -> None:
    delay = np.geomspace(1e-6, 110e-6, 30)
    truth = {"decay": 27e-6, "amplitude": 0.93, "offset": 0.03}

    def make(rng: np.random.Generator) -> Fit:
        signal = shots_of(rng, exponential(delay, truth), 900, VARIANCES)
        # Known as well as many points of the scan together: what they add to the sigma is seen.
        ends = Ends(0.96 + rng.normal(0, 0.012), 0.03 + rng.normal(0, 0.012), 0.012)
        return fit_decay(
            delay,
            signal,
            LEVELS.sigma(signal, 900),
            33e-6,
            offset=truth["offset"] if given == "offset" else None,
            ends=ends if given == "ends" else None,
        )

    assert_honest(pulls(make, {"decay": truth["decay"]}, 111, sets))


def test_noise_between_known_ends_is_no_decay() -> None:
    """Also where what is left of a quick decay in the first points explains a tenth of it."""
    delay = np.geomspace(4e-6, 110e-6, 30)
    for seed in range(20):
        noise = np.random.default_rng(seed).normal(0, 0.04, 30)
        for decay_s in (0.1e-6, 1.5e-6):
            signal = 0.05 + 0.92 * np.exp(-delay / decay_s) + noise
            with pytest.raises(FitFailed, match="the data do not decay"):
                fit_decay(delay, signal, 0.04, 33e-6, ends=Ends(0.97, 0.05, 0.004))


def test_a_rabi_oscillation(sets: int) -> None:
    amplitude = np.linspace(0, 0.999, 51)
    truth = {"offset": 0.5, "amplitude": -0.49, "period": 0.93}

    def make(rng: np.random.Generator) -> Fit:
        signal = cosine(amplitude, truth) + rng.normal(0, 0.03, amplitude.shape)
        return fit_rabi(amplitude, signal, 0.9)

    assert_honest(pulls(make, truth, 112, sets))


@pytest.mark.parametrize("readout", [0.03, 0.15], ids=["counts scatter", "readouts scatter"])
def test_a_rabi_oscillation_of_few_shots(readout: float, sets: int) -> None:
    """Counts scatter most on the slopes, which tell the period."""
    amplitude = np.linspace(0, 1, 41)
    truth = {"offset": 0.5, "amplitude": -0.47, "period": 0.8}

    def make(rng: np.random.Generator) -> Fit:
        counted = rng.binomial(100, cosine(amplitude, truth)) / 100
        return fit_rabi(amplitude, counted + rng.normal(0, readout, amplitude.shape), 0.78)

    assert_honest(pulls(make, {"period": 0.8}, 114, sets))


def test_ramsey_fringes(sets_of_slow_fits: int) -> None:
    delay, phase = np.meshgrid(np.arange(1, 40) * 1.6e-6, [0.0, 0.25, 0.5, 0.75])
    delay, phase = delay.ravel(), phase.ravel()
    truth = {"detuning": 23e3, "decay": 25e-6, "gaussian": 0.5, "amplitude": 0.47, "offset": 0.5}
    trial = np.linspace(-0.1e6, 0.1e6, 60)
    clean = ramsey(delay, phase, truth | {"shift": 0.02})

    def make(rng: np.random.Generator) -> Fit:
        signal = shots_of(rng, clean, 400, VARIANCES)
        return fit_ramsey(delay, phase, signal, LEVELS.sigma(signal, 400), 29e-6, trial)

    assert_honest(
        pulls(make, {name: truth[name] for name in ("detuning", "decay")}, 113, sets_of_slow_fits)
    )


@pytest.mark.parametrize(
    "known", ["nothing", pytest.param("pulse and memory", marks=pytest.mark.slow)]
)
def test_a_line(known: str, sets: int) -> None:
    frequency = 6e9 + np.linspace(-6e6, 6e6, 61)
    duration = 0.668e-6
    truth = {"centre": 6.00131e9, "rabi": 0.43 / duration, "height": -1.0, "offset": 0.2}
    if known != "nothing":
        truth["memory"] = 0.4
    clean = pulse_line(frequency, truth, duration)

    def make(rng: np.random.Generator) -> Fit:
        expected = PulsePrior()
        if known != "nothing":
            strength, memory = 0.86 + rng.normal(0, 0.05), 0.4 + rng.normal(0, 0.02)
            expected = PulsePrior((strength, 0.05), (memory, 0.02))
        noise = rng.normal(0, 0.08, 61)
        return fit_pulse_line(frequency, clean + noise, duration, expected=expected)

    found = pulls(make, {name: truth[name] for name in ("centre", "rabi")}, 114, sets // 2)
    assert_honest(found)


def test_a_line_is_never_known_better_than_other_levels_bend_it() -> None:
    frequency = 6e9 + np.linspace(-6e6, 6e6, 61)
    duration = 0.668e-6
    clean = pulse_line(
        frequency, {"centre": 6.001e9, "rabi": 0.5 / duration, "height": 1, "offset": 0}, duration
    )
    noise = np.random.default_rng(115).normal(0, 1e-3, 61)
    fit = fit_pulse_line(frequency, clean + noise, duration)
    # The full width of a line of a pi pulse is 0.8 / duration; 0.2 % of it is trusted.
    assert fit.sigmas["centre"] == pytest.approx(0.002 * 0.8 / duration, rel=0.02)


def test_a_resonance(sets_of_slow_fits: int) -> None:
    frequency = 7.2e9 + np.linspace(-30e6, 30e6, 121)
    window = ReadoutWindow(0.0, 0.8e-6)
    truth = {"resonance": 7.2043e9, "kappa": 4.1e6, "coupling": 3.9e6}
    cable = 3e-3 * np.exp(1j * (0.7 - 2 * np.pi * 6e-9 * (frequency - 7.2e9)))
    clean = cable * dip(frequency, *truth.values(), 0.0, window)

    def make(rng: np.random.Generator) -> Fit:
        noise = rng.normal(0, 1e-4, (2, frequency.size))
        return fit_resonance(frequency, clean + noise[0] + 1j * noise[1], window, 3.5e6)

    assert_honest(pulls(make, truth | {"gain": 3e-3}, 116, sets_of_slow_fits))


def test_the_gain_of_a_line_has_a_sigma_in_its_own_unit() -> None:
    frequency = 7.2e9 + np.linspace(-30e6, 30e6, 121)
    window = ReadoutWindow(0.0, 0.8e-6)
    noise = np.random.default_rng(126).normal(0, 0.03, (2, 121))
    iq = dip(frequency, 7.2043e9, 4.1e6, 3.9e6, 0.0, window) + noise[0] + 1j * noise[1]
    volts, millivolts = (fit_resonance(frequency, k * iq, window, 3.5e6) for k in (1, 1_000))
    assert millivolts.values["gain"] == pytest.approx(1_000 * volts.values["gain"], rel=1e-4)
    assert millivolts.sigmas["gain"] == pytest.approx(1_000 * volts.sigmas["gain"], rel=1e-2)
    # Of 121 complex points the gain is the mean, and the dip takes some of them with it.
    assert 1 < volts.sigmas["gain"] / (0.03 / np.sqrt(121)) < 2


def test_a_dispersive_shift(sets_of_slow_fits: int) -> None:
    frequency = 7.2e9 + np.linspace(-9e6, 9e6, 37)
    window = ReadoutWindow(0.0, 1.1e-6)
    power = np.array([0.25, 1.0])
    truth = {"resonance": 7.2013e9, "chi": -1.2e6, "kappa": 4.2e6, "pull": -0.15e6}
    excited = (0.012, 0.965)
    cable = 2e-3 * np.exp(1j * (-1.1 - 2 * np.pi * 4e-9 * (frequency - 7.2e9)))
    clean = np.empty((2, 2, 37), dtype=complex)
    for row, p in enumerate(power):
        shapes = []
        for sign in (-1, 1):
            low = truth["resonance"] + sign * truth["chi"]
            moved = low + truth["pull"] * p / (1 + (2 * (frequency - low) / truth["kappa"]) ** 2)
            shapes.append(dip(frequency, moved, truth["kappa"], 4.1e6, 0.0, window))
        for state in (0, 1):
            mixed = (1 - excited[state]) * shapes[0] + excited[state] * shapes[1]
            clean[row, state] = np.sqrt(p) * cable * mixed

    def make(rng: np.random.Generator) -> Fit:
        noise = rng.normal(0, 4e-5, (2, *clean.shape))
        rows = (clean + noise[0] + 1j * noise[1]).reshape(-1, frequency.size)
        shots = np.full(len(rows), 1e3)
        powers, shares = np.repeat(power, 2), np.tile(excited, len(power))
        scan = DispersiveScan(frequency, rows, powers, shares, shots, window)
        return fit_dispersive(scan, {"resonance": 7.2013e9, "chi": -1.1e6, "kappa": 4.0e6})

    assert_honest(pulls(make, truth, 117, sets_of_slow_fits))


def test_a_resonator_that_follows_the_flux(sets_of_slow_fits: int) -> None:
    bias = np.linspace(-0.8, 0.8, 23)
    design = {"f01": 6.05e9, "charging": 0.17e9, "asymmetry": 0.4, "period": 1.5, "pull": 1.1e7}
    qubit = arc(bias, 6.05e9, 0.17e9, -0.13, 1.47, 0.4)
    truth = {"sweet_spot": -0.13, "period": 1.47}
    clean = 7.25e9 + 1.1e7 * (7.25e9 - 6.05e9) / (7.25e9 - qubit)

    def make(rng: np.random.Generator) -> Fit:
        return fit_resonator_arc(bias, clean + rng.normal(0, 2e4, 23), np.full(23, 2e4), design)

    assert_honest(pulls(make, truth, 118, sets_of_slow_fits))


@pytest.mark.parametrize("middle_v", [0.0, 1.4, -1.4])
@pytest.mark.parametrize("place", [-0.93, -0.42, 0.03, 0.61])
def test_of_the_sweet_spots_the_one_nearest_to_zero_is_taken(place: float, middle_v: float) -> None:
    """Also where the biases lie about another one."""
    bias = middle_v + np.linspace(-0.9, 0.9, 31)
    design = {"f01": 6.05e9, "charging": 0.17e9, "asymmetry": 0.4, "period": 1.5, "pull": 1.1e7}
    qubit = arc(bias, 6.05e9, 0.17e9, place * 1.5, 1.5, 0.4)
    clean = 7.25e9 + 1.1e7 * (7.25e9 - 6.05e9) / (7.25e9 - qubit)
    noise = np.random.default_rng(127).normal(0, 2e4, 31)
    fit = fit_resonator_arc(bias, clean + noise, np.full(31, 2e4), design)
    nearest = min((place - 1, place, place + 1), key=abs) * 1.5
    assert fit.values["sweet_spot"] == pytest.approx(nearest, abs=0.03)


def test_a_sweet_spot(sets_of_slow_fits: int) -> None:
    bias = 0.021 + np.array([-0.13, -0.11, -0.09, 0.09, 0.11, 0.13]) * 1.5
    clean = arc(bias, 6.03e9, 0.17e9, 0.0213, 1.51, 0.4)
    start = {"sweet_spot": 0.021, "period": 1.5, "top": 6.03e9}
    held = {"charging": 0.175e9, "asymmetry": 0.4}

    def make(rng: np.random.Generator) -> Fit:
        return fit_qubit_arc(bias, clean + rng.normal(0, 3e4, 6), np.full(6, 3e4), start | held)

    assert_honest(pulls(make, {"sweet_spot": 0.0213}, 120, sets_of_slow_fits))


def test_a_sweet_spot_of_any_shape(sets_of_slow_fits: int) -> None:
    bias = 0.021 + np.array([-0.13, -0.11, -0.09, 0.09, 0.11, 0.13]) * 1.5
    truth = {"sweet_spot": 0.0213, "top": 6.03e9}

    def shape(flux: np.ndarray) -> np.ndarray:
        return 1 - 2 * flux**2

    clean = truth["top"] * shape((bias - truth["sweet_spot"]) / 1.51)

    def make(rng: np.random.Generator) -> Fit:
        start = {"sweet_spot": 0.021, "period": 1.5, "top": 6.02e9}
        return fit_shaped_arc(bias, clean + rng.normal(0, 3e4, 6), np.full(6, 3e4), shape, start)

    assert_honest(pulls(make, truth, 121, sets_of_slow_fits))


@pytest.mark.parametrize("distance", [2.5, 4.0])
def test_an_assignment_fidelity(distance: float, sets: int) -> None:
    """Two Gaussians; level 1 decays at times, so that errors of both kinds differ."""
    rng = np.random.default_rng(122)
    shots, decayed = 2_000, 0.06
    found = []
    for _ in range(sets):
        stays = rng.random(shots) >= decayed
        ground, excited = (
            place * distance + rng.normal(0, 1, shots) + 1j * rng.normal(0, 1, shots)
            for place in (np.zeros(shots), stays.astype(float))
        )
        found.append(discriminate(ground, excited))
    fidelities = np.array([one.fidelity for one in found])
    stated = np.array([one.sigma for one in found])
    scatter = float(np.std(fidelities, ddof=1))
    lowest, highest = band(sets)
    assert lowest < scatter / float(np.mean(stated)) < highest
    # The best threshold t has equal slopes of both errors; what it reaches is the truth.
    t = np.linspace(0, distance, 2001)
    reached = stats.norm.cdf(t) + (1 - decayed) * stats.norm.sf(t - distance)
    best = float(np.max(reached + decayed * stats.norm.sf(t))) / 2
    assert best - 0.5 * scatter < np.mean(fidelities) < best + 5 * scatter / np.sqrt(sets)


def test_no_error_among_the_shots_is_not_a_fidelity_without_doubt() -> None:
    """Half an error of each kind is reckoned with."""
    seen = Discrimination(LEVELS, 0.5, 0.0, 0.0, 1_000, 4_000)
    assert (seen.fidelity, seen.false_excited_sigma) == (1.0, pytest.approx(7.1e-4, rel=0.01))
    assert seen.false_ground_sigma == pytest.approx(7.1e-4 / 4, rel=0.01)
    assert seen.sigma == pytest.approx(7.1e-4 * np.sqrt(1 + 1 / 16) / 2, rel=0.01)


@pytest.mark.parametrize("cloud", [0.1, 0.2, 0.25, 0.3, 0.35])
def test_a_herald_of_0_is_hardly_ever_a_1(cloud: float) -> None:
    rng = np.random.default_rng(130)
    levels = Levels(1 + 1j, 3 - 1j, cloud**2, cloud**2)
    noise = rng.normal(0, cloud, (2, 20_000)) + 1j * rng.normal(0, cloud, (2, 20_000))
    zeros, ones = levels.ground + noise[0] * (2 - 2j), levels.excited + noise[1] * (2 - 2j)
    # Four sigmas beyond the middle of 1: 0.6 of 20,000 are expected, 8 by chance of 1e-7.
    assert np.count_nonzero(heralded_zeros(ones, levels)) < 8
    assert np.mean(heralded_zeros(zeros, levels)) > 0.1
    if cloud < 0.15:
        assert np.mean(heralded_zeros(zeros, levels)) == pytest.approx(0.977, abs=0.01)


def test_the_threshold_is_where_both_clouds_are_as_dense() -> None:
    """Of N(0, 1) and N(4, 2): 3 t^2 + 8 t = 16 + 8 ln 2. What has decayed moves it nowhere.

    Of 300 seeds the second scatters by 0.05: five of that are allowed.
    """
    rng = np.random.default_rng(129)
    shots = 40_000
    ground, excited = rng.normal(0, 1, shots), rng.normal(4, 2, shots)
    exact = (-8 + np.sqrt(64 + 12 * (16 + 8 * np.log(2)))) / 6
    assert best_threshold(ground, excited) == pytest.approx(exact, abs=0.25)
    decayed = np.where(rng.random(shots) < 0.4, rng.normal(0, 1, shots), excited)
    assert best_threshold(ground, decayed) == pytest.approx(exact, abs=0.25)


def test_no_shot_judges_itself() -> None:
    """A threshold that is judged by the shots that have set it does better than the best one."""
    rng = np.random.default_rng(128)
    distance, shots, count = 2.5, 150, 1_500
    found = []
    for _ in range(count):
        clouds = rng.normal(0, 1, (2, shots)) + 1j * rng.normal(0, 1, (2, shots))
        found.append(discriminate(clouds[0], clouds[1] + distance).fidelity)
    best = float(stats.norm.cdf(distance / 2))
    error = float(np.std(found, ddof=1)) / np.sqrt(count)
    assert best - 0.02 < np.mean(found) < best + float(stats.norm.isf(FALSE_ALARM)) * error


def test_two_preparations_that_are_one_are_refused() -> None:
    for seed in range(20):
        clouds = np.random.default_rng(seed).normal(0, 1, (2, 2, 2_000))
        with pytest.raises(FitFailed, match="sigma apart"):
            discriminate(*(clouds[:, 0] + 1j * clouds[:, 1]))


def test_the_band_is_as_wide_as_is_said() -> None:
    assert band(200) == pytest.approx((0.76, 1.25), abs=0.005)
    assert band(600) == pytest.approx((0.86, 1.14), abs=0.005)
    drawn = np.random.default_rng(125).normal(0, 1, (20_000, 200)).std(axis=1, ddof=1)
    assert not np.any((drawn < band(200)[0]) | (drawn > band(200)[1]))

"""Fits against data made from known values: the values come back, and the sigmas mean something."""

from collections.abc import Callable, Mapping
from functools import partial

import numpy as np
import pytest
from tests.benches.calibration.honest_sigmas import assert_honest
from tests.benches.thoroughness import cases

from podium.control.calibration.fits.flux import arc, fit_qubit_arc, fit_resonator_arc
from podium.control.calibration.fits.iq_clouds import discriminate
from podium.control.calibration.fits.least_squares import Fit, FitFailed, look_at
from podium.control.calibration.fits.oscillation import cosine, fit_rabi, fit_ramsey, ramsey
from podium.control.calibration.fits.peak import PulsePrior, fit_pulse_line, pulse_line
from podium.control.calibration.fits.projection import Levels, principal_axis
from podium.control.calibration.fits.resonator import (
    DispersiveScan,
    ReadoutWindow,
    dip,
    fit_dispersive,
    fit_resonance,
)
from podium.control.calibration.routines.relaxation import Layout, fit_scan

TRIALS = cases(30, 60)
"""Of each pull test; a bound is broken by luck in one of 10**6 draws."""
FEW = cases(10, TRIALS)
"""Of those whose fits take long."""


def pulls(
    make: Callable[[np.random.Generator], Fit],
    truth: dict[str, float],
    seed: int,
    trials: int = TRIALS,
) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    found: dict[str, list[float]] = {name: [] for name in truth}
    for _ in range(trials):
        fit = make(rng)
        for name, value in truth.items():
            found[name].append((fit.values[name] - value) / fit.sigmas[name])
    return {name: np.array(values) for name, values in found.items()}


def shot_noise(
    rng: np.random.Generator, fraction: np.ndarray, shots: int, readout: float
) -> np.ndarray:
    counts = rng.binomial(shots, np.clip(fraction, 0, 1)) / shots
    return counts + rng.normal(0, readout / np.sqrt(shots), fraction.shape)


LEVELS = Levels(0j, 1 + 0j, 0.09, 0.09)


def decay_of(layout: Layout, values: Mapping[str, float]) -> np.ndarray:
    """Return the excited fraction at the points of a T1 scan, shape (n,)."""
    amplitude = values["amplitude"] * layout.excited
    return values["offset"] + amplitude * np.exp(-layout.delay_s / values["decay"])


def test_a_decay_comes_back_with_an_honest_sigma():
    layout = Layout.of(33e-6)
    truth = {"decay": 27e-6, "amplitude": 0.96, "offset": 0.01}

    def make(rng: np.random.Generator) -> Fit:
        signal = shot_noise(rng, decay_of(layout, truth), 700, 0.3)
        sigma = LEVELS.sigma(signal, 700)
        model = partial(decay_of, layout)
        return fit_scan(layout.delay_s, signal, sigma, layout.excited, model, 33e-6)

    assert_honest(pulls(make, {"decay": 27e-6}, 1))


def test_fringes_come_back_with_honest_sigmas():
    delay, phase = np.meshgrid(np.arange(1, 50) * 1.4e-6, [0.0, 0.25, 0.5, 0.75])
    delay, phase = delay.ravel(), phase.ravel()
    truth = {
        "detuning": 23e3,
        "decay": 25e-6,
        "gaussian": 0.5,
        "amplitude": 0.47,
        "offset": 0.5,
        "shift": 0.02,
    }
    trial = np.linspace(-0.35e6, 0.35e6, 200)

    def make(rng: np.random.Generator) -> Fit:
        signal = shot_noise(rng, ramsey(delay, phase, truth), 250, 0.3)
        return fit_ramsey(delay, phase, signal, LEVELS.sigma(signal, 250), 29e-6, trial)

    found = pulls(make, {"detuning": 23e3, "decay": 25e-6}, 3, FEW)
    assert_honest(found)


def test_fringes_that_are_all_noise_are_refused():
    rng = np.random.default_rng(4)
    delay, phase = np.meshgrid(np.arange(1, 50) * 1.4e-6, [0.0, 0.25, 0.5, 0.75])
    signal = 0.5 + rng.normal(0, 0.03, delay.size)
    with pytest.raises(FitFailed, match="the fringes' amplitude is only"):
        fit_ramsey(delay.ravel(), phase.ravel(), signal, 0.03, 29e-6, np.linspace(-3e5, 3e5, 100))


@pytest.mark.parametrize("value", [0.0, 0.3, -2e-4])
def test_data_that_are_the_same_everywhere_are_no_measurement(value: float) -> None:
    for data in (np.full(51, value), np.full(51, value * (1 + 1j))):
        with pytest.raises(FitFailed, match="all 51 points are the same"):
            look_at(data)
    look_at(value + 1e-6 * np.arange(51.0))
    with pytest.raises(FitFailed, match="1 of 3 points are not numbers"):
        look_at(np.array([0.1, np.nan, 0.2]))


def test_a_pi_amplitude_comes_back_with_an_honest_sigma():
    amplitude = np.linspace(0, 0.999, 51)
    truth = {"offset": 0.5, "amplitude": 0.49, "period": 0.93}

    def make(rng: np.random.Generator) -> Fit:
        signal = cosine(amplitude, truth) + rng.normal(0, 0.03, amplitude.shape)
        return fit_rabi(amplitude, signal, 0.9)

    assert_honest(pulls(make, {"period": 0.93}, 5))


def test_a_resonance_comes_back_from_a_window_that_sees_it_fill():
    frequency = 7.2e9 + np.linspace(-30e6, 30e6, 121)
    window = ReadoutWindow(0.0, 0.8e-6)
    line = 3e-3 * np.exp(1j * (0.7 - 2 * np.pi * 6e-9 * (frequency - 7.2e9)))
    clean = line * dip(frequency, 7.2043e9, 4.1e6, 3.9e6, 0.0, window)

    def make(rng: np.random.Generator) -> Fit:
        noise = rng.normal(0, 1e-4, (2, frequency.size))
        return fit_resonance(frequency, clean + noise[0] + 1j * noise[1], window, 3.5e6)

    found = pulls(make, {"resonance": 7.2043e9, "kappa": 4.1e6}, 6)
    assert_honest(found)


def test_noise_has_no_resonance():
    rng = np.random.default_rng(7)
    frequency = 7.2e9 + np.linspace(-30e6, 30e6, 121)
    iq = 1 + rng.normal(0, 0.05, frequency.size) + 1j * rng.normal(0, 0.05, frequency.size)
    with pytest.raises(FitFailed, match="no resonance"):
        fit_resonance(frequency, iq, ReadoutWindow(0.0, 1e-6), 3.5e6)


def integrated(
    frequency: np.ndarray,
    low: float,
    bare: float,
    kappa: float,
    power: float,
    window: ReadoutWindow,
) -> np.ndarray:
    """S21 over the window of a resonator that photons move, n / n_crit = ``power`` on resonance.

    The equation of motion in the tone's frame, step by step of 1 ns: an independent reference.
    """
    field = np.zeros(frequency.size, dtype=complex)  # 1 on resonance in the steady state
    total = np.zeros(frequency.size, dtype=complex)
    ends = round((window.opens_s + window.duration_s) * 1e9)
    for k in range(ends):
        line = bare + (low - bare) / np.sqrt(1 + power * np.abs(field) ** 2)
        rate = np.pi * kappa + 2j * np.pi * (frequency - line)
        steady = np.pi * kappa / rate
        after = steady + (field - steady) * np.exp(-rate * 1e-9)
        if k >= round(window.opens_s * 1e9):
            total += 1 - 0.98 * (field + after) / 2
        field = after
    return total / (window.duration_s * 1e9)


@pytest.mark.parametrize("photons", [pytest.param(0.05, marks=pytest.mark.slow), 0.12])
def test_chi_and_kappa_come_back_while_photons_move_the_line(photons: float):
    frequency = 7.2e9 + np.linspace(-9e6, 9e6, 49)
    window = ReadoutWindow(0.32e-6, 0.9e-6)
    middle, chi, kappa, bare = 7.2013e9, -1.2e6, 4.2e6, 7.1945e9
    amplitude, excited = np.array([0.45, 1.0, 1.0]), np.array([0.012, 0.012, 0.77])
    shots = np.array([1500.0, 1500.0, 260.0])
    line = 2e-3 * np.exp(1j * (-1.1 - 2 * np.pi * 4e-9 * (frequency - 7.2e9)))
    zero, one = (
        np.array(
            [
                a
                * line
                * integrated(frequency, middle + s * chi, bare, kappa, photons * a**2, window)
                for a in amplitude
            ]
        )
        for s in (-1, 1)
    )

    def make(rng: np.random.Generator) -> Fit:
        w = rng.binomial(shots[:, None].astype(int), excited[:, None], zero.shape) / shots[:, None]
        noise = rng.normal(0, 6e-4, (2, *zero.shape)) / np.sqrt(shots)[:, None]
        iq = (1 - w) * zero + w * one + noise[0] + 1j * noise[1]
        scan = DispersiveScan(frequency, iq, amplitude**2, excited, shots, window, bare)
        return fit_dispersive(scan, {"resonance": 7.2e9, "chi": -1.0e6, "kappa": 3.8e6})

    found = pulls(make, {"resonance": middle, "chi": chi, "kappa": kappa}, 8, FEW)
    assert_honest(found)


def test_a_resonator_arc_gives_the_sweet_spot_nearest_to_zero():
    rng = np.random.default_rng(9)
    bias = np.linspace(-0.8, 0.8, 23)
    qubit = arc(bias, 6.05e9, 0.17e9, -0.13, 1.47, 0.4)
    line = 7.25e9 + 1.1e7 * 1.2e9 / (7.25e9 - qubit) + rng.normal(0, 2e4, bias.shape)
    design = {
        "f01": 6.0e9,
        "charging": 0.175e9,
        "asymmetry": 0.4,
        "period": 1.5,
        "pull": 0.9e7,
        "sweet_spot": 0.0,
    }
    fit = fit_resonator_arc(bias, line, np.full(23, 2e4), design)
    assert fit.values["sweet_spot"] == pytest.approx(-0.13, abs=0.01)


def test_a_resonator_that_does_not_follow_the_bias_is_refused():
    rng = np.random.default_rng(10)
    bias = np.linspace(-0.8, 0.8, 23)
    line = 7.25e9 + rng.normal(0, 2e4, bias.shape)
    design = {"f01": 6e9, "charging": 0.175e9, "asymmetry": 0.4, "period": 1.5, "pull": 0.9e7}
    with pytest.raises(FitFailed, match="does not follow the bias"):
        fit_resonator_arc(bias, line, np.full(23, 2e4), design)


def test_a_resonator_that_jumps_about_is_refused():
    """It moves by 30 sigma, but not as the flux wants it."""
    bias = np.linspace(-0.8, 0.8, 23)
    line = 7.25e9 + np.random.default_rng(14).normal(0, 6e5, bias.shape)
    design = {"f01": 6e9, "charging": 0.175e9, "asymmetry": 0.4, "period": 1.5, "pull": 0.9e7}
    with pytest.raises(FitFailed, match="does not follow the bias"):
        fit_resonator_arc(bias, line, np.full(23, 2e4), design)


def test_a_resonator_at_few_biases_that_does_not_move_is_refused():
    """An arc goes through any few points: that they lie apart must show first."""
    bias = np.array([-0.1, 0.02, 0.14])
    design = {"f01": 6e9, "charging": 0.175e9, "asymmetry": 0.4, "period": 1.5, "pull": 0.9e7}
    for seed in range(cases(8, 20)):
        line = 7.25e9 + np.random.default_rng(seed).normal(0, 2e4, 3)
        with pytest.raises(FitFailed):
            fit_resonator_arc(bias, line, np.full(3, 2e4), design)


def test_a_sweet_spot_comes_back_with_an_honest_sigma():
    bias = 0.021 + np.array([-0.13, -0.10, 0.10, 0.13]) * 1.5
    clean = arc(bias, 6.03e9, 0.17e9, 0.0213, 1.51, 0.4)
    start = {
        "sweet_spot": 0.021,
        "period": 1.5,
        "top": 6.03e9,
        "charging": 0.175e9,
        "asymmetry": 0.4,
    }

    def make(rng: np.random.Generator) -> Fit:
        return fit_qubit_arc(bias, clean + rng.normal(0, 3e4, 4), np.full(4, 3e4), start)

    assert_honest(pulls(make, {"sweet_spot": 0.0213}, 11))


def test_a_line_comes_back_with_an_honest_sigma():
    frequency = 6e9 + np.linspace(-6e6, 6e6, 61)
    duration = 0.668e-6
    values = {"centre": 6.00131e9, "rabi": 0.43 / duration, "height": -1.0, "offset": 0.2}
    clean = pulse_line(frequency, values, duration)

    def make(rng: np.random.Generator) -> Fit:
        return fit_pulse_line(frequency, clean + rng.normal(0, 0.06, 61), duration)

    assert_honest(pulls(make, {"centre": 6.00131e9}, 12))


def chain(rng: np.random.Generator, excited: np.ndarray, memory: float, shots: int) -> np.ndarray:
    """Fractions of shots in 1, each begun where the one before has left the qubit: shot by shot."""
    points = len(excited)
    turned = rng.random((shots, points)) < excited
    kept = rng.random((shots, points)) < memory
    counts, state = np.zeros(points), False
    for turn, keep in zip(turned, kept, strict=True):
        for k in range(points):
            state = (state and bool(keep[k])) != bool(turn[k])
            counts[k] += state
    return counts / shots


@pytest.mark.parametrize("strength", [0.6, 1.0, 2.0])
def test_a_line_comes_back_from_shots_that_did_not_wait(strength: float):
    """A pulse of twice pi leaves two humps beside the line: still one line."""
    duration = 1.3e-6
    frequency = 6e9 + np.linspace(-1.3e6, 1.3e6, 25)
    values = {"centre": 6.0001e9, "rabi": 0.5 * strength / duration, "height": 1.0, "offset": 0.0}
    excited = pulse_line(frequency, values, duration)
    expected = PulsePrior((strength * 1.03, strength * 0.05), (0.3, 0.1))

    def make(rng: np.random.Generator) -> Fit:
        signal = chain(rng, excited, 0.25, 250) + rng.normal(0, 0.3 / np.sqrt(250), 25)
        return fit_pulse_line(frequency, signal, duration, 250, expected)

    assert_honest(pulls(make, {"centre": 6.0001e9}, 14, FEW))


def test_what_is_left_of_shots_before_is_as_counted_shot_by_shot():
    rng = np.random.default_rng(15)
    frequency = np.linspace(-3e6, 3e6, 31)
    values = {"centre": 2e5, "rabi": 0.7e6, "height": 1.0, "offset": 0.0}
    counted = chain(rng, pulse_line(frequency, values, 0.7e-6), 0.6, 20_000)
    told = pulse_line(frequency, values | {"memory": 0.6}, 0.7e-6)
    assert np.max(np.abs(counted - told)) < 6 * 0.5 / np.sqrt(20_000)


def test_noise_is_not_a_line():
    rng = np.random.default_rng(12)
    frequency = 6e9 + np.linspace(-130e6, 130e6, 175)
    for _ in range(50):
        with pytest.raises(FitFailed, match="no line"):
            fit_pulse_line(frequency, rng.normal(0, 0.05, frequency.shape), 92e-9)


def test_shots_are_judged_by_a_threshold_that_others_set():
    rng = np.random.default_rng(13)
    shots, distance = 20_000, 4.0
    clouds = [
        state * distance + rng.normal(0, 1, shots) + 1j * rng.normal(0, 1, shots)
        for state in (0, 1)
    ]
    seen = discriminate(*clouds)
    # Two unit Gaussians 4 apart: each beyond the middle with a probability of 2.275 %.
    assert seen.fidelity == pytest.approx(1 - 0.02275, abs=5 * seen.sigma)


def test_projection_puts_the_levels_at_zero_and_one():
    levels = Levels(1 + 1j, 3 - 1j, 0.1, 0.1)
    assert levels.project(np.array([1 + 1j, 3 - 1j, 2 + 0j])) == pytest.approx([0, 1, 0.5])


def test_the_principal_axis_keeps_distances_along_it():
    line = np.array([0, 1, 2, 5]) * np.exp(0.7j) + (3 + 1j)
    along = principal_axis(line)
    assert abs(along[3] - along[0]) == pytest.approx(5)

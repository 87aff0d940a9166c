"""What is noise, or the same everywhere, is refused by each fit, for the reason that is meant."""

import numpy as np
import pytest
from tests.benches.thoroughness import cases

from podium.control.calibration.fits.flux import fit_resonator_arc
from podium.control.calibration.fits.least_squares import FitFailed, look_at
from podium.control.calibration.fits.oscillation import fit_rabi, fit_ramsey
from podium.control.calibration.fits.peak import fit_pulse_line
from podium.control.calibration.fits.resonator import ReadoutWindow, fit_resonance

SEEDS = range(cases(8, 20))


def noise(seed: int, count: int, sigma: float) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, sigma, count)


@pytest.mark.parametrize("value", [0.0, 0.3, -2e-4])
def test_data_that_are_the_same_everywhere_are_no_measurement(value: float) -> None:
    for data in (np.full(51, value), np.full(51, value * (1 + 1j))):
        with pytest.raises(FitFailed, match="all 51 points are the same"):
            look_at(data)
    look_at(value + 1e-6 * np.arange(51.0))
    with pytest.raises(FitFailed, match="1 of 3 points are not numbers"):
        look_at(np.array([0.1, np.nan, 0.2]))


def test_noise_is_not_a_line() -> None:
    frequency = 6e9 + np.linspace(-60e6, 60e6, 121)
    for seed in SEEDS:
        with pytest.raises(FitFailed, match="no line between"):
            fit_pulse_line(frequency, noise(seed, 121, 0.05), 92e-9)


def test_noise_does_not_oscillate() -> None:
    for seed in SEEDS:
        with pytest.raises(FitFailed, match="the oscillation's amplitude is only"):
            fit_rabi(np.linspace(0, 1, 51), 0.5 + noise(seed, 51, 0.05), 0.9)


def test_noise_has_no_fringes() -> None:
    delay, phase = np.meshgrid(np.arange(1, 30) * 1.4e-6, [0.0, 0.25, 0.5, 0.75])
    for seed in range(4):
        with pytest.raises(FitFailed, match="the fringes' amplitude is only"):
            fit_ramsey(
                *(delay.ravel(), phase.ravel(), 0.5 + noise(seed, delay.size, 0.03)),
                *(0.03, 29e-6, np.linspace(-3e5, 3e5, 60)),
            )


def test_noise_has_no_resonance() -> None:
    frequency = 7.2e9 + np.linspace(-30e6, 30e6, 121)
    for seed in range(6):
        iq = 1 + noise(seed, 121, 0.05) + 1j * noise(seed + 100, 121, 0.05)
        with pytest.raises(FitFailed, match="no resonance between"):
            fit_resonance(frequency, iq, ReadoutWindow(0.0, 1e-6), 3.5e6)


@pytest.mark.parametrize("stated_hz", [1e5, 2e4], ids=["as it is", "understated"])
@pytest.mark.parametrize("biases", [5, 23])
def test_a_resonator_that_does_not_follow_the_bias_has_no_sweet_spot(
    biases: int, stated_hz: float
) -> None:
    design = {"f01": 6e9, "charging": 0.175e9, "asymmetry": 0.4, "period": 1.5, "pull": 0.9e7}
    bias = np.linspace(-0.8, 0.8, biases)
    for seed in SEEDS if stated_hz == 1e5 or biases == 23 else ():
        line = 7.25e9 + noise(seed, biases, 1e5)
        with pytest.raises(FitFailed, match="does not follow the bias"):
            fit_resonator_arc(bias, line, np.full(biases, stated_hz), design)

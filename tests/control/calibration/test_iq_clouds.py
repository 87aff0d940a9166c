"""Heralded shots and thresholds, against shots whose states are known, and Gaussian integrals."""

import numpy as np
import pytest
from scipy import stats
from tests.benches.calibration.honest_sigmas import FALSE_ALARM
from tests.benches.thoroughness import cases

from podium.control.calibration.fits.iq_clouds import (
    best_threshold,
    discriminate,
    heralded_zeros,
    levels_of,
    rare_errors,
)
from podium.control.calibration.fits.least_squares import FitFailed
from podium.control.calibration.fits.projection import Levels

APART = 6.0
"""Of the clouds of 0 and 1, in sigmas of a cloud."""
LEVELS = Levels(0j, complex(APART), 1 / APART**2, 1 / APART**2)


def herald(
    rng: np.random.Generator, shots: int, excited: float, decays: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return the record of a readout of each shot, and whether it is in 1 at its end.

    ``excited``: share that begins in 1; ``decays``: the window's length in T1. The record of a
    shot that decays lies between both clouds, as far as it was in 1.
    """
    begins = rng.random(shots) < excited
    lives = rng.exponential(1 / decays, shots)
    place = np.where(begins, np.minimum(lives, 1.0), 0.0)
    noise = rng.normal(0, 1, shots) + 1j * rng.normal(0, 1, shots)
    return APART * place + noise, begins & (lives > 1)


@pytest.mark.parametrize("excited", [0.02, 0.5])
def test_what_is_heralded_in_0_is_in_0(excited: float) -> None:
    shots, decays = 400_000, 0.03
    record, in_one = herald(np.random.default_rng(1), shots, excited, decays)
    sure = heralded_zeros(record, LEVELS)
    # 0 is seen up to two sigmas beyond its middle, 1 never nearer than four to its own.
    zeros = shots * (1 - excited)
    expected = zeros * stats.norm.cdf(2.0)
    assert np.sum(sure) == pytest.approx(expected, rel=decays)
    most = stats.binom.isf(FALSE_ALARM, round(shots * excited), stats.norm.sf(4.0))
    assert np.sum(sure & in_one) <= most


def test_clouds_that_overlap_herald_nothing() -> None:
    near = Levels(0j, 1 + 0j, 0.8**2, 0.8**2)
    with pytest.raises(FitFailed, match=r"1\.2 sigmas of a cloud apart: no single readout is sure"):
        heralded_zeros(np.zeros(3, dtype=complex), near)


def test_the_errors_of_a_threshold_are_those_of_gaussians_and_of_decay() -> None:
    """0 is Gaussian; a share of 1 has decayed before the readout began, and reads as 0 does."""
    rng = np.random.default_rng(2)
    shots, distance, decayed = 400_000, 5.0, 0.04
    place = distance * (rng.random(shots) >= decayed)
    noise = rng.normal(0, 1, (2, shots)) + 1j * rng.normal(0, 1, (2, shots))
    seen = discriminate(noise[0], noise[1] + place)
    # The threshold is in units of the distance of both means.
    cut = seen.threshold * distance * (1 - decayed)
    false_excited = stats.norm.sf(cut)
    false_ground = (1 - decayed) * stats.norm.cdf(cut - distance) + decayed * stats.norm.cdf(cut)
    assert seen.false_excited == pytest.approx(false_excited, abs=6 * seen.false_excited_sigma)
    assert seen.false_ground == pytest.approx(false_ground, abs=6 * seen.false_ground_sigma)
    assert seen.false_ground_sigma == pytest.approx(np.sqrt(0.04 * 0.96 / shots), rel=0.15)


def test_shots_that_set_a_threshold_do_not_judge_it() -> None:
    """What is counted is what a threshold of half the shots is worth: no better, no worse."""
    rng = np.random.default_rng(3)
    distance, shots, count = 2.5, 130, cases(700, 1_500)
    counted, worth = [], []
    for _ in range(count):
        clouds = rng.normal(0, 1, (2, shots)) + 1j * rng.normal(0, 1, (2, shots))
        clouds[1] += distance
        try:
            counted.append(discriminate(*clouds).fidelity)
        except FitFailed:
            continue
        levels = levels_of(*clouds)
        zeros, ones = (levels.project(cloud) for cloud in clouds)
        scale = abs(levels.excited - levels.ground)
        for half in (0, 1):
            cut = best_threshold(zeros[half::2], ones[half::2])
            # Where a threshold on the projected axis cuts the true clouds.
            axis = (levels.excited - levels.ground) / scale
            middles = np.real((np.array([0, distance]) - levels.ground) * np.conj(axis))
            errors = (
                stats.norm.sf(cut * scale - middles[0]),
                stats.norm.cdf(cut * scale - middles[1]),
            )
            worth.append(1 - sum(errors) / 2)
    assert len(counted) == count, "none is refused"
    error = float(np.std(counted, ddof=1)) / np.sqrt(count)
    assert np.mean(counted) == pytest.approx(
        np.mean(worth), abs=float(stats.norm.isf(FALSE_ALARM / 2)) * error
    )


@pytest.mark.parametrize("apart", [4.0, 6.5, 8.0])
def test_what_decays_while_it_is_read_draws_the_threshold_to_0(apart: float) -> None:
    """It lies evenly between the clouds. Halfway costs 1.6e-4 at 6.5 sigmas, 10e-4 at 8."""
    rng = np.random.default_rng(31)
    shots, decayed = 60_000, 0.03
    lives = np.minimum(rng.random(shots) / decayed, 1.0)
    ground, excited = rng.normal(0, 1, shots), lives * apart + rng.normal(0, 1, shots)

    def error(threshold: float) -> float:
        below = stats.norm.cdf(threshold - apart * (np.arange(1000) + 0.5) / 1000).mean()
        missed = (1 - decayed) * stats.norm.cdf(threshold - apart) + decayed * below
        return float(stats.norm.sf(threshold) + missed) / 2

    least = min(error(t) for t in apart * np.linspace(0.2, 0.6, 401))
    # Of 100 seeds none costs more than 0.3e-4.
    assert error(best_threshold(ground, excited)) - least < 0.6e-4
    assert error(-best_threshold(-ground, -excited)) - least < 0.6e-4


def test_a_threshold_for_a_rare_1_hardly_ever_takes_0_for_1() -> None:
    rng = np.random.default_rng(4)
    sigma = 0.2
    ground = rng.normal(0, sigma, 40_000) + 1j * rng.normal(0, sigma, 40_000)
    excited = 1 + rng.normal(0, sigma, 40_000) + 1j * rng.normal(0, sigma, 40_000)
    errors = rare_errors(levels_of(ground, excited), ground, excited)
    assert errors.threshold == pytest.approx(3.4 * sigma, rel=0.02)
    assert errors.false_excited == pytest.approx(stats.norm.sf(3.4), abs=3e-4)
    assert errors.false_ground == pytest.approx(stats.norm.sf((1 - 0.68) / sigma), abs=5e-3)
    near = rare_errors(levels_of(2 * ground, 1 + 2 * (excited - 1)), 2 * ground, excited)
    assert near.threshold == 0.8

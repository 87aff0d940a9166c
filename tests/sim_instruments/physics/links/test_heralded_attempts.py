"""Attempts that are sampled have the statistics of the exact states, dead times included."""

from dataclasses import replace

import numpy as np
import pytest
from tests.benches.physics.heralding import plain_monte_carlo

from podium.sim_instruments.physics.links.heralded_attempts import sample_attempts
from podium.sim_instruments.physics.links.heralded_link import Arm, Detector, HeraldedLink, Scheme
from podium.sim_instruments.physics.links.heralded_states import heralded_states, success

TWO = HeraldedLink(
    Scheme.TWO_CLICKS, (Arm(0.2), Arm(0.3)), (Detector(0.9, 1e-3),) * 2, visibility=0.9
)
ONE = replace(TWO, scheme=Scheme.ONE_CLICK, alpha=0.1)
SIGMAS = 5.0
"""A false alarm comes once in a million; the seeds are fixed."""


@pytest.mark.parametrize("link", [ONE, TWO])
def test_patterns_come_as_often_as_their_chances_say(link: HeraldedLink) -> None:
    attempts = 400_000
    found = sample_attempts(link, attempts, 5)
    for index, one in enumerate(heralded_states(link)[1:], 1):
        count = int((found.pattern == index).sum())
        sigma = np.sqrt(attempts * one.probability)
        assert abs(count - attempts * one.probability) < SIGMAS * sigma + 1
    p, fidelity = success(heralded_states(link))
    assert abs(found.heralds - attempts * p) < SIGMAS * np.sqrt(attempts * p)
    assert abs(found.fidelity() - fidelity) < 3e-3


def test_portions_are_the_attempts_of_one_row() -> None:
    whole = sample_attempts(TWO, 3000, 9, first=(1 << 20) - 1000)
    parts = [sample_attempts(TWO, 1500, 9, first=(1 << 20) - 1000 + at) for at in (0, 1500)]
    np.testing.assert_array_equal(whole.attempt, np.concatenate([one.attempt for one in parts]))
    np.testing.assert_array_equal(whole.pattern, np.concatenate([one.pattern for one in parts]))


def test_time_passes_in_windows_and_a_second_one_only_follows_a_single_click() -> None:
    found = sample_attempts(TWO, 10_000, 3)
    lasting = np.array([len(one.pattern) for one in heralded_states(TWO)])[found.pattern]
    assert found.windows == 10_000 + int((lasting == 2).sum())
    assert (np.diff(found.window) >= lasting[:-1]).all()
    assert found.seconds == pytest.approx(found.windows * TWO.period_fs * 1e-15)


@pytest.mark.parametrize("link", [ONE, TWO])
@pytest.mark.parametrize("windows", [1, 3])
def test_dead_times_are_those_of_a_plain_monte_carlo(link: HeraldedLink, windows: int) -> None:
    dead = tuple(replace(d, dead_fs=(windows + 1) * link.period_fs) for d in link.detectors)
    slow = replace(link, detectors=(dead[0], dead[1]))
    attempts = 40_000
    found = sample_attempts(slow, attempts, 11)
    judge = plain_monte_carlo(slow, attempts, 12)
    sigma = np.sqrt(found.heralds + judge.heralds)
    assert abs(found.heralds - judge.heralds) < SIGMAS * sigma
    assert found.heralds < sample_attempts(link, attempts, 11).heralds


def test_the_phase_of_one_click_wanders_with_its_time_constant() -> None:
    link = replace(ONE, phase_sigma_rad=0.3, phase_time_fs=50 * ONE.period_fs)
    found = sample_attempts(link, 400_000, 21)
    good = found.phase_rad
    assert abs(good.std() - 0.3) < 0.02
    near = np.diff(found.window) < 5
    step = np.diff(good)[near]
    expected = 0.3 * np.sqrt(2 * (1 - np.exp(-np.diff(found.window)[near] / 50)))
    assert abs((step / expected).std() - 1) < 0.03
    assert abs(found.fidelity() - success(heralded_states(link))[1]) < 6e-3

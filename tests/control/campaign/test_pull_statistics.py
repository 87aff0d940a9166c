import numpy as np
import pytest

from podium.control.campaign.pull_statistics import (
    CHANCE,
    FULL,
    broken_limits,
    broken_sigmas,
    campaign_false_alarm,
    campaign_limits,
    chance_limits,
    statistics,
)

HONEST = np.random.default_rng(20261121).standard_normal(120)
"""Fixed: drawn anew, 120 honest pulls break a limit of a campaign in 4.5 % of draws."""


def test_the_rms_is_about_zero_so_that_a_constant_offset_is_an_error() -> None:
    found = statistics([2.0, 2.0, 2.0, 2.0])
    assert (found.rms, found.mean, found.count) == (2.0, 2.0, 4)


def test_the_worst_pull_keeps_its_sign_and_missing_ones_are_left_out() -> None:
    found = statistics([0.5, -4.0, np.nan, 3.1])
    assert (found.count, found.worst, found.beyond_3) == (3, -4.0, 2)
    assert found.in_3 == pytest.approx(1 / 3)


def test_nothing_found_is_a_complaint_and_not_a_pass() -> None:
    assert broken_limits(statistics([]), campaign_limits(0)) == ("nothing was found",)


def test_honest_pulls_keep_the_limits_of_a_campaign() -> None:
    assert broken_limits(statistics(HONEST), campaign_limits(120)) == ()


def test_sigmas_too_wide_by_two_break_the_limits() -> None:
    (said,) = broken_limits(statistics(HONEST / 2), campaign_limits(120))
    assert "sigmas are too large" in said


def test_sigmas_too_narrow_by_two_break_the_limits() -> None:
    said = broken_limits(statistics(HONEST * 2), campaign_limits(120))
    assert any("sigmas are too small" in one for one in said)


def test_one_pull_beyond_five_sigma_breaks_the_limits_alone() -> None:
    (said,) = broken_limits(statistics([*HONEST[:-1] * 0.95, 5.01]), campaign_limits(120))
    assert said == "one pull of +5.0, none may be beyond 5.0"


def test_of_120_pulls_one_may_be_beyond_three_sigma_and_two_may_not() -> None:
    quiet = np.clip(HONEST, -2.9, 2.9)
    quiet[0] = 3.1
    assert broken_limits(statistics(quiet), campaign_limits(120)) == ()
    quiet[1] = -3.1
    (said,) = broken_limits(statistics(quiet), campaign_limits(120))
    assert said == "2 of 120 beyond 3 sigma, at most 1 may be"


def test_a_sigma_may_be_a_fifth_of_the_spread_and_no_more() -> None:
    assert broken_sigmas([0.2, 0.1], 1.0) == ()
    (said,) = broken_sigmas([0.2, 0.21], 1.0)
    assert said == "1 of 2 sigmas above 0.2 of the spread, the largest 0.21 of it"
    assert broken_sigmas([0.1, 0.0], 1.0), "no sigma at all"
    assert broken_sigmas([0.1, np.nan], 1.0)


def test_few_pulls_are_judged_by_what_chance_allows() -> None:
    assert campaign_limits(9).rms[0] < 0.5
    assert campaign_limits(9).rms[1] > 1.6
    assert campaign_limits(FULL).rms == (0.8, 1.25)
    assert campaign_limits(9).worst == campaign_limits(FULL).worst == 5.0


def test_chance_limits_are_broken_as_often_as_they_say() -> None:
    # 40,000 draws of 9 pulls: 4 sigma of the binomial counts to either side.
    draws = np.random.default_rng(7).standard_normal((40_000, 9))
    chance = 1e-2
    limits = chance_limits(9, chance)
    rms = np.sqrt(np.mean(draws**2, axis=1))
    outside = np.mean((rms < limits.rms[0]) | (rms > limits.rms[1]))
    assert abs(outside - chance) < 4 * np.sqrt(chance / 40_000)
    worst = np.mean(np.max(np.abs(draws), axis=1) > limits.worst)
    assert abs(worst - chance) < 4 * np.sqrt(chance / 40_000)
    assert np.mean(np.sum(np.abs(draws) > 3, axis=1) > limits.beyond_3) <= chance


def test_the_false_alarm_of_a_campaign_is_what_draws_show() -> None:
    # 20,000 campaigns of 120 honest pulls: 4 sigma of the binomial, 0.6 %.
    draws = np.random.default_rng(8).standard_normal((20_000, 120))
    rms = np.sqrt(np.mean(draws**2, axis=1))
    broken = (rms < 0.8) | (rms > 1.25)
    broken |= np.sum(np.abs(draws) > 3, axis=1) > campaign_limits(120).beyond_3
    assert abs(np.mean(broken) - campaign_false_alarm(120)) < 0.006
    assert campaign_false_alarm(9) < 3 * CHANCE

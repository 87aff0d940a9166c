"""Estimates of how long work takes: what is compiled, and what such work has taken."""

import pytest

from podium.control.coordinator.queue_estimates import USUAL_S, DurationEstimates, Estimate


def test_of_what_nothing_is_known_the_estimate_says_so() -> None:
    known = DurationEstimates()
    assert known.of("run", "rabi") == Estimate(USUAL_S["run"], USUAL_S["run"], 0.0)
    assert known.of("run", "rabi", 60.0) == Estimate(60.0, 60.0, 60.0)


def test_it_learns_what_such_work_takes_and_how_surely() -> None:
    known = DurationEstimates()
    for _ in range(20):
        known.took("run", "rabi", 10.0, 8.0)
    assert known.of("run", "rabi").lasts_s == pytest.approx(10.0)
    assert known.of("run", "rabi").sigma_s == pytest.approx(1.0, rel=0.2)
    for _ in range(20):
        known.took("run", "rabi", 30.0, 8.0)
    assert known.of("run", "rabi").lasts_s == pytest.approx(30.0, rel=0.01)
    assert known.of("run", "t1") == Estimate(USUAL_S["run"], USUAL_S["run"], 0.0)


def test_what_plays_longer_is_expected_to_take_longer() -> None:
    known = DurationEstimates()
    known.took("run", "rabi", 10.0, 8.0)
    assert known.of("run", "rabi", 16.0).lasts_s == pytest.approx(20.0)
    assert known.of("run", "rabi", 16.0).laboratory_s == 16.0

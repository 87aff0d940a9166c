"""Thermometers of one stage vote, however rarely and unevenly they are read."""

from math import exp

import pytest

from podium.control.records.latest_readings import Latest
from podium.control.supervision.thermometer_vote import StageVote

PACES_S = {"a": 1200, "b": 3000}
"""Readings of 2 s and 5 s at a rate of 600."""


def told(vote: StageVote, ln_kelvin: dict[str, list[float]], last: int) -> None:
    """Let the vote hear views, each 600 s, of sensors that are read at paces of their own."""
    for number in range(last):
        now_s = 600 * number
        readings = []
        for name, pace_s in PACES_S.items():
            at_s = now_s - now_s % pace_s
            value = exp(ln_kelvin[name][at_s // 600])
            readings.append(Latest(name, value, "K", "good", (at_s, 0)))
        vote.hear(tuple(readings), 600.0)


def courses(jump_at: int) -> dict[str, list[float]]:
    """Return a stage that cools by a factor of five within a view; one sensor shows 10 % more."""
    noise = [0.002 * ((7 * i) % 5 - 2) for i in range(200)]
    stage = [(-1.6 if i > jump_at else 0.0) + noise[i] for i in range(200)]
    return {"a": stage, "b": [one + 0.1 for one in stage]}


@pytest.mark.parametrize("jump_at", range(100, 112))
def test_sensors_that_are_read_at_other_times_are_not_blamed_when_their_stage_jumps(
    jump_at: int,
) -> None:
    for last in range(100, 130):
        vote = StageVote()
        told(vote, courses(jump_at), last)
        assert vote.distrusted == {}, last
    assert vote.factors["a", "b"] == pytest.approx(-0.1, abs=0.02)


def test_one_that_goes_its_own_way_is_named_at_any_pace() -> None:
    told_ = courses(1000)
    told_["b"] = [one + 0.004 * max(0, i - 60) for i, one in enumerate(told_["b"])]
    vote = StageVote()
    told(vote, told_, 120)
    assert {name: one.fault for name, one in vote.distrusted.items()} == {"b": "drift"}


def test_a_reading_counts_once() -> None:
    vote = StageVote()
    one = Latest("a", 1.0, "K", "good", (1000, 0))
    for _ in range(100):
        vote.hear((one,), 1.0)
    assert vote.courses["a"].equal == 0
    assert vote.courses["a"].age_s == 0.0


def test_a_sensor_is_lost_after_three_views_not_after_one_that_was_long() -> None:
    vote = StageVote()
    vote.hear((Latest("a", 1.0, "K", "good", (1000, 0)),), 600.0)
    none = Latest("a", None, "K", "disconnected", None)
    vote.hear((none,), 600.0)
    vote.hear((none,), 600.0)
    assert vote.distrusted == {}
    vote.hear((none,), 600.0)
    assert vote.distrusted["a"].fault == "disconnected"

"""Countdowns after each disturbance that has a last moment, against the same plant left alone."""

from math import inf

import numpy as np
import pytest
from tests.benches.supervision.fridge_feed import FridgeFeed
from tests.benches.thoroughness import sampled

from podium.control.bus.cold import Countdown
from podium.control.supervision.disturbances import placed
from podium.firmware_interfaces import fridge_signals as signals

QUIET_S = 4 * 3600.0


def disturbed(fault: str, size: float, model: str, seed: int) -> FridgeFeed:
    feed = FridgeFeed.begun(model, seed)
    assert feed.run(QUIET_S, 180.0).countdowns == ()
    if fault == "quench":
        feed.do("write", values={"magnet.x.current": size})
        feed.do("fault", name=fault)
    else:
        feed.do("fault", name=fault, size=size)
    return feed


def told_first(feed: FridgeFeed, for_s: float) -> dict[str, tuple[float, float]]:
    """Return when events are to come, by the first word on each: s of the world."""
    told: dict[str, tuple[float, float]] = {}
    ends_s = feed.now_s + for_s
    while feed.now_s < ends_s:
        for one in feed.run(10.0, 10.0).countdowns:
            told.setdefault(one.event, (feed.now_s + one.low_s, feed.now_s + one.high_s))
    return told


def truth(feed: FridgeFeed) -> dict[str, float]:
    events: dict[str, float] = feed.do("truth")["unattended"][0]["events_s"]
    return events


def test_a_leak_is_counted_down_by_how_fast_the_can_fills() -> None:
    feed = disturbed("leak", 1e-7, "LD250", 6005)
    told, happened = told_first(feed, 40.0), truth(feed)
    for event in ("second_stage_above_10K", "turbo_overloaded", "mixture_boils_off"):
        low, high = told[event]
        assert low <= happened[event] <= high
        assert high - low < 0.7 * (happened[event] - QUIET_S)


def test_a_small_leak_threatens_nothing() -> None:
    feed = disturbed("leak", 3e-9, "LD400", 6010)
    assert told_first(feed, 120.0) == {}
    assert truth(feed) == {}


def test_a_plug_is_counted_down_once_its_sign_shows() -> None:
    feed = disturbed("plug", 0.97, "XLD1000", 6017)
    low, high = told_first(feed, 300.0)["turbo_overloaded"]
    assert low <= truth(feed)["turbo_overloaded"] <= high
    assert low - QUIET_S > 600.0


@pytest.mark.slow
def test_a_plug_that_is_cleared_ends_its_countdown() -> None:
    feed = disturbed("plug", 0.97, "XLD1000", 6017)
    feed.run(150.0, 10.0)
    feed.do("repair", name="plug")
    assert feed.run(300.0, 10.0).countdowns == ()


@pytest.mark.parametrize(
    ("size", "model", "seed"),
    sampled([(19.0, "LD400", 6003), (15.0, "LD250", 6004)], kept=[(15.0, "LD250", 6004)]),
)
def test_a_quench_is_counted_down_from_between_two_readings(
    size: float, model: str, seed: int
) -> None:
    feed = disturbed("quench", size, model, seed)
    told, happened = told_first(feed, 100.0), truth(feed)
    low, high = told["turbo_overloaded"]
    assert low <= happened["turbo_overloaded"] <= high
    if happened.get("second_stage_above_10K", inf) < QUIET_S + 10.0:
        assert "second_stage_above_10K" not in told, "it has happened before the first reading"


@pytest.mark.slow
def test_a_turbo_that_is_cut_off_is_not_overloaded() -> None:
    feed = disturbed("compressor_trip", 1.0, "LD400", 6000)
    assert "turbo_overloaded" in told_first(feed, 20.0)
    feed.do("write", values={signals.open_of("v1"): 0.0, signals.on_of(signals.TURBO1): 0.0})
    told = told_first(feed, 20.0)
    assert "turbo_overloaded" not in told
    assert "mixture_boils_off" in told


def test_members_are_placed_where_their_pressure_has_risen_as_far() -> None:
    times_s = np.array([0.0, 100.0, 200.0, 300.0])
    rises = np.array([[1.0, 1.0, 1.0], [1.5, 1.25, 1.1], [2.0, 1.5, 1.15], [2.5, 1.75, 1.2]])
    elapsed_s, likelihood = placed(rises, times_s, first=1.25, now=1.5, passed_s=100.0)
    assert elapsed_s[:2] == pytest.approx([100.0, 200.0])
    assert likelihood[1] == 0.0
    assert likelihood[1] > likelihood[0] > likelihood[2], "too fast, and never so far"


def test_what_may_not_come_at_all_has_no_end() -> None:
    from podium.control.commands.cold_words import countdown_line

    line = countdown_line(Countdown("fridge_a", "x", "turbo1 is overloaded", 1800.0, 1200.0, inf))
    assert line == "fridge_a: turbo1 is overloaded in 30.0 min (20.0 to never)"

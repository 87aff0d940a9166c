"""The observer on fridges whose constants and calibrations are up to 20 % off what it assumes."""

import random
from copy import deepcopy
from functools import cache
from threading import RLock

import pytest
from tests.benches.supervision.fridge_feed import FridgeFeed
from tests.benches.thoroughness import cases, sampled

from podium.control.bus.cold import ColdFinding
from podium.control.records.latest_readings import FridgeView, Latest
from podium.control.supervision.observer import Observed, Observer
from podium.firmware_interfaces import fridge_signals as signals
from podium.firmware_interfaces.exact_time import FS_PER_S

QUIET_S = 5 * 3600.0


def quiet(seed: int, model: str = "LD400") -> FridgeFeed:
    """Return a fridge that has settled: of a seed of its own by ``make test-all`` alone."""
    whole = settled(cases(11, seed), model)
    return deepcopy(whole, {id(whole.about.plant._lock): RLock()})  # no lock can be copied


@cache
def settled(seed: int, model: str) -> FridgeFeed:
    feed = FridgeFeed.begun(model, seed)
    seen = feed.run(QUIET_S, 180.0, {"node_a": 0.0})
    assert seen.settled
    assert seen.findings == ()
    assert seen.contradictions == ()
    return feed


def only(seen: Observed, kind: str) -> ColdFinding:
    (found,) = [one for one in seen.findings if one.kind == kind]
    return found


@pytest.mark.parametrize("seed", sampled([11, 12], kept=[11]))
def test_a_trip_is_named_and_counted_down(seed: int) -> None:
    feed = quiet(seed)
    feed.do("fault", name="compressor_trip")
    at_s = feed.now_s
    told = {}
    for _ in range(12):
        seen = feed.run(5.0, 5.0)
        assert only(seen, "fault").where == "compressor_trip"
        for one in seen.countdowns:
            told.setdefault(one.event, (feed.now_s + one.low_s, feed.now_s + one.high_s))
    happened = feed.do("truth")["unattended"][0]["events_s"]
    for event in ("second_stage_above_10K", "mixture_boils_off"):
        low, high = told[event]
        assert at_s < low < high
        assert low - 2.0 <= happened[event] <= high


def test_a_countdown_comes_nearer_and_ends_with_the_trip() -> None:
    feed = quiet(13)
    feed.do("fault", name="compressor_trip")
    feed.run(60.0, 5.0)
    left = []
    for _ in range(3):
        seen = feed.run(100.0, 10.0)
        left += [one.at_s for one in seen.countdowns if one.event == "mixture_boils_off"]
    assert len(left) == 3
    assert left[0] - left[1] == pytest.approx(100.0, abs=60.0)
    assert left[1] - left[2] == pytest.approx(100.0, abs=60.0)
    feed.do("repair", name="compressor_trip")
    feed.do("write", values={signals.PULSE_TUBE: 1.0})
    assert feed.run(10.0, 10.0).countdowns == ()


def test_extra_heat_is_named_with_its_amount_and_the_node_that_plays() -> None:
    feed = quiet(14)
    true, playing = 8e-6, {"node_a": 0.0, "node_b": 1.0}
    blamed = []
    for turn in range(cases(6, 8)):
        playing = {"node_a": float(turn % 2), "node_b": playing["node_b"]}
        feed.do("write", values={"dissipation.mixing_chamber": true * playing["node_a"]})
        seen = feed.run(2400.0, 60.0, playing)
        blamed += [(turn % 2, one) for one in seen.findings if one.kind == "extra_heat"]
    assert {turn for turn, _ in blamed} == {1}
    last = blamed[-1][1]
    assert (last.where, last.node) == ("mixing_chamber", "node_a")
    assert last.value == pytest.approx(true, abs=2.5 * last.sigma)
    assert last.sigma < 0.5 * true


def test_a_sensor_that_drifts_is_told_from_a_stage_that_warms() -> None:
    feed = quiet(15)
    before = feed.run(60.0, 60.0).kelvin["still"]
    feed.do("sensor", reading="thermometry_b.still", fault="drift", per_hour=0.08)
    seen = feed.run(2 * 3600.0, 60.0)
    assert only(seen, "sensor").where == "thermometry_b.still"
    assert [one.kind for one in seen.findings] == ["sensor"]
    (contradiction,) = seen.contradictions
    assert contradiction.reading == "thermometry_b.still"
    assert seen.kelvin["still"] == pytest.approx(before, rel=0.03)
    feed.do("mend", reading="thermometry_b.still")
    assert feed.run(3600.0, 60.0).findings == ()


@pytest.mark.parametrize("fault", sampled(["stuck", "disconnected"], kept=["stuck"]))
def test_a_sensor_that_shows_nothing_new_is_named(fault: str) -> None:
    feed = quiet(16)
    feed.do("sensor", reading="thermometry_a.mixing_chamber", fault=fault)
    seen = feed.run(2400.0, 60.0)
    assert only(seen, "sensor").where == "thermometry_a.mixing_chamber"
    feed.do("mend", reading="thermometry_a.mixing_chamber")
    assert feed.run(1200.0, 60.0).findings == ()


def test_the_flow_is_recovered_when_its_meter_is_silent() -> None:
    feed = quiet(17)
    shown = feed.view(feed.now_s + 60.0, 60.0).good("flow.circulation")
    feed.hidden = frozenset({"control_a.flow"})
    seen = feed.run(1800.0, 60.0)
    assert shown is not None
    assert only(seen, "hidden_flow").value == pytest.approx(shown, rel=0.1)
    feed.do("write", values={"heater.still.power": 15e-3})
    seen = feed.run(3 * 3600.0, 120.0)
    true = feed.about.plant.read("flow.circulation", round(feed.now_s * FS_PER_S))
    factor = feed.about.panel.sensors["control_a.flow"].factor
    found = only(seen, "hidden_flow")
    assert found.value == pytest.approx(true * factor, rel=0.15)
    assert found.sigma > 0.0


@pytest.mark.parametrize(
    ("fault", "size", "for_s"),
    sampled(
        [("plug", 0.95, 1200.0), ("leak", 1e-8, 600.0), ("turbo_stop", None, 300.0),
         ("warm_water", 320.0, 60.0), ("power_cut", None, 60.0)],
        kept=[("turbo_stop", None, 300.0), ("warm_water", 320.0, 60.0)],
    ),
)  # fmt: skip
def test_faults_are_named_by_their_signs(fault: str, size: float | None, for_s: float) -> None:
    feed = quiet(18)
    feed.do("fault", name=fault, size=size)
    seen = feed.run(for_s, 10.0)
    assert only(seen, "fault").where == fault


def test_a_copy_goes_its_own_way() -> None:
    feed = quiet(19)
    other = feed.observer.copy()
    before = feed.observer.filter.state.kelvin.copy()
    view = feed.view(feed.now_s + 60.0, 60.0)
    other.step(view)
    other.step(FridgeView(view.fridge, (view.tai[0] + 500, 0), {}, {}))
    assert (feed.observer.filter.state.kelvin == before).all()


def test_no_reading_breaks_it() -> None:
    draw = random.Random(5)
    feed = FridgeFeed.begun(seed=20)
    feed.run(600.0, 60.0)
    good = feed.view(feed.now_s + 60.0, 60.0)
    observer: Observer = feed.observer
    odd = (0.0, -1.0, 1e300, 1e-300, float("nan"), float("inf"), 4.2, None)
    for step in range(cases(60, 120)):
        tai = (good.tai[0] + 5 * step - (400 if step % 50 == 49 else 0), 0)
        shown = {
            name: Latest(name, draw.choice(odd), "K", draw.choice(("good", "good", "stale")), tai)
            if draw.random() < 0.3
            else one
            for name, one in good.signals.items()
        }
        seen = observer.step(FridgeView("fridge_a", tai, shown, {}), {"node": draw.choice((0, 1))})
        assert all(0.0 < kelvin < 400.0 for kelvin in seen.kelvin.values())


def test_a_variance_that_rounding_has_lost_is_mended() -> None:
    feed = FridgeFeed.begun(seed=21)
    feed.run(600.0, 60.0)
    filtered = feed.observer.filter
    filtered.covariance[4, 4] = -1e-12
    filtered.covariance[2, 7] += 1e-6
    seen = feed.run(120.0, 60.0)
    assert (filtered.covariance.diagonal() > 0.0).all()
    assert (abs(filtered.covariance - filtered.covariance.T) < 1e-15).all()
    assert 0.0 < seen.kelvin["mixing_chamber"] < 0.02


def test_a_filter_whose_numbers_are_none_begins_anew() -> None:
    feed = FridgeFeed.begun(seed=22)
    feed.run(600.0, 60.0)
    feed.observer.filter.mean[:] = float("nan")
    assert feed.run(60.0, 60.0).kelvin == {}
    assert 0.0 < feed.run(120.0, 60.0).kelvin["mixing_chamber"] < 0.02

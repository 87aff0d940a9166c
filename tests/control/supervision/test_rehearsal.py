"""Procedures rehearsed on copies of the live state."""

from dataclasses import replace

import numpy as np
import pytest
from tests.benches.supervision.fridge_feed import FridgeFeed

from podium.control.records.latest_readings import FridgeView
from podium.control.supervision.model_parameters import LD400
from podium.control.supervision.observer import Observer
from podium.control.supervision.rehearsal import NoRehearsal, outside, rehearse
from podium.firmware_interfaces import fridge_signals as signals


@pytest.fixture(scope="module")
def tripped() -> tuple[FridgeFeed, FridgeView]:
    feed = FridgeFeed.begun(seed=41)
    feed.run(2 * 3600.0, 180.0)
    feed.do("fault", name="compressor_trip")
    feed.run(400.0, 20.0)
    return feed, feed.view(feed.now_s + 1.0, 20.0)


def test_a_recovery_is_rehearsed_to_its_end_and_leaves_the_observer_alone(
    tripped: tuple[FridgeFeed, FridgeView],
) -> None:
    feed, view = tripped
    before = feed.observer.filter.state.kelvin.copy()
    found = rehearse("recover", feed.observer, view, members=6)
    assert (feed.observer.filter.state.kelvin == before).all()
    assert found.procedure == "recover"
    assert [one.name for one in found.steps][-2:] == ["circulate", "base"]
    assert all(one.state in ("done", "skipped") for one in found.steps)
    assert 2 * 3600.0 < found.time_s[-1] < 48 * 3600.0
    assert list(found.step_begins_s) == sorted(found.step_begins_s)
    chamber = found.signals[signals.temperature_of("mixing_chamber")]
    assert chamber.median[-1] < 0.011
    assert chamber.unit == "K"
    for corridor in found.signals.values():
        assert len(corridor.median) == len(found.time_s)
        assert np.all(corridor.low <= corridor.median)
        assert np.all(corridor.median <= corridor.high)
    tank = found.signals["pressure.p5"]
    assert tank.high.max() > 1e4 > tank.median[-1]


def test_leaving_the_corridor_is_told_with_both_values(
    tripped: tuple[FridgeFeed, FridgeView],
) -> None:
    feed, view = tripped
    found = rehearse("recover", feed.observer, view, members=6)
    assert outside(found, 0.0, view) == ()
    assert outside(found, 1e9, view) == ()
    still = signals.temperature_of("still")
    hot = dict(view.signals) | {still: replace(view.signals[still], value=200.0)}
    said = outside(found, 600.0, FridgeView(view.fridge, view.tai, hot, {}))
    assert any(one.startswith(f"{still} is 200") for one in said)


def test_what_cannot_be_rehearsed_is_refused(tripped: tuple[FridgeFeed, FridgeView]) -> None:
    feed, view = tripped
    with pytest.raises(NoRehearsal, match="recover"):
        rehearse("dance", feed.observer, view)
    with pytest.raises(NoRehearsal, match="thermometers"):
        rehearse("recover", Observer(LD400, feed.observer.wiring), view)

"""A gauge under its range gives a bound: good news for who waits for less, never a number."""

import math

import pytest

from podium.control.bus.readings import ChannelReading, InstrumentReadings
from podium.control.facility.fridge_wiring import FridgeWiring
from podium.control.facility.gas_panel import Panel, bound_of
from podium.control.facility.interlock_rules import Bound
from podium.control.records.latest_readings import FridgeView, LatestReadings
from podium.control.supervision.alarm_conditions import examine
from podium.control.supervision.alarm_rules import Limit
from podium.control.supervision.procedure_steps import above, below

P2 = "pressure.p2"
WIRING = FridgeWiring("fridge_a", {P2: ("gauges_a.p2", "gauges_b.p2")}, {})


def heard(*told: ChannelReading, after_s: float = 0.0) -> FridgeView:
    latest = LatestReadings()
    for box, one in zip(("gauges_a", "gauges_b"), told, strict=False):
        latest.hear(InstrumentReadings(box, 1, (1000, 0), 1.0, (one,)), 0.0)
    return latest.view(WIRING, (1000, 0), after_s)


def under(bound: float | None = 5e-7) -> ChannelReading:
    return ChannelReading("p2", None, "Pa", "out_of_range", "under range", bound)


def test_under_range_fulfils_what_waits_for_less_and_is_no_number() -> None:
    view = heard(under())
    assert view.good(P2) is None
    assert view.at_most(P2) == 5e-7
    assert below(P2, 5.0)(view)
    assert not below(P2, 1e-7)(view)
    assert not above(P2, 0.0)(view)
    assert view.known() == {P2: None, bound_of(P2): 5e-7}
    assert Panel(view.known()).below("p2", 100.0)
    assert Bound(P2, at_most=100.0).holds(view.known()) is True
    assert Bound(P2, at_least=1e-9, at_most=100.0).holds(view.known()) is None
    assert Bound(P2, at_most=1e-7).holds(view.known()) is None


def test_it_ends_an_alarm_of_too_much_and_none_of_too_little() -> None:
    view = heard(under())
    high, low = Limit(P2, "Pa", "above", 1e3, 3e2), Limit(P2, "Pa", "below", 1e-3)
    assert examine(high, "fridge_a", view, (), True, None).holds is False
    assert examine(high, "fridge_a", view, (), True, None).value is None
    assert examine(low, "fridge_a", view, (), True, None).holds is None


@pytest.mark.parametrize("bound", [None, 0.0, -1.0, math.nan, math.inf])
def test_a_bound_that_cannot_be_is_none(bound: float | None) -> None:
    view = heard(under(bound))
    assert view.at_most(P2) is None
    assert not below(P2, 5.0)(view)


def test_a_bound_ages_as_values_do() -> None:
    assert heard(under(), after_s=2.9).at_most(P2) == 5e-7
    old = heard(under(), after_s=3.1)
    assert old.at_most(P2) is None
    assert old.signals[P2].quality == "stale"


def test_what_is_wired_and_not_heard_yet_is_there_and_unknown() -> None:
    """A supervisor that has just started is not to take a box for one that is not there."""
    (latest,) = heard().signals.values()
    assert (latest.name, latest.good, latest.quality) == ("gauges_a.p2", None, "stale")
    assert (latest.unit, latest.tai) == ("Pa", None)
    assert latest.problem == "nothing was heard of it yet"


def test_a_value_comes_before_a_bound_and_a_bound_before_nothing() -> None:
    good = ChannelReading("p2", 3.0, "Pa", "good")
    dead = ChannelReading("p2", None, "Pa", "disconnected")
    assert heard(under(), good).at_most(P2) == 3.0
    assert heard(dead, under()).at_most(P2) == 5e-7

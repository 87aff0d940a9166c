"""What counts as extra heat, and which node's playing explains it."""

import numpy as np
from tests.benches.supervision.fridge_feed import FridgeFeed

from podium.control.supervision.heat_blame import FOLLOWS_S, ExtraHeat, HeatBlame
from podium.control.supervision.heat_filter import FLOW, HEAT

USUAL_W, SIGMA_W = np.full(5, 10e-3), np.full(5, 0.1e-3)
STILL = 2


def stepped(blame: HeatBlame, watts: float, share: float, now_s: float) -> tuple[ExtraHeat, ...]:
    heat = np.zeros(5)
    heat[STILL] = watts
    return blame.step(heat, SIGMA_W, USUAL_W, {"node_a": share}, False, now_s, 60.0)


def test_heat_that_outlasts_a_node_is_no_longer_blamed_on_it() -> None:
    blame = HeatBlame(age_s=1e6, quiet_s=1e6, hits={(STILL, "node_a"): (4.0, 4.0)})
    stepped(blame, 0.0, 0.0, 0.0)
    stepped(blame, 0.0, 1.0, 60.0)
    for now_s in range(120, 1200, 60):
        found = stepped(blame, 5e-3, 1.0, now_s)
    assert [one.node for one in found] == ["node_a"]
    for now_s in range(1200, 1200 + int(FOLLOWS_S), 60):
        (one,) = stepped(blame, 5e-3, 0.0, now_s)
        assert one.node == "node_a", "the filter may be behind so far"
    (one,) = stepped(blame, 5e-3, 0.0, 1320 + FOLLOWS_S)
    assert one.node == ""


def test_heat_that_comes_without_the_node_is_not_blamed_on_what_it_did_before() -> None:
    blame = HeatBlame(age_s=1e6, quiet_s=1e6, hits={(STILL, "node_a"): (4.0, 4.0)})
    for now_s in range(0, 600, 60):
        found = stepped(blame, 5e-3 if now_s else 0.0, 0.0, now_s)
    assert [one.node for one in found] == [""]


def test_a_touch_is_found_however_far_the_stills_thermometers_are_off() -> None:
    feed = FridgeFeed.begun("LD400", 8001)
    assert feed.run(5 * 3600.0, 240.0).settled
    feed.do("fault", name="touch", size=9.5e-4)
    for every_s in (10.0, 240.0):
        seen = feed.run(1200.0, every_s)
        (found,) = seen.findings
        assert (found.kind, found.where) == ("extra_heat", "still")
        assert 3e-3 < found.value < 9e-3


def test_what_the_model_was_off_by_while_a_fridge_was_warm_is_forgotten() -> None:
    feed = FridgeFeed.begun("LD400", 12)
    feed.run(3 * 3600.0, 180.0)
    filtered = feed.observer.filter
    assert filtered is not None
    usual = filtered.mean[HEAT:FLOW].copy()
    filtered.mean[HEAT] -= 100.0
    filtered.mean[HEAT + 1] -= 5.0
    filtered.forget_heat()
    feed.run(3600.0, 60.0)
    assert abs(filtered.mean[HEAT] - usual[0]) < 6.0
    assert abs(filtered.mean[HEAT + 1] - usual[1]) < 0.1

"""What goes into one process, and what may be apart."""

from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from podium.firmware_interfaces.yaml_text import parse_yaml
from podium.sim_instruments.servers.parts.division import (
    FacilityPart,
    divide,
    plan_of_part,
    world_of_part,
)
from podium.sim_instruments.wiring import PlanError, plan_of

EXAMPLES = Path(__file__).parents[4] / "examples"


@pytest.fixture(scope="module")
def ten() -> Any:
    return parse_yaml((EXAMPLES / "ten_nodes" / "facility.yaml").read_bytes())


def parts_of(tree: Any) -> dict[str, FacilityPart]:
    return {part.name: part for part in divide(plan_of(tree), tree)}


def changed(tree: Any, *path: str, to: Any) -> Any:
    new = deepcopy(tree)
    at = new
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = to
    return new


def test_ten_nodes_that_share_no_box_are_ten_parts_and_a_room(ten) -> None:
    parts = parts_of(ten)
    assert list(parts) == [*ten["nodes"], "room"]
    assert parts["node_c"].instruments == ("cluster_c", "wrtd_c", "lo_c0", "lo_c1")
    assert parts["room"].fridges == ("fridge_a", "fridge_b"), "several nodes hang in each"
    everything = [name for part in parts.values() for name in part.instruments]
    assert sorted(everything) == sorted(ten["instruments"])


@pytest.mark.parametrize(
    ("path", "to"),
    [
        (("wiring", "node_b.q0.flux", "source"), "cluster_a.slot6.out0"),
        (("wiring", "node_b.feedline", "input"), "cluster_a.slot2.in0"),
        (("links", "link_a", "ends"), ["node_a", "node_b"]),
        (("instruments", "wrtd_b", "beside"), ["cluster_a.slot2"]),
    ],
)
def test_nodes_that_share_a_box_or_a_link_are_one_part(ten, path, to) -> None:
    parts = parts_of(changed(ten, *path, to=to))
    assert parts["node_a+node_b"].nodes == ("node_a", "node_b")
    assert {"cluster_a", "cluster_b"} <= set(parts["node_a+node_b"].instruments)
    assert "node_c" in parts


def test_nodes_in_a_fridge_with_a_plant_are_one_part(ten) -> None:
    parts = parts_of(changed(ten, "fridges", "fridge_b", "model", to="bluefors_ld400"))
    (joined,) = [part for part in parts.values() if len(part.nodes) > 1]
    in_fridge = [name for name, node in ten["nodes"].items() if node["fridge"] == "fridge_b"]
    assert list(joined.nodes) == in_fridge
    assert "thermometry_b" in joined.instruments
    assert joined.fridges == ("fridge_b",)


def test_who_triggers_several_parts_is_in_the_room(ten) -> None:
    shared = changed(ten, "timing", "triggers", "cluster_b", "output", to="wrtd_a.LC-O2")
    parts = parts_of(shared)
    assert parts["node_a"].instruments == ("cluster_a",)
    assert {"wrtd_a", "wrtd_b"} <= set(parts["room"].instruments)
    plan = plan_of_part(plan_of(shared), parts["node_b"])
    assert [cable.name for cable in plan.timing.triggers] == ["cluster_b.trigger"]
    assert "wrtd_a" in plan.timing.elsewhere


def test_a_part_keeps_the_clocks_that_its_own_follow(ten) -> None:
    plan = plan_of_part(plan_of(ten), parts_of(ten)["node_d"])
    assert set(plan.timing.clocks) == {"cluster_d", "wrtd_d", "switch", "rubidium"}
    assert set(plan.instruments) == {"cluster_d", "wrtd_d"}
    assert all(line.startswith("node_d.") for line in plan.lines)


def test_a_facility_in_which_nothing_is_simulated_has_no_parts() -> None:
    tree = {"facility": "none", "instruments": {"x": {"driver": "some.where:X"}}, "nodes": {}}
    with pytest.raises(PlanError, match="no instrument"):
        divide(plan_of(tree), tree)


def test_the_world_of_a_part_has_its_nodes_with_the_same_constants() -> None:
    from podium.sim_instruments.physics.sampling import sample

    file = EXAMPLES / "two_nodes" / "facility.yaml"
    world = sample(file, 3)
    part = FacilityPart("node_b", ("node_b",), ("cluster_b", "bias_b0", "lo_b2"), ("fridge_b",))
    mine = world_of_part(world, part)
    assert list(mine.nodes) == ["node_b"]
    assert mine.nodes["node_b"] == world.nodes["node_b"]
    assert mine.seed == world.seed
    assert mine.timing == world.timing
    assert list(mine.fridges) == ["fridge_b"]

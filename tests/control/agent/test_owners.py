"""Which agent owns which instrument."""

from dataclasses import replace

import pytest
from tests.control.several_nodes import facility_file

from podium.control.agent.owners import owners_of
from podium.control.facility.facility import ConnectorRef, Facility
from podium.control.facility.frozen_map import FrozenMap
from podium.control.facility.load import load_facility


@pytest.fixture(scope="module")
def three(tmp_path_factory) -> Facility:
    return load_facility(facility_file(tmp_path_factory.mktemp("three"), 3))


def test_one_node_has_one_agent_for_all(example) -> None:
    assert owners_of(example) == {"room": tuple(example.instruments)}


def test_each_node_has_an_agent_and_the_room_has_the_rest(three) -> None:
    owners = owners_of(three)
    assert owners["node_a"] == ("cluster_a", "bias_q0", "lo_q2")
    assert owners["node_b"] == ("cluster_b", "bias_q0_b", "lo_q2_b")
    assert owners["room"] == ("thermometry_a",)
    assert sorted(one for names in owners.values() for one in names) == sorted(three.instruments)


def test_nodes_that_share_a_controller_share_an_agent(three) -> None:
    port = "node_c.q0.drive"
    shared = replace(three.wiring[port], output=ConnectorRef("cluster_a", "slot4.out0"))
    wiring = FrozenMap({**three.wiring, port: shared})
    owners = owners_of(replace(three, wiring=wiring))
    assert list(owners) == ["node_a+node_c", "node_b", "room"]
    assert {"cluster_a", "cluster_c"} < set(owners["node_a+node_c"])


def test_what_works_for_a_controller_is_owned_with_it(three) -> None:
    owners = owners_of(three, {"thermometry_a": "cluster_b"})
    assert owners["node_b"][-1] in ("thermometry_a", "lo_q2_b")
    assert "thermometry_a" in owners["node_b"]
    assert "room" not in owners

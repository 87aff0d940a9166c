"""Which agent owns which instrument."""

from dataclasses import replace

import pytest
from tests.benches.nodes.several_nodes import EXAMPLE, facility_file

from podium.control.agent.owners import owners_of
from podium.control.facility.facility import ConnectorRef, Facility
from podium.control.facility.frozen_map import FrozenMap
from podium.control.facility.load import load_facility
from podium.control.families.family import wirings_of
from podium.control.timebase.start_setting import StartSetting
from podium.firmware_interfaces.exact_time import FS_PER_NS


@pytest.fixture(scope="module")
def three(tmp_path_factory) -> Facility:
    return load_facility(facility_file(tmp_path_factory.mktemp("three"), 3))


@pytest.fixture(scope="module")
def two() -> Facility:
    return load_facility(EXAMPLE.parents[1] / "two_nodes" / "facility.yaml")


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


def test_what_starts_a_controller_is_owned_with_it(two) -> None:
    owners = owners_of(two)
    assert owners == {
        "node_a": ("cluster_a", "bias_q0", "lo_q2", "wrtd_a"),
        "node_b": ("cluster_b", "bias_b0", "lo_b2", "wrtd_b"),
        "room": ("thermometry_a", "thermometry_b", "rubidium", "switch", "tagger", "wrtd_room"),
    }
    for names in owners.values():
        assert {one.plane for one in wirings_of(two, names)} <= set(names)


def hung_on(facility: Facility, controller: str, output: str) -> Facility:
    """Return the facility with one controller's trigger cable in another output."""
    triggers = dict(facility.timing.triggers)
    instrument, _, socket = output.partition(".")
    moved = replace(triggers[controller], output=ConnectorRef(instrument, socket))
    timing = replace(facility.timing, triggers=FrozenMap({**triggers, controller: moved}))
    return replace(facility, timing=timing)


def test_controllers_on_one_trigger_node_have_one_owner(two) -> None:
    owners = owners_of(hung_on(two, "tagger", "wrtd_b.LC-O2"))
    assert {"tagger", "wrtd_b", "cluster_b"} < set(owners["node_b"])
    assert owners["room"][-1] == "wrtd_room"
    owners = owners_of(hung_on(two, "cluster_b", "wrtd_a.LC-O2"))
    assert list(owners) == ["node_a+node_b", "room"]


def test_a_trigger_node_of_another_agent_is_refused(two) -> None:
    with pytest.raises(ValueError, match=r"cluster_a is started by wrtd_a.LC-O1, which another"):
        wirings_of(two, ["cluster_a", "bias_q0"])
    assert wirings_of(two, ["bias_q0", "wrtd_a"]) == ()


def test_a_start_is_expected_where_file_and_manual_say(two) -> None:
    (one,) = wirings_of(two, ["cluster_a", "wrtd_a"])
    assert (one.plane, one.output, one.delay_ns, one.offset_ns) == ("wrtd_a", "LC-O1", 0, 0)
    assert one.start_after_fs == (25 + 2 + 212 + 4 + 200) * FS_PER_NS
    assert one.resolution_fs == (4 + 13 + 10) * FS_PER_NS  # sampling, clock, cable


def test_a_setting_goes_before_what_is_expected(two) -> None:
    (one,) = wirings_of(two, ["cluster_a", "wrtd_a"])
    later = one.set_to(StartSetting(delay_ns=3))
    assert later.start_after_fs - one.start_after_fs == 3 * FS_PER_NS
    assert later.resolution_fs == one.resolution_fs
    found = one.set_to(StartSetting(2, 17, 400, 440_123_456, 2_000_000))
    assert (found.delay_ns, found.offset_ns, found.late_fs) == (2, 17, 400)
    assert (found.start_after_fs, found.resolution_fs) == (440_123_456, 2_000_000)
    assert one.set_to(None) is one

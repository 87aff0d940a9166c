"""Where a start is expected that nobody has measured, against worlds that know where it is."""

import pytest
from tests.benches.nodes.several_nodes import EXAMPLE

from podium.control.facility.load import load_facility
from podium.control.families.family import wirings_of
from podium.control.families.start_wiring import StartWiring
from podium.control.runs.verdict import TOLERANCE_FS
from podium.firmware_interfaces.exact_time import FS_PER_NS, FS_PER_S
from podium.firmware_interfaces.qblox_cluster.limits import SYNC_NS, TRIGGER_LATENCY_NS
from podium.sim_instruments.physics.sampling import sample
from podium.sim_instruments.servers.clock import ClockMode, WorldClock
from podium.sim_instruments.servers.laboratory import Laboratory
from podium.sim_instruments.twins.qblox_cluster.cluster_clock import next_cycle
from podium.sim_instruments.wiring import read_plan

TWO_NODES = EXAMPLE.parents[1] / "two_nodes" / "facility.yaml"
T0_FS = 1_800_000_000 * FS_PER_S
TICKS = TRIGGER_LATENCY_NS + 4 + SYNC_NS


def recorded_fs(laboratory: Laboratory, one: StartWiring) -> int:
    """Return what a controller would say of a start at T0."""
    line = laboratory.trigger_lines[f"{one.controller}.trigger"]
    edge_fs = laboratory.twins[one.plane].clock.world_fs(T0_FS + one.delay_ns * FS_PER_NS)
    edge_fs += line._cable.delay_fs(laboratory.room, edge_fs)
    return (next_cycle(laboratory.twins[one.controller].clock, edge_fs) + TICKS) * FS_PER_NS


@pytest.mark.parametrize("seed", range(6))
def test_what_is_expected_holds_in_every_world(seed: int) -> None:
    facility = load_facility(TWO_NODES)
    wirings = wirings_of(facility, facility.instruments)
    assert [one.controller for one in wirings] == ["cluster_a", "cluster_b", "tagger"]
    plan = read_plan(TWO_NODES)
    laboratory = Laboratory(plan, sample(TWO_NODES, seed), WorldClock(ClockMode.MANUAL))
    try:
        for one in wirings:
            off_fs = recorded_fs(laboratory, one) - T0_FS - one.start_after_fs
            assert abs(off_fs) <= TOLERANCE_FS + one.resolution_fs // 2
    finally:
        laboratory.close()

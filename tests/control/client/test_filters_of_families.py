"""Pulses of a cluster and of an SHFQC leave at one time, whatever filters flux lines have."""

from pathlib import Path

import pytest
from tests.benches.families.filtered_rack import FLUXES, LONG, edges, filtered_pair
from tests.benches.links.linked_lab import UncorrectedLab

from podium.control.client.facility_access import open_facility
from podium.control.timebase import lead_time
from podium.firmware_interfaces.exact_time import FS_PER_MS, FS_PER_NS
from podium.sim_instruments.physics.output_log import OutputLog
from podium.sim_instruments.physics.sampling import sample
from podium.sim_instruments.physics.world_file import write_world
from podium.sim_instruments.servers.clock import ClockMode, WorldClock
from podium.sim_instruments.servers.endpoints import published
from podium.sim_instruments.servers.serving import open_serving

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning:qblox_instruments"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:qcodes"),
    pytest.mark.filterwarnings("ignore::FutureWarning:qblox_instruments"),
]
LEAD_FS = 1_000 * FS_PER_MS
"""From FIRE to the start: no busy machine is too late for it."""
DRIVES = (("cluster_a", "slot4.out0"), ("zi_b", "dev12001.sg0"))


def apart_fs(played: OutputLog) -> list[int]:
    """Return by how much later pulses of the SHFQC left than the cluster's, in the latest run."""
    latest = {(one.instrument, one.connector): one.at_fs for one in played.since()}
    a_fs, b_fs = (latest[place] for place in DRIVES)
    return [b - a for a, b in zip(a_fs, b_fs, strict=True)]


@pytest.mark.slow
async def test_pulses_that_begin_together_do_so_with_filters_on_one_of_two_families(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lead_time, "DEFAULT_FS", LEAD_FS)
    facility, endpoints = filtered_pair(tmp_path), tmp_path / "endpoints.json"
    write_world(sample(facility, 3), tmp_path / "twin.yaml")
    clock, found = WorldClock(ClockMode.LEAP), []
    async with open_serving(facility, tmp_path / "twin.yaml", clock) as serving:
        with published(endpoints, serving.endpoints()):
            async with open_facility(facility, endpoints) as lab:
                await lab.ready(60)
                for lines in ({}, {FLUXES[0]: LONG}):
                    lab.correct_lines(lines)
                    await UncorrectedLab(lab).run(edges(FLUXES[:1]))
                    found.append(apart_fs(serving.laboratory.played))
    assert len(found[0]) == 3
    for plain, filtered in zip(*found, strict=True):
        assert abs(filtered - plain) < FS_PER_NS // 2

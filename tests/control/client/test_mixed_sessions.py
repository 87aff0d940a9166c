"""A cluster and an SHFQC share photons in runs whose pulses depend on results of their own."""

import asyncio
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.benches.links.linked_ends import LINKED
from tests.benches.links.photon_readout import both_reset, level_of
from tests.benches.links.uncorrected_lab import UncorrectedLab
from tests.benches.servers.photon_program import PhotonProgram

from podium.control.client.facility_access import open_facility
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

MIXED = LINKED.parent / "facility_mixed.yaml"
LAG_NS = 364
"""By so much later the cluster begins where no skew is corrected."""
SHOTS = 60


@pytest.mark.slow
async def test_an_shfqc_catches_a_photon_in_a_run_that_branches(tmp_path: Path) -> None:
    """As in one that does not: its qubit is in 1 in 0.6 of the shots, and found so in 0.5."""
    write_world(sample(MIXED, 3), tmp_path / "twin.yaml")
    endpoints = tmp_path / "endpoints.json"
    async with open_serving(MIXED, tmp_path / "twin.yaml", WorldClock(ClockMode.MANUAL)) as serving:
        made = PhotonProgram(serving.laboratory)
        with published(endpoints, serving.endpoints()):
            async with open_facility(MIXED, endpoints) as opened, asyncio.timeout(400):
                await opened.ready(60)
                lab: Any = UncorrectedLab(opened)
                levels = {end: await level_of(lab, made, end) for end in "ab"}
                data = await lab.run(both_reset(made, levels, LAG_NS, SHOTS))
    sent, caught = (data[f"{end}_outcome"].values.astype(bool) for end in "ab")
    assert caught[~sent].mean() > 0.3, "three sigma below"
    again = data["b_again_i"].values + 1j * data["b_again_q"].values
    heard = np.real(again * np.exp(2j * np.pi * levels["b"].rotation_turns))
    assert heard.min() > 0.5 * levels["b"].threshold_v, "a tone is heard in each window"

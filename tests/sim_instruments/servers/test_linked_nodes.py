"""Two clusters, driven by the vendor's client and started by one trigger, share a photon."""

import asyncio
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.benches.servers.photon_program import PhotonProgram

from podium.control.client.facility_access import open_facility
from podium.control.client.lab import Lab
from podium.control.program.program import Program
from podium.control.runs.errors import RunFailed
from podium.sim_instruments.physics.sampling import sample
from podium.sim_instruments.physics.world_file import write_world
from podium.sim_instruments.servers.clock import ClockMode, WorldClock
from podium.sim_instruments.servers.endpoints import published
from podium.sim_instruments.servers.faults import bring_about
from podium.sim_instruments.servers.serving import open_serving

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::DeprecationWarning:qblox_instruments"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:qcodes"),
    pytest.mark.filterwarnings("ignore::FutureWarning:qblox_instruments"),
]

LINKED = Path(__file__).parents[3] / "examples" / "linked" / "facility.yaml"
TRIES = 12
"""Starts that a busy machine is too late for."""


async def run(lab: Lab, program: Program) -> NDArray[np.complex128]:
    """Return the signals of both ends, (2, shots)."""
    for left in reversed(range(TRIES)):
        try:
            data = await lab.run(program, corrected=False)
        except RunFailed:
            if not left:
                raise
            continue
        return np.array([data[f"{end}_i"].values + 1j * data[f"{end}_q"].values for end in "ab"])
    raise AssertionError("not reached")


def share(signals: NDArray[np.complex128], dark: complex, bright: complex) -> float:
    """Return how far a mean signal is on the way from one level's to another's."""
    along = bright - dark
    return float(((np.mean(signals) - dark) * np.conj(along)).real / abs(along) ** 2)


async def test_a_photon_of_one_cluster_excites_the_other_clusters_qubit(tmp_path: Path) -> None:
    write_world(sample(LINKED, 3), tmp_path / "twin.yaml")
    endpoints = tmp_path / "endpoints.json"
    async with open_serving(
        LINKED, tmp_path / "twin.yaml", WorldClock(ClockMode.MANUAL)
    ) as serving:
        made = PhotonProgram(serving.laboratory)
        prepare = [*made.turn("a.ge"), *made.turn("a.ef")]
        back = made.turn("b.ef")
        programs = {
            "ground": made.program("ground", [], 1_000),
            "excited": made.program("excited", made.turn("b.ge"), 1_000),
            "sent": made.program("sent", [*prepare, *made.photon(), *back], 2_000),
            "late": made.program("late", [*prepare, *made.photon(64), *back], 2_000),
            "none": made.program("none", [*made.photon(), *back], 1_000),
        }
        with published(endpoints, serving.endpoints()):
            async with open_facility(LINKED, endpoints) as lab, asyncio.timeout(240):
                await lab.ready(60)
                seen = {name: await run(lab, program) for name, program in programs.items()}
                bring_about(serving, "unplug", "link_ab")
                seen["cut"] = await run(lab, programs["sent"])
    dark, bright = np.mean(seen["ground"][1]), np.mean(seen["excited"][1])
    found = {name: share(seen[name][1], dark, bright) for name in ("sent", "late", "none", "cut")}
    # of f: 0.79 of the way, pulses cut to 180 ns, decay of f and e meanwhile
    assert 0.60 < found["sent"] < 0.80, found
    # 60 ns late: [x / sinh x]^2 = 0.27 of that, more or less, as both pulses are cut
    assert found["late"] < 0.5 * found["sent"], found
    assert abs(found["none"]) < 0.05, found
    assert abs(found["cut"]) < 0.05, found

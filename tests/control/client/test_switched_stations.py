"""Runs over links that share a herald station: each leads the light that it counts."""

import asyncio
from pathlib import Path

import numpy as np
import pytest
from tests.benches.links.optical_twins import again, truth_of

from podium.control.client.facility_access import open_facility
from podium.control.client.lab import Lab
from podium.control.program.program import Barrier, Capture, Delay, Frame, Program
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

SWITCHED = Path(__file__).parents[3] / "examples" / "linked" / "facility_switched.yaml"
SHOTS, WINDOW_NS = 5000, 50_000
LINKS = ("link_ab", "link_ac", "link_bc")
SIGMAS = 5


def listening(*links: str) -> Program:
    """Return windows of both detectors of links, in which nobody emits."""
    ports = [f"{link}.{name}" for link in links for name in ("d0", "d1")]
    frames = tuple(Frame(port, port, 0.0) for port in ports)
    windows = tuple(Capture(port, port, ns=WINDOW_NS, delay_ns=1_000) for port in ports)
    shot = (*windows, Delay(ports, ns=WINDOW_NS + 10_000), Barrier(ports))
    return Program("dark counts", frames, shot, shots=SHOTS, keep_shots=True)


async def counted(lab: Lab, link: str) -> np.ndarray:
    """Return the clicks of both detectors."""
    data = await again(lambda: lab.run(listening(link), corrected=False))
    return np.array([int(data[f"{link}.{name}_clicks"].sum()) for name in ("d0", "d1")])


async def test_each_run_counts_what_the_transducers_of_its_own_nodes_add(tmp_path: Path) -> None:
    """Three at a time: they take the switch one after the other, and each has its own light."""
    world = sample(SWITCHED, 90_210)
    write_world(world, tmp_path / "twin.yaml")
    endpoints = tmp_path / "endpoints.json"
    clock = WorldClock(ClockMode.LEAP)
    async with open_serving(SWITCHED, tmp_path / "twin.yaml", clock) as serving:
        with published(endpoints, serving.endpoints()):
            async with open_facility(SWITCHED, endpoints) as lab:
                await lab.ready(60)
                async with asyncio.timeout(200), asyncio.TaskGroup() as group:
                    tasks = {link: group.create_task(counted(lab, link)) for link in LINKS}
                truth = truth_of(serving)
    for link in LINKS:
        found, station = tasks[link].result(), world.links[link].station.station()
        light = [truth[f"{link}.{end}.switch_transmission"] for end in "ab"]
        assert all(0.5 < part < 0.95 for part in light)
        added_hz = sum(arm.noise_hz * part for arm, part in zip(station.arms, light, strict=True))
        rates_hz = [one.dark_hz + one.efficiency * added_hz / 2 for one in station.detectors]
        expected = np.array(rates_hz) * SHOTS * WINDOW_NS * 1e-9
        assert np.all(np.abs(found - expected) < SIGMAS * np.sqrt(expected)), (found, expected)
        dark = station.detectors[0].dark_hz * SHOTS * WINDOW_NS * 1e-9
        assert found[0] > dark + SIGMAS * np.sqrt(found[0])  # the null: no light at all

"""Three emulators with a herald station between them, brought up as far as their qubits.

And the exact states of whole photons that their hidden truth allows.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np

from podium.control.calibration.links.end_routines import END_ROUTINES
from podium.control.calibration.links.heralded_pair import ONE_CLICK
from podium.control.client.facility_access import open_facility
from podium.control.client.lab import Lab
from podium.control.records.calibration_folder import STORE
from podium.control.runs.errors import RunFailed
from podium.sim_instruments.physics.links.heralded_link import Arm, Detector, HeraldedLink, Scheme
from podium.sim_instruments.servers.clock import ClockMode, WorldClock
from podium.sim_instruments.servers.endpoints import published
from podium.sim_instruments.servers.laboratory_truth import truth_now
from podium.sim_instruments.servers.serving import open_serving

OPTICAL = Path(__file__).parents[3] / "examples" / "linked" / "facility_optical.yaml"
TRIES = 8
CLOCKS_RAD = 2 * np.pi * 8.4e9 * 2.5e-12 * np.sqrt(2)
"""Of both ends' phase reference, 2.5 ps each, at the carrier."""


async def again(make):
    """Return what a coroutine function returns; a busy machine starts too late now and then."""
    for left in reversed(range(TRIES)):
        try:
            return await make()
        except RunFailed:
            if not left:
                raise
    raise AssertionError("not reached")


async def brought_up(lab: Lab, folder: Path, nodes: tuple[str, str] = ("node_a", "node_b")) -> None:
    for routine in END_ROUTINES:
        found = await again(
            lambda routine=routine: lab.calibrate(routine, out=folder, store=folder / STORE)
        )
        assert not found.failures or routine != END_ROUTINES[-1], found.failures
    await again(lambda: lab.measure_skews(nodes, 10))


@asynccontextmanager
async def lab_on(twin: Path, folder: Path) -> AsyncIterator[tuple[Lab, Any]]:
    """A lab of three emulators whose world a twin file describes."""
    own = folder / twin.stem  # clocks, epochs and skews of its own
    own.mkdir()
    endpoints = own / "endpoints.json"
    async with open_serving(OPTICAL, twin, WorldClock(ClockMode.LEAP)) as serving:
        with published(endpoints, serving.endpoints()):
            async with open_facility(OPTICAL, endpoints, state=own / "state.json") as lab:
                await lab.ready(60)
                yield lab, serving


def truth_of(serving: Any) -> Mapping[str, float]:
    told = truth_now(serving.laboratory, optima=False)()
    return {name: float(one.value) for name, one in told.items()}


def expected(
    truth: Mapping[str, float],
    scheme: Scheme,
    window_s: float,
    emitted: float,
    link: str = "link_ab",
) -> HeraldedLink:
    """Return the link that a world's truth describes, whole photons being ``emitted``."""
    arms = [Arm(emitted * truth[f"{link}.{end}.arm_efficiency"]) for end in "ab"]
    detectors = [
        Detector(
            truth[f"{link}.{name}.efficiency"],
            1 - np.exp(-truth[f"{link}.{name}.background"] * window_s),
        )
        for name in ("d0", "d1")
    ]
    one = scheme is Scheme.ONE_CLICK
    return HeraldedLink(
        scheme,
        (arms[0], arms[1]),
        (detectors[0], detectors[1]),
        ONE_CLICK.alpha if one else 0.5,
        phase_sigma_rad=float(np.hypot(truth[f"{link}.phase_drift"], CLOCKS_RAD)) if one else 0.0,
    )

"""A lab whose runs begin as instruments are wired, without skews that were measured."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.benches.links.photon_readout import level_of
from tests.benches.servers.photon_program import PhotonProgram

from podium.control.client.facility_access import open_facility
from podium.control.client.lab import Lab
from podium.control.program.program import Program
from podium.control.runs.errors import RunFailed
from podium.sim_instruments.physics.sampling import sample
from podium.sim_instruments.physics.world_file import write_world
from podium.sim_instruments.servers.clock import ClockMode, WorldClock
from podium.sim_instruments.servers.endpoints import published
from podium.sim_instruments.servers.serving import ServedLaboratory, open_serving

if TYPE_CHECKING:
    import xarray

TRIES = 12
"""Starts that a busy machine is too late for."""


class UncorrectedLab:
    """Runs programs without measured skews until a start is in time."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab

    def __getattr__(self, name: str) -> Any:
        return getattr(self._lab, name)

    async def run(self, program: Program) -> "xarray.Dataset":
        for left in reversed(range(TRIES)):
            try:
                return await self._lab.run(program, corrected=False)
            except RunFailed:
                if not left:
                    raise
        raise AssertionError("not reached")


@dataclass(frozen=True, slots=True)
class LinkedLab:
    """A lab of linked nodes that are served, and what their readouts were found to be."""

    serving: ServedLaboratory
    lab: Any
    made: PhotonProgram
    levels: Mapping[str, Any]
    """By end of the link."""


@asynccontextmanager
async def linked_lab(
    facility: Path, seed: int, folder: Path, mode: ClockMode = ClockMode.MANUAL
) -> AsyncIterator[LinkedLab]:
    """Serve a world of a facility with a link, and open it without skews that were measured."""
    write_world(sample(facility, seed), folder / "twin.yaml")
    endpoints = folder / "endpoints.json"
    clock = WorldClock(mode)
    async with open_serving(facility, folder / "twin.yaml", clock) as serving:
        made = PhotonProgram(serving.laboratory)
        with published(endpoints, serving.endpoints()):
            async with open_facility(facility, endpoints) as opened, asyncio.timeout(400):
                await opened.ready(60)
                lab: Any = UncorrectedLab(opened)
                levels = {end: await level_of(lab, made, end) for end in "ab"}
                yield LinkedLab(serving, lab, made, levels)

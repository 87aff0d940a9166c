"""Kills nodes' processes while they share photons, and judges what becomes of their runs."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tests.benches.servers.photon_program import NS, PhotonProgram
from tests.chaos.twin_laboratory import NODES, TwinLaboratory

from podium.control.client.facility_access import join_facility
from podium.control.client.lab import Lab
from podium.control.program.program import Barrier, Delay, Program, Statement
from podium.control.runs.errors import RunError
from podium.sim_instruments.servers.clock import ClockMode, WorldClock
from podium.sim_instruments.servers.laboratory import Laboratory

LINKED = "linked"
SHOTS = 4_000
HELD_NS = 1_000
"""So long a pair is held before it is read."""
RUN_S, AGAIN_S = 150.0, 300.0
"""A run that has not ended after the first has hung; what ends well once a node is back, has the
second."""


def photon_programs(folder: Path, shots: int = SHOTS) -> dict[str, Program]:
    """Return a photon that is sent and caught, a pair that is held, and both ends at rest, in 1."""
    laboratory = Laboratory.of_files(
        Path(__file__).parents[2] / "examples" / LINKED / "facility.yaml",
        folder / "twin.yaml",
        WorldClock(ClockMode.MANUAL),
    )
    made = PhotonProgram(laboratory)
    sent = [*made.turn("a.ge"), *made.turn("a.ef"), *made.photon(), *made.turn("b.ef")]
    held: list[Statement] = [Delay(made.names[:1], HELD_NS * NS), Barrier(made.names)]
    pair = [*made.turn("a.ge"), *made.turn("a.ef", 0.5), *made.photon(), *made.turn("b.ef"), *held]
    bodies = {
        "photon": sent,
        "pair": pair,
        "rest": [],
        "excited": [*made.turn("a.ge"), *made.turn("b.ge")],
    }
    return {name: made.program(name, body, shots) for name, body in bodies.items()}


@dataclass(slots=True)
class Kills:
    """What became of runs whose nodes were killed."""

    refused: list[str] = field(default_factory=list)
    """Why runs failed, each with the node that was killed."""
    completed: int = 0
    """Runs that had ended before the kill reached them, or went on without the process."""
    hung: list[str] = field(default_factory=list)
    caught: list[float] = field(default_factory=list)
    """How much of the signal of 1 the second end has in whole runs of a photon."""


class LinkKills:
    """Runs of linked nodes whose agents are killed at any instant of them."""

    def __init__(self, laboratory: TwinLaboratory) -> None:
        self._laboratory = laboratory
        self._levels: list[complex] = []
        self._lasts_s = 0.0
        """Of the latest run that was whole."""

    async def run(self, kinds: Sequence[str]) -> Kills:
        """Kill a node's process during one run of each of ``kinds`` of programs."""
        laboratory, found = self._laboratory, Kills()
        try:
            await laboratory.begin()
            programs = await asyncio.to_thread(photon_programs, laboratory.folder)
            async with join_facility(
                laboratory.example, laboratory.coordinator, laboratory.endpoints
            ) as lab:
                await lab.ready(120)
                for name in ("rest", "excited"):
                    data = await self._whole(lab, programs[name])
                    self._levels.append(complex(np.mean(data[1])))
                await self._photon(lab, programs["photon"], found)
                for kind in kinds:
                    await self._kill(lab, programs[kind], found)
                    await self._photon(lab, programs["photon"], found)
        finally:
            await laboratory.end()
        return found

    async def _kill(self, lab: Lab, program: Program, found: Kills) -> None:
        """Kill a node while a run is on, see what comes of the run, and start the node again."""
        laboratory = self._laboratory
        node = laboratory.draw.choice(NODES)
        after_s = laboratory.draw.uniform(0.0, self._lasts_s)
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(self._judged(lab, program, node, found))
            await asyncio.wait({running}, timeout=after_s)
            await asyncio.to_thread(laboratory.processes.kill, node)
            await running
            laboratory.start(node)

    async def _judged(self, lab: Lab, program: Program, node: str, found: Kills) -> None:
        try:
            async with asyncio.timeout(RUN_S):
                whole_of(await lab.run(program, corrected=False), program.shots)
        except TimeoutError:
            found.hung.append(f"{program.name}, {node} killed")
        except RunError as error:
            found.refused.append(f"{program.name}, {node} killed: {error}")
        else:
            found.completed += 1

    async def _photon(self, lab: Lab, program: Program, found: Kills) -> None:
        rest, excited = self._levels
        seen = complex(np.mean((await self._whole(lab, program))[1]))
        along = excited - rest
        found.caught.append(float(((seen - rest) * np.conj(along)).real / abs(along) ** 2))

    async def _whole(self, lab: Lab, program: Program) -> NDArray[np.complex128]:
        """Return the signals of both ends, of a run that is made until its start is in time."""
        give_up = time.monotonic() + AGAIN_S
        while True:
            try:
                begin = time.monotonic()
                async with asyncio.timeout(RUN_S):
                    data = await lab.run(program, corrected=False)
                self._lasts_s = time.monotonic() - begin
                return whole_of(data, program.shots)
            except (RunError, TimeoutError):
                if time.monotonic() > give_up:
                    raise
                await asyncio.sleep(0.2)


def whole_of(data: object, shots: int) -> NDArray[np.complex128]:
    """Return signals of both ends, (2, shots); raises AssertionError where a shot is missing."""
    signals = np.array([data[f"{end}_i"].values + 1j * data[f"{end}_q"].values for end in "ab"])  # type: ignore[index]
    if signals.shape != (2, shots) or not np.all(np.isfinite(signals)):
        raise AssertionError(f"a run has ended well with {signals.shape} signals of {shots} shots")
    return signals

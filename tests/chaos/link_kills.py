"""Kills nodes' processes while they share photons, and judges what becomes of their runs."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tests.benches.servers.photon_program import NS, WAIT_NS, PhotonProgram
from tests.chaos.twin_laboratory import TwinLaboratory

from podium.control.client.facility_access import join_facility
from podium.control.client.lab import Lab
from podium.control.program.program import (
    Barrier,
    Capture,
    Delay,
    Play,
    Program,
    Statement,
)
from podium.control.runs.errors import RunError
from podium.sim_instruments.servers.clock import ClockMode, WorldClock
from podium.sim_instruments.servers.laboratory import Laboratory

LINKED = "linked"
SHOTS = 4_000
HELD_NS = 1_000
"""So long each node holds its half of a pair."""
RUN_S, AGAIN_S = 150.0, 300.0
"""A run that has not ended after the first has hung; what ends well once a node is back, has the
second."""


def photon_programs(
    example: Path, folder: Path, links: Sequence[str] = (), shots: int = SHOTS
) -> dict[str, Program]:
    """Return what nodes along ``links`` play, by name.

    A ``photon`` that is sent on by all; a ``pair`` whose half each of them holds for a while; all
    at ``rest`` and in 1 (``excited``); and each node ``alone``, as ``a``, ``b``, ...
    """
    laboratory = Laboratory.of_files(example, folder / "twin.yaml", WorldClock(ClockMode.MANUAL))
    made = PhotonProgram(laboratory, *links)
    bodies = {
        "photon": _sent_on(made, 1.0, []),
        "pair": _sent_on(made, 0.5, [Delay(made.names[:1], HELD_NS * NS), Barrier(made.names)]),
        "rest": [],
        "excited": [one for end in made.ends for one in made.turn(f"{end}.ge")],
    }
    found = {name: made.program(name, body, shots) for name, body in bodies.items()}
    for end in made.ends:
        found[end] = _alone(made, end, shots)
    return found


def _sent_on(made: PhotonProgram, angle: float, held: list[Statement]) -> list[Statement]:
    """Bring the first node to f by so many half turns, and what is in f on to the last one's e."""
    body = [*made.turn("a.ge"), *made.turn("a.ef", angle)]
    for link, end in zip(made.links, made.ends[1:], strict=True):
        body += [*made.photon(link=link), *made.turn(f"{end}.ef"), *held]
        if end != made.ends[-1]:
            body += made.turn(f"{end}.ef")
    return body


def _alone(made: PhotonProgram, end: str, shots: int) -> Program:
    """Return the readouts of one node by itself."""
    whole = made.program(f"{end} alone", [], shots)
    own = f"{end}.read"
    reads = [one for one in whole.body if isinstance(one, Capture | Play) and one.frame == own]
    body = (*reads, Barrier((own,)), Delay((own,), WAIT_NS * NS))
    frames = tuple(frame for frame in whole.frames if frame.name == own)
    return Program(whole.name, frames, body, shots=shots, keep_shots=True)


@dataclass(slots=True)
class Kills:
    """What became of runs whose nodes were killed."""

    refused: list[str] = field(default_factory=list)
    """Why runs failed, each with the node that was killed."""
    completed: int = 0
    """Runs that had ended before the kill reached them, or went on without the process."""
    hung: list[str] = field(default_factory=list)
    beside: int = 0
    """Whole runs of another node while one was dead."""
    caught: list[float] = field(default_factory=list)
    """How much of the signal of 1 the last node has in whole runs of a photon."""


class LinkKills:
    """Runs of linked nodes whose agents are killed at any instant of them."""

    def __init__(
        self,
        laboratory: TwinLaboratory,
        links: Sequence[str] = ("link_ab",),
        killed: Sequence[str] = "ab",
    ) -> None:
        """``links`` follow each other; ``killed``: last letters of the names of nodes."""
        self._laboratory = laboratory
        self._links, self._killed = links, killed
        self._levels: list[complex] = []
        self._lasts_s = 0.0
        """Of the latest run that was whole."""

    async def run(self, kinds: Sequence[str]) -> Kills:
        """Kill a node's process during one run of each of ``kinds`` of programs."""
        laboratory, found = self._laboratory, Kills()
        try:
            await laboratory.begin()
            programs = await asyncio.to_thread(
                photon_programs, laboratory.example, laboratory.folder, self._links
            )
            async with join_facility(
                laboratory.example, laboratory.coordinator, laboratory.endpoints
            ) as lab:
                await lab.ready(120)
                for name in ("rest", "excited"):
                    data = await self._whole(lab, programs[name])
                    self._levels.append(complex(np.mean(data[-1])))
                await self._photon(lab, programs["photon"], found)
                for kind in kinds:
                    await self._kill(lab, programs, kind, found)
                    await self._photon(lab, programs["photon"], found)
        finally:
            await laboratory.end()
        return found

    async def _kill(
        self, lab: Lab, programs: Mapping[str, Program], kind: str, found: Kills
    ) -> None:
        """Kill a node while a run is on, see what comes of the run, and start the node again.

        Meanwhile another node plays by itself.
        """
        laboratory = self._laboratory
        end = laboratory.draw.choice(self._killed)
        other = programs["b" if end == "a" else "a"]
        after_s = laboratory.draw.uniform(0.0, self._lasts_s)
        node = f"node_{end}"
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(self._judged(lab, programs[kind], node, found))
            await asyncio.wait({running}, timeout=after_s)
            await asyncio.to_thread(laboratory.processes.kill, node)
            await running
            await self._whole(lab, other)
            found.beside += 1
            laboratory.start(node)

    async def _judged(self, lab: Lab, program: Program, node: str, found: Kills) -> None:
        try:
            async with asyncio.timeout(RUN_S):
                whole_of(await lab.run(program, corrected=False), program)
        except TimeoutError:
            found.hung.append(f"{program.name}, {node} killed")
        except RunError as error:
            found.refused.append(f"{program.name}, {node} killed: {error}")
        else:
            found.completed += 1

    async def _photon(self, lab: Lab, program: Program, found: Kills) -> None:
        rest, excited = self._levels
        seen = complex(np.mean((await self._whole(lab, program))[-1]))
        along = excited - rest
        found.caught.append(float(((seen - rest) * np.conj(along)).real / abs(along) ** 2))

    async def _whole(self, lab: Lab, program: Program) -> NDArray[np.complex128]:
        """Return the signals of all nodes, of a run that is made until its start is in time."""
        give_up = time.monotonic() + AGAIN_S
        while True:
            try:
                begin = time.monotonic()
                async with asyncio.timeout(RUN_S):
                    data = await lab.run(program, corrected=False)
                self._lasts_s = time.monotonic() - begin
                return whole_of(data, program)
            except (RunError, TimeoutError):
                if time.monotonic() > give_up:
                    raise
                await asyncio.sleep(0.2)


def whole_of(data: object, program: Program) -> NDArray[np.complex128]:
    """Return signals of all nodes, (nodes, shots); raises AssertionError where one is missing."""
    ends = [one.name for one in program.body if isinstance(one, Capture)]
    signals = np.array([data[f"{end}_i"].values + 1j * data[f"{end}_q"].values for end in ends])  # type: ignore[index]
    if signals.shape != (len(ends), program.shots) or not np.all(np.isfinite(signals)):
        raise AssertionError(
            f"a run has ended well with {signals.shape} signals of {program.shots} shots"
        )
    return signals

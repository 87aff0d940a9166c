"""Kills one node's agent while all measure: the others go on, and it comes back."""

import asyncio
import os
import signal
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import xarray

from podium.control.bus.gather import ungrouped
from podium.control.bus.messages import FacilityStatus
from podium.control.client.lab import Lab
from podium.control.client.readiness import SETTLED
from podium.control.facility.facility import Facility
from podium.control.processes.supervisor import process_of
from podium.control.program.program import Program
from podium.control.records.datasets import save_dataset
from podium.control.report.multi_node.story import FaultRecord, RunSpan
from podium.control.report.progress import Display
from podium.control.runs.errors import RunError, RunFailed

NOTICED_S = 10.0
"""It is to be noticed in under a second; after so long it was not."""
BACK_S = 60.0
BEGUN_S = 30.0
AFTERWARDS_S = 0.5
"""The others go on for so long after it is back."""
EACH_S = 0.3
"""A run of the others begins so long after the one before, unless that takes longer."""
LOOK_S = 0.05


@dataclass(slots=True, eq=False)
class AgentLoss:
    """Kills the agent of ``victim`` with SIGKILL, and watches."""

    lab: Lab
    victim: str
    programs: Mapping[str, Program]
    """By node: what it measures again and again meanwhile."""
    said: Path
    """What ``podium up`` writes: which process is whose."""
    datasets: Path
    display: Display
    _runs: list[tuple[str, str, float, float, bool]] = field(default_factory=list)
    _reason: str = ""
    _failed_at: float | None = None

    async def watch(self) -> FaultRecord:
        """Return what happened; raises ``RunFailed`` where it is not noticed, or not back.

        When this returns, nothing of it runs any longer.
        """
        agent = agent_of(self.lab.facility, await self.lab.status(), self.victim)
        enough = asyncio.Event()
        async with ungrouped(), asyncio.TaskGroup() as tasks:
            for node, program in self.programs.items():
                if node != self.victim:
                    tasks.create_task(self._measure(node, program, enough))
            dying = tasks.create_task(self._measure_until_lost(self.programs[self.victim]))
            try:
                self.display.doing(f"{self.victim} is killed while the others measure")
                await self._begun(tuple(self.programs))
                pid = process_of(self.said.read_text(), f"agent {agent}")
                killed = time.monotonic()
                os.kill(pid, signal.SIGKILL)
                noticed_s = await self._noticed(agent, killed)
                self.display.doing(f"{self.victim} is gone; the others go on")
                back_s = await self._back(agent, killed)
                self.display.doing(f"{self.victim} is back")
                await asyncio.sleep(AFTERWARDS_S)
            finally:
                enough.set()
                dying.cancel()
        runs = [
            RunSpan(node, run, began - killed, ended - killed, complete)
            for node, run, began, ended, complete in self._runs
        ]
        return FaultRecord(self.victim, agent, pid, self._reason, noticed_s, back_s, tuple(runs))

    async def _measure(self, node: str, program: Program, enough: asyncio.Event) -> None:
        """Run again and again; each run is kept."""
        while not enough.is_set():
            began = time.monotonic()
            data = await self.lab.run(program)
            ended = time.monotonic()
            self._runs.append((node, str(data.attrs["run"]), began, ended, complete(data)))
            save_dataset(data, self.datasets)
            await asyncio.sleep(max(0.0, began + EACH_S - time.monotonic()))

    async def _measure_until_lost(self, program: Program) -> None:
        """Run again and again until one fails, and keep the reason."""
        try:
            while True:
                await self.lab.run(program)
        except RunError as error:
            self._failed_at, self._reason = time.monotonic(), str(error)

    async def _begun(self, nodes: tuple[str, ...]) -> None:
        """Return once a run of each node is on; raises ``RunFailed``."""
        give_up = time.monotonic() + BEGUN_S
        while time.monotonic() < give_up:
            on = [one.what for one in (await self.lab.status()).asked if one.state == "on"]
            if all(any(what.endswith(self.programs[n].name) for what in on) for n in nodes):
                return
            await asyncio.sleep(LOOK_S)
        raise RunFailed(f"no run of {' and '.join(nodes)} was on within {BEGUN_S:.0f} s")

    async def _noticed(self, agent: str, killed: float) -> float:
        """Return how long after the kill somebody noticed, s: by its run, or by the status."""
        while (now := time.monotonic()) < killed + NOTICED_S:
            if self._failed_at is not None:
                return self._failed_at - killed
            with suppress(RunFailed):
                status = await self.lab.status()
                if any(text.startswith(f"agent {agent}:") for text in status.missing):
                    return time.monotonic() - killed
            await asyncio.sleep(LOOK_S)
        raise RunFailed(f"nobody noticed in {now - killed:.1f} s that agent {agent} was killed")

    async def _back(self, agent: str, killed: float) -> float:
        """Return how long after the kill the agent had all its instruments again, s."""
        while time.monotonic() < killed + BACK_S:
            with suppress(RunFailed):
                status = await self.lab.status()
                here = [one for one in status.agents if one.agent == agent]
                settled = all(i.state in SETTLED for one in here for i in one.instruments)
                if here and settled and not status.missing:
                    return time.monotonic() - killed
            await asyncio.sleep(LOOK_S)
        raise RunFailed(f"agent {agent} was not back {BACK_S:.0f} s after it was killed")


def agent_of(facility: Facility, status: FacilityStatus, node: str) -> str:
    """Return the agent that owns what a node's marker comes from; raises ``RunFailed``."""
    box = facility.timing.markers[node].output.instrument
    for one in status.agents:
        if any(instrument.name == box for instrument in one.instruments):
            return one.agent
    raise RunFailed(f"{box} of {node} has no agent: {'; '.join(status.missing) or 'none has it'}")


def complete(data: xarray.Dataset) -> bool:
    """Tell whether every point of every capture of a run has come."""
    return bool(data.data_vars) and all(
        one.size > 0 and bool(np.all(np.isfinite(one.values))) for one in data.data_vars.values()
    )

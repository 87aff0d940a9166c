"""Has owners move biases and calibrate mixers, one after the other on one owner."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from podium.control.bus import messages
from podium.control.bus.bus import Bus
from podium.control.bus.gather import gather
from podium.control.bus.log import event_log
from podium.control.bus.messages import ask
from podium.control.bus.mixers import CalibrateMixers, MixersCalibrated
from podium.control.coordinator.agent_directory import AgentDirectory, KnownAgent, unless_gone
from podium.control.coordinator.queue import WorkQueue
from podium.control.coordinator.queue_values import QueuedWork
from podium.control.coordinator.repeated_requests import insist
from podium.control.coordinator.request_log import RequestLog
from podium.control.facility.facility import Facility, UnknownPort
from podium.control.facility.mixers import mixer_port
from podium.control.runs.errors import RunRefused

ANSWER_S = 30.0
"""Deadline for a single question to an agent."""
AWAIT_S = 2.0
"""One question for the end of a move waits so long; it is asked again."""

log = event_log("coordinator")


Ended = TypeVar("Ended")


class Outputs:
    """Has the biases of a facility moved, and its mixers calibrated."""

    def __init__(
        self,
        facility: Facility,
        bus: Bus,
        agents: AgentDirectory,
        queue: WorkQueue,
        request_log: RequestLog,
    ) -> None:
        self._facility = facility
        self._bus = bus
        self._agents = agents
        self._queue = queue
        self._request_log = request_log

    def grow(self, facility: Facility) -> None:
        """Take over a facility that has only grown."""
        self._facility = facility

    async def move(self, asked: messages.Begin, volts: Mapping[str, float]) -> messages.Done:
        """Ramp flux ports to these levels, V; raises ``RunError``, and then they hold."""
        by_owner: dict[str, tuple[KnownAgent, dict[str, float]]] = {}
        for port, level_v in volts.items():
            try:
                source = self._facility.flux_wiring(port).source.instrument
            except UnknownPort as error:
                raise RunRefused(str(error)) from error
            owner = await self._agents.owner_of(source)
            by_owner.setdefault(owner.name, (owner, {}))[1][port] = level_v
        await gather(
            *(
                self._by_owner(
                    owner, queued(asked, owner, len(by_owner)), messages.Bias(part), messages.Done
                )
                for owner, part in by_owner.values()
            )
        )
        return messages.Done()

    async def calibrate_mixers(
        self, asked: messages.Begin, ports: Sequence[str]
    ) -> MixersCalibrated:
        """Have the owners of these ports' outputs calibrate mixers; raises ``RunError``."""
        by_owner: dict[str, tuple[KnownAgent, list[str]]] = {}
        for port in ports:
            mixer = mixer_port(self._facility, port)
            if mixer is None:
                raise RunRefused(f"{port}: no instrument calibrates a mixer at its output")
            owner = await self._agents.owner_of(mixer.output.instrument)
            by_owner.setdefault(owner.name, (owner, []))[1].append(port)
        parts = await gather(
            *(
                self._by_owner(
                    owner,
                    queued(asked, owner, len(by_owner)),
                    CalibrateMixers(tuple(part)),
                    MixersCalibrated,
                )
                for owner, part in by_owner.values()
            )
        )
        return MixersCalibrated({name: one for part in parts for name, one in part.found.items()})

    async def _by_owner(
        self,
        owner: KnownAgent,
        wanted: QueuedWork,
        work: messages.Bias | CalibrateMixers,
        end: type[Ended],
    ) -> Ended:
        ticket, by = wanted.ticket, wanted.by
        if isinstance(work, messages.Bias):
            told = ", ".join(f"{port} to {level_v:.6g} V" for port, level_v in work.volts.items())
            what, outputs, done = f"bias {told}", "biases", "moved"
        else:
            told = ", ".join(work.ports)
            what, outputs, done = f"calibrate the mixers of {told}", "mixers", "calibrated"
        async with self._queue.held(replace(wanted, what=what)):
            try:
                with self._request_log.doing(what, by):
                    ended = await unless_gone(owner, self._steps(owner.key, ticket, work, end, by))
                log.info(f"{outputs} {done}", to=told, by=by)
                return ended
            except BaseException as error:
                why = str(error) or "given up"
                log.warning(f"{outputs} not {done}", to=told, by=by, error=why)
                cancel = messages.Cancel(ticket)
                await asyncio.shield(
                    ask(self._bus, owner.key, cancel, messages.Done, timeout_s=ANSWER_S)
                )
                raise

    async def _steps(
        self,
        key: str,
        ticket: str,
        work: messages.Bias | CalibrateMixers,
        end: type[Ended],
        by: str,
    ) -> Ended:
        request: object = messages.Begin(ticket, work, AWAIT_S, by)
        while True:
            ended: object = await insist(
                self._bus, key, request, end, messages.Pending, timeout_s=AWAIT_S + ANSWER_S
            )
            if isinstance(ended, end):
                return ended
            request = messages.Await(ticket, AWAIT_S)


def queued(asked: messages.Begin, owner: KnownAgent, owners: int) -> QueuedWork:
    """Return how one owner's part of a change of outputs stands in the queue."""
    return QueuedWork(
        asked.ticket if owners == 1 else f"{asked.ticket}.{owner.name}",
        frozenset((owner.name,)),
        asked.by,
        time.time(),
        asked.priority,
        changes=True,
        kind="bias" if isinstance(asked.work, messages.Bias) else "mixers",
        procedure=asked.procedure,
    )

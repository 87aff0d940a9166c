"""Bias moves: each source's owner ramps its own, one move after the other on one owner."""

import asyncio
from collections.abc import Mapping

from podium.control.bus import messages
from podium.control.bus.bus import Bus
from podium.control.bus.log import event_log
from podium.control.bus.messages import ask
from podium.control.bus.together import together
from podium.control.calibration.runner import RunRefused
from podium.control.coordinator.agents_seen import AgentSeen, AgentsSeen, unless_gone
from podium.control.coordinator.run_protocol import insist
from podium.control.coordinator.turns import Journal
from podium.control.facility.facility import Facility, UnknownPort

ANSWER_S = 30.0
"""Deadline for a single question to an agent."""
AWAIT_S = 2.0
"""One question for the end of a move waits so long; it is asked again."""

log = event_log("coordinator")


class Biases:
    """Has the biases of a facility moved."""

    def __init__(self, facility: Facility, bus: Bus, agents: AgentsSeen, journal: Journal) -> None:
        self._facility = facility
        self._bus = bus
        self._agents = agents
        self._journal = journal

    def grow(self, facility: Facility) -> None:
        """Take over a facility that has only grown."""
        self._facility = facility

    async def move(self, ticket: str, volts: Mapping[str, float], by: str) -> messages.Done:
        """Ramp flux ports to these levels, V; raises ``RunError``, and then they hold."""
        by_owner: dict[str, tuple[AgentSeen, dict[str, float]]] = {}
        for port, level_v in volts.items():
            try:
                source = self._facility.flux_wiring(port).source.instrument
            except UnknownPort as error:
                raise RunRefused(str(error)) from error
            owner = await self._agents.owner_of(source)
            by_owner.setdefault(owner.name, (owner, {}))[1][port] = level_v
        await together(
            *(self._by_owner(owner, ticket, part, by) for owner, part in by_owner.values())
        )
        return messages.Done()

    async def _by_owner(
        self, owner: AgentSeen, ticket: str, volts: Mapping[str, float], by: str
    ) -> None:
        told = ", ".join(f"{port} to {level_v:.6g} V" for port, level_v in volts.items())
        what = f"bias {told}"
        async with owner.turn.taken(what, by, None):
            try:
                with self._journal.doing(what, by):
                    await unless_gone(owner, self._steps(owner.key, ticket, volts, by))
                log.info("biases moved", to=told, by=by)
            except BaseException as error:
                log.warning("biases not moved", to=told, by=by, error=str(error) or "given up")
                cancel = messages.Cancel(ticket)
                await asyncio.shield(
                    ask(self._bus, owner.key, cancel, messages.Done, timeout_s=ANSWER_S)
                )
                raise

    async def _steps(self, key: str, ticket: str, volts: Mapping[str, float], by: str) -> None:
        request: object = messages.Begin(ticket, messages.Bias(volts), AWAIT_S, by)
        ended: object = None
        while not isinstance(ended, messages.Done):
            ended = await insist(
                self._bus,
                key,
                request,
                messages.Done,
                messages.Pending,
                timeout_s=AWAIT_S + ANSWER_S,
            )
            request = messages.Await(ticket, AWAIT_S)

"""Asks agents outside of runs: each question of the owner of its subject."""

import asyncio
from collections.abc import Mapping
from typing import TypeVar

from podium.control.bus import messages
from podium.control.bus.bus import Bus
from podium.control.bus.gather import gather
from podium.control.bus.log import event_log
from podium.control.bus.messages import AskEpochs, EpochsNow, Failed, ask
from podium.control.bus.refusals import AskRefusals, Refusal, RefusalReport, refusals_key
from podium.control.bus.snapshots import FacilitySnapshot, PartSnapshot, TakeSnapshot
from podium.control.coordinator.agent_directory import AgentDirectory, KnownAgent, unless_gone
from podium.control.coordinator.repeated_requests import insist
from podium.control.facility.facility import Facility
from podium.control.facility.instrument_models import model_of
from podium.control.runs.errors import RunError, RunFailed

ANSWER_S = 30.0
"""Deadline for a single question to an agent."""
STATUS_S = 3.0
LOOK_S, LOOKS = 0.1, 2
"""An agent that is silent so many looks in a row is not waited for: it is frozen, or blocked."""
SNAPSHOT_S = 10.0
EPOCHS_S = 10.0

Answer = TypeVar("Answer")
log = event_log("coordinator")


class Questions:
    """Asks. Methods that ask one agent raise ``RunError``; of several, one that is away is left
    out."""

    def __init__(self, facility: Facility, bus: Bus, agents: AgentDirectory) -> None:
        self._facility = facility
        self._bus = bus
        self._agents = agents

    def grow(self, facility: Facility) -> None:
        """Take over a facility that has only grown."""
        self._facility = facility

    async def ask(self, owner: KnownAgent, request: object, expected: type[Answer]) -> Answer:
        """Return what an agent answers."""
        return await unless_gone(
            owner, insist(self._bus, owner.key, request, expected, timeout_s=ANSWER_S)
        )

    async def of_owner(self, instrument: str, request: object, expected: type[Answer]) -> Answer:
        """Return what the owner of ``instrument`` answers."""
        return await self.ask(await self._agents.owner_of(instrument), request, expected)

    async def now(self) -> messages.Time:
        """Return the time by the first of the facility's clocks that tells it."""
        instruments = self._facility.instruments
        sources = [clock.source for clock in self._facility.clocks.values()]
        telling = [
            name
            for name in dict.fromkeys((*sources, *instruments))
            if name in instruments and "Clock" in model_of(instruments[name]).roles
        ]
        problem: RunError = RunFailed(
            f"{self._facility.name} has no instrument that could tell the time"
        )
        for name in telling:
            try:
                return await self.of_owner(name, messages.Now(), messages.Time)
            except RunError as error:
                problem = error
        raise problem

    async def snapshot(self) -> FacilitySnapshot:
        """Return how all instruments are set."""
        here = [seen for seen in self._agents.agents if seen.present.is_set()]
        answers = await gather(
            *(self.if_here(seen, TakeSnapshot(), PartSnapshot, SNAPSHOT_S) for seen in here)
        )
        for seen, answer in zip(here, answers, strict=True):
            if isinstance(answer, Failed):
                log.warning("no snapshot", agent=seen.name, problem=answer.message)
        parts = [answer for answer in answers if isinstance(answer, PartSnapshot)]
        found = {one.instrument: one for part in parts for one in part.instruments}
        names = [name for name in self._facility.instruments if name in found]
        return FacilitySnapshot(tuple(found[name] for name in names))

    async def statuses(self) -> Mapping[str, messages.AgentStatus | str]:
        """Return how each agent that was ever seen is, or why it does not say, by its name."""
        agents = self._agents.agents
        answers = await gather(*(self._status_of(seen) for seen in agents))
        return {seen.name: answer for seen, answer in zip(agents, answers, strict=True)}

    async def refusals(self) -> tuple[Refusal, ...]:
        """Return who was not let in where the processes meet; nobody, where there is no lock."""
        key = refusals_key(self._facility.name)
        told = await ask(self._bus, key, AskRefusals(), RefusalReport, timeout_s=STATUS_S)
        return () if isinstance(told, Failed) else told.refusals

    async def epochs(self) -> tuple[Mapping[str, int], tuple[str, ...]]:
        """Return the epochs of all clock domains by which starts are made, as they are now.

        And why those of an agent are not among them.
        """
        agents = [one for one in self._agents.agents if one.welcome is None or one.welcome.timed]
        answers = await gather(
            *(self.if_here(seen, AskEpochs(), EpochsNow, EPOCHS_S) for seen in agents)
        )
        epochs: dict[str, int] = {}
        missing: list[str] = []
        for seen, answer in zip(agents, answers, strict=True):
            if isinstance(answer, EpochsNow):
                epochs |= answer.epochs
            else:
                missing.append(f"agent {seen.name}: {answer.message}")
        return epochs, tuple(missing)

    async def if_here(
        self, seen: KnownAgent, request: object, expected: type[Answer], within_s: float
    ) -> Answer | Failed:
        """Ask one of several agents: one that goes meanwhile does not keep the others waiting."""
        if not seen.here:
            return Failed("no answer", seen.condition())
        asking = ask(self._bus, seen.key, request, expected, timeout_s=within_s)
        try:
            return await unless_gone(seen, asking)
        except RunFailed as error:
            return Failed("no answer", str(error))

    async def _status_of(self, seen: KnownAgent) -> messages.AgentStatus | str:
        asking = asyncio.ensure_future(
            self.if_here(seen, messages.Status(), messages.AgentStatus, STATUS_S)
        )
        silent = 0
        try:
            while not asking.done() and silent < LOOKS:
                await asyncio.wait({asking}, timeout=LOOK_S)
                silent = silent + 1 if seen.stale else 0
        finally:
            if not asking.done():
                asking.cancel()
                await asyncio.wait({asking})
        if asking.cancelled():
            return seen.condition()
        answer = asking.result()
        return answer.message if isinstance(answer, Failed) else answer

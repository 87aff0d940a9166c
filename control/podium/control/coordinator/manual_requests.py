"""Asks instruments by hand for people, in turn: what is read is never older than what was set."""

import time
import uuid

from podium.control.bus.bus import Bus
from podium.control.bus.manual_access import Answered, Ask, Release, TakeBack
from podium.control.bus.messages import Done, Failed, ask
from podium.control.coordinator.agent_directory import AgentDirectory, KnownAgent, unless_gone
from podium.control.coordinator.questions import Questions
from podium.control.coordinator.queue import PATIENCE_S, WorkQueue
from podium.control.coordinator.queue_values import QueuedWork
from podium.control.coordinator.repeated_requests import as_error
from podium.control.coordinator.request_log import RequestLog

BY_HAND_S = 50.0
"""Deadline for what a person asks of an instrument, connecting anew included."""


class ManualRequests:
    """Hands requests of people on to the owners of instruments. Raises ``RunError``."""

    def __init__(
        self,
        bus: Bus,
        agents: AgentDirectory,
        queue: WorkQueue,
        questions: Questions,
        request_log: RequestLog,
    ) -> None:
        self._bus = bus
        self._agents = agents
        self._queue = queue
        self._questions = questions
        self._request_log = request_log

    async def do(self, request: Ask | Release | TakeBack) -> Answered | Done:
        """Do what a person asks; logged where it changes something."""
        match request:
            case Ask(instrument):
                owner = await self._agents.owner_of(instrument)
                sets = request.sets and request.write
                wanted = _wanted(owner, str(request), request.by, sets=sets)
                async with self._queue.held(wanted, PATIENCE_S):
                    if not sets:
                        return await self._ask_once(owner, request)
                    with self._request_log.doing(str(request), request.by):
                        return await self._ask_once(owner, request)
            case Release(instrument, by):
                owner = await self._agents.owner_of(instrument)
                what = f"release {instrument}"
                async with self._queue.held(_wanted(owner, what, by, sets=True), PATIENCE_S):
                    with self._request_log.doing(what, by):
                        return await self._questions.ask(owner, request, Done)
            case TakeBack(instrument, by):
                with self._request_log.doing(f"take back {instrument}", by):
                    return await self._questions.of_owner(instrument, request, Done)

    async def _ask_once(self, owner: KnownAgent, request: Ask) -> Answered:
        """Ask without repeating: a lost answer does not tell whether something was set."""
        asking = ask(self._bus, owner.key, request, Answered, timeout_s=BY_HAND_S)
        answer = await unless_gone(owner, asking)
        if isinstance(answer, Failed):
            raise as_error(answer)
        return answer


def _wanted(owner: KnownAgent, what: str, by: str, *, sets: bool) -> QueuedWork:
    return QueuedWork(
        f"manual-{uuid.uuid4().hex[:12]}",
        frozenset((owner.name,)),
        by,
        time.time(),
        changes=sets,
        shared=not sets,
        kind="manual",
        what=what,
    )

"""Answers what people ask of the queue: who waits, cancel, another priority, reservations."""

import uuid
from collections.abc import Callable

from podium.control.bus.messages import Done
from podium.control.bus.queue import (
    AskQueue,
    CancelReservation,
    CancelWork,
    QueueNews,
    Reservation,
    Reserve,
    SetPriority,
)
from podium.control.coordinator.queue import WorkQueue
from podium.control.facility.facility import Facility
from podium.control.runs.errors import RunFailed, RunRefused

QUEUE_REQUESTS = (AskQueue, CancelWork, SetPriority, Reserve, CancelReservation)
QueueRequest = AskQueue | CancelWork | SetPriority | Reserve | CancelReservation

AgentsOf = Callable[[str], tuple[str, ...]]
"""Returns the agents of a node, or of one by its name; none: nobody has that name."""


class QueueRequests:
    """Answers. Raises ``RunError``."""

    def __init__(
        self, queue: WorkQueue, agents_of: AgentsOf, keep_priority: Callable[[str, int], None]
    ) -> None:
        """``keep_priority``: has a run that was accepted keep it beyond this process."""
        self._queue = queue
        self._agents_of = agents_of
        self._keep_priority = keep_priority

    async def answer(self, request: QueueRequest) -> QueueNews | Done | Reservation:
        """Do what is asked."""
        match request:
            case AskQueue():
                return self._queue.news()
            case CancelWork(ticket, reason, by):
                self._queue.cancel(ticket, reason, by)
            case SetPriority(ticket, priority, by):
                self._queue.set_priority(ticket, priority, by)
                self._keep_priority(ticket, priority)
            case Reserve():
                return await self._reserve(request)
            case CancelReservation(name, by):
                try:
                    await self._queue.give_back(name, by)
                except OSError as error:
                    raise RunFailed(f"that it was given back cannot be kept: {error}") from error
        return Done()

    async def _reserve(self, wanted: Reserve) -> Reservation:
        agents: list[str] = []
        for name in wanted.agents:
            found = self._agents_of(name)
            if not found:
                raise RunRefused(f"there is no node or agent {name!r}")
            agents += found
        name, whole = f"reservation-{uuid.uuid4().hex[:8]}", tuple(dict.fromkeys(agents))
        reservation = Reservation(
            name, whole, wanted.begins_s, wanted.ends_s, wanted.by, wanted.why
        )
        try:
            return await self._queue.reserve(reservation)
        except OSError as error:
            raise RunFailed(f"the reservation cannot be kept: {error}") from error


def agents_of(facility: Facility, owned: Callable[[], dict[str, tuple[str, ...]]]) -> AgentsOf:
    """Return what finds agents by their own names, or by those of nodes that they play.

    ``owned``: instruments by agent, of those that are here.
    """

    def found(name: str) -> tuple[str, ...]:
        here = owned()
        if name in here:
            return (name,)
        if name not in facility.nodes:
            return ()
        mine = {
            line.output.instrument
            for port, line in facility.wiring.items()
            if str(port).partition(".")[0] == name and hasattr(line, "output")
        }
        return tuple(agent for agent, instruments in here.items() if mine & set(instruments))

    return found

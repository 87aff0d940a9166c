"""Shows who waits for whom, and changes it: ``await lab.queue.news()``."""

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
from podium.control.client.coordinator_client import CoordinatorClient


class LabQueue:
    """The facility's queue. Every method raises ``RunError``."""

    def __init__(self, client: CoordinatorClient, who: str) -> None:
        self._client = client
        self._who = who

    async def news(self) -> QueueNews:
        """Return what is on, who waits for whom and how long, and what is reserved."""
        return await self._client.ask(AskQueue(), QueueNews)

    async def cancel(self, ticket: str, reason: str = "") -> None:
        """Cancel what waits: whoever asked for it gets ``RunRefused``, and nothing was touched."""
        await self._client.once(CancelWork(ticket, reason, self._who), Done)

    async def set_priority(self, ticket: str, priority: int) -> None:
        """Give what waits, or has safe points, a priority from -10 to 10."""
        await self._client.ask(SetPriority(ticket, priority, self._who), Done)

    async def reserve(
        self, *names: str, begins_s: float, ends_s: float, why: str = "", by: str = ""
    ) -> Reservation:
        """Keep nodes, or agents, for somebody between two times (Unix time, s).

        ``by``: whose work goes in, a name as ``who`` or the user before ``@``; default: who asks.
        Nobody else's work is begun that would go on into it; what has safe points gives way.
        """
        mine = by or self._who.partition("@")[0]
        wanted = Reserve(names, float(begins_s), float(ends_s), mine, why)
        return await self._client.once(wanted, Reservation)

    async def give_back(self, reservation: str) -> None:
        """Give a reservation back, by its id."""
        await self._client.once(CancelReservation(reservation, self._who), Done)

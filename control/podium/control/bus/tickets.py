"""Does long work over a bus of short answers: begun under a ticket, asked for until it ends.

An answer that is lost costs nothing: the ticket is asked for again. Work goes on when
nobody asks for it; it is ended by :meth:`Tickets.cancel`, or when its owner leaves.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Self

KEPT = 32
"""How many ended pieces of work are remembered."""


class NoSuchTicket(KeyError):
    """Nothing was begun under this ticket, or its end was forgotten long ago."""

    def __str__(self) -> str:
        return f"no work under ticket {self.args[0]}"


class GivenUp(Exception):
    """The work was cancelled by :meth:`Tickets.cancel`."""


class Tickets:
    """The work that one process does for others."""

    def __init__(self, tasks: asyncio.TaskGroup) -> None:
        self._tasks = tasks
        self._work: dict[str, asyncio.Task[object]] = {}

    @classmethod
    @asynccontextmanager
    async def opened(cls) -> AsyncGenerator[Self]:
        """Do work while the context is open; leaving it cancels what is not over."""
        async with asyncio.TaskGroup() as tasks:
            tickets = cls(tasks)
            try:
                yield tickets
            finally:
                for task in tickets._work.values():
                    task.cancel()

    def begin(self, ticket: str, work: Callable[[], Awaitable[object]]) -> None:
        """Begin ``work`` unless it was begun under this ticket before."""
        if ticket not in self._work:
            self._forget_old()
            self._work[ticket] = self._tasks.create_task(_outcome(work), name=ticket)

    async def end(self, ticket: str, wait_s: float | None) -> object | None:
        """Return what the work returned, raise what it raised; None: not over after ``wait_s``.

        ``wait_s`` None: wait for ever.
        Raises ``NoSuchTicket``, and ``GivenUp`` if the work was cancelled.
        """
        task = self._task(ticket)
        await asyncio.wait({task}, timeout=wait_s)
        if not task.done():
            return None
        if task.cancelled():
            raise GivenUp(f"{ticket} was cancelled")
        outcome = task.result()
        if isinstance(outcome, _Raised):
            raise outcome.error
        return outcome

    async def meanwhile(self, ticket: str, event: asyncio.Event) -> None:
        """Return once ``event`` is set, or the work has ended."""
        waiting = asyncio.ensure_future(event.wait())
        try:
            await asyncio.wait({self._task(ticket), waiting}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiting.cancel()

    async def cancel(self, ticket: str) -> None:
        """Cancel the work and return once it has ended. Unknown tickets are no error."""
        task = self._work.get(ticket)
        if task is not None and not task.done():
            task.cancel()
            await asyncio.wait({task})

    def known(self, ticket: str) -> bool:
        """Return whether work was begun under this ticket (and is remembered)."""
        return ticket in self._work

    def _task(self, ticket: str) -> "asyncio.Task[object]":
        try:
            return self._work[ticket]
        except KeyError:
            raise NoSuchTicket(ticket) from None

    def _forget_old(self) -> None:
        over = [ticket for ticket, task in self._work.items() if task.done()]
        for ticket in over[: max(0, len(over) - KEPT)]:
            del self._work[ticket]


class _Raised:
    """An error on its way to who asks: raised in the task it would end all others."""

    def __init__(self, error: Exception) -> None:
        self.error = error


async def _outcome(work: Callable[[], Awaitable[object]]) -> object:
    try:
        return await work()
    except Exception as error:
        return _Raised(error)

"""Does long work over a bus of short answers: begun under a ticket, asked for until it ends.

An answer that is lost costs nothing: the ticket is asked for again. Work goes on when
nobody asks for it; it is ended by :meth:`Tickets.cancel`, or when its owner leaves.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Self

from podium.control.bus.offload import bytes_of

KEPT = 32
"""How many ended pieces of work are remembered."""
KEPT_BYTES = 1 << 25
"""Of what they have brought, arrays and bytes: of more only the latest :data:`KEPT_WHOLE` have it.
Runs of single shots bring some ten megabytes each."""
KEPT_WHOLE = 4
"""Who has lost an answer asks again within seconds; so many others may have got theirs since."""


class NoSuchTicket(KeyError):
    """Nothing was begun under this ticket, or its end was forgotten long ago."""

    def __str__(self) -> str:
        return f"no work under ticket {self.args[0]}"


class OutcomeForgotten(NoSuchTicket):
    """The work has ended long ago, and what it has brought is not held any longer."""

    def __str__(self) -> str:
        return f"what the work under ticket {self.args[0]} has brought is not held any longer"


class GivenUp(Exception):
    """The work was cancelled by :meth:`Tickets.cancel`."""


class Tickets:
    """The work that one process does for others."""

    def __init__(self, tasks: asyncio.TaskGroup) -> None:
        self._tasks = tasks
        self._work: dict[str, _Work] = {}
        self._over: deque[str] = deque()
        """Tickets of what has ended, oldest first."""

    @classmethod
    @asynccontextmanager
    async def opened(cls) -> AsyncGenerator[Self]:
        """Do work while the context is open; leaving it cancels what is not over."""
        async with asyncio.TaskGroup() as tasks:
            tickets = cls(tasks)
            try:
                yield tickets
            finally:
                for work in tickets._work.values():
                    work.task.cancel()

    def begin(self, ticket: str, work: Callable[[], Awaitable[object]]) -> None:
        """Begin ``work`` unless it was begun under this ticket before."""
        if ticket in self._work:
            return
        while len(self._over) > KEPT:
            del self._work[self._over.popleft()]
        begun = _Work()
        begun.task = self._tasks.create_task(begun.outcome_of(work), name=ticket)
        self._work[ticket] = begun

        def ended(_: "asyncio.Task[None]") -> None:
            self._over.append(ticket)
            self._forget_large()
            begun.wake()

        begun.task.add_done_callback(ended)

    async def end(self, ticket: str, wait_s: float | None) -> object | None:
        """Return what the work returned, raise what it raised; None: not over after ``wait_s``.

        ``wait_s`` None: wait for ever.
        Raises ``NoSuchTicket``, ``OutcomeForgotten`` if others have brought much since, and
        ``GivenUp`` if the work was cancelled.
        """
        work = self._named(ticket)
        await work.over(wait_s)
        if not work.is_over:
            return None
        if work.error is not None:
            raise work.error
        if work.task.done() and work.task.cancelled():
            raise GivenUp(f"{ticket} was cancelled")
        return work.outcome

    async def meanwhile(self, ticket: str, event: asyncio.Event) -> None:
        """Return once ``event`` is set, or the work has ended."""
        waiting = asyncio.ensure_future(event.wait())
        try:
            await asyncio.wait(
                {self._named(ticket).task, waiting}, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            waiting.cancel()

    async def cancel(self, ticket: str) -> None:
        """Cancel the work and return once it has ended. Unknown tickets are no error."""
        work = self._work.get(ticket)
        if work is not None and not work.task.done():
            work.task.cancel()
            await asyncio.wait({work.task})

    def _forget_large(self) -> None:
        """Forget what the oldest have brought, but not that they were begun."""
        held = 0
        for age, ticket in enumerate(reversed(self._over)):
            work = self._work[ticket]
            if work.outcome_bytes * KEPT <= KEPT_BYTES:
                continue
            held += work.outcome_bytes
            if held > KEPT_BYTES and age >= KEPT_WHOLE:
                work.outcome, work.outcome_bytes = None, 0
                work.error = OutcomeForgotten(ticket)

    def known(self, ticket: str) -> bool:
        """Return whether work was begun under this ticket (and is remembered)."""
        return ticket in self._work

    def _named(self, ticket: str) -> "_Work":
        try:
            return self._work[ticket]
        except KeyError:
            raise NoSuchTicket(ticket) from None


class _Work:
    """One piece of work, and who waits for its end."""

    def __init__(self) -> None:
        self.task: asyncio.Task[None]
        self.is_over = False
        self.outcome: object = None
        self.outcome_bytes = 0
        self.error: Exception | None = None
        """Raised by who asks: raised in the task it would end all others."""
        self._waiting: set[asyncio.Future[None]] = set()

    async def outcome_of(self, work: Callable[[], Awaitable[object]]) -> None:
        """Do the work, and wake who waits as it ends: its task's end comes a turn later."""
        try:
            self.outcome = await work()
            self.outcome_bytes = bytes_of(self.outcome)
        except Exception as error:
            self.error = error
        self.wake()

    def wake(self) -> None:
        """Wake all who wait for the end."""
        self.is_over = True
        for waiter in self._waiting:
            _wake(waiter)

    async def over(self, wait_s: float | None) -> None:
        """Return once it is over, or after ``wait_s``; None: whenever that is."""
        if self.is_over:
            return
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[None] = loop.create_future()
        timer = None if wait_s is None else loop.call_later(wait_s, _wake, waiter)
        self._waiting.add(waiter)
        try:
            await waiter
        finally:
            self._waiting.discard(waiter)
            if timer is not None:
                timer.cancel()


def _wake(waiter: "asyncio.Future[None]") -> None:
    if not waiter.done():
        waiter.set_result(None)

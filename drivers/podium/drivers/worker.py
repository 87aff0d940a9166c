"""A blocking driver in a thread of its own, seen as async.

    connecting ──▶ connected ──▶ lost ──▶ connecting ...   (``keep`` goes round)
         released ◀── any of them; back by ``take_back``

One call at a time, in the order asked. Every call has a deadline. A call that runs past
it, or whose caller is cancelled and that does not end within ``GRACE_S``, costs the
connection: it is closed from another thread, so that a late answer can never be taken
for the answer to the next question, and the thread that hangs in it is left behind.
``keep`` then connects anew with a new thread and a new driver object: whatever the old
one had cached is forgotten with it.
"""

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from podium.drivers.driver_thread import DriverThread
from podium.drivers.errors import (
    InstrumentError,
    NotStarted,
    ProtocolError,
    Refused,
    Unreachable,
)
from podium.drivers.roles import Identity, Instrument

Driver = TypeVar("Driver", bound=Instrument)
Result = TypeVar("Result")

CONNECT_S = 20.0
"""Connecting past this is given up (and tried again)."""
GRACE_S = 0.5
"""How long a cancelled call may take to end by itself before its connection is closed."""
OPENING_S = 4.0
"""How long a connection that is being opened may take to be closed again: drivers give up sooner
where nobody answers."""
BACKOFF_FIRST_S = 0.1
BACKOFF_MAX_S = 5.0
"""Pause after a failed attempt to connect: doubled each time, up to the maximum."""


@dataclass(frozen=True, slots=True)
class Health:
    """The state of an instrument, as far as its worker knows."""

    state: str
    """``connecting``, ``connected``, ``lost`` or ``released``."""
    identity: Identity | None
    """Of the last connection, None before the first."""
    connections: int
    """How many connections there were: what was cached under another number is stale."""
    calls: int
    """How many calls were begun that may have set something."""
    running: str
    """What is being asked of it now; empty when nothing is."""
    last_error: str
    """What made the last connection or attempt fail; empty while connected."""
    heard: float | None = None
    """When it answered last, monotonic wall time, s; None: never."""


class Worker(Generic[Driver]):
    """Owns one driver. ``keep`` must run (in the owner's task group) for it to connect."""

    def __init__(
        self,
        name: str,
        connect: Callable[[], Driver],
        address: str = "",
        complaint: Callable[[Identity], str] = lambda identity: "",
    ) -> None:
        """``address`` stands in every error; ``complaint`` says why it is not the one wanted."""
        self.name = name
        self._connect = connect
        self._address = address
        self._who = f"{name} at {address}" if address else name
        self._complaint = complaint
        self._turn = asyncio.Lock()
        self._changed = asyncio.Condition()
        self._wanted = asyncio.Event()
        self._connection: DriverThread[Driver] | None = None
        self._state = "connecting"
        self._attempting = True
        self._attempts = 0
        self._identity: Identity | None = None
        self._connections = 0
        self._calls = 0
        self._running = ""
        self._last_error = ""
        self._released = ""
        self._heard: float | None = None

    @property
    def health(self) -> Health:
        """Return the state of the instrument now."""
        return Health(
            self._state,
            self._identity,
            self._connections,
            self._calls,
            self._running,
            self._last_error,
            self._heard,
        )

    @property
    def connections(self) -> int:
        """Return how many connections there were, as in :class:`Health`."""
        return self._connections

    async def keep(self) -> None:
        """Keep the instrument connected until cancelled; then close the connection."""
        pause_s = 0.0
        try:
            while True:
                with contextlib.suppress(TimeoutError):  # somebody who asks ends the pause
                    async with asyncio.timeout(pause_s):
                        await self._wanted.wait()
                self._wanted.clear()
                async with self._changed:
                    await self._changed.wait_for(lambda: not self._released)
                if await self._attempt():
                    pause_s = 0.0
                    async with self._changed:
                        await self._changed.wait_for(lambda: self._connection is None)
                else:
                    pause_s = min(max(2 * pause_s, BACKOFF_FIRST_S), BACKOFF_MAX_S)
        finally:
            closing = self._forget("closed")
            if closing is not None:
                await asyncio.shield(asyncio.to_thread(closing.join, GRACE_S))

    async def connected(self) -> None:
        """Return once there is a connection."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._connection is not None)

    async def attempted(self) -> bool:
        """Return whether there is a connection; if not, an attempt begun after this has failed."""
        async with self._changed:
            before = self._attempts
            while self._connection is None and not self._released:
                if not self._attempting:
                    if self._attempts > before:
                        break
                    self._attempting = True  # now, not at the end of the pause
                    self._wanted.set()
                await self._changed.wait()
        return self._connection is not None

    async def release(self, why: str) -> None:
        """Close the connection once the call under way has ended, and make no new one.

        Until :meth:`take_back` every call is ``Refused`` with ``why``.
        """
        async with self._turn, self._changed:
            self._released = why
            closing = self._forget(why)
            self._last_error = why
            self._set("released", attempting=False)
            self._changed.notify_all()
        if closing is not None:  # whoever it is for may be the only one that it takes
            await asyncio.to_thread(closing.join, GRACE_S)

    async def take_back(self) -> None:
        """Connect again; returns at once. What was known of the instrument is forgotten."""
        async with self._changed:
            self._released = ""
            if self._state == "released":
                self._set("connecting", attempting=True)
            self._changed.notify_all()

    async def renew(self, why: str) -> None:
        """Close the connection once the call under way has ended; ``keep`` connects anew."""
        async with self._turn:
            if self._connection is not None:
                await self._drop(why, self._connection)

    @property
    def released(self) -> str:
        """Return why no call is accepted; empty: the instrument is in hand."""
        return self._released

    async def call(
        self,
        what: str,
        function: Callable[[Driver], Result],
        deadline_s: float,
        *,
        polls: bool = False,
    ) -> Result:
        """Return ``function(driver)``, run in the driver's thread.

        ``what`` names the call in messages; one that ``polls`` is not counted among the calls.
        Raises ``Unreachable`` when there is no connection (one attempt is made, or waited for) or
        the deadline passes; what the driver raises otherwise, foreign exceptions as
        ``ProtocolError``. After ``Unreachable`` and ``ProtocolError`` the connection is closed,
        and the instrument's state is unknown.
        """
        before = self._running
        fate = f"it waited for {before!r} to end" if before else "not connected"
        try:
            async with asyncio.timeout(deadline_s), self._turn:
                connection = self._connection
                if connection is None or self._released:
                    connection = await self._open_connection(what)
                self._calls += not polls
                self._running = what
                try:
                    return await self._run(connection, what, function)
                finally:
                    self._running = ""
                    lost = self._connection is not connection
                    fate = "connection closed" if lost else "it ended when asked to"
        except TimeoutError as error:
            raise Unreachable(
                f"{self._who}: {what}: no answer within {deadline_s} s; {fate}"
            ) from error

    async def _open_connection(self, what: str) -> DriverThread[Driver]:
        await self.attempted()
        if self._released:
            raise Refused(self._released)
        if self._connection is None:
            raise Unreachable(
                f"{self._who}: not connected: {self._last_error}; {what} was not asked; "
                "trying again"
            )
        return self._connection

    async def _run(
        self, connection: DriverThread[Driver], what: str, function: Callable[[Driver], Result]
    ) -> Result:
        call = connection.submit(function)
        try:
            result = await call.answer
            self._heard = time.monotonic()
            return result
        except asyncio.CancelledError:
            await self._give_up(connection, call.end, what)
            raise
        except (Refused, NotStarted):
            self._heard = time.monotonic()
            raise
        except InstrumentError as error:
            self._locate(error)
            await self._drop(f"{what}: {error}", connection)
            raise
        except Exception as error:
            await self._drop(f"{what}: {type(error).__name__}: {error}", connection)
            raise ProtocolError(
                f"{self._who}: {what}: {type(error).__name__}: {error}; connection closed"
            ) from error

    def _locate(self, error: InstrumentError) -> None:
        # Not every driver names the address; with it a person knows which cable to look at.
        if self._address not in str(error):
            error.args = (f"{error} ({self.name} is at {self._address})",)

    async def _give_up(
        self, connection: DriverThread[Driver], job: "asyncio.Future[Result]", what: str
    ) -> None:
        # The caller is cancelled or out of time: the call may end by itself, but not for long.
        connection.interrupt()
        ended = asyncio.shield(asyncio.wait({job}, timeout=GRACE_S))
        with contextlib.suppress(asyncio.CancelledError):
            await ended
        if job.done() and not job.cancelled():
            error = job.exception()
            if error is None or isinstance(error, Refused | NotStarted):
                return
        await self._drop(f"{what}: given up", connection)

    async def _attempt(self) -> bool:
        # What was lost is lost until it answers: pages do not flicker while it is tried again.
        self._set("lost" if self._state == "lost" else "connecting", attempting=True)
        self._attempts += 1
        connection: DriverThread[Driver] = DriverThread(self.name, self._connect, self._check)
        opened = connection.opened
        try:
            async with asyncio.timeout(CONNECT_S):
                identity = await asyncio.shield(opened)
        except TimeoutError:
            problem = f"connecting: no answer within {CONNECT_S} s"
        except InstrumentError as error:
            self._locate(error)
            problem = str(error)
        except Exception as error:
            problem = f"connecting: {type(error).__name__}: {error}"
        except asyncio.CancelledError:
            connection.leave()  # it closes what it is opening
            await asyncio.shield(asyncio.to_thread(connection.ended, OPENING_S))
            raise
        else:
            async with self._changed:
                if self._released:  # let go while it was connecting
                    connection.leave()
                    return False
                self._connection = connection
                self._identity = identity
                self._connections += 1
                self._heard = time.monotonic()
                self._last_error = ""
                self._set("connected", attempting=False)
                self._changed.notify_all()
            return True
        connection.leave()
        async with self._changed:
            if self._released:
                return False
            self._last_error = problem
            self._set("lost", attempting=False)
            self._changed.notify_all()
        return False

    def _check(self, identity: Identity) -> None:
        complaint = self._complaint(identity)
        if complaint:
            raise Refused(f"{self._who}: {complaint}")

    async def _drop(self, reason: str, connection: DriverThread[Driver]) -> None:
        if connection is self._connection:
            self._forget(reason)
            async with self._changed:
                self._changed.notify_all()

    def _forget(self, reason: str) -> threading.Thread | None:
        connection, self._connection = self._connection, None
        if connection is None:
            return None
        self._last_error = reason
        self._set("lost", attempting=True)  # ``keep`` tries at once
        return connection.leave()

    def _set(self, state: str, *, attempting: bool) -> None:
        self._state = state
        self._attempting = attempting

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
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Generic, TypeVar

from podium.drivers.errors import InstrumentError, ProtocolError, Refused, Unreachable
from podium.drivers.roles import Identity, Instrument

Driver = TypeVar("Driver", bound=Instrument)
Result = TypeVar("Result")

CONNECT_S = 20.0
"""Connecting past this is given up (and tried again)."""
GRACE_S = 0.5
"""How long a cancelled call may take to end by itself before its connection is closed."""
BACKOFF_FIRST_S = 0.1
BACKOFF_MAX_S = 5.0
"""Pause after a failed attempt to connect: doubled each time, up to the maximum."""


@dataclass(frozen=True, slots=True)
class Health:
    """How an instrument is, as far as its worker knows."""

    state: str
    """``connecting``, ``connected``, ``lost`` or ``released``."""
    identity: Identity | None
    """Of the last connection, None before the first."""
    connections: int
    """How many connections there were: what was cached under another number is stale."""
    calls: int
    """How many calls were begun."""
    running: str
    """What is being asked of it now; empty when nothing is."""
    last_error: str
    """What made the last connection or attempt fail; empty while connected."""


class Worker(Generic[Driver]):
    """Owns one driver. ``keep`` must run (in the owner's task group) for it to connect."""

    def __init__(self, name: str, connect: Callable[[], Driver]) -> None:
        self.name = name
        self._connect = connect
        self._turn = asyncio.Lock()
        self._changed = asyncio.Condition()
        self._lane: _Lane[Driver] | None = None
        self._state = "connecting"
        self._attempting = True
        self._identity: Identity | None = None
        self._connections = 0
        self._calls = 0
        self._running = ""
        self._last_error = ""
        self._released = ""

    @property
    def health(self) -> Health:
        """How the instrument is now."""
        return Health(
            self._state,
            self._identity,
            self._connections,
            self._calls,
            self._running,
            self._last_error,
        )

    async def keep(self) -> None:
        """Keep the instrument connected until cancelled; then close the connection."""
        pause_s = 0.0
        try:
            while True:
                await asyncio.sleep(pause_s)
                async with self._changed:
                    await self._changed.wait_for(lambda: not self._released)
                if await self._attempt():
                    pause_s = 0.0
                    async with self._changed:
                        await self._changed.wait_for(lambda: self._lane is None)
                else:
                    pause_s = min(max(2 * pause_s, BACKOFF_FIRST_S), BACKOFF_MAX_S)
        finally:
            closing = self._forget("closed")
            if closing is not None:
                await asyncio.shield(asyncio.to_thread(closing.join, GRACE_S))

    async def connected(self) -> None:
        """Return once there is a connection."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._lane is not None)

    async def release(self, why: str) -> None:
        """Close the connection once the call under way has ended, and make no new one.

        Until :meth:`take_back` every call is ``Refused`` with ``why``.
        """
        async with self._turn, self._changed:
            self._released = why
            self._forget(why)
            self._last_error = why
            self._set("released", attempting=False)
            self._changed.notify_all()

    async def take_back(self) -> None:
        """Connect again; returns at once. What was known of the instrument is forgotten."""
        async with self._changed:
            self._released = ""
            if self._state == "released":
                self._set("lost", attempting=True)
            self._changed.notify_all()

    async def renew(self, why: str) -> None:
        """Close the connection once the call under way has ended; ``keep`` connects anew."""
        async with self._turn:
            if self._lane is not None:
                await self._drop(why, self._lane)

    @property
    def released(self) -> str:
        """Why no call is accepted; empty: the instrument is in hand."""
        return self._released

    async def call(
        self, what: str, function: Callable[[Driver], Result], deadline_s: float
    ) -> Result:
        """Return ``function(driver)``, run in the driver's thread.

        ``what`` names the call in messages. Raises ``Unreachable`` when there is no connection
        (an attempt that is under way is waited for) or the deadline passes; what the driver
        raises otherwise, foreign exceptions as ``ProtocolError``. After ``Unreachable`` and
        ``ProtocolError`` the connection is closed, and the instrument's state is unknown.
        """
        before = self._running
        fate = f"it waited for {before!r} to end" if before else "not connected"
        try:
            async with asyncio.timeout(deadline_s), self._turn:
                lane = await self._open_lane()
                self._calls += 1
                self._running = what
                try:
                    return await self._run(lane, what, function)
                finally:
                    self._running = ""
                    lost = self._lane is not lane
                    fate = "connection closed" if lost else "it ended when asked to"
        except TimeoutError as error:
            raise Unreachable(
                f"{self.name}: {what}: no answer within {deadline_s} s; {fate}"
            ) from error

    async def _open_lane(self) -> "_Lane[Driver]":
        async with self._changed:
            await self._changed.wait_for(lambda: self._lane is not None or not self._attempting)
        if self._released:
            raise Refused(self._released)
        if self._lane is None:
            raise Unreachable(f"{self.name}: not connected: {self._last_error}; trying again")
        return self._lane

    async def _run(
        self, lane: "_Lane[Driver]", what: str, function: Callable[[Driver], Result]
    ) -> Result:
        job = lane.submit(function)
        try:
            return await asyncio.shield(job)
        except asyncio.CancelledError:
            await self._give_up(lane, job, what)
            raise
        except Refused:
            raise
        except InstrumentError as error:
            await self._drop(f"{what}: {error}", lane)
            raise
        except Exception as error:
            await self._drop(f"{what}: {type(error).__name__}: {error}", lane)
            raise ProtocolError(
                f"{self.name}: {what}: {type(error).__name__}: {error}; connection closed"
            ) from error

    async def _give_up(
        self, lane: "_Lane[Driver]", job: "asyncio.Future[Result]", what: str
    ) -> None:
        # The caller is cancelled or out of time: the call may end by itself, but not for long.
        lane.interrupt()
        ended = asyncio.shield(asyncio.wait({job}, timeout=GRACE_S))
        with contextlib.suppress(asyncio.CancelledError):
            await ended
        if job.done() and not job.cancelled():
            error = job.exception()
            if error is None or isinstance(error, Refused):
                return
        await self._drop(f"{what}: given up", lane)

    async def _attempt(self) -> bool:
        self._set("connecting", attempting=True)
        lane: _Lane[Driver] = _Lane(self.name, self._connect)
        opened = lane.opened
        try:
            async with asyncio.timeout(CONNECT_S):
                identity = await asyncio.shield(opened)
        except TimeoutError:
            problem = f"connecting: no answer within {CONNECT_S} s"
        except InstrumentError as error:
            problem = str(error)
        except Exception as error:
            problem = f"connecting: {type(error).__name__}: {error}"
        except asyncio.CancelledError:
            lane.leave()
            raise
        else:
            async with self._changed:
                if self._released:  # let go while it was connecting
                    lane.leave()
                    return False
                self._lane = lane
                self._identity = identity
                self._connections += 1
                self._last_error = ""
                self._set("connected", attempting=False)
                self._changed.notify_all()
            return True
        lane.leave()
        async with self._changed:
            if self._released:
                return False
            self._last_error = problem
            self._set("lost", attempting=False)
            self._changed.notify_all()
        return False

    async def _drop(self, reason: str, lane: "_Lane[Driver]") -> None:
        if lane is self._lane:
            self._forget(reason)
            async with self._changed:
                self._changed.notify_all()

    def _forget(self, reason: str) -> threading.Thread | None:
        lane, self._lane = self._lane, None
        if lane is None:
            return None
        self._last_error = reason
        self._set("lost", attempting=True)  # ``keep`` tries at once
        return lane.leave()

    def _set(self, state: str, *, attempting: bool) -> None:
        self._state = state
        self._attempting = attempting


class _Lane(Generic[Driver]):
    """One connection and its thread."""

    def __init__(self, name: str, connect: Callable[[], Driver]) -> None:
        self._loop = asyncio.get_running_loop()
        self._jobs: queue.SimpleQueue[Callable[[Driver], None] | None] = queue.SimpleQueue()
        self._name = name
        self._connect = connect
        self._driver: Driver | None = None
        self._left = threading.Event()
        self._closing = threading.Lock()
        self.opened: asyncio.Future[Identity] = self._loop.create_future()
        self.opened.add_done_callback(_seen)
        threading.Thread(target=self._work, name=f"{name} driver", daemon=True).start()

    def submit(self, function: Callable[[Driver], Result]) -> "asyncio.Future[Result]":
        """Return what ``function(driver)`` will return."""
        future: asyncio.Future[Result] = self._loop.create_future()
        future.add_done_callback(_seen)

        def job(driver: Driver) -> None:
            try:
                result = function(driver)
            except BaseException as error:
                self._tell(partial(_fail, future, error))
            else:
                self._tell(partial(_fulfil, future, result))

        self._jobs.put(job)
        return future

    def interrupt(self) -> None:
        """Ask the running call to end early, if the driver has a way to be asked."""
        interrupt = getattr(self._driver, "interrupt", None)
        if interrupt is not None:
            interrupt()

    def leave(self) -> threading.Thread:
        """Close the connection, from a thread of its own since closing may hang as well."""
        self._left.set()
        self._jobs.put(None)
        closing = threading.Thread(target=self._close, name=f"{self._name} closing", daemon=True)
        closing.start()
        return closing

    def _work(self) -> None:
        try:
            driver = self._connect()
            self._driver = driver
            identity = driver.identity()
        except BaseException as error:
            self._close()
            self._tell(partial(_fail, self.opened, error))
            return
        if self._left.is_set():  # given up while it was connecting
            self._close()
            return
        self._tell(partial(_fulfil, self.opened, identity))
        while (job := self._jobs.get()) is not None and not self._left.is_set():
            job(driver)

    def _close(self) -> None:
        with self._closing:
            driver, self._driver = self._driver, None
        if driver is not None:
            try:
                driver.close()
            except Exception:
                return  # it is gone either way; what led here is reported already

    def _tell(self, news: Callable[[], None]) -> None:
        try:
            self._loop.call_soon_threadsafe(news)
        except RuntimeError:
            return  # the loop has ended: nobody waits any more


def _fulfil(future: "asyncio.Future[Result]", result: Result) -> None:
    if not future.done():
        future.set_result(result)


def _fail(future: "asyncio.Future[Result]", error: BaseException) -> None:
    if not future.done():
        if isinstance(error, StopIteration):
            error = RuntimeError(f"the driver raised StopIteration: {error}")
        future.set_exception(error)


def _seen(future: "asyncio.Future[Result]") -> None:
    # A job whose caller has given up may fail unseen: that is expected, not worth a warning.
    if not future.cancelled():
        future.exception()

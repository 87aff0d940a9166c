"""One connection to an instrument has a driver and the thread in which it blocks."""

import asyncio
import queue
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Generic, TypeVar

from podium.drivers.roles import Identity, Instrument
from podium.drivers.thread_cores import ThreadCores

Driver = TypeVar("Driver", bound=Instrument)
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True, eq=False)
class DriverCall(Generic[Result]):
    """A call under way."""

    end: "asyncio.Future[Result]"
    """Outlives whoever has asked."""
    answer: "asyncio.Future[Result]"
    """The same for who has asked, who may give it up: a shield takes the loop two turns more."""


class DriverThread(Generic[Driver]):
    """Owns one connection and its thread."""

    def __init__(
        self, name: str, connect: Callable[[], Driver], check: Callable[[Identity], None]
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._jobs: queue.SimpleQueue[Callable[[Driver], None] | None] = queue.SimpleQueue()
        self._name = name
        self._connect = connect
        self._check = check
        self._driver: Driver | None = None
        self._left = threading.Event()
        self._closing = threading.Lock()
        self._waits = False
        """Whether the thread has nothing to do."""
        self.opened: asyncio.Future[Identity] = self._loop.create_future()
        self._thread = threading.Thread(target=self._work, name=f"{name} driver", daemon=True)
        self._thread.start()
        self._cores = ThreadCores(self._thread)

    def submit(self, function: Callable[[Driver], Result]) -> "DriverCall[Result]":
        """Begin ``function(driver)``."""
        end: asyncio.Future[Result] = self._loop.create_future()
        call = DriverCall(end, self._loop.create_future())

        def job(driver: Driver) -> None:
            self._cores.release()
            try:
                result = function(driver)
            except BaseException as error:
                self._tell(partial(_fail, (call.end, call.answer), error))
            else:
                self._tell(partial(_fulfil, (call.end, call.answer), result))

        if self._waits:  # what is at work is not moved
            self._cores.bring_here()
        self._jobs.put(job)
        return call

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

    def ended(self, timeout_s: float) -> None:
        """Block until the connection's thread has ended, after :meth:`leave`, or time is up."""
        self._thread.join(timeout_s)

    def _work(self) -> None:
        try:
            driver = self._connect()
            self._driver = driver
            identity = driver.identity()
            self._check(identity)
        except BaseException as error:
            self._close()
            self._tell(partial(_fail, (self.opened,), error))
            return
        if self._left.is_set():  # given up while it was connecting
            self._close()
            return
        self._tell(partial(_fulfil, (self.opened,), identity))
        while (job := self._next_job()) is not None and not self._left.is_set():
            job(driver)

    def _next_job(self) -> Callable[[Driver], None] | None:
        self._waits = True
        job = self._jobs.get()
        self._waits = False
        return job

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
            return  # the loop has ended: nobody waits any longer


def _fulfil(futures: "Iterable[asyncio.Future[Result]]", result: Result) -> None:
    for future in futures:
        if not future.done():
            future.set_result(result)


def _fail(futures: "Iterable[asyncio.Future[Result]]", error: BaseException) -> None:
    if isinstance(error, StopIteration):
        error = RuntimeError(f"the driver raised StopIteration: {error}")
    for future in futures:
        if not future.done():
            future.set_exception(error)
            # A job whose caller has given up may fail unseen: that is expected, not worth a
            # warning.
            future.exception()

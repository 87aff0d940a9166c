"""Answers requests beside each other, all ended when their server leaves."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Self, TypeVar

from podium.control.bus.bus import Answerer, AnswererFailed, BusError, NoAnswer

T = TypeVar("T")
Tell = Callable[[bytes | BusError], None]
"""Takes an answer, or why there is none: ``AnswererFailed`` or ``NoAnswer``."""


class AnswerTasks:
    """The requests to one key that are being answered now.

    A requester that gives up does not end the work it asked for: whether it was carried
    out must not depend on who still listens. Whoever wants it ended says so by a request.
    """

    def __init__(self, key: str, answer: Answerer, tasks: asyncio.TaskGroup) -> None:
        self._key = key
        self._answer = answer
        self._tasks = tasks
        self._name = f"answer {key}"
        self._open: set[asyncio.Future[Any]] = set()

    @classmethod
    @asynccontextmanager
    async def opened(cls, key: str, answer: Answerer) -> AsyncGenerator[Self]:
        """Serve while the context is open; leaving it cancels what is being answered."""
        async with asyncio.TaskGroup() as tasks:
            answering = cls(key, answer, tasks)
            try:
                yield answering
            finally:
                for one in tuple(answering._open):
                    one.cancel()

    def begin(self, payload: bytes, tell: Tell) -> None:
        """Begin to answer; ``tell`` is called once, on the loop, and raises nothing.

        It takes ``NoAnswer`` when the server left before there was an answer.
        """
        try:
            answer = self._answer(payload)
        except Exception as error:
            tell(self._failed(error))
            return
        if isinstance(answer, asyncio.Future):  # it comes by itself, and takes no task
            work: asyncio.Future[Any] = answer
            work.add_done_callback(partial(self._come, tell))
        else:
            # The task hands its answer over by itself: to wait for its end takes a turn more.
            work = self._tasks.create_task(self._told(answer, tell), name=self._name)
            work.add_done_callback(partial(self._ended, tell))
        self._open.add(work)

    async def answer(self, payload: bytes, timeout_s: float) -> bytes:
        """Return the answer; raises ``AnswererFailed``.

        Raises ``NoAnswer`` when the server left, and when there is none after ``timeout_s``.
        """
        loop = asyncio.get_running_loop()
        answered: asyncio.Future[bytes] = loop.create_future()

        def tell(outcome: bytes | BusError) -> None:
            if answered.done():
                return
            if isinstance(outcome, BusError):
                answered.set_exception(outcome)
            else:
                answered.set_result(outcome)

        self.begin(payload, tell)
        late = NoAnswer(f"no answer from {self._key} (waited at most {timeout_s} s)")
        timer = loop.call_later(timeout_s, tell, late)
        try:
            return await answered
        finally:
            timer.cancel()

    async def _told(self, answer: Awaitable[bytes], tell: Tell) -> None:
        outcome: bytes | BusError
        try:
            outcome = await answer
        except Exception as error:
            outcome = self._failed(error)
        tell(outcome)

    def _failed(self, error: BaseException) -> AnswererFailed:
        # A failed answer is for the one who asked; the server goes on.
        failed = AnswererFailed(f"{self._key}: {type(error).__name__}: {error}")
        failed.__cause__ = error
        return failed

    def _come(self, tell: Tell, answer: "asyncio.Future[bytes]") -> None:
        self._open.discard(answer)
        if answer.cancelled():
            tell(self._left())
        elif (error := answer.exception()) is not None:
            tell(self._failed(error))
        else:
            tell(answer.result())

    def _ended(self, tell: Tell, task: "asyncio.Future[None]") -> None:
        self._open.discard(task)
        if task.cancelled() or task.exception() is not None:
            tell(self._left())

    def _left(self) -> NoAnswer:
        return NoAnswer(f"{self._key} left while it was answering")


async def drain(queue: "asyncio.Queue[T]") -> AsyncIterator[T]:
    """Iterate over what comes through ``queue``, for ever."""
    while True:
        yield await queue.get()

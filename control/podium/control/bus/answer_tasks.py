"""Answers requests in one task each, all ended when their server leaves."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Self, TypeVar

from podium.control.bus.bus import Answerer, AnswererFailed, NoAnswer

T = TypeVar("T")


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
        self._open: set[asyncio.Task[None]] = set()

    @classmethod
    @asynccontextmanager
    async def opened(cls, key: str, answer: Answerer) -> AsyncGenerator[Self]:
        """Serve while the context is open; leaving it cancels what is being answered."""
        async with asyncio.TaskGroup() as tasks:
            answering = cls(key, answer, tasks)
            try:
                yield answering
            finally:
                for task in answering._open:
                    task.cancel()

    async def answer(self, payload: bytes, timeout_s: float | None = None) -> bytes:
        """Return the answer; raises ``AnswererFailed``.

        Raises ``NoAnswer`` when the server left, and when there is none after ``timeout_s``.
        """
        # The task hands its answer over by itself: to wait for its end takes the loop a turn more.
        loop = asyncio.get_running_loop()
        answered: asyncio.Future[bytes] = loop.create_future()
        task = self._tasks.create_task(self._guarded(payload, answered), name=self._name)
        self._open.add(task)

        def ended(task: "asyncio.Task[None]") -> None:
            self._open.discard(task)
            if not answered.done():
                answered.set_exception(NoAnswer(f"{self._key} left while it was answering"))

        task.add_done_callback(ended)
        if timeout_s is None:
            return await answered

        def give_up() -> None:
            if not answered.done():
                late = f"no answer from {self._key} (waited at most {timeout_s} s)"
                answered.set_exception(NoAnswer(late))

        timer = loop.call_later(timeout_s, give_up)
        try:
            return await answered
        finally:
            timer.cancel()

    async def _guarded(self, payload: bytes, answered: "asyncio.Future[bytes]") -> None:
        # A failed answer is for the one who asked; the server goes on.
        try:
            outcome = await self._answer(payload)
        except Exception as error:
            failed = AnswererFailed(f"{self._key}: {type(error).__name__}: {error}")
            failed.__cause__ = error
            if not answered.done():
                answered.set_exception(failed)
        else:
            if not answered.done():
                answered.set_result(outcome)


async def drain(queue: "asyncio.Queue[T]") -> AsyncIterator[T]:
    """Iterate over what comes through ``queue``, for ever."""
    while True:
        yield await queue.get()

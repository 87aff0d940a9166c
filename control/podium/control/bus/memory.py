"""Implements the bus within one process: for a notebook, a script, and tests."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager

from podium.control.bus.answer_tasks import AnswerTasks, drain
from podium.control.bus.bus import Answerer, AnswererFailed, NoAnswer, Presence


def matches(pattern: str, key: str) -> bool:
    """Return whether ``key`` matches ``pattern``, where ``*`` stands for one word.

    ``$*`` at the end of a word stands for how it goes on.
    """
    asked, given = pattern.split("/"), key.split("/")
    return len(asked) == len(given) and all(map(_same_word, asked, given))


def _same_word(word: str, other: str) -> bool:
    if word.endswith("$*"):
        return other.startswith(word.removesuffix("$*"))
    return word in ("*", other)


class MemoryBus:
    """All who hold the same object are on the same bus. One event loop."""

    def __init__(self) -> None:
        self._answering: dict[str, AnswerTasks] = {}
        self._subscribers: list[tuple[str, asyncio.Queue[tuple[str, bytes]]]] = []
        self._watchers: list[tuple[str, asyncio.Queue[Presence]]] = []
        self._present: dict[str, int] = {}

    async def request(self, key: str, payload: bytes, timeout_s: float) -> bytes:
        """See :class:`~podium.control.bus.bus.Bus`."""
        answering = self._answering.get(key)
        if answering is None:
            served = ", ".join(sorted(self._answering)) or "nothing"
            raise NoAnswer(f"nobody serves {key} (served: {served})")
        return await answering.answer(payload, timeout_s)

    async def request_all(self, pattern: str, payload: bytes, timeout_s: float) -> dict[str, bytes]:
        """See :class:`~podium.control.bus.bus.Bus`."""
        answers: dict[str, bytes] = {}

        async def ask(key: str) -> None:
            try:
                answers[key] = await self.request(key, payload, timeout_s)
            except (NoAnswer, AnswererFailed):
                return

        async with asyncio.TaskGroup() as tasks:
            for key in [key for key in self._answering if matches(pattern, key)]:
                tasks.create_task(ask(key))
        return answers

    async def publish(self, key: str, payload: bytes) -> None:
        """See :class:`~podium.control.bus.bus.Bus`."""
        for pattern, queue in self._subscribers:
            if matches(pattern, key):
                queue.put_nowait((key, payload))
        await asyncio.sleep(0)

    @asynccontextmanager
    async def subscribe(self, pattern: str) -> AsyncGenerator[AsyncIterator[tuple[str, bytes]]]:
        """See :class:`~podium.control.bus.bus.Bus`."""
        queue: asyncio.Queue[tuple[str, bytes]] = asyncio.Queue()
        entry = (pattern, queue)
        self._subscribers.append(entry)
        try:
            yield drain(queue)
        finally:
            self._subscribers.remove(entry)

    @asynccontextmanager
    async def serve(self, key: str, answer: Answerer) -> AsyncGenerator[None]:
        """See :class:`~podium.control.bus.bus.Bus`."""
        if key in self._answering:
            raise ValueError(f"{key} is served already: one answerer for each key")
        async with AnswerTasks.opened(key, answer) as answering:
            self._answering[key] = answering
            try:
                yield
            finally:
                del self._answering[key]

    @asynccontextmanager
    async def announce(self, key: str) -> AsyncGenerator[None]:
        """See :class:`~podium.control.bus.bus.Bus`."""
        self._present[key] = self._present.get(key, 0) + 1
        self._tell(Presence(key, True))
        try:
            yield
        finally:
            self._present[key] -= 1
            if not self._present[key]:
                del self._present[key]
                self._tell(Presence(key, False))

    @asynccontextmanager
    async def watch(self, pattern: str) -> AsyncGenerator[AsyncIterator[Presence]]:
        """See :class:`~podium.control.bus.bus.Bus`."""
        queue: asyncio.Queue[Presence] = asyncio.Queue()
        for key in self._present:
            if matches(pattern, key):
                queue.put_nowait(Presence(key, True))
        entry = (pattern, queue)
        self._watchers.append(entry)
        try:
            yield drain(queue)
        finally:
            self._watchers.remove(entry)

    async def close(self) -> None:
        """See :class:`~podium.control.bus.bus.Bus`."""

    def _tell(self, presence: Presence) -> None:
        for pattern, queue in self._watchers:
            if matches(pattern, presence.key):
                queue.put_nowait(presence)

"""Runs work beside the supervisor's steps, and ends all of it with the supervisor."""

import asyncio
from collections.abc import AsyncGenerator, Coroutine
from contextlib import asynccontextmanager
from typing import Any


class BackgroundWork:
    """Pieces of work that go on by themselves: operations, rehearsals."""

    def __init__(self, tasks: asyncio.TaskGroup) -> None:
        self._tasks = tasks
        self._on: set[asyncio.Task[None]] = set()

    @classmethod
    @asynccontextmanager
    async def opened(cls) -> AsyncGenerator["BackgroundWork"]:
        """Have work begun while the context is open; at its end what goes on is cancelled."""
        async with asyncio.TaskGroup() as tasks:
            work = cls(tasks)
            try:
                yield work
            finally:
                for task in work._on:
                    task.cancel()

    def begin(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        """Begin a piece of work; if it raises, the supervisor ends and is started again."""
        task = self._tasks.create_task(work, name=name)
        self._on.add(task)
        task.add_done_callback(self._on.discard)
        return task

"""Runs several coroutines at once, all or nothing, with one plain error."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Coroutine, Iterable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

Result = TypeVar("Result")


async def gather(*works: Coroutine[Any, Any, Result]) -> list[Result]:
    """Return the results in order. The first error ends the others and is raised as it is.

    Further errors are noted on it. Cancellation reaches all of them.
    """
    try:
        async with asyncio.TaskGroup() as tasks:
            started = [tasks.create_task(work) for work in works]
    except BaseExceptionGroup as group:
        error = _first(group)
        raise error from error.__cause__
    return [task.result() for task in started]


async def in_turn(works: Iterable[Coroutine[Any, Any, Result]], at_once: int) -> list[Result]:
    """Return the results in order; works begin in order, ``at_once`` of them at a time.

    A work is taken from ``works`` when it begins. Errors and cancellation are as in :func:`gather`.
    """
    ended: list[asyncio.Task[Result]] = []
    begun: deque[asyncio.Task[Result]] = deque()
    try:
        async with asyncio.TaskGroup() as tasks:
            for work in works:
                begun.append(tasks.create_task(work))
                if len(begun) < at_once:
                    continue
                await asyncio.wait({begun[0]})
                ended.append(begun.popleft())
                if ended[-1].cancelled() or ended[-1].exception() is not None:
                    break
    except BaseExceptionGroup as group:
        error = _first(group)
        raise error from error.__cause__
    return [task.result() for task in (*ended, *begun)]


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """Return the first error of a group, with the others noted on it."""
    first, *others = _leaves(group)
    for other in others:
        first.add_note(f"also: {type(other).__name__}: {other}")
    return first


def _leaves(group: BaseExceptionGroup[BaseException]) -> list[BaseException]:
    leaves: list[BaseException] = []
    for error in group.exceptions:
        leaves += _leaves(error) if isinstance(error, BaseExceptionGroup) else [error]
    return leaves


@asynccontextmanager
async def ungrouped() -> AsyncGenerator[None]:
    """Let an error of the body out as it is, not in the groups of the tasks that it ended."""
    try:
        yield
    except BaseExceptionGroup as group:
        error: BaseException = group
        while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
            error = error.exceptions[0]
        if isinstance(error, BaseExceptionGroup):
            raise
        raise error from error.__cause__

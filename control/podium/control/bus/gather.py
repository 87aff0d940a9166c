"""Runs several coroutines at once, all or nothing, with one plain error."""

import asyncio
from collections.abc import AsyncGenerator, Coroutine
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
        errors = _leaves(group)
        for other in errors[1:]:
            errors[0].add_note(f"also: {type(other).__name__}: {other}")
        raise errors[0] from None
    return [task.result() for task in started]


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

"""Runs the worlds of a campaign: some at a time on this machine, or on the workers of a cluster.

Both call ``done`` with each world as it ends, in whatever order, from the event loop's thread.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any, cast

from podium.control.campaign.world_task import WorldLost, WorldTask

Measure = Callable[[WorldTask], Awaitable[dict[str, Any]]]
Done = Callable[[WorldTask, dict[str, Any] | WorldLost], None]


class NoDask(Exception):
    """Dask is not installed, or nobody answers at the address. The message says which."""


async def run_here(
    measure: Measure, tasks: Sequence[WorldTask], done: Done, *, jobs: int = 1
) -> None:
    """Measure all ``tasks`` on this machine, ``jobs`` worlds at a time."""
    free = asyncio.Semaphore(jobs)

    async def work(task: WorldTask) -> None:
        async with free:
            try:
                result: dict[str, Any] | WorldLost = await measure(task)
            except WorldLost as error:
                result = error
            done(task, result)

    async with asyncio.TaskGroup() as group:
        for task in tasks:
            group.create_task(work(task))


async def run_on_dask(
    measure: Measure, tasks: Sequence[WorldTask], done: Done, *, address: str
) -> None:
    """Measure all ``tasks`` on the workers of the Dask scheduler at ``address``.

    A worker measures as many worlds at a time as it has threads; Podium is installed where it
    runs. Raises :class:`NoDask`. When this ends early, worlds that have begun are cut off with
    their worker only.
    """
    try:
        import distributed
    except ImportError as error:
        raise NoDask(
            f"--dask needs the extra 'dask' (pip install 'podium[dask]'): {error}"
        ) from error
    try:
        client: Any = await cast(Any, distributed.Client)(address, asynchronous=True, timeout="10s")
    except (OSError, ValueError) as error:
        raise NoDask(f"no Dask scheduler answers at {address}: {error}") from error
    try:
        futures = {
            client.submit(measure_in_worker, measure, task, pure=False, retries=0): task
            for task in tasks
        }
        try:
            async for future in cast(Any, distributed.as_completed)(futures):
                done(futures[future], await _result(future))
        finally:
            with suppress(OSError):
                await client.cancel(list(futures))
    finally:
        await client.close()


async def _result(future: Any) -> dict[str, Any] | WorldLost:
    """Return a world's result; a worker that died under it has lost it."""
    error = await future.exception()
    if error is None:
        result: dict[str, Any] = await future.result()
        return result
    return error if isinstance(error, WorldLost) else WorldLost(f"{type(error).__name__}: {error}")


def measure_in_worker(measure: Measure, task: WorldTask) -> dict[str, Any]:
    """Measure a world in a thread of a worker, with an event loop of its own."""

    async def work() -> dict[str, Any]:
        return await measure(task)

    return asyncio.run(work())

"""Gives back memory that the work of a long-running process has left behind."""

import asyncio
from collections.abc import Callable

from podium_process import Spare

LOOK_EVERY_S = 1.0


async def give_back_memory(busy: Callable[[], object]) -> None:
    """Give freed memory back to the system, some seconds after the process was ``busy`` last.

    Runs until it is cancelled. The C library's lock is held for milliseconds then, for which
    nobody should wait who has an instant to keep: so nothing is given back while work is on.
    """
    spare = Spare()
    while True:
        await asyncio.sleep(LOOK_EVERY_S)
        if busy():
            spare.used()
        elif spare.due:
            await asyncio.to_thread(spare.give_back)

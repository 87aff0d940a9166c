"""How a process of a facility is told to end."""

import asyncio
import os
import signal
import sys


async def until_told_to_end(*, with_parent: bool) -> None:
    """Return at SIGTERM or SIGINT; ``with_parent``: also when standard input is closed.

    A process that others start is given a pipe as its standard input: it closes when they
    end, however they end.
    """
    loop = asyncio.get_running_loop()
    told = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told.set)
    if with_parent:

        def readable() -> None:
            if not os.read(sys.stdin.fileno(), 4096):
                loop.remove_reader(sys.stdin)
                told.set()

        loop.add_reader(sys.stdin, readable)
    await told.wait()

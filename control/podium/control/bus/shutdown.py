"""Ends a process of a facility in order when a signal comes."""

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")


class Terminated(KeyboardInterrupt):
    """A signal other than Ctrl-C has ended the work; all of it has been put in order."""

    def __init__(self, number: signal.Signals) -> None:
        super().__init__(f"ended by {number.name}")
        self.status = 128 + number
        """Exit status, as shells have it."""


def run_until_terminated(work: Coroutine[Any, Any, Result]) -> Result:
    """Run ``work`` as ``asyncio.run`` does; SIGTERM and SIGHUP cancel it as Ctrl-C does.

    Raises :class:`Terminated` then, once the work has ended by itself: instruments are safe.
    """
    told: list[signal.Signals] = []

    async def guarded() -> Result:
        task, loop = asyncio.current_task(), asyncio.get_running_loop()

        def end(number: signal.Signals) -> None:
            told.append(number)
            if task is not None:
                task.cancel()

        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGTERM, signal.SIGHUP):
                if signal.getsignal(number) is not signal.SIG_IGN:  # nohup has its way
                    loop.add_signal_handler(number, end, number)
        return await work

    try:
        return asyncio.run(guarded())
    except asyncio.CancelledError:
        if not told:
            raise
        raise Terminated(told[0]) from None


async def until_terminated(*, with_parent: bool) -> None:
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

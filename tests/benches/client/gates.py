"""A gate that holds an instrument, and a wait until something has been reached."""

import asyncio
import threading


def raising(error: Exception):
    def hook() -> None:
        raise error

    return hook


class Gate:
    """Holds a driver's call until the test opens it."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self.open = threading.Event()

    def __call__(self) -> None:
        self.reached.set()
        self.open.wait(30)


async def reached(gate: Gate) -> None:
    assert await asyncio.to_thread(gate.reached.wait, 10)

"""Giving memory back to the system that large arrays have left behind."""

import ctypes
import time
from collections.abc import Callable
from contextlib import suppress
from threading import Lock

PAUSE_S = 1.0
"""It is done at most so often."""


class Spare:
    """What the C library keeps of memory that was freed, in the hope that it is wanted again.

    Runs come and go with arrays of some megabytes, in several threads; after a bring-up of one
    node glibc keeps twice of what the simulation needs. Other C libraries are left alone.
    """

    def __init__(self) -> None:
        self._trim: Callable[[int], int] | None = None
        with suppress(AttributeError, OSError):
            self._trim = ctypes.CDLL(None).malloc_trim
        self._lock = Lock()
        self._due = time.monotonic() + PAUSE_S

    def give_back(self) -> None:
        """Give it back, if that is due. Takes some milliseconds; may be called in any thread."""
        if self._trim is None or not self._lock.acquire(blocking=False):
            return
        try:
            if time.monotonic() >= self._due:
                self._trim(0)
                self._due = time.monotonic() + PAUSE_S
        finally:
            self._lock.release()

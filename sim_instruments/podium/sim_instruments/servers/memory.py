"""Giving memory back to the system that large arrays have left behind."""

import ctypes
import time
from collections.abc import Callable
from contextlib import suppress

IDLE_S = 10.0
"""It is done when nothing has been computed for so long. Between runs that follow one another the
next one takes what the last has left: to have the system clear all pages anew costs more than
many runs do."""


class Spare:
    """What the C library keeps of memory that was freed, in the hope that it is wanted again.

    Runs come and go with arrays of some megabytes, in several threads; after a bring-up of one
    node glibc keeps twice of what the simulation needs. Other C libraries are left alone.
    """

    def __init__(self, now_s: Callable[[], float] = time.monotonic) -> None:
        self._trim: Callable[[int], int] | None = None
        with suppress(AttributeError, OSError):
            self._trim = ctypes.CDLL(None).malloc_trim
        self._now_s = now_s
        self._used_s: float | None = None
        """When memory was used last; None: not since it was given back."""

    def used(self) -> None:
        """Note that memory is in use now; may be called in any thread."""
        self._used_s = self._now_s()

    @property
    def due(self) -> bool:
        """Whether there is something to give back, and nobody uses it."""
        return self._used_s is not None and self._now_s() - self._used_s >= IDLE_S

    def give_back(self) -> None:
        """Give it back. Takes some milliseconds; may be called in any thread."""
        self._used_s = None
        if self._trim is not None:
            self._trim(0)

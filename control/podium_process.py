"""A process of Podium: how its interpreter is set before anything large is imported.

``python -m podium_process MODULE ARGUMENTS`` runs ``MODULE.main(ARGUMENTS)`` in a process that is
set so; ``podium up`` starts agents, coordinator and page by it. Outside the package, as
podium_start is, so that it costs nothing to import.
"""

import ctypes
import gc
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib import import_module

YOUNG_OBJECTS = 10_000
"""The collector looks for cyclic garbage when so many objects more were made than freed. Python's
own 700 make it walk through growing heaps of modules while they are imported, and once more for
every plot and every message: a tenth of the processor time of a bring-up."""

GLIBC_MALLOC = {-8: 1, -4: 0, -1: 2**31 - 1, -2: 2**24}
"""Parameters of glibc's ``mallopt`` (malloc.h): M_ARENA_MAX, M_MMAP_MAX, M_TRIM_THRESHOLD,
M_TOP_PAD. Arrays of some megabytes come and go with every run. By default each is mapped from the
system and given back, and the system clears all of its pages anew, which takes as long as half of
the physics. With these they come from one heap that is kept; who works for long gives back what was
left in it when it idles (:class:`Spare`)."""

IDLE_S = 10.0
"""It is done when nothing has been computed for so long. Between runs that follow one another the
next one takes what the last has left: to have the system clear all pages anew costs more than
many runs do."""
SPARE_MAX = 64 * 2**20
"""Bytes. Where memory has grown by more since it was given back last, it is given back between runs
too: what is left free lies in pieces, and a run that needs larger ones takes more of the system."""


LOOK_S = 0.02
"""Pause between two looks at the memory of the process while a long run is worked on."""


def configure_process() -> None:
    """Set collector, memory and linear algebra of this process. Call it before NumPy is imported.

    Other C libraries than glibc are left as they are.
    """
    gc.set_threshold(YOUNG_OBJECTS)
    with suppress(AttributeError, OSError, TypeError):
        set_parameter = ctypes.CDLL(None).mallopt
        for parameter, value in GLIBC_MALLOC.items():
            set_parameter(parameter, value)
    # NumPy asks for pages of 2 MB for large arrays: a heap that is kept has them only in part.
    os.environ.setdefault("NUMPY_MADVISE_HUGEPAGE", "0")
    # A second thread of linear algebra does not help matrices of a hundred. It spins between two
    # of them, which costs a processor, and on a busy machine the two wait for each other: to draw a
    # fluxonium then takes fifty times as long.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


@contextmanager
def no_collection(*, stays: bool = False) -> Iterator[None]:
    """Let no cyclic garbage be looked for meanwhile: a large tree is walked again as it grows.

    ``stays``: what is there at the end is not looked through later either, as modules are.
    """
    on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if stays:
            gc.freeze()
        if on:
            gc.enable()


class Spare:
    """Memory that was freed, and that the C library keeps for later use.

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
        self._least = private_bytes()
        """The least that the process has held since it was given back after a run."""
        self._held = self._least
        """The least that it has held since :meth:`bound` gave some back."""

    def used(self) -> None:
        """Note that memory is in use now; may be called in any thread."""
        self._used_s = self._now_s()

    @property
    def due(self) -> bool:
        """Return whether there is something to give back, and nobody uses it."""
        return self._used_s is not None and self._now_s() - self._used_s >= IDLE_S

    def give_back(self) -> None:
        """Give it back. Takes some milliseconds; may be called in any thread."""
        self._used_s = None
        if self._trim is not None:
            self._trim(0)

    def limit(self, *, is_left: bool) -> None:
        """Give it back if there is much of it; may be called in any thread.

        ``is_left``: a run is over, and all that it held has been freed.
        """
        held = private_bytes()
        if held - self._least > SPARE_MAX:
            self.give_back()
            held = private_bytes()
            if is_left:
                self._least = held
        self._least = min(self._least, held)

    def bound(self) -> None:
        """Give it back if the process has grown by much since that was done here last.

        It is for whoever works with large arrays at this moment; may be called in any thread.
        """
        held = private_bytes()
        if held - self._held > SPARE_MAX and self._trim is not None:
            self._trim(0)
            self._held = held = private_bytes()
        self._held = min(self._held, held)

    def watch(self, over: threading.Event) -> None:
        """Keep :meth:`bound` at it until the work is over, every :data:`LOOK_S`."""
        while not over.wait(LOOK_S):
            self.bound()


def private_bytes() -> int:
    """Return how much memory this process holds by itself; 0: the system does not say."""
    try:
        with open("/proc/self/statm", "rb") as file:
            _, resident, shared, *_ = file.read().split()
    except OSError:
        return 0
    return (int(resident) - int(shared)) * os.sysconf("SC_PAGE_SIZE")


def main() -> int:
    """Run the module that the first word names; return the exit status."""
    configure_process()
    with no_collection(stays=True):
        run = import_module(sys.argv[1]).main
    status: int = run(sys.argv[2:])
    end_quickly()
    return status


def end_quickly() -> None:
    """Spare the collector a last walk, or two, through everything: the process ends."""
    gc.disable()
    gc.freeze()


if __name__ == "__main__":
    sys.exit(main())

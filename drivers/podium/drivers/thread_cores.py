"""Wakes a thread on the core of who has work for it (Linux; elsewhere nothing is done).

Two threads that hand work over and then wait for each other use one core at a time anyway. A
system wakes a thread on an idle core where it can, and there its caches are cold, and each time
one of them lets go of the interpreter's lock the other core has to be woken. It is only where the
work begins: from there on the system moves the thread as it likes.
"""

import ctypes
import os
import threading
from collections.abc import Callable


class ThreadCores:
    """On which cores one thread may run. It must have been started."""

    def __init__(self, thread: threading.Thread) -> None:
        self._id = thread.native_id
        self._here = _core_of_caller
        self._allowed = os.sched_getaffinity(0) if self._here is not None else set()

    def bring_here(self) -> None:
        """Let the thread, which waits for work, wake on the core of the calling thread."""
        if self._here is None or self._id is None:
            return
        try:
            os.sched_setaffinity(self._id, (self._here(),))
        except OSError:  # it has ended, or the cores that may be used have become others
            self._here = None

    def release(self) -> None:
        """Let the calling thread, which is this one, run on all cores again."""
        if self._here is None:
            return
        try:
            os.sched_setaffinity(0, self._allowed)
        except OSError:
            self._here = None


def _find_core() -> Callable[[], int] | None:
    """Return what tells the core of the calling thread; None: not known on this system."""
    if not hasattr(os, "sched_setaffinity"):
        return None
    try:
        found = ctypes.PyDLL(None).sched_getcpu  # keeps the interpreter's lock: it is that quick
    except (AttributeError, OSError):
        return None
    return found


_core_of_caller = _find_core()

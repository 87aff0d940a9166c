"""Works in a copy of this process, for what a damaged file brings down or never lets go."""

import faulthandler
import os
import pickle
import resource
import signal
import warnings
from collections.abc import Callable
from typing import TypeVar

Answer = TypeVar("Answer")


class Died(RuntimeError):
    """The copy ended before it had answered; the message says by what."""


def in_a_copy(work: Callable[[], Answer], within_s: int) -> Answer:
    """Return what ``work`` returns in a copy of this process; raise what it raises there.

    Both have to be of a kind that :mod:`pickle` knows. ``within_s``: of a processor's time, after
    which the copy is ended. Raises :class:`Died`.
    """
    reads, writes = os.pipe()
    with warnings.catch_warnings():
        # Since Python 3.12 a fork of a process with threads is warned of: the copy has none of
        # them, and only reads a file. h5py lets go of its lock in it.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        os.close(reads)
        _answer(work, writes, within_s)
    os.close(writes)
    with os.fdopen(reads, "rb") as pipe:
        said = pipe.read()
    status = os.waitpid(child, 0)[1]
    if status & 0x7F == signal.SIGXCPU:
        raise Died(f"reading it took more than {within_s} s of a processor: it is damaged")
    if status:
        by = signal.Signals(status & 0x7F).name if status & 0x7F else f"status {status >> 8}"
        raise Died(f"reading it ended the process by {by}: it is damaged")
    answer, error = pickle.loads(said)  # of our own copy
    if error is not None:
        raise error
    found: Answer = answer
    return found


def _answer(work: Callable[[], object], writes: int, within_s: int) -> None:
    """Do all that the copy does. Never returns."""
    status = 1
    faulthandler.disable()  # what brings it down is told in a line
    resource.setrlimit(resource.RLIMIT_CPU, (within_s, resource.RLIM_INFINITY))
    try:
        try:
            said = pickle.dumps((work(), None))
        except Exception as error:
            said = pickle.dumps((None, error))
        with os.fdopen(writes, "wb") as pipe:
            pipe.write(said)
        status = 0
    finally:
        os._exit(status)

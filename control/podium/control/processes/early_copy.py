"""Copies a process of ours before it has threads or an event loop.

``os.fork`` copies the thread that calls it and no other. A command that has imported what it needs,
and has done nothing else yet, can be copied: what was imported is there at once, and in memory that
both share. The copy waits on one end of a pair of sockets until the original says what it is to be.
"""

import gc
import os
import socket
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn

THREADS = "/proc/self/task"
"""A folder for each thread of this process, those of other languages among them."""


@dataclass(frozen=True, slots=True)
class EarlyCopy:
    """The original's end of the connection to a copy that waits, and which process that is."""

    pid: int
    connection: socket.socket

    def dismiss(self) -> None:
        """Let go of a copy that only waits; returns when it has ended."""
        self.connection.close()
        os.waitpid(self.pid, 0)


def early_copy(live: Callable[[socket.socket], int]) -> EarlyCopy | None:
    """Fork a child, a session of its own, which runs ``live`` and ends with the status it returns.

    ``live`` has the child's end of a connection of whole messages, and sees its end when the
    original closes the other one or ends. None, and no child: there is more than one thread, or
    this system does not say how many.
    """
    try:
        if len(os.listdir(THREADS)) > 1:
            return None
    except OSError:
        return None
    ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    for stream in (sys.stdout, sys.stderr):
        stream.flush()  # what was not written yet is not to be written twice
    gc.freeze()  # nobody looks through what both share
    pid = os.fork()
    if pid == 0:
        ours.close()
        _live(live, its)
    its.close()
    return EarlyCopy(pid, ours)


def _live(live: Callable[[socket.socket], int], its: socket.socket) -> NoReturn:
    """Do all that the copy does. Never returns: what is on the stack belongs to the original."""
    status = 1
    try:
        os.setsid()
        with open(os.devnull, "rb") as nothing:
            os.dup2(nothing.fileno(), 0)
        status = live(its)
    except SystemExit as ended:
        status = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os._exit(status)

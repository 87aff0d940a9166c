"""Serves requests inside a process of its own, and ends with its owner.

See :mod:`podium.drivers.own_process`.
"""

import fcntl
import os
import select
import signal
import socket
import sys
from collections.abc import Callable
from typing import Any

from podium.drivers.pickle_channel import receive, send


def serve(descriptor: int, answer: Callable[[Any], object]) -> None:
    """Answer requests on the socket ``descriptor`` until the owner has gone."""
    end_with_owner()
    with socket.socket(fileno=descriptor) as wire:
        while True:
            try:
                request = receive(wire)
                send(wire, answer(request))
            except (EOFError, BrokenPipeError, ConnectionResetError):
                os._exit(0)  # a library may wait for its server when it is taken down


def end_with_owner() -> None:
    """Let the kernel end this process when standard input closes, the pipe of who has started it.

    No thread could look for it: the library may hold the interpreter lock for as long as it likes.
    """
    standard_input = sys.__stdin__.fileno() if sys.__stdin__ is not None else 0
    signal.signal(signal.SIGIO, signal.SIG_DFL)  # which ends the process
    fcntl.fcntl(standard_input, fcntl.F_SETOWN, os.getpid())
    flags = fcntl.fcntl(standard_input, fcntl.F_GETFL)
    fcntl.fcntl(standard_input, fcntl.F_SETFL, flags | os.O_ASYNC)
    if select.select([standard_input], [], [], 0)[0]:  # closed before
        os._exit(0)

"""Runs one command of ``podium`` in a copy of this process: it imports nothing anew."""

import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Sequence
from typing import IO

from podium.control.processes.early_copy import EarlyCopy, early_copy
from podium.control.processes.fork_server import LONGEST_MESSAGE, name_process
from podium.firmware_interfaces import run_allowance


class CopiedProcess:
    """A child that is a copy of this process, used as :class:`subprocess.Popen` is."""

    def __init__(self, pid: int, stdin: IO[bytes]) -> None:
        self.pid = pid
        self.stdin = stdin
        self.returncode: int | None = None
        self._looking = threading.Lock()

    def poll(self) -> int | None:
        """Return its status, negative after a signal; None while it runs."""
        with self._looking:
            if self.returncode is None:
                ended, status = os.waitpid(self.pid, os.WNOHANG)
                if ended:
                    self.returncode = os.waitstatus_to_exitcode(status)
            return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Return its status once it has ended; raises ``TimeoutExpired`` after ``timeout``, s."""
        with self._looking:
            if self.returncode is not None:
                return self.returncode
            handle = os.pidfd_open(self.pid)
        try:
            select.select([handle], [], [], timeout)
        finally:
            os.close(handle)
        if (status := self.poll()) is None:
            raise subprocess.TimeoutExpired("podium", timeout or 0.0)
        return status

    def terminate(self) -> None:
        """Send SIGTERM, if it still runs."""
        if self.poll() is None:
            os.kill(self.pid, signal.SIGTERM)


def waiting_command() -> EarlyCopy | None:
    """Make a copy that waits for :func:`start`; None: this process has threads already."""
    return early_copy(_become)


def start(waiting: EarlyCopy, words: Sequence[str], sink: int) -> CopiedProcess:
    """Let the copy be ``podium WORDS``, which writes into the descriptor ``sink``.

    Programs may end as late there as simulations are allowed to (:mod:`.run_allowance`). The copy
    is used up by it. Raises ``OSError`` when it is gone.
    """
    reads, writes = os.pipe()
    try:
        with waiting.connection as connection:
            socket.send_fds(connection, [json.dumps(words).encode()], [reads, sink])
    except OSError:
        os.close(writes)
        raise
    finally:
        os.close(reads)
    return CopiedProcess(waiting.pid, open(writes, "wb", buffering=0))


def _become(its: socket.socket) -> int:
    """Wait until it is said which command this is, and run it; return its exit status."""
    with its:
        said, given, _, _ = socket.recv_fds(its, LONGEST_MESSAGE, 2)
    if not said:
        return 0
    stdin, sink = given
    for number, descriptor in ((0, stdin), (1, sink), (2, sink)):
        os.dup2(descriptor, number)
    for descriptor in given:
        os.close(descriptor)
    os.environ.setdefault(run_allowance.VARIABLE, f"{run_allowance.SIMULATED_S:g}")
    sys.argv = ["podium", *json.loads(said)]
    name_process("podium_start", *sys.argv[1:])
    from podium_start import main

    return main()

"""``podium`` in processes that are copies of one that has imported what they need.

Twins of a chip spend two seconds of a processor before they listen, most of it on imports and on
loading kernels; a copy half a second. ``podium up`` starts its processes by the same fork server.
Where the start itself is what is tested, a process of its own is started, as a person does
(``tests.benches.nodes.podium_up``).
"""

import atexit
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from functools import cache
from itertools import count
from pathlib import Path
from typing import IO, Any

from podium.control.processes import fork_server
from podium.control.processes.fork_server import (
    LONGEST_MESSAGE,
    Ended,
    Start,
    Started,
    decoded,
    encoded,
)

ROOT = Path(__file__).parents[3]
IMPORTED = "tests.benches.processes.imported_podium"
LOOK_S = 0.05


class ForkedPodium:
    """A copy that runs a command, used as a ``Popen``; its standard input ends when we do."""

    def __init__(self, server: "_Server", pid: int, stdin: int) -> None:
        self._server = server
        self._stdin = stdin
        self.pid = pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Return its status, or None while it runs."""
        self._server.read(0.0)
        return self._note_end()

    def wait(self, timeout: float) -> int:
        """Return its status once it has ended."""
        give_up = time.monotonic() + timeout
        while (status := self.poll()) is None:
            if time.monotonic() > give_up:
                raise subprocess.TimeoutExpired(IMPORTED, timeout)
            self._server.read(LOOK_S)
        return status

    def send_signal(self, number: int) -> None:
        """Send a signal, if it runs."""
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def terminate(self) -> None:
        """Tell it to end, if it runs."""
        self.send_signal(signal.SIGTERM)

    def _note_end(self) -> int | None:
        if self.returncode is None and self.pid in self._server.ended:
            self.returncode = self._server.ended.pop(self.pid)
            os.close(self._stdin)
        return self.returncode


class _Server:
    """The near end of the fork server, for all threads of this process."""

    def __init__(self) -> None:
        self.ended: dict[int, int] = {}
        """Exit statuses, by process."""
        self._started: dict[int, int] = {}
        self._numbers = count()
        self._lock = threading.Lock()
        self._connection, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        paths = os.pathsep.join([str(ROOT), *filter(None, sys.path)])
        with its:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "podium_process", fork_server.__name__, str(its.fileno())],
                stdin=subprocess.DEVNULL,
                pass_fds=[its.fileno()],
                start_new_session=True,
                env=os.environ | {"PYTHONPATH": paths},
            )
        atexit.register(self.close)

    def start(self, words: tuple[str, ...], stdin: int, out: int) -> int:
        """Start a command; return the number of its process."""
        number = next(self._numbers)
        environment = json.dumps(dict(os.environ))
        start = Start(number, IMPORTED, (str(Path.cwd()), environment, *words), (0, 1, 2))
        socket.send_fds(self._connection, [encoded(start)], [stdin, out, out])
        while number not in self._started:
            self.read(None)
        return self._started.pop(number)

    def read(self, timeout_s: float | None) -> None:
        """Take one message, if it comes in time."""
        with self._lock:
            self._connection.settimeout(timeout_s)
            try:
                said = self._connection.recv(LONGEST_MESSAGE)
            except (TimeoutError, BlockingIOError):
                return
            assert said, "the fork server has ended"
            match decoded(said):
                case Started(number, pid):
                    self._started[number] = pid
                case Ended(pid, status):
                    self.ended[pid] = status

    def close(self) -> None:
        """End the fork server."""
        self._connection.close()
        self._process.wait()


@cache
def _server() -> _Server:
    return _Server()


def start_podium(*words: object, out: IO[Any]) -> ForkedPodium:
    """Start ``podium WORDS`` in this folder and environment; ``out``: where both outputs go."""
    server = _server()
    stdin, ours = os.pipe()
    try:
        pid = server.start(tuple(map(str, words)), stdin, out.fileno())
    except BaseException:
        os.close(ours)
        raise
    finally:
        os.close(stdin)
    return ForkedPodium(server, pid, ours)

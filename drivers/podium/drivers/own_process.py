"""A process of one's own, for a vendor's library that must not share ours.

    owner ── requests, one at a time ──▶ process: python -m MODULE DESCRIPTOR
          ◀───────── answers ───────────
    owner ── standard input, silent ───▶ closes with the owner: the kernel ends the process

A library that holds Python's interpreter lock while it waits, or that may crash, costs only its
process. All methods block; in control they are called from a worker's thread
(:mod:`podium.drivers.worker`), where waiting holds nobody else up.
"""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
from typing import Any

from podium.drivers.pickle_channel import receive, send

LEAN = {"MALLOC_ARENA_MAX": "2", "MALLOC_MMAP_THRESHOLD_": "1048576"}
"""glibc gives what a large array held back to the system when it is freed, and keeps two heaps for
all threads (mallopt(3)). Other C libraries do not know the words."""
REAPED_S = 5.0
"""A process that was killed is gone within this."""


class ProcessGone(Exception):
    """The process gave no answer, and is gone: nobody knows how far it came."""


class OwnProcess:
    """A process that answers its owner's requests. Whoever starts it ends it."""

    def __init__(self, module: str) -> None:
        """Start ``python -m module``, whose ``main`` serves by :mod:`.process_server`."""
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", module, str(theirs.fileno())],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
                env=LEAN | os.environ | {"PYTHONPATH": _places()},
                process_group=0,  # and no session, among which Linux shares its processors
            )
        self._wire = ours
        self._turn = threading.Lock()
        self._ended = False

    @property
    def pid(self) -> int:
        """Its number."""
        return self._process.pid

    def ask(self, request: object, within_s: float) -> Any:
        """Return the answer; raises ``ProcessGone``.

        It is ended where the answer does not come within ``within_s``, and where the wait is
        broken off: a late answer can never be taken for the answer to the next request.
        """
        with self._turn:
            if self._ended:
                raise ProcessGone("its process was ended")
            try:
                self._wire.settimeout(within_s)
                send(self._wire, request)
                return receive(self._wire)
            except TimeoutError:
                self._kill()
                raise ProcessGone(f"no answer within {within_s:g} s; process ended") from None
            except (EOFError, OSError) as error:
                told = "its process was ended meanwhile" if self._ended else ""
                self._kill()
                raise ProcessGone(told or self._last_words()) from error
            except BaseException:
                self._kill()
                raise

    def end(self) -> None:
        """Kill it, from whatever thread; a request under way raises ``ProcessGone``. Idempotent."""
        self._kill()
        with self._turn:  # who asks is woken by the end of the other side
            self._wire.close()

    def _kill(self) -> None:
        self._ended = True
        self._process.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(REAPED_S)
        if self._process.stdin is not None:
            self._process.stdin.close()

    def _last_words(self) -> str:
        status = self._process.returncode
        if status is None or status >= 0:
            return f"its process ended with status {status}; what it said is on standard error"
        return f"its process ended by {signal.Signals(-status).name}"


def _places() -> str:
    """Return where modules are looked for here, for a process that is to find the same."""
    return os.pathsep.join(path or os.getcwd() for path in sys.path)

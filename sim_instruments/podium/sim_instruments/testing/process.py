"""A process of twins, seen from the tests that use it: started, asked, ended."""

import json
import os
import select
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import IO, Any

HOST = "podium.sim_instruments.servers.world_host"
DEADLINE_S = 120.0
"""For one answer: a truth with all optima of many qubits takes that long."""
GRACE_S = 5.0
"""It ends within this once its input is closed, or is killed."""
LAST_BYTES = 4000
OF_THE_RUN = ("PYTHONWARNINGS", "PYTHONDEVMODE", "PYTHONASYNCIODEBUG", "COV_CORE_", "COVERAGE_")
"""Environment that a test run sets for itself: twins neither fail at others' warnings for it, nor
are they measured."""


class TwinRefused(ValueError):
    """The twins cannot do what was asked. The message says why and what there is."""


class TwinProcessFailed(RuntimeError):
    """The process of the twins ended, or does not answer. The message holds its last words."""


def _on_standard_error(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


class TwinProcess:
    """One process, for one world at a time. To be used by one thread at a time."""

    def __init__(self, tell: Callable[[str], object] | None = None) -> None:
        """``tell`` is called with lines of progress; None: they go to standard error."""
        self._tell = _on_standard_error if tell is None else tell
        self._log: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115  # closed in end()
        self._lock = threading.Lock()
        # One thread of linear algebra, as in ``podium twin``.
        environment = {"OPENBLAS_NUM_THREADS": "1"} | {
            name: value for name, value in os.environ.items() if not name.startswith(OF_THE_RUN)
        }
        self._process = subprocess.Popen(
            # -P: no file of the folder that tests run in hides a module of the twins
            [sys.executable, "-P", "-m", HOST],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            env=environment,
            start_new_session=True,
        )
        self._rest = b""

    @property
    def pid(self) -> int:
        """Its number."""
        return self._process.pid

    def ask(self, request: dict[str, Any]) -> Any:
        """Have one request carried out. Raises :class:`TwinRefused` or :class:`TwinProcessFailed`.

        After the latter the process is gone.
        """
        __tracebackhide__ = True
        with self._lock:
            try:
                self._send(json.dumps(request).encode() + b"\n")
                while "progress" in (answer := json.loads(self._line())):
                    self._tell(answer["progress"])
            except BaseException:
                self.end(at_once=True)  # a late answer would be taken for the next one's
                raise
        if "ok" not in answer:
            raise TwinRefused(answer["error"])
        return answer["ok"]

    def end(self, *, at_once: bool = False) -> None:
        """End it, if it runs; its sockets are closed after."""
        pipes = (self._process.stdin, self._process.stdout)
        if self._process.poll() is None:
            if pipes[0] is not None:
                with suppress(BrokenPipeError):
                    pipes[0].close()
            try:
                self._process.wait(0 if at_once else GRACE_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        for pipe in (*pipes, self._log):
            if pipe is not None:
                with suppress(BrokenPipeError):  # what was not sent concerns nobody any longer
                    pipe.close()

    @property
    def ended(self) -> bool:
        """Tell whether it has ended."""
        return self._process.poll() is not None

    def _send(self, line: bytes) -> None:
        pipe = self._process.stdin
        if pipe is None or pipe.closed:
            raise TwinProcessFailed("the process of the twins has been ended")
        try:
            pipe.write(line)
            pipe.flush()
        except BrokenPipeError:
            raise TwinProcessFailed(self._last_words()) from None

    def _line(self) -> bytes:
        pipe = self._process.stdout
        if pipe is None:
            raise TwinProcessFailed("the process of the twins has been ended")
        poll = select.poll()
        poll.register(pipe, select.POLLIN)
        while b"\n" not in self._rest:
            if not poll.poll(1e3 * DEADLINE_S):
                raise TwinProcessFailed(f"the twins did not answer within {DEADLINE_S:g} s")
            more = os.read(pipe.fileno(), 1 << 16)
            if not more:
                raise TwinProcessFailed(self._last_words())
            self._rest += more
        line, _, self._rest = self._rest.partition(b"\n")
        return line

    def _last_words(self) -> str:
        self._log.seek(0, os.SEEK_END)
        self._log.seek(max(0, self._log.tell() - LAST_BYTES))
        said = self._log.read().decode(errors="replace").strip()
        return f"the process of the twins ended; its last words:\n{said or '(it said nothing)'}"


class CopiedProcess:
    """A fork of a process of twins, asked through the process that it was forked from."""

    def __init__(self, origin: "TwinProcess | CopiedProcess", file: str, pid: int) -> None:
        """``file``: its endpoints file."""
        self._origin: TwinProcess = origin._origin if isinstance(origin, CopiedProcess) else origin
        self._file = file
        self.pid = pid
        """Its number."""

    def ask(self, request: dict[str, Any]) -> Any:
        """Have one request carried out. Raises as :meth:`TwinProcess.ask`."""
        __tracebackhide__ = True
        return self._origin.ask({"do": "in_copy", "file": self._file, "request": request})

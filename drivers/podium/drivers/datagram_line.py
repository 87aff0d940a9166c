"""Questions and answers over UDP, one datagram each."""

import contextlib
import socket

from podium.drivers.errors import Unreachable

TRIES = 3
"""A datagram may get lost: a question is asked so often before its box is unreachable."""
ANSWER_S = 1.0
ANSWER_MAX = 65_535


class DatagramLine:
    """One box behind a UDP port. Only ``close`` may be called from another thread."""

    def __init__(self, name: str, host: str, port: int, answer_s: float | None = None) -> None:
        """Open a socket; nothing is sent yet. Raises :class:`Unreachable`."""
        self.name, self.where = name, f"{host}:{port} (UDP)"
        self._at = (host, port)
        self._answer_s = ANSWER_S if answer_s is None else answer_s
        self._closed = False
        self._socket = self._fresh()

    def send(self, data: bytes) -> None:
        """Send what has no answer; nobody says whether it arrives."""
        self._check_open()
        try:
            self._socket.send(data)
        except OSError as error:
            raise self._lost(repr(data), error) from error

    def ask(self, data: bytes, asked: str) -> bytes:
        """Ask, again where no answer comes in time, and return the answer.

        Raises :class:`Unreachable` after :data:`TRIES` questions, and the line is closed then. An
        answer that comes late is never taken for that to another question: each time that one
        was missed the socket is a new one.
        """
        for _ in range(TRIES):
            self._check_open()
            try:
                self._discard()
                self._socket.send(data)
                self._socket.settimeout(self._answer_s)
                return self._socket.recv(ANSWER_MAX)
            except TimeoutError:
                self._replace()
            except OSError as error:
                raise self._lost(asked, error) from error
        raise self._lost(asked, TimeoutError(f"no answer in {TRIES} times {self._answer_s} s"))

    def close(self) -> None:
        """Close it, from whatever thread. Idempotent."""
        if self._closed:
            return
        self._closed = True
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _fresh(self) -> socket.socket:
        opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            opened.connect(self._at)  # answers of others are not heard
        except OSError as error:
            opened.close()
            raise Unreachable(f"{self.name} at {self.where}: {error}") from error
        return opened

    def _replace(self) -> None:
        if self._closed:
            return
        late, self._socket = self._socket, self._fresh()
        late.close()

    def _discard(self) -> None:
        """Forget answers that came twice."""
        self._socket.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while self._socket.recv(ANSWER_MAX):
                pass
        self._socket.setblocking(True)

    def _check_open(self) -> None:
        if self._closed:
            raise Unreachable(f"{self.name} at {self.where}: the connection is closed")

    def _lost(self, asked: str, error: BaseException) -> Unreachable:
        self.close()
        reason = str(error) or type(error).__name__
        return Unreachable(f"{self.name} at {self.where} was asked {asked}: {reason}")

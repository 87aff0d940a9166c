"""A TCP connection for boxes that speak no SCPI: bytes out, bytes in, with a deadline."""

import contextlib
import socket
import time

from podium.drivers.errors import ProtocolError, Unreachable

ANSWER_MAX = 4096
"""Longer answers are no answers."""


class ByteStream:
    """One open connection. Only ``close`` may be called from another thread."""

    def __init__(self, name: str, host: str, port: int, timeout_s: float = 3.0) -> None:
        """Connect; raises :class:`Unreachable`."""
        self.name, self.where = name, f"{host}:{port}"
        self._timeout_s = timeout_s
        self._rest = b""
        self._closed = False
        try:
            self._socket = socket.create_connection((host, port), timeout_s)
        except OSError as error:
            raise Unreachable(f"{name} at {self.where}: {error}") from error
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, data: bytes) -> None:
        """Send bytes; raises :class:`Unreachable`, and the connection is closed then."""
        if self._closed:
            raise Unreachable(f"{self.name} at {self.where}: the connection is closed")
        try:
            self._socket.sendall(data)
        except OSError as error:
            raise self._lost(repr(data), error) from error

    def line(self, end: bytes, asked: str) -> bytes:
        """Return the next bytes up to ``end``, without it.

        Raises :class:`Unreachable` when they do not come in time; the connection is closed then,
        so that a late answer is never taken for the next one.
        """
        deadline = time.monotonic() + self._timeout_s
        while end not in self._rest:
            if len(self._rest) > ANSWER_MAX:
                self.close()
                raise ProtocolError(f"{self.name} was asked {asked} and does not end its answer")
            try:
                self._socket.settimeout(max(deadline - time.monotonic(), 1e-3))
                got = self._socket.recv(ANSWER_MAX)
            except OSError as error:
                raise self._lost(asked, error) from error
            if not got:
                raise self._lost(asked, EOFError("the connection was closed"))
            self._rest += got
        line, _, self._rest = self._rest.partition(end)
        return line

    def discard(self) -> None:
        """Forget what has come and was not asked for."""
        self._rest = b""
        if self._closed:
            return
        self._socket.settimeout(1e-3)
        with contextlib.suppress(OSError):
            while self._socket.recv(ANSWER_MAX):
                pass

    def close(self) -> None:
        """Close the connection, from whatever thread. Idempotent."""
        if self._closed:
            return
        self._closed = True
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _lost(self, asked: str, error: BaseException) -> Unreachable:
        self.close()
        reason = str(error) or type(error).__name__
        return Unreachable(f"{self.name} at {self.where} was asked {asked}: {reason}")

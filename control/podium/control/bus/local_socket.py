"""Asks and answers between processes of one user on one computer, without the meeting point.

Through the meeting point a message passes four threads and two ciphers each way. Who has answered
there gives an invitation with its answer: at which local socket it answers as well, and a secret.
Requests to the same key go there from then on, behind the secret: so only those are answered whom
the meeting point's rules have let ask that key, for ``ANEW_S`` to twice as long. And only processes
of the same user are let in: the kernel says whose they are.

A socket's name is random and no file (Linux: an abstract one); elsewhere there is none. On another
computer it leads nowhere, and requests go through the meeting point as before.
"""

import asyncio
import os
import secrets
import socket
import struct
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Self

from podium.control.bus.answer_tasks import AnswerTasks
from podium.control.bus.bus import AnswererFailed, BusError, NoAnswer
from podium.control.bus.wire import BYTES_MAX

ANEW_S = 10.0
"""So long after a request through the meeting point its rules count as asked. Who answers takes a
secret for twice as long at most."""
SECRET_BYTES = 16
SILENT_S = 5.0
"""Who is asked, and has sent nothing for so long, is asked whether it is alive; after as long again
without a word it is taken for frozen."""
HEAD = struct.Struct("<IIB")
"""Before each payload: its length, bytes; the number of the request; one of the kinds below."""
REQUEST, ANSWER, FAILURE, NONE, SECRET, NOT_INVITED, ALIVE = range(7)
"""A request; its answer; why there was none, in UTF-8: the answerer raised, or it left; the secret
of an invitation, which counts for the requests behind it; there was none, or it no longer counts,
and nothing was begun; a question whether the other end is alive, and its answer."""
CREDENTIALS = struct.Struct("3i")
"""Of who is at the other end: process, user, group (``man 7 unix``, ``SO_PEERCRED``)."""
NUMBERS = 1 << 32
COPIED_BYTES = 1 << 16
"""A payload of less goes out with its head; a longer one is not copied for that."""
THERE = hasattr(socket, "SO_PEERCRED")
"""Whether this system has sockets of which the kernel says whose they are, and random names."""


class NoFrame(ValueError):
    """Bytes that are no frame of ours: the connection is closed."""


class NotInvited(Exception):
    """A request was not taken here, as its asker has no invitation that counts."""


class Frames:
    """Splits a stream of bytes into frames."""

    def __init__(self) -> None:
        self._begun = b""
        """Of a head."""
        self._head: tuple[int, int] | None = None
        """Number and kind of the frame that is coming."""
        self._parts: list[bytes] = []
        self._left = 0
        """So many bytes of its payload are to come."""

    def feed(self, chunk: bytes) -> list[tuple[int, int, bytes]]:
        """Return the frames that are whole now: number, kind, payload. Raises :class:`NoFrame`."""
        found: list[tuple[int, int, bytes]] = []
        stream, at = self._begun + chunk, 0
        self._begun = b""
        while True:
            if self._head is None:
                if len(stream) - at < HEAD.size:
                    self._begun = stream[at:]
                    return found
                self._left, number, kind = HEAD.unpack_from(stream, at)
                if self._left > BYTES_MAX or kind > ALIVE:
                    raise NoFrame(f"a frame of kind {kind} and {self._left} bytes")
                self._head = number, kind
                at += HEAD.size
            part = stream[at : at + self._left]
            self._parts.append(part)
            self._left -= len(part)
            at += len(part)
            if self._left:
                return found
            found.append((*self._head, b"".join(self._parts)))
            self._head = None
            self._parts.clear()


class _Framed(asyncio.Protocol):
    """One end of a connection on which frames go. One to another user's process is closed."""

    def __init__(
        self,
        take: Callable[["_Framed", int, int, bytes], None],
        lost: Callable[["_Framed"], None],
    ) -> None:
        """``take`` gets number, kind and payload; it raises :class:`NoFrame` where none belongs."""
        self._take = take
        self._lost = lost
        self._frames = Frames()
        self._transport: Any = None
        self._left = False

    @property
    def closed(self) -> bool:
        """True once nothing can be sent."""
        return bool(self._transport.is_closing())

    def send(self, number: int, kind: int, payload: bytes) -> None:
        """Send a frame, unless it is closed."""
        head = HEAD.pack(len(payload), number, kind)
        if self._transport.is_closing():
            return
        if len(payload) < COPIED_BYTES:
            self._transport.write(head + payload)
        else:
            self._transport.write(head)
            self._transport.write(memoryview(payload))

    def close(self) -> None:
        """Close it once what was sent has left."""
        self._left = True
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        if self._left or not _is_ours(transport.get_extra_info("socket")):
            self._transport.abort()

    def data_received(self, chunk: bytes) -> None:
        try:
            for number, kind, payload in self._frames.feed(chunk):
                self._take(self, number, kind, payload)
        except NoFrame:
            self._transport.abort()

    def connection_lost(self, _: Exception | None) -> None:
        self._lost(self)


def _is_ours(end: socket.socket) -> bool:
    """Return whether the process at the other end belongs to the same user."""
    told = end.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, CREDENTIALS.size)
    _, user, _ = CREDENTIALS.unpack(told)
    return bool(user == os.getuid())


class LocalServer:
    """Answers the requests to one key at a local socket."""

    def __init__(self, answering: AnswerTasks) -> None:
        self.address = f"podium/{secrets.token_hex(16)}"
        self._answering = answering
        self._secrets: dict[str, float] = {}
        """Of invitations, and until when each counts, loop time."""
        self._callers: dict[_Framed, float] = {}
        """Until when each is answered."""
        self._left = False

    @classmethod
    @asynccontextmanager
    async def opened(cls, answering: AnswerTasks) -> AsyncGenerator[Self | None]:
        """Answer while the context is open. None: there are no such sockets, or none is allowed."""
        server = cls(answering)
        try:
            listening = await server._listen() if THERE else None
        except OSError:
            listening = None
        if listening is None:
            yield None
            return
        try:
            yield server
        finally:
            listening.close()
            server._left = True
            for caller in tuple(server._callers):
                caller.close()
            await listening.wait_closed()

    def invitation(self) -> str:
        """Return what an answer through the meeting point gives: address and secret.

        It counts for ``ANEW_S`` at least.
        """
        now_s = asyncio.get_running_loop().time()
        self._secrets = {one: until_s for one, until_s in self._secrets.items() if now_s < until_s}
        for secret, until_s in self._secrets.items():
            if until_s >= now_s + ANEW_S:
                return f"{self.address} {secret}"
        secret = secrets.token_hex(SECRET_BYTES)
        self._secrets[secret] = now_s + 2 * ANEW_S
        return f"{self.address} {secret}"

    async def _listen(self) -> asyncio.Server:
        loop = asyncio.get_running_loop()
        return await loop.create_unix_server(self._called, f"\0{self.address}")

    def _called(self) -> _Framed:
        caller = _Framed(self._take, self._lost)
        self._callers[caller] = 0.0
        if self._left:  # it has called before, and is let in now
            caller.close()
        return caller

    def _lost(self, caller: _Framed) -> None:
        self._callers.pop(caller, None)

    def _take(self, caller: _Framed, number: int, kind: int, payload: bytes) -> None:
        if kind == SECRET:
            self._callers[caller] = self._counts_until_s(payload)
        elif kind == ALIVE:
            caller.send(number, ALIVE, b"")
        elif kind != REQUEST:
            raise NoFrame("a caller only asks")
        elif asyncio.get_running_loop().time() < self._callers.get(caller, 0.0):
            self._answering.begin(payload, partial(self._tell, caller, number))
        else:
            caller.send(number, NOT_INVITED, b"")

    def _counts_until_s(self, shown: bytes) -> float:
        """Return until when a secret counts; 0: it is none of ours."""
        known = self._secrets.items()
        same = (until_s for one, until_s in known if secrets.compare_digest(one.encode(), shown))
        return max(same, default=0.0)

    def _tell(self, caller: _Framed, number: int, outcome: bytes | BusError) -> None:
        if isinstance(outcome, bytes):
            caller.send(number, ANSWER, outcome)
        else:
            kind = FAILURE if isinstance(outcome, AnswererFailed) else NONE
            caller.send(number, kind, str(outcome).encode())


class LocalConnection:
    """Asks who answers one key at a local socket. Make it with :meth:`made`."""

    def __init__(self, key: str) -> None:
        self._key = key
        self._number = 0
        self._shown = ""
        self._next_look: asyncio.TimerHandle | None = None
        self._silent = False
        """Whether nothing has come since it was asked whether it is alive."""
        self._open: dict[int, asyncio.Future[bytes]] = {}
        self._end = _Framed(self._take, self._lost)

    @classmethod
    async def made(cls, key: str, address: str) -> Self | None:
        """Connect. None: it is on another computer, of another user, or gone."""
        if not THERE:
            return None
        connection = cls(key)
        loop = asyncio.get_running_loop()
        try:
            await loop.create_unix_connection(lambda: connection._end, f"\0{address}")
        except (OSError, ValueError):
            return None
        return None if connection.closed else connection

    @property
    def closed(self) -> bool:
        """True once nobody can be asked here."""
        return self._end.closed

    def show(self, secret: str) -> None:
        """Show the secret of an invitation, for the requests from now on."""
        if secret != self._shown:
            self._shown = secret
            self._end.send(0, SECRET, secret.encode())

    async def request(self, payload: bytes, timeout_s: float) -> bytes:
        """Return the answer; raises ``NoAnswer``, ``AnswererFailed`` and :class:`NotInvited`.

        Where none comes in time, or no sign of life, the connection is closed: who is at its other
        end may be frozen.
        """
        loop = asyncio.get_running_loop()
        self._number = number = (self._number + 1) % NUMBERS
        answered: asyncio.Future[bytes] = loop.create_future()
        self._open[number] = answered
        timer = loop.call_later(timeout_s, self._give_up, answered, timeout_s)
        try:
            self._end.send(number, REQUEST, payload)
            if self._next_look is None:
                self._next_look = loop.call_later(SILENT_S, self._look)
            return await answered
        finally:
            timer.cancel()
            self._open.pop(number, None)

    def close(self) -> None:
        """Close it; who waits for an answer gets ``NoAnswer``."""
        if self._next_look is not None:
            self._next_look.cancel()
        self._end.close()

    def _look(self) -> None:
        """Ask whether who answers is alive, while it is waited for; close where it is not."""
        self._next_look = None
        if not self._open or self.closed:
            return
        if self._silent:
            self._no_answers(f"it has given no sign of life for {SILENT_S:g} s")
            self.close()
            return
        self._silent = True
        self._end.send(0, ALIVE, b"")
        self._next_look = asyncio.get_running_loop().call_later(SILENT_S, self._look)

    def _take(self, _: _Framed, number: int, kind: int, payload: bytes) -> None:
        self._silent = False
        if kind in (REQUEST, SECRET):
            raise NoFrame("who is asked does not ask")
        answered = self._open.get(number)
        if answered is None or answered.done():
            return
        if kind == ANSWER:
            answered.set_result(payload)
        elif kind == NOT_INVITED:
            answered.set_exception(NotInvited(self._key))
        else:
            words = payload.decode(errors="replace")
            answered.set_exception((AnswererFailed if kind == FAILURE else NoAnswer)(words))

    def _lost(self, _: _Framed) -> None:
        self._no_answers("it has left")

    def _no_answers(self, why: str) -> None:
        for answered in self._open.values():
            if not answered.done():
                answered.set_exception(NoAnswer(f"no answer from {self._key}: {why}"))

    def _give_up(self, answered: "asyncio.Future[bytes]", timeout_s: float) -> None:
        if not answered.done():
            late = f"no answer from {self._key} (waited at most {timeout_s} s)"
            answered.set_exception(NoAnswer(late))
        self.close()


class LocalConnections:
    """One process's connections to those who answer near it, by key."""

    def __init__(self) -> None:
        self._connections: dict[str, LocalConnection] = {}
        self._told: dict[str, tuple[str, float]] = {}
        """Addresses, and until when requests may go there, loop time."""

    def find(self, key: str) -> LocalConnection | None:
        """Return where to ask now; None: through the meeting point."""
        connection = self._connections.get(key)
        if connection is None:
            return None
        if connection.closed:
            del self._connections[key], self._told[key]
            return None
        _, until_s = self._told[key]
        return connection if asyncio.get_running_loop().time() < until_s else None

    async def learn(self, key: str, invitation: str, asked_s: float) -> None:
        """Take in what an answer through the meeting point has given; return once connected.

        ``asked_s``: when it was asked for, loop time: from then on the invitation counts.
        """
        address, _, secret = invitation.partition(" ")
        if not self._knows(key, address):
            connection = await LocalConnection.made(key, address)
            if self._knows(key, address):  # another request was quicker
                unused = connection
            else:
                unused = self._connections.pop(key, None)
                if connection is not None:
                    self._connections[key] = connection
            if unused is not None:
                unused.close()
        self._told[key] = address, asked_s + ANEW_S
        if (there := self._connections.get(key)) is not None:
            there.show(secret)

    def _knows(self, key: str, address: str) -> bool:
        """Return whether it is connected there, or has tried to."""
        return key in self._told and self._told[key][0] == address

    def close(self) -> None:
        """Close all connections."""
        for one in self._connections.values():
            one.close()
        self._connections.clear()

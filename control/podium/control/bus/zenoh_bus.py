"""Implements the bus between processes, over Eclipse Zenoh.

On one computer its processes are peers on loopback. On several they meet at one place
(:mod:`~podium.control.bus.meeting_bus`). Nothing is dropped when a receiver is slow (``BLOCK``). A
process that dies is seen at once, one that freezes after ``LEASE_MS``.
"""

import asyncio
import ipaddress
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from functools import partial
from typing import TypeVar

import zenoh

from podium.control.bus.answer_tasks import AnswerTasks, drain
from podium.control.bus.bus import Answerer, AnswererFailed, BusError, Denied, NoAnswer, Presence
from podium.control.bus.local_socket import LocalConnections, LocalServer, NotInvited
from podium.control.bus.zenoh_config import configuration
from podium.control.security.access import answerer_key

# Callbacks that are not "indirect" are called in Zenoh's own threads: ours wait for nothing there.

SMALL_BYTES = 1 << 14
"""News and answers of less are sent at once, as requests are: Zenoh holds many of them back for a
receiver that is slow, and a thread takes longer."""

T = TypeVar("T")


def loopback_only(endpoint: str) -> str:
    """Return ``endpoint`` (``tcp/127.0.0.1:7447``) if it stays on this machine, else raise."""
    host = endpoint.partition("/")[2].rpartition(":")[0].strip("[]")
    try:
        local = ipaddress.ip_address(host).is_loopback
    except ValueError:
        local = False
    if not local:
        raise ValueError(
            f"bus endpoint {endpoint!r}: without TLS only a loopback address is allowed, "
            "e.g. tcp/127.0.0.1:7447 (insecure: true in the facility file lifts this)"
        )
    return endpoint


class ZenohBus:
    """One process's place on the bus. Make it with :meth:`open`, end it with :meth:`close`."""

    def __init__(
        self, session: zenoh.Session, loop: asyncio.AbstractEventLoop, *, local: bool = False
    ) -> None:
        """``local``: requests between processes of one user on one computer go by local sockets."""
        self._session = session
        self._loop = loop
        self._local = local
        self._connections = LocalConnections()
        self._closed = False

    @classmethod
    async def open(
        cls, listen: Sequence[str] = (), connect: Sequence[str] = (), *, insecure: bool = False
    ) -> "ZenohBus":
        """Listen on and connect to these endpoints; raises ``BusError`` if one cannot be bound.

        Endpoints to connect to need not be there yet: they are tried for ever.
        """
        if not insecure:
            for endpoint in (*listen, *connect):
                loopback_only(endpoint)
        try:
            session = await asyncio.to_thread(zenoh.open, configuration(listen, connect))
        except zenoh.ZError as error:
            raise BusError(f"bus: cannot listen on {', '.join(listen)}: {error}") from error
        return cls(session, asyncio.get_running_loop())

    @property
    def zid(self) -> str:
        """By which Zenoh tells this process from others; another one each time that it starts."""
        return str(self._session.info.zid())

    def neighbours(self) -> dict[str, str | None]:
        """Return who is connected directly: common name of the certificate, by Zenoh's identity."""
        return {str(link.zid): link.auth_identifier for link in self._session.info.links()}

    async def request(self, key: str, payload: bytes, timeout_s: float) -> bytes:
        """See :class:`~podium.control.bus.bus.Bus`."""
        asked_s = self._loop.time()
        if (near := self._connections.find(key)) is not None:
            with suppress(NotInvited):
                return await near.request(payload, timeout_s)
            before_s, asked_s = asked_s, self._loop.time()
            timeout_s = max(0.0, timeout_s - (asked_s - before_s))
        replies = await self._get(key, payload, timeout_s)
        _check_one(key, replies)
        for reply in replies:
            if reply.ok is not None:
                if (given := reply.ok.attachment) is not None and self._local:
                    invitation = given.to_bytes().decode(errors="replace")
                    await self._connections.learn(key, invitation, asked_s)
                return reply.ok.payload.to_bytes()
        for reply in replies:
            if reply.err is not None:
                raise _failure(key, reply.err.payload.to_bytes(), timeout_s)
        raise NoAnswer(f"no answer from {key} (waited at most {timeout_s} s)")

    async def request_all(self, pattern: str, payload: bytes, timeout_s: float) -> dict[str, bytes]:
        """See :class:`~podium.control.bus.bus.Bus`."""
        return {
            str(reply.ok.key_expr): reply.ok.payload.to_bytes()
            for reply in await self._get(pattern, payload, timeout_s)
            if reply.ok is not None
        }

    async def _get(self, pattern: str, payload: bytes, timeout_s: float) -> list[zenoh.Reply]:
        self._still_open()
        replies: list[zenoh.Reply] = []
        done = asyncio.Event()
        withdrawn = zenoh.CancellationToken()
        # "Indirect" would be a new thread for each request: a millisecond.
        handler = zenoh.handlers.Callback(
            replies.append, drop=lambda: self._soon(done.set), indirect=False
        )
        self._session.get(
            pattern,
            handler,
            payload=payload,
            target=zenoh.QueryTarget.ALL,
            consolidation=zenoh.ConsolidationMode.NONE,
            congestion_control=zenoh.CongestionControl.BLOCK,
            express=True,
            timeout=timeout_s,
            cancellation_token=withdrawn,
        )
        try:
            await done.wait()
        except asyncio.CancelledError:
            await asyncio.to_thread(withdrawn.cancel)
            raise
        return replies

    async def publish(self, key: str, payload: bytes) -> None:
        """See :class:`~podium.control.bus.bus.Bus`."""
        self._still_open()
        put = partial(
            self._session.put,
            key,
            payload,
            congestion_control=zenoh.CongestionControl.BLOCK,
            express=True,
        )
        if len(payload) < SMALL_BYTES:
            put()
        else:
            await asyncio.to_thread(put)

    @asynccontextmanager
    async def subscribe(self, pattern: str) -> AsyncGenerator[AsyncIterator[tuple[str, bytes]]]:
        """See :class:`~podium.control.bus.bus.Bus`."""
        queue: asyncio.Queue[tuple[str, bytes]] = asyncio.Queue()
        async with self.delivering(pattern, queue.put_nowait):
            yield drain(queue)

    @asynccontextmanager
    async def delivering(
        self, pattern: str, take: Callable[[tuple[str, bytes]], None]
    ) -> AsyncGenerator[None]:
        """Have ``take`` called on the loop with (key, payload) of what is published meanwhile."""

        def arrived(sample: zenoh.Sample) -> None:
            self._soon(take, (str(sample.key_expr), sample.payload.to_bytes()))

        handler = zenoh.handlers.Callback(arrived, indirect=False)
        subscriber = self._session.declare_subscriber(pattern, handler)
        try:
            yield
        finally:
            self._undeclare(subscriber)

    @asynccontextmanager
    async def serve(self, key: str, answer: Answerer) -> AsyncGenerator[None]:
        """See :class:`~podium.control.bus.bus.Bus`."""
        async with asyncio.TaskGroup() as tasks, AnswerTasks.opened(key, answer) as answering:
            leaving = False

            def take(query: zenoh.Query) -> None:
                if not leaving:
                    payload = b"" if query.payload is None else query.payload.to_bytes()
                    answering.begin(payload, partial(reply, query))

            def reply(query: zenoh.Query, outcome: bytes | BusError) -> None:
                given = None if near is None else near.invitation()
                match outcome:
                    case bytes() if len(outcome) < SMALL_BYTES:
                        _reply(query, key, outcome, given)
                    case bytes():
                        # From here on the query is the thread's, also when this task is cancelled:
                        # a query that is being sent cannot be dropped by another thread.
                        tasks.create_task(asyncio.to_thread(_reply, query, key, outcome, given))
                    case AnswererFailed():
                        _refuse(query, str(outcome).encode())
                    case _:  # one side is leaving: that tells the other, if it is there
                        query.drop()  # type: ignore[no-untyped-call]  # no return type in the stub

            def arrived(query: zenoh.Query) -> None:
                self._soon(take, query)

            async with self._answered_locally(answering) as near:
                said = self._session.liveliness().declare_token(answerer_key(key, self.zid))
                queryable = self._session.declare_queryable(
                    key, zenoh.handlers.Callback(arrived, indirect=False)
                )
                try:
                    yield
                finally:
                    leaving = True
                    self._undeclare(queryable)
                    self._undeclare(said)

    @asynccontextmanager
    async def _answered_locally(self, answering: AnswerTasks) -> AsyncGenerator[LocalServer | None]:
        """Answer at a local socket, too, if it may be."""
        if not self._local:
            yield None
            return
        async with LocalServer.opened(answering) as server:
            yield server

    async def answerers(self, key: str) -> set[str]:
        """Return which processes answer ``key``, by Zenoh's identities."""
        self._still_open()
        pattern = answerer_key(key, "*")
        replies = await asyncio.to_thread(lambda: list(self._session.liveliness().get(pattern)))
        return {str(reply.ok.key_expr).rpartition("/")[2] for reply in replies if reply.ok}

    @asynccontextmanager
    async def announce(self, key: str) -> AsyncGenerator[None]:
        """See :class:`~podium.control.bus.bus.Bus`."""
        token = self._session.liveliness().declare_token(key)
        try:
            yield
        finally:
            self._undeclare(token)

    @asynccontextmanager
    async def watch(self, pattern: str) -> AsyncGenerator[AsyncIterator[Presence]]:
        """See :class:`~podium.control.bus.bus.Bus`."""
        queue: asyncio.Queue[Presence] = asyncio.Queue()
        async with self.watching(pattern, queue.put_nowait):
            yield drain(queue)

    @asynccontextmanager
    async def watching(
        self, pattern: str, take: Callable[[Presence], None]
    ) -> AsyncGenerator[None]:
        """Have ``take`` called on the loop with who is there, and who comes and goes meanwhile."""

        def changed(sample: zenoh.Sample) -> None:
            alive = sample.kind == zenoh.SampleKind.PUT
            self._soon(take, Presence(str(sample.key_expr), alive))

        subscriber = self._session.liveliness().declare_subscriber(pattern, changed, history=True)
        try:
            yield
        finally:
            self._undeclare(subscriber)

    async def close(self) -> None:
        """See :class:`~podium.control.bus.bus.Bus`."""
        if not self._closed:
            self._closed = True
            self._connections.close()
            await asyncio.to_thread(self._session.close)

    def _still_open(self) -> None:
        if self._closed:
            raise BusError("the bus was closed on this side")

    def _undeclare(
        self, declared: "zenoh.Subscriber[None] | zenoh.Queryable[None] | zenoh.LivelinessToken"
    ) -> None:
        if not self._closed:
            declared.undeclare()  # type: ignore[no-untyped-call]  # as above

    def _soon(self, call: Callable[..., object], *arguments: object) -> None:
        # Called from Zenoh's threads, which may outlive the loop by a moment.
        try:
            self._loop.call_soon_threadsafe(call, *arguments)
        except RuntimeError:
            return


def _check_one(key: str, replies: Sequence[zenoh.Reply]) -> None:
    """Raise ``Denied`` where several processes answer for one key: none of them is believed."""
    repliers = {str(one.replier_id) for one in replies if one.replier_id is not None}
    if len(repliers) > 1:
        raise Denied(
            f"denied: {len(repliers)} processes answer for {key} ({', '.join(sorted(repliers))}), "
            "and one at most should: no answer was taken"
        )


def _reply(query: zenoh.Query, key: str, payload: bytes, invitation: str | None) -> None:
    with _leaving(query):
        query.reply(key, payload, express=True, attachment=invitation)


def _refuse(query: zenoh.Query, text: bytes) -> None:
    with _leaving(query):
        query.reply_err(text)


@contextmanager
def _leaving(query: zenoh.Query) -> Iterator[None]:
    """Drop the query in the end: whoever asked waits for that. An asker who left is no error."""
    try:
        yield
    except zenoh.ZError:
        pass
    finally:
        query.drop()  # type: ignore[no-untyped-call]  # the stub names no return type


def _failure(key: str, text: bytes, timeout_s: float) -> BusError:
    said = text.decode(errors="replace")
    if said == "Timeout":  # Zenoh's own word when the timeout of a get has passed
        return NoAnswer(f"no answer from {key} (waited at most {timeout_s} s)")
    return AnswererFailed(said)

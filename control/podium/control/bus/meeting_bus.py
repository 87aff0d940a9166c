"""Connects a process to a meeting point: a router, or the coordinator.

It is there at once, and connected as soon as the meeting point is: an agent makes its instruments
safe whether or not it reaches anybody. What is not allowed is denied here, in words, before it is
sent; and what the holder of the meeting point denies (Zenoh drops it without a word) is asked for.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from functools import partial
from typing import Self

import zenoh

from podium.control.bus.answer_tasks import drain
from podium.control.bus.bus import Answerer, BusError, Denied, NoAnswer, Presence
from podium.control.bus.connection_diagnosis import diagnose_connection
from podium.control.bus.gather import ungrouped
from podium.control.bus.log import event_log
from podium.control.bus.wire import BadMessage, decode, encode
from podium.control.bus.zenoh_bus import ZenohBus
from podium.control.bus.zenoh_config import joining
from podium.control.facility.meeting_point import MeetingPoint
from podium.control.security.access import MayI, Member, Verdict, access_key, judge
from podium.control.security.certificates import Credentials

JOIN_S = 3.0
"""A request waits so long for the connection itself."""
PAUSE_S = 0.5
"""Between two attempts to connect for the first time."""
ENDING_S = 2.0
"""A process that was killed or is frozen is seen to be gone within this time."""
VERDICT_S = 1.0
"""The holder of the meeting point has so long to say why it denied something."""

log = event_log("bus")


class MeetingBus:
    """One process's place on the bus. Make it with :meth:`joined`."""

    def __init__(
        self, facility: str, meeting: MeetingPoint, me: Member, credentials: Credentials | None
    ) -> None:
        self._facility = facility
        self._meeting = meeting
        self._me = me
        self._credentials = credentials
        self._bus: ZenohBus | None = None
        self._connected = asyncio.Event()
        self._to_answer: list[asyncio.Event] = []
        """Of all keys that are answered here: set once it is so."""
        self._why = ""
        """Why it is not connected, as far as was found out."""

    @classmethod
    @asynccontextmanager
    async def joined(
        cls, facility: str, meeting: MeetingPoint, me: Member, credentials: Credentials | None
    ) -> AsyncGenerator[Self]:
        """Connect, and stay connected, while the context is open."""
        bus = cls(facility, meeting, me, credentials)
        async with ungrouped(), asyncio.TaskGroup() as tasks:
            connecting = tasks.create_task(bus._connect(), name="join the bus")
            try:
                yield bus
            finally:
                connecting.cancel()
                await asyncio.shield(bus.close())

    async def request(self, key: str, payload: bytes, timeout_s: float) -> bytes:
        """See :class:`~podium.control.bus.bus.Bus`; raises ``Denied`` as well."""
        self._check("ask", key)
        bus = await self._there(timeout_s)
        try:
            return await bus.request(key, payload, timeout_s)
        except NoAnswer as error:
            raise await self._explained(bus, "ask", key, error) from error

    async def request_all(self, pattern: str, payload: bytes, timeout_s: float) -> dict[str, bytes]:
        """See :class:`~podium.control.bus.bus.Bus`; raises ``Denied`` as well."""
        self._check("ask", pattern)
        bus = await self._there(timeout_s)
        return await bus.request_all(pattern, payload, timeout_s)

    async def publish(self, key: str, payload: bytes) -> None:
        """See :class:`~podium.control.bus.bus.Bus`; raises ``Denied`` as well."""
        self._check("publish", key)
        if self._bus is None:
            raise BusError(f"{self._meeting.connect} is not reached yet: {self._why}")
        await self._bus.publish(key, payload)

    @asynccontextmanager
    async def subscribe(self, pattern: str) -> AsyncGenerator[AsyncIterator[tuple[str, bytes]]]:
        """See :class:`~podium.control.bus.bus.Bus`; raises ``Denied`` as well."""
        self._check("hear", pattern)
        queue: asyncio.Queue[tuple[str, bytes]] = asyncio.Queue()
        async with self._held(lambda bus: bus.delivering(pattern, queue.put_nowait)):
            yield drain(queue)

    @asynccontextmanager
    async def serve(self, key: str, answer: Answerer) -> AsyncGenerator[None]:
        """See :class:`~podium.control.bus.bus.Bus`; raises ``Denied`` as well."""
        self._check("answer", key)
        answering = asyncio.Event()
        self._to_answer.append(answering)
        try:
            hold = partial(self._served_alone, key=key, answer=answer, answering=answering)
            async with self._held(hold):
                yield
        finally:
            self._to_answer.remove(answering)

    @asynccontextmanager
    async def announce(self, key: str) -> AsyncGenerator[None]:
        """See :class:`~podium.control.bus.bus.Bus`; raises ``Denied`` as well."""
        self._check("announce", key)
        before = tuple(self._to_answer)
        async with self._held(lambda bus: self._announced_after(bus, key, before)):
            yield

    @asynccontextmanager
    async def watch(self, pattern: str) -> AsyncGenerator[AsyncIterator[Presence]]:
        """See :class:`~podium.control.bus.bus.Bus`; raises ``Denied`` as well."""
        self._check("watch", pattern)
        queue: asyncio.Queue[Presence] = asyncio.Queue()
        async with self._held(lambda bus: bus.watching(pattern, queue.put_nowait)):
            yield drain(queue)

    async def close(self) -> None:
        """See :class:`~podium.control.bus.bus.Bus`."""
        if self._bus is not None:
            await self._bus.close()

    # Connecting

    async def _connect(self) -> None:
        config = joining(self._facility, self._meeting, self._credentials)
        place = str(self._meeting.connect)
        told = ""
        while True:
            try:
                session = await _opened(config)
            except zenoh.ZError as error:
                self._why = await self._why_not() or str(error)
                if self._why != told:
                    told = self._why
                    log.warning("bus not reached", meeting_point=place, reason=told)
                await asyncio.sleep(PAUSE_S)
                continue
            self._bus = ZenohBus(session, asyncio.get_running_loop(), local=True)
            self._connected.set()
            log.info("bus reached", meeting_point=place)
            break
        refused = await self._refusal(self._bus, "", "")
        if refused:
            log.warning("not admitted", meeting_point=place, reason=refused)

    async def _there(self, within_s: float) -> ZenohBus:
        if self._bus is None:
            with suppress(TimeoutError):
                async with asyncio.timeout(min(JOIN_S, within_s)):
                    await self._connected.wait()
        if self._bus is None:
            why = self._why or await self._why_not() or "it is only just being tried"
            raise NoAnswer(f"{self._meeting.connect} is not reached: {why}")
        return self._bus

    async def _why_not(self) -> str:
        return await asyncio.to_thread(
            diagnose_connection, self._meeting.connect, self._credentials
        )

    @asynccontextmanager
    async def _held(
        self, hold: Callable[[ZenohBus], AbstractAsyncContextManager[None]]
    ) -> AsyncGenerator[None]:
        """Hold something on the bus, from when it is connected, while the context is open."""
        entered = asyncio.Event()

        async def holding() -> None:
            await self._connected.wait()
            if self._bus is not None:
                async with hold(self._bus):
                    entered.set()
                    await asyncio.Event().wait()

        async with ungrouped(), asyncio.TaskGroup() as tasks:
            task = tasks.create_task(holding())
            if self._bus is not None:
                await entered.wait()
            try:
                yield
            finally:
                task.cancel()

    @asynccontextmanager
    async def _served_alone(
        self, bus: ZenohBus, key: str, answer: Answerer, answering: asyncio.Event
    ) -> AsyncGenerator[None]:
        """Answer ``key`` unless another process does; one that is just ending is waited for."""
        give_up = time.monotonic() + ENDING_S
        while refused := await self._refusal(bus, "answer", key):
            if time.monotonic() > give_up:
                log.error("not the one who answers", key=key, reason=refused)
                raise Denied(refused)
            await asyncio.sleep(PAUSE_S)
        async with bus.serve(key, answer):
            answering.set()
            yield

    @asynccontextmanager
    async def _announced_after(
        self, bus: ZenohBus, key: str, before: Sequence[asyncio.Event]
    ) -> AsyncGenerator[None]:
        """Announce ``key`` once all that was to be answered before is: who is seen is asked."""
        for answering in before:
            await answering.wait()
        async with bus.announce(key):
            yield

    # Being denied

    def _check(self, does: str, key: str) -> None:
        if self._credentials is not None:
            verdict = judge(self._facility, self._me, does, key)
            if not verdict.allowed:
                raise Denied(verdict.words)

    async def _explained(self, bus: ZenohBus, does: str, key: str, error: NoAnswer) -> BusError:
        """Return why there was no answer, as far as it can be found out."""
        place = self._meeting.connect
        holders = set(bus.neighbours().values())
        if not holders:
            why = await self._why_not() or "the connection was lost and is being made anew"
            return NoAnswer(f"{error}: {place} is not reached: {why}")
        if self._credentials is None:
            return error
        impostors = holders - {self._meeting.held_by}
        if impostors:
            names = ", ".join(str(name) for name in impostors)
            return Denied(
                f"denied: what listens at {place} has the certificate {names}, not "
                f"{self._meeting.held_by}: it is neither asked nor answered"
            )
        refused = await self._refusal(bus, does, key)
        return Denied(refused) if refused else error

    async def _refusal(self, bus: ZenohBus, does: str, key: str) -> str:
        """Return the words with which the holder of the meeting point denies something, if so."""
        question = encode(MayI(bus.zid, does, key))
        try:
            answer = await bus.request(access_key(self._facility), question, VERDICT_S)
            return decode(answer, Verdict).words
        except (BusError, BadMessage):
            return ""


async def _opened(config: zenoh.Config) -> zenoh.Session:
    """Open a session; given up, it is closed as soon as it is there (``JOIN_MS`` at most)."""
    opening = asyncio.ensure_future(asyncio.to_thread(zenoh.open, config))
    try:
        return await asyncio.shield(opening)
    except asyncio.CancelledError:
        with suppress(zenoh.ZError):
            session = await opening
            await asyncio.to_thread(session.close)
        raise

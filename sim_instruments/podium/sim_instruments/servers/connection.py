"""One TCP connection to a twin, with the faults a network and a sick box can have."""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.sim_instruments.servers.clock import ClockMode
from podium.sim_instruments.servers.leaps import Time
from podium.sim_instruments.twins.answer_pace import PacedSession
from podium.sim_instruments.twins.twin import HangsUp, Session

TURN_S = 0.01
"""So long one connection is served at a stretch while others may be waiting."""
OTHERS_FIRST_S = 0.001
"""Who waits for a box that another client speaks to looks again after so long."""
BEHIND_MAX = 100
"""Messages that wait for a box that takes its time; more stay in the client's socket."""


class Way(Protocol):
    """A way by which an instrument is spoken to."""

    def due(self) -> None:
        """Send what has fallen due, and carry out what had to wait. Time does not leap for it."""
        ...

    def drop(self) -> None:
        """Cut it without a word."""
        ...


@dataclass(slots=True)
class ConnectionFaults:
    """Faults of the way to one instrument. All off: it is healthy."""

    frozen: bool = False
    """Connections stay open and bytes are swallowed: nothing is answered, nothing is done."""
    half_answers: bool = False
    """Of each answer only the first half is sent."""
    refused: bool = False
    """New connections are closed at once."""
    clients_max: int | None = None
    """So many connections the box takes at once; None: any number. No fault, but its way."""
    open: set[Way] = field(default_factory=set)
    """The connections that there are, and the ports that datagrams come to."""

    @property
    def takes_none(self) -> bool:
        """Tell whether a new connection is closed at once."""
        full = self.clients_max is not None and len(self.open) >= self.clients_max
        return self.refused or full

    def drop(self) -> None:
        """Cut all connections without a word, as a pulled cable does."""
        for connection in tuple(self.open):
            connection.drop()


class TwinConnection(asyncio.Protocol):
    """Bytes in, the twin's answer out, in one write."""

    def __init__(
        self,
        open_session: Callable[[], Session],
        timekeeper: Time,
        faults: ConnectionFaults,
        leapt: Callable[[], None],
    ) -> None:
        """``leapt`` is called when world time has leapt: answers to others may be due."""
        self._open_session = open_session
        self._timekeeper = timekeeper
        self._faults = faults
        self._leapt = leapt
        self._waiting: deque[bytes] = deque()
        self._session: Session | None = None
        self._hangs_up: HangsUp | None = None
        """The same session, where it minds how a connection begins and ends."""
        self._transport: asyncio.Transport | None = None
        self._goes_on = False
        """Its next turn is asked for."""
        self._looks_again: asyncio.TimerHandle | None = None
        self._box_goes_on: asyncio.TimerHandle | None = None
        self._full = False
        """The client reads no answers."""
        self._ended = False
        """The client sends no more."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start a session of its own for this client."""
        if not isinstance(transport, asyncio.Transport):
            raise TypeError(f"a twin serves byte streams, not {type(transport).__name__}")
        self._transport = transport
        if self._faults.takes_none:
            transport.abort()
            return
        self._session = self._open_session()
        self._faults.open.add(self)
        if isinstance(self._session, HangsUp):
            self._hangs_up = self._session
            self.due()  # it may have a greeting to say

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the session; a half-received command goes with it."""
        self._faults.open.discard(self)
        if self._hangs_up is not None:
            self._hangs_up.hung_up()
        self._session = self._hangs_up = None
        for timer in (self._looks_again, self._box_goes_on):
            if timer is not None:
                timer.cancel()
        self._looks_again = self._box_goes_on = None

    def drop(self) -> None:
        """Cut the connection without a word."""
        if self._transport is not None:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        """Carry out what is complete, answer it, and let time leap over what it has started."""
        if not self._faults.frozen:
            self._waiting += self._timekeeper.pieces(data)
            self.poll()
            self._mind_reading()

    def eof_received(self) -> bool:
        """Keep the way back open until what came is carried out."""
        self._ended = True
        return bool(self._waiting) or self._behind > 0

    @property
    def _behind(self) -> int:
        """Return how many messages and answers wait for the box."""
        return self._session.behind if isinstance(self._session, PacedSession) else 0

    def poll(self) -> None:
        """Carry out what had to wait, and send what has fallen due since the last command."""
        until_s = time.monotonic() + TURN_S
        while not self._faults.frozen and not self._timekeeper.holds():
            # What has been computed by now ends before the next command comes.
            self._leap()
            piece = self._waiting.popleft() if self._waiting else b""
            self._exchange(piece)
            self._timekeeper.wake()
            self._leap()
            if not self._waiting:
                self._mind_reading()
                return
            if self._timekeeper.takes_turns and time.monotonic() > until_s:
                self._go_on_soon()
                return
        if self._waiting and not self._faults.frozen and self._session is not None:
            self._held()

    def _held(self) -> None:
        """Look again when commands have been held long enough, if nobody has before."""
        self._timekeeper.wait_for_turn()
        if self._looks_again is None:
            loop = asyncio.get_running_loop()
            self._looks_again = loop.call_later(self._timekeeper.holds_for_s, self._look_again)

    def _look_again(self) -> None:
        self._looks_again = None
        if self._session is not None and self._waiting:
            self.poll()

    def _go_on_soon(self) -> None:
        """Let others have their turn: a client that sends much holds nobody up."""
        if not self._goes_on:
            self._goes_on = True
            asyncio.get_running_loop().call_soon(self._go_on)

    def _go_on(self) -> None:
        self._goes_on = False
        if self._session is not None:
            self.poll()

    def _mind_reading(self) -> None:
        """Take more from the client when what it sent is done and it reads its answers."""
        if self._transport is None or self._transport.is_closing():
            return
        if self._waiting or self._full or self._behind > BEHIND_MAX:
            self._transport.pause_reading()
        elif self._ended:
            if not self._behind:
                self._transport.close()
        else:
            self._transport.resume_reading()

    def due(self) -> None:
        """Send what has fallen due since the last command; carry out what had to wait."""
        if self._waiting:
            self.poll()
        elif not self._faults.frozen and not self._timekeeper.holds():
            was_behind = self._behind
            self._exchange(b"")
            if was_behind:
                self._timekeeper.wake()
                self._mind_reading()

    def _await_box(self) -> None:
        """Look when a box that takes its time goes on: a tick may be long in the world's time."""
        session, clock = self._session, self._timekeeper.clock
        if not isinstance(session, PacedSession) or not session.behind:
            return
        if self._box_goes_on is not None or clock.mode is ClockMode.MANUAL:
            return
        wait_fs = session.goes_on_fs - clock.now_fs()
        wait_s = wait_fs / FS_PER_S / clock.rate if wait_fs > 0 else OTHERS_FIRST_S
        loop = asyncio.get_running_loop()
        self._box_goes_on = loop.call_later(wait_s, self._look_at_box)

    def _look_at_box(self) -> None:
        self._box_goes_on = None
        if self._session is not None:
            self.due()

    def _exchange(self, piece: bytes) -> None:
        if self._session is None or self._transport is None:
            return
        now_fs = self._timekeeper.clock.now_fs()
        if isinstance(self._session, PacedSession):
            at_once = self._timekeeper.answers_at_once
            answer = self._session.feed(piece, now_fs, at_once=at_once)
        else:
            answer = self._session.feed(piece, now_fs)
        if answer:
            # Python 3.11 would copy what the socket does not take, and once more as it keeps it.
            whole = memoryview(answer)
            self._transport.write(whole[: len(whole) // 2] if self._faults.half_answers else whole)
            self._timekeeper.answered()
        if self._hangs_up is not None and self._hangs_up.ended:
            self._transport.close()
        self._await_box()

    def _leap(self) -> None:
        if self._timekeeper.leap():
            self._leapt()

    # A client that reads no answers is not listened to, until it does.

    def pause_writing(self) -> None:
        """Take no more commands."""
        self._full = True
        self._mind_reading()

    def resume_writing(self) -> None:
        """Take commands again."""
        self._full = False
        self._mind_reading()

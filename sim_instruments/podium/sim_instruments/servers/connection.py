"""One TCP connection to a twin, with the faults a network and a sick box can have."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from podium.sim_instruments.servers.clock import WorldClock
from podium.sim_instruments.twins.twin import Session


@dataclass(slots=True)
class LineFaults:
    """What is wrong with the way to one instrument. All off: the line is healthy."""

    frozen: bool = False
    """Connections stay open and bytes are swallowed: nothing is answered, nothing is done."""
    half_answers: bool = False
    """Of each answer only the first half is sent."""
    refused: bool = False
    """New connections are closed at once."""
    open: set["TwinConnection"] = field(default_factory=set)


class TwinConnection(asyncio.Protocol):
    """Bytes in, the twin's answer out, in one write."""

    def __init__(
        self,
        session: Callable[[], Session],
        clock: WorldClock,
        faults: LineFaults,
        after: Callable[[], None],
    ) -> None:
        """``after`` is called when a command has been carried out: time may leap then."""
        self._open_session = session
        self._clock = clock
        self._faults = faults
        self._after = after
        self._session: Session | None = None
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start a session of its own for this client."""
        if not isinstance(transport, asyncio.Transport):
            raise TypeError(f"a twin serves byte streams, not {type(transport).__name__}")
        self._transport = transport
        if self._faults.refused:
            self._transport.abort()
            return
        self._session = self._open_session()
        self._faults.open.add(self)

    def data_received(self, data: bytes) -> None:
        """Carry out what is complete and answer it."""
        if self._session is None or self._transport is None or self._faults.frozen:
            return
        answer = self._session.feed(data, self._clock.command_received())
        if self._faults.half_answers:
            answer = answer[: len(answer) // 2]
        if answer:
            self._transport.write(answer)
        self._after()

    def poll(self) -> None:
        """Send what has fallen due since the last command."""
        if self._session is None or self._transport is None or self._faults.frozen:
            return
        answer = self._session.feed(b"", self._clock.now_fs())
        if answer:
            self._transport.write(answer)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the session; a half-received command goes with it."""
        self._faults.open.discard(self)
        self._session = None

    def drop(self) -> None:
        """Cut the connection without a word, as a pulled cable does."""
        if self._transport is not None:
            self._transport.abort()

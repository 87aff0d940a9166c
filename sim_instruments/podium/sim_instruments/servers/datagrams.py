"""The UDP ports of a twin, with what a network does to datagrams."""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from podium.sim_instruments.servers.connection import ConnectionFaults
from podium.sim_instruments.servers.leaps import Time

DELAY_S = 0.05
"""How long a delayed datagram is on its way, on the wall's clock. ASSUMED: a busy switch."""

Sender = tuple[Any, ...]
Hear = Callable[[bytes, int], bytes]
"""Takes a datagram and world time, returns the answer to its sender."""


@dataclass(slots=True)
class DatagramFaults:
    """Faults of the way of datagrams to one instrument. All off: it is healthy."""

    lost: bool = False
    delayed: bool = False
    """Each arrives ``delay_s`` late."""
    delay_s: float = DELAY_S
    duplicated: bool = False
    reordered: bool = False
    """Every second one arrives before its forerunner, which waits for it for ever."""


class TwinDatagrams(asyncio.DatagramProtocol):
    """Datagrams in, the twin's answer out to whoever sent each.

    ``faults`` are those of the box (frozen, half answers, refused), ``ways`` those of the network.
    """

    def __init__(
        self,
        hear: Hear,
        timekeeper: Time,
        faults: ConnectionFaults,
        ways: DatagramFaults,
        leapt: Callable[[], None],
    ) -> None:
        """``leapt`` is called when world time has leapt: answers to others may be due."""
        self._hear = hear
        self._timekeeper = timekeeper
        self._faults = faults
        self._ways = ways
        self._leapt = leapt
        self._waiting: deque[tuple[bytes, Sender]] = deque()
        self._held: tuple[bytes, Sender] | None = None
        self._late: set[asyncio.TimerHandle] = set()
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to listen."""
        # Until Python 3.12 asyncio's own transport is no instance of what it implements.
        self._transport = cast(asyncio.DatagramTransport, transport)
        self._faults.open.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop listening; what was on its way is gone."""
        self.drop()
        self._faults.open.discard(self)
        self._transport = None

    def drop(self) -> None:
        """Lose what is on its way. There is no connection that could be cut."""
        self._waiting.clear()
        self._held = None
        for handle in self._late:
            handle.cancel()
        self._late.clear()

    def datagram_received(self, data: bytes, addr: Sender) -> None:
        """Let the network do what it does, then carry out what arrives."""
        if self._ways.lost:
            return
        for _ in range(2 if self._ways.duplicated else 1):
            self._travel(data, addr)

    def _travel(self, data: bytes, addr: Sender) -> None:
        if self._ways.reordered and self._held is None:
            self._held = (data, addr)
            return
        arriving = [(data, addr)]
        if self._held is not None:
            # Where order has come back, the one that was held goes first after all.
            arriving.insert(1 if self._ways.reordered else 0, self._held)
            self._held = None
        for one in arriving:
            if self._ways.delayed:
                self._arrive_later(*one)
            else:
                self._arrive(*one)

    def _arrive_later(self, data: bytes, addr: Sender) -> None:
        def arrive() -> None:
            self._late.discard(handle)
            self._arrive(data, addr)

        handle = asyncio.get_running_loop().call_later(self._ways.delay_s, arrive)
        self._late.add(handle)

    def _arrive(self, data: bytes, addr: Sender) -> None:
        if not self._faults.frozen and not self._faults.refused:
            self._waiting.append((data, addr))
            self.poll()

    def due(self) -> None:
        """Carry out what had to wait; nothing falls due here."""
        if self._waiting:
            self.poll()

    def poll(self) -> None:
        """Carry out what had to wait, and let time leap over what it has started."""
        while not self._faults.frozen and not self._timekeeper.holds():
            self._leap()
            if not self._waiting:
                return
            data, addr = self._waiting.popleft()
            answer = self._hear(data, self._timekeeper.clock.now_fs())
            if answer and self._transport is not None:
                half = len(answer) // 2
                self._transport.sendto(answer[:half] if self._faults.half_answers else answer, addr)
                self._timekeeper.answered()
            self._timekeeper.wake()
            self._leap()
        if self._waiting and not self._faults.frozen:
            self._timekeeper.wait_for_turn()

    def _leap(self) -> None:
        if self._timekeeper.leap():
            self._leapt()

"""Twins in a process of their own that take their time for every answer, as real boxes do.

One line of JSON comes in: ``{"models": [...], "delay_s": ..., "each_query": ...}``; one goes out:
the VISA resource of each. Then they serve until standard input ends.
"""

import asyncio
import json
import random
import sys
from collections import deque
from functools import partial

from podium.sim_instruments.servers.clock import ClockMode, WorldClock
from podium.sim_instruments.servers.loopback import draw_place, listen
from podium.sim_instruments.twins.rohde_schwarz_sgs100a import RohdeSchwarzSGS100A
from podium.sim_instruments.twins.twin import Session, Twin
from podium.sim_instruments.twins.yokogawa_gs200 import YokogawaGS200

TWINS = {"yokogawa_gs200": YokogawaGS200, "rohde_schwarz_sgs100a": RohdeSchwarzSGS100A}


class Slow(asyncio.Protocol):
    """One connection: a message at a time, and so long as one is answered no other is read."""

    def __init__(
        self, session: Session, clock: WorldClock, delay_s: float, each_query: bool
    ) -> None:
        """``each_query``: the delay is for every query of a message, else for every answer."""
        self._session, self._clock = session, clock
        self._delay_s, self._each_query = delay_s, each_query
        self._lines: deque[bytes] = deque()
        self._rest = b""
        self._busy = False
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way back."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        """Answer nobody from now on."""
        self._transport = None

    def data_received(self, data: bytes) -> None:
        """Take whole lines."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        self._lines += lines
        self._next()

    def _next(self) -> None:
        while self._lines and not self._busy:
            line = self._lines.popleft()
            answer = self._session.feed(line + b"\n", self._clock.now_fs())
            if answer:
                self._busy = True
                times = line.count(b"?") if self._each_query else 1
                asyncio.get_running_loop().call_later(self._delay_s * times, self._send, answer)

    def _send(self, answer: bytes) -> None:
        self._busy = False
        if self._transport is not None:
            self._transport.write(answer)
        self._next()


async def _serve() -> None:
    asked = json.loads(sys.stdin.readline())
    rng, clock = random.Random(1), WorldClock(ClockMode.PACED)
    resources: list[str] = []
    servers: list[asyncio.Server] = []

    def connection(twin: Twin) -> Slow:
        return Slow(twin.open("scpi"), clock, asked["delay_s"], asked["each_query"])

    for number, model in enumerate(asked["models"]):
        twin = TWINS[model](f"{number:08d}")
        door = (twin.ports["scpi"], partial(connection, twin))
        listening = await listen({"scpi": door}, partial(draw_place, rng))
        servers += listening.servers
        resources.append(f"TCPIP::{listening.host}::{listening.ports['scpi']}::SOCKET")
    print(json.dumps(resources), flush=True)
    await asyncio.to_thread(sys.stdin.read)
    for server in servers:
        server.close()


if __name__ == "__main__":
    asyncio.run(_serve())

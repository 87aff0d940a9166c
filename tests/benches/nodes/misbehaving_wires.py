"""Twins in a thread of their own, and between them and their clients wires that misbehave.

A client connects to the wire, the wire to the twin. As long as nothing is wrong every byte
passes. Everything here is called from the tests' thread.
"""

import asyncio
import contextlib
import json
import random
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import Any

from podium.sim_instruments.physics.sampling import sample
from podium.sim_instruments.physics.world_file import write_world
from podium.sim_instruments.servers.clock import ClockMode, WorldClock
from podium.sim_instruments.servers.serving import ServedLaboratory, open_serving

EXAMPLE = Path(__file__).parents[3] / "examples" / "first_light" / "facility.yaml"
Spoil = Callable[[bytes, bytes], bytes]
"""What comes instead of an answer: of what was asked last, and what is answered."""
STRANGER = b"ACME,X1000,7,1.0"
"""What a box of another kind says to ``*IDN?``."""


class Wire:
    """The way to one instrument, by the same ports as its twin has, on an address of its own."""

    def __init__(
        self, name: str, upstream: str, ports: tuple[int, ...], loop: asyncio.AbstractEventLoop
    ) -> None:
        self.name = name
        self.upstream = upstream
        self.ports = ports
        self.host = ""
        self.heard = bytearray()
        """All that the client has sent, on whatever port."""
        self._loop = loop
        self._servers: list[asyncio.Server] = []
        self._open: set[asyncio.StreamWriter] = set()
        self._held: list[tuple[asyncio.StreamWriter, bytes]] = []
        self._healthy()

    def _healthy(self) -> None:
        self._way = self
        self._late = False
        self._spoil: Spoil = lambda asked, answer: answer
        self._dies_at = b""

    # What may be wrong

    def goes(self) -> None:
        """Be gone: connections break, and nobody listens."""
        self._call(self._stop())

    def dies_at(self, word: bytes) -> None:
        """Be gone in the middle of the message that has this word: half of it arrives."""
        self._dies_at = word

    def answers(self, answer: bytes) -> None:
        """Answer this to everything, whatever is asked, with the instrument's own line end."""
        self._spoil = lambda asked, real: answer + real[len(real.rstrip()) :]

    def answers_half(self) -> None:
        """Send the first half of every answer, and never the rest."""
        self._spoil = lambda asked, real: real[: len(real) // 2]

    def answers_never(self) -> None:
        """Swallow all answers."""
        self._spoil = lambda asked, real: b""

    def answers_late(self) -> None:
        """Hold all answers back until :meth:`heal`."""
        self._late = True

    def says_another_name(self) -> None:
        """Say another name; nothing else differs. Whoever is connected is cut off."""
        self._spoil = lambda asked, real: (
            STRANGER + real[len(real.rstrip()) :] if b"*IDN?" in asked else real
        )
        self.cut()

    def leads_to(self, other: "Wire") -> None:
        """Lead to another instrument, as with two cables changed over."""
        self._way = other
        self.cut()

    def cut(self) -> None:
        """Break all connections without a word; new ones may come."""
        self._call(self._cut())

    def heal(self) -> None:
        """Be as new: what was held back arrives now, if anybody is there to hear it."""
        changed_over = self._way is not self
        self._healthy()
        self._call(self._start())
        if changed_over:
            self.cut()

    # Inside

    def _call(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(30)

    async def _start(self) -> None:
        held, self._held = self._held, []
        for writer, answer in held:
            writer.write(answer)
        while not self._servers:
            host = self.host or ".".join(["127", *(str(random.randint(2, 250)) for _ in "123")])
            try:
                for port in self.ports:
                    server = await asyncio.start_server(self._client(port), host, port)
                    self._servers.append(server)
            except OSError:
                await self._stop()
                if self.host:
                    raise
            else:
                self.host = host

    async def _stop(self) -> None:
        servers, self._servers = self._servers, []
        for server in servers:
            server.close()
        await self._cut()

    async def _cut(self) -> None:
        for writer in tuple(self._open):
            writer.transport.abort()

    def _client(self, port: int) -> Callable[..., Coroutine[Any, Any, None]]:
        async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            way = self._way
            there = port if port in way.ports else way.ports[0]
            answers, onward = await asyncio.open_connection(way.upstream, there)
            self._open |= {writer, onward}
            asked = bytearray()
            passing = [
                asyncio.ensure_future(self._ask(reader, onward, asked)),
                asyncio.ensure_future(self._answer(answers, writer, asked)),
            ]
            try:
                await asyncio.wait(passing, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for one in (writer, onward):
                    self._open.discard(one)
                    one.transport.abort()
                await asyncio.wait(passing)

        return client

    async def _ask(
        self, reader: asyncio.StreamReader, onward: asyncio.StreamWriter, asked: bytearray
    ) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(1 << 16):
                asked[:] = data
                if self._dies_at and self._dies_at in data:
                    onward.write(data[: len(data) // 2])
                    await onward.drain()
                    await self._stop()
                    return
                self.heard += data
                onward.write(data)
                await onward.drain()

    async def _answer(
        self, answers: asyncio.StreamReader, writer: asyncio.StreamWriter, asked: bytearray
    ) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await answers.read(1 << 16):
                if self._late:
                    self._held.append((writer, data))
                else:
                    writer.write(self._spoil(bytes(asked), data))
                    await writer.drain()


class Laboratory:
    """An example's twins, each behind its wire."""

    def __init__(self, folder: Path, example: Path) -> None:
        self.wires: dict[str, Wire] = {}
        self.endpoints = folder / "endpoints.json"
        self.facility = example
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self._stack = AsyncExitStack()
        self.serving: ServedLaboratory = self._call(self._open(folder))

    def close(self) -> None:
        for wire in self.wires.values():
            wire.goes()
        self._call(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def by_hand(self, name: str, message: bytes) -> None:
        """Do something at the instrument's front panel: past the wire, and past its driver."""

        async def told() -> None:
            session = self.serving.laboratory.twins[name].open("scpi")
            session.feed(message, self.serving.timekeeper.clock.now_fs())

        self._call(told())

    async def _open(self, folder: Path) -> ServedLaboratory:
        world = folder / "twin.yaml"
        write_world(sample(self.facility, 1), world)
        clock = WorldClock(ClockMode.LEAP)
        serving = await self._stack.enter_async_context(open_serving(self.facility, world, clock))
        told: Any = serving.endpoints()
        for name, entry in told["instruments"].items():
            served = serving.served[name]
            if not served.listening.servers:
                continue  # spoken to in datagrams alone: nothing is in between
            ports = tuple(served.listening.ports.values())
            wire = self.wires[name] = Wire(name, served.listening.host, ports, self._loop)
            await wire._start()
            for key in ("host", "visa"):
                if key in entry:
                    entry[key] = entry[key].replace(served.listening.host, wire.host)
        self.endpoints.write_text(json.dumps(told))
        return serving

    async def _close(self) -> None:
        await self._stack.aclose()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        await asyncio.gather(*others, return_exceptions=True)

    def _call(self, coroutine) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(120)


@contextmanager
def laboratory(folder: Path, example: Path = EXAMPLE) -> Iterator[Laboratory]:
    """Have an example's laboratory with its wires meanwhile."""
    found = Laboratory(folder, example)
    try:
        yield found
    finally:
        found.close()

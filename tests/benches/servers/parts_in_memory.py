"""Boxes in parts of one world, all in memory; messages arrive in an order that is drawn."""

import asyncio
import random
from collections import deque
from typing import Any, cast

from tests.benches.servers.box_on_a_wire import Box, Wire

from podium.sim_instruments.servers.clock import ClockMode, WorldClock
from podium.sim_instruments.servers.connection import ConnectionFaults, TwinConnection
from podium.sim_instruments.servers.kernel_compilation import KernelGate
from podium.sim_instruments.servers.leaps import Timekeeper, TimeOf
from podium.sim_instruments.servers.parts.division import FacilityPart
from podium.sim_instruments.servers.parts.messages import decode, encode
from podium.sim_instruments.servers.parts.parent import DividedWorld, ServedPart
from podium.sim_instruments.servers.parts.part_timekeeper import PartTimekeeper, take


class Client:
    """One connection to one box."""

    def __init__(self, box: Box, timekeeper: Timekeeper, name: str) -> None:
        self.connection = TwinConnection(
            lambda: box.open("scpi"), TimeOf(timekeeper, name), ConnectionFaults(), lambda: None
        )
        self.wire = Wire()
        self.connection.connection_made(self.wire)

    def send(self, text: str) -> None:
        self.connection.data_received(text.encode())

    @property
    def answers(self) -> bytes:
        return b"".join(self.wire.sent)


class Whole:
    """The same boxes in one process."""

    def __init__(self, names: list[str], mode: ClockMode) -> None:
        self.boxes = {name: Box() for name in names}
        self.clock = WorldClock(mode, monotonic_ns=lambda: 0)
        self.timekeeper = Timekeeper(self.clock, self.boxes)
        self.clients = {
            name: Client(box, self.timekeeper, name) for name, box in self.boxes.items()
        }

    def poll(self) -> None:
        self.timekeeper.leap()
        for client in self.clients.values():
            client.connection.due()


class Sink:
    """Standard input of a part's process."""

    def __init__(self) -> None:
        self.lines: deque[bytes] = deque()

    def write(self, line: bytes) -> None:
        self.lines.append(line)

    def is_closing(self) -> bool:
        return False


class PartProcess:
    """A part without a process."""

    def __init__(self, name: str, mode: ClockMode) -> None:
        self.box = Box()
        self.clock = WorldClock(mode, monotonic_ns=lambda: 0)
        self.to_parent: deque[bytes] = deque()
        self.timekeeper = PartTimekeeper(
            self.clock,
            {name: self.box},
            KernelGate(),
            lambda message: self.to_parent.append(encode(message)),
        )
        self.client = Client(self.box, self.timekeeper, name)
        self.timekeeper.go_on = self.poll
        self.stdin = Sink()
        self.stdout = asyncio.StreamReader()
        self.pid = 0
        self.frozen = False

    def kill(self) -> None:
        self.stdout.feed_eof()

    def poll(self) -> None:
        self.timekeeper.leap()
        self.client.connection.due()

    def take(self, line: bytes) -> None:
        message = decode(line)
        if message["type"] in ("clock", "from"):
            return  # clocks of a test begin at one instant, and boxes have no cables
        assert take(self.timekeeper, message), message


class Divided:
    """Parts of one box each, and the process that divides them."""

    def __init__(self, names: list[str], mode: ClockMode, rng: random.Random) -> None:
        self.clock = WorldClock(mode, monotonic_ns=lambda: 0)
        self.told: list[str] = []
        self.world = DividedWorld(self.clock, self.told.append)
        self.parts = {name: PartProcess(name, mode) for name in names}
        self._rng = rng
        self._tasks: list[asyncio.Task[None]] = []
        for name, process in self.parts.items():
            process.clock.follow(self.clock.state())
            served = ServedPart(FacilityPart(name, (name,), (name,), ()), cast(Any, process))
            self.world.add(served)
            self._tasks.append(asyncio.ensure_future(self.world.listen_to(served)))

    async def step(self) -> bool:
        """Deliver one message, whichever; tell whether there was one."""
        waiting = [(p, True) for p in self.parts.values() if p.to_parent and not p.frozen]
        waiting += [(p, False) for p in self.parts.values() if p.stdin.lines and not p.frozen]
        await asyncio.sleep(0)
        if not waiting:
            return False
        part, upwards = self._rng.choice(waiting)
        if upwards:
            part.stdout.feed_data(part.to_parent.popleft())
            for _ in range(3):
                await asyncio.sleep(0)
        else:
            part.take(part.stdin.lines.popleft())
        if self._rng.random() < 0.2:
            self._rng.choice([p for p in self.parts.values() if not p.frozen]).poll()  # a tick
        return True

    async def quiet(self) -> None:
        """Deliver until nothing is on its way."""
        still = 0
        while still < 3:
            still = 0 if await self.step() else still + 1

    async def end(self) -> None:
        self.world.ending = True
        for part in self.parts.values():
            part.stdout.feed_eof()
        await asyncio.wait(self._tasks)

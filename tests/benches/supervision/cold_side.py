"""A supervisor on a bus in memory, and an agent whose readings a test invents."""

import asyncio
import socket
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.benches.facility.loaded_examples import loaded

from podium.control.bus.cold import AlarmNews, AskCold, ColdNews, cold_key
from podium.control.bus.memory import MemoryBus
from podium.control.bus.messages import ask
from podium.control.bus.readings import ChannelReading, InstrumentReadings, readings_key
from podium.control.bus.wire import encode
from podium.control.facility.facility import Facility
from podium.control.supervision.supervisor import Supervisor

COLD = Path(__file__).parents[3] / "examples" / "cold" / "facility.yaml"
EVERY_S = 1.0
BEGIN_S = 1_800_000_000


POLL_S = 1e-3


@dataclass
class ColdSide:
    facility: Facility
    bus: MemoryBus
    supervisor: Supervisor
    wall_s: float = 100.0
    tai_s: float = BEGIN_S
    numbers: dict[str, int] = field(default_factory=dict)

    async def read(
        self,
        instrument: str,
        values: Mapping[str, float | None],
        agent: str = "room",
        dated: bool = True,
    ) -> None:
        """Publish readings of an instrument as its agent does, None: out of range."""
        number = self.numbers[instrument] = self.numbers.get(instrument, 0) + 1
        whole = int(self.tai_s)
        channels = tuple(
            ChannelReading(name, value, "K", "good" if value is not None else "out_of_range")
            for name, value in values.items()
        )
        stamp = (whole, int((self.tai_s - whole) * 1e15)) if dated else None
        news = InstrumentReadings(instrument, number, stamp, EVERY_S, channels)
        await self.bus.publish(readings_key(self.facility.name, agent), encode(news))

    async def ask(self, request: object, expected: type[Any]) -> Any:
        return await ask(self.bus, cold_key(self.facility.name), request, expected, timeout_s=5.0)

    async def news(self) -> ColdNews:
        return await self.ask(AskCold(), ColdNews)

    async def alarm(self, name: str) -> AlarmNews | None:
        return next((one for one in (await self.news()).alarms if one.name == name), None)

    async def stepped(self) -> None:
        """Return once the supervisor has taken a step with all that was published."""
        await asyncio.sleep(0)
        before = (await self.news()).number
        async with asyncio.timeout(60):
            while (await self.news()).number == before:
                self.supervisor.wake()
                # A loop that never waits starves the thread that writes alarms: each time it lets
                # go of the interpreter's lock it has it back before the thread has woken up.
                await asyncio.sleep(POLL_S)

    def wait(self, seconds: float) -> None:
        self.wall_s += seconds
        self.tai_s += seconds


@asynccontextmanager
async def cold_side(
    facility: Facility | None = None, metrics: socket.socket | None = None, **how: Any
) -> AsyncGenerator[ColdSide]:
    facility = facility or loaded(COLD)
    bus = MemoryBus()
    clock: list[ColdSide] = []
    supervisor = Supervisor(facility, bus, clock=lambda: clock[0].wall_s if clock else 100.0, **how)
    side = ColdSide(facility, bus, supervisor)
    clock.append(side)
    async with supervisor.running(metrics):
        yield side

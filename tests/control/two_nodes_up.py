"""The two-node example in this process: its twins, an agent for each node and the room."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import xarray
from tests.control.triggered_bench import MARGINS, long_lead, ready

from podium.control.agent.agent import Agent
from podium.control.agent.instruments import Instruments
from podium.control.agent.owners import owners_of
from podium.control.agent.start_wiring import wirings_of
from podium.control.agent.targets import compiler_for
from podium.control.bus.memory import MemoryBus
from podium.control.calibration.runner import RunError
from podium.control.coordinator.coordinator import Coordinator
from podium.control.facility.facility import Facility
from podium.control.facility.load import load_facility
from podium.control.lab import Lab
from podium.control.program.program import Program
from podium.control.skew_calibration import LoopbackSeen
from podium.control.timebase.start_setting import StartSetting
from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.firmware_interfaces.tai import Tai
from podium.sim_instruments.physics.played import Played
from podium.sim_instruments.servers.clock import ClockMode, WorldClock
from podium.sim_instruments.servers.endpoints import published
from podium.sim_instruments.servers.faults import bring_about
from podium.sim_instruments.servers.serving import Serving, open_serving

Result = TypeVar("Result")
LATE = ("FIRE came", "no answer to FIRE", "the trigger could have been set")
TWO_NODES = Path(__file__).parents[2] / "examples" / "two_nodes" / "facility.yaml"


@dataclass
class TwoNodes:
    """What a test has in hand."""

    facility: Facility
    bus: MemoryBus
    lab: Lab
    serving: Serving
    folder: Path
    agents: dict[str, AsyncExitStack] = field(default_factory=dict)

    async def begin(self, name: str) -> None:
        """Start an agent, once more where it has ended."""
        names = owners_of(self.facility)[name]
        agent = Agent(
            name,
            self.facility,
            Instruments.of(self.facility, names),
            compiler_for(self.facility),
            self.bus,
            starts=wirings_of(self.facility, names),
            epochs=self.folder / "epochs",
            margins=MARGINS,
        )
        self.agents[name] = AsyncExitStack()
        await self.agents[name].enter_async_context(agent.running())

    async def end(self, name: str) -> None:
        """End an agent."""
        await self.agents.pop(name).aclose()

    async def ready(self) -> None:
        """Return once all agents may be used and all instruments answer."""
        await ready(self.lab, len(self.agents))
        status = await self.lab.ready(60)
        assert not status.missing

    async def run(self, program: Program, **how: bool) -> xarray.Dataset:
        """Run a program."""
        return await in_time(lambda: self.lab.run(program, **how))

    async def loopback(self, starts: Mapping[str, StartSetting] | None = None) -> LoopbackSeen:
        """Start the markers of both nodes once; as they are wired, unless told otherwise."""
        return await in_time(lambda: self.lab.loopback(starts=starts or {}))

    def fault(self, name: str, on: str) -> None:
        """Bring about a fault."""
        bring_about(self.serving, name, on)

    def relock(self, *instruments: str) -> None:
        """Let clocks lock anew, and time pass until they have."""
        for one in instruments:
            self.fault("relock", one)
        self.advance(11)

    def advance(self, seconds: int) -> None:
        """Let world time pass."""
        self.serving.timekeeper.clock.advance(seconds * FS_PER_S)

    def entry(self) -> int:
        """Return the number of the latest entry of what was played."""
        played = self.serving.laboratory.played.since()
        return played[-1].number if played else 0

    def played(self, since: int = 0) -> Mapping[str, list[Played]]:
        """Return by instrument what has left it since an entry."""
        found: dict[str, list[Played]] = {}
        for one in self.serving.laboratory.played.since(since):
            found.setdefault(one.instrument, []).append(one)
        return found

    def began(self, instrument: str, connector: str, since: int = 0) -> Tai:
        """Return when the one run since an entry has begun to leave a connector."""
        (one,) = (x for x in self.played(since)[instrument] if x.connector == connector)
        return Tai.from_fs(one.at_fs[0])


@asynccontextmanager
async def two_nodes_up(twin_file: Path, folder: Path) -> AsyncIterator[TwoNodes]:
    """Bring up twins, agents and coordinator; ``folder``: where epochs are kept."""
    endpoints = folder / "endpoints.json"
    async with AsyncExitStack() as stack:
        serving = await stack.enter_async_context(
            open_serving(TWO_NODES, twin_file, WorldClock(ClockMode.LEAP))
        )
        stack.enter_context(published(endpoints, serving.endpoints()))
        facility = await asyncio.to_thread(load_facility, TWO_NODES, endpoints)
        bus = MemoryBus()
        here = TwoNodes(facility, bus, Lab(facility, bus), serving, folder)
        for name in owners_of(facility):
            await here.begin(name)
            stack.push_async_callback(_end, here, name)
        await stack.enter_async_context(Coordinator(facility, bus, lead=long_lead()).running())
        await here.ready()
        yield here


async def in_time(start: Callable[[], Awaitable[Result]]) -> Result:
    """Start; again where this machine was so busy that FIRE came too late, or was set too late."""
    busy = ""
    for _ in range(20):
        try:
            return await start()
        except RunError as error:
            busy = str(error)
            if not any(words in busy for words in LATE):
                raise
    raise AssertionError(busy)


async def _end(here: TwoNodes, name: str) -> None:
    if name in here.agents:
        await here.end(name)

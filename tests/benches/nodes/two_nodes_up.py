"""The two-node example: its twins in a process of their own, in this one an agent for each node."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import xarray
from tests.benches.command_line import draw_world
from tests.benches.nodes.podium_up import wait_for
from tests.benches.nodes.triggered import MARGINS, long_lead, ready
from tests.benches.processes.forked_podium import start_podium

from podium.control.agent.agent import Agent
from podium.control.agent.instruments import Instruments
from podium.control.agent.owners import owners_of
from podium.control.bus.memory import MemoryBus
from podium.control.client.lab import Lab
from podium.control.client.skew_calibration import LoopbackResult
from podium.control.coordinator.coordinator import Coordinator
from podium.control.facility.facility import Facility
from podium.control.facility.load import load_facility
from podium.control.families.family import compiler_for, wirings_of
from podium.control.program.program import Program
from podium.control.runs.errors import RunError
from podium.control.timebase.start_setting import StartSetting
from podium.firmware_interfaces.tai import Tai
from podium.sim_instruments.servers.back_door_client import ask

Result = TypeVar("Result")
EXAMPLES = Path(__file__).parents[3] / "examples"
TWO_NODES = EXAMPLES / "two_nodes" / "facility.yaml"
MIXED = EXAMPLES / "mixed" / "facility.yaml"
"""Node b is on an SHFQC of Zurich Instruments."""
MIXED_RACK = EXAMPLES / "mixed_rack" / "facility.yaml"
"""Node b is on a rack of theirs, which a PQSC starts."""
LATE = (
    "FIRE came",
    "no answer to FIRE",
    "its last look took",
    "its loop has been silent",
)
NOT_COME = "the trigger has not come"
"""What a busy machine makes of a start."""
TRIES = 20
LOCKED_S = 11
"""A clock that locks anew has done so then."""


class Twins:
    """``podium twin serve`` of an example of two nodes, and its back door."""

    def __init__(self, folder: Path, seed: int = 3, file: Path = TWO_NODES) -> None:
        self.file = file
        self.twin = folder / "twin.yaml"
        self.endpoints = folder / "endpoints.json"
        draw_world(file, self.twin, "--seed", seed)
        serve = ("twin", "serve", file, "--twin", self.twin, "--endpoints", self.endpoints)
        log = folder / "log"
        with log.open("w") as opened:
            self._process = start_podium(*serve, out=opened)
        wait_for(self.endpoints.exists, log)

    def close(self) -> None:
        """End them."""
        self._process.terminate()
        self._process.wait(40)

    def do(self, what: str, **how: object) -> Any:
        """Ask at the back door."""
        return ask(self.endpoints, {"do": what, **how})

    def fault(self, name: str, on: str) -> None:
        """Bring about a fault."""
        self.do("fault", fault=name, on=on)

    def relock(self, *instruments: str) -> None:
        """Let clocks lock anew, and time pass until they have."""
        for one in instruments:
            self.fault("relock", one)
        self.locked()

    def locked(self) -> None:
        """Let time pass until all clocks that are on their way have locked."""
        self.do("advance", seconds=LOCKED_S)

    def entry(self) -> int:
        """Return the number of the latest entry of what was played."""
        return max((one["number"] for one in self.do("played")), default=0)

    def played(self, since: int = 0) -> Mapping[str, list[dict[str, Any]]]:
        """Return by instrument what has left it since an entry."""
        found: dict[str, list[dict[str, Any]]] = {}
        for one in self.do("played", since=since):
            found.setdefault(one["instrument"], []).append(one)
        return found

    def began(self, instrument: str, connector: str, since: int = 0) -> Tai:
        """Return when the latest run since an entry has begun to leave a connector."""
        found = [one for one in self.played(since)[instrument] if one["connector"] == connector]
        return Tai.from_fs(found[-1]["at_fs"][0])


@dataclass
class TwoNodes:
    """Agents, coordinator and lab."""

    facility: Facility
    bus: MemoryBus
    lab: Lab
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
        return await in_time(self.lab, lambda: self.lab.run(program, **how))

    async def refused(self, program: Program) -> str:
        """Return why a program is not run, uncorrected."""
        return await refusal(self.lab, lambda: self.lab.run(program, corrected=False))

    async def refused_loopback(self, starts: Mapping[str, StartSetting]) -> str:
        """Return why the markers are not started."""
        return await refusal(self.lab, lambda: self.lab.loopback(starts=starts))

    async def loopback(self, starts: Mapping[str, StartSetting] | None = None) -> LoopbackResult:
        """Start the markers of both nodes once; as they are wired, unless told otherwise."""
        return await in_time(self.lab, lambda: self.lab.loopback(starts=starts or {}))


@asynccontextmanager
async def two_nodes_up(twins: Twins, folder: Path) -> AsyncIterator[TwoNodes]:
    """Bring up agents and coordinator; ``folder``: where epochs are kept."""
    async with AsyncExitStack() as stack:
        facility = await asyncio.to_thread(load_facility, twins.file, twins.endpoints)
        bus = MemoryBus()
        here = TwoNodes(facility, bus, Lab(facility, bus), folder)
        for name in owners_of(facility):
            await here.begin(name)
            stack.push_async_callback(_end, here, name)
        await stack.enter_async_context(Coordinator(facility, bus, lead=long_lead()).running())
        await here.ready()
        yield here


async def in_time(lab: Lab, start: Callable[[], Awaitable[Result]]) -> Result:
    """Start; again where this machine was so busy that something came too late."""
    busy = ""
    for _ in range(TRIES):
        try:
            return await start()
        except RunError as error:
            busy = str(error)
            if not any(words in busy for words in (*LATE, NOT_COME)):
                raise
        await lab.ready(60)
    raise AssertionError(busy)


async def refusal(lab: Lab, start: Callable[[], Awaitable[object]]) -> str:
    """Return why a start has failed; again where that was only because this machine was busy."""
    busy = ""
    for _ in range(TRIES):
        try:
            await start()
        except RunError as error:
            busy = str(error)
            if not any(words in busy for words in LATE):
                return busy
        else:
            raise AssertionError("it has started")
        await lab.ready(60)
    raise AssertionError(busy)


async def _end(here: TwoNodes, name: str) -> None:
    if name in here.agents:
        await here.end(name)

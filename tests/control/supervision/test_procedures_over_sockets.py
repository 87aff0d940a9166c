"""Procedures on the instruments' twins over their sockets: agent, drivers, interlocks and all.

World time goes ten minutes a look, far faster than an agent polls: the agent is asked to read its
instruments at each look.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from tests.benches.command_line import draw_world
from tests.benches.supervision.bare_facility import text_with

from podium.control.agent.agent import Agent
from podium.control.agent.instruments import Instruments
from podium.control.bus.cold import BeginProcedure
from podium.control.bus.memory import MemoryBus
from podium.control.bus.operations import Operate, Operated
from podium.control.bus.readings import InstrumentReadings, readings_key
from podium.control.bus.wire import decode
from podium.control.facility.facility import Facility
from podium.control.facility.fridge_wiring import FridgeWiring, wiring_of
from podium.control.facility.load import load_facility
from podium.control.families.family import compiler_for
from podium.control.records.latest_readings import FridgeView, LatestReadings
from podium.control.supervision.procedure import answered, step
from podium.control.supervision.procedure_requests import begin, confirm
from podium.control.supervision.procedure_run import ProcedureRun
from podium.drivers.errors import InstrumentError
from podium.sim_instruments.testing import twin_facility
from podium.sim_instruments.testing.facility import TwinFacility

LOOKS = 1000
CONNECTED_S = 60.0


@dataclass
class Room:
    """One agent of all instruments, and what it publishes."""

    twins: TwinFacility
    facility: Facility
    agent: Agent
    wiring: FridgeWiring
    latest: LatestReadings = field(default_factory=LatestReadings)
    tai: tuple[int, int] = (0, 0)
    refused: list[str] = field(default_factory=list)

    async def hear(self, bus: MemoryBus) -> None:
        async with bus.subscribe(readings_key(self.facility.name, "*")) as news:
            async for _, payload in news:
                told = decode(payload, InstrumentReadings)
                self.latest.hear(told, time.monotonic())
                self.tai = max(self.tai, told.tai_fs or self.tai)

    async def view(self) -> FridgeView:
        for name in self.agent._readings.names:
            await self.agent._readings.refresh(name)
        await asyncio.sleep(0)
        return self.latest.view(self.wiring, self.tai, time.monotonic())

    async def connected(self) -> None:
        async with asyncio.timeout(CONNECTED_S):
            while any(one.good is None for one in (await self.view()).signals.values()):
                pass  # it is read again

    async def run(self, name: str) -> ProcedureRun:
        """Run a procedure that two persons have agreed to, until it is over or asks somebody."""
        run = begin(BeginProcedure(name, "fridge_a", "ada"), self.facility, (), self.tai)
        run = confirm(run, "grace") if run.state == "asking" else run
        for _ in range(LOOKS):
            if run.state != "running":
                break
            self.twins.advance("10 min")
            run, operations = step(run, await self.view())
            for one in operations:
                run = answered(run, one.token, await self._operated(one))
        return run

    async def _operated(self, one: Operate) -> Operated | str:
        try:
            return await self.agent._operating.operate(one)
        except InstrumentError as error:
            self.refused.append(f"{one.part} = {one.value}: {error}")
            return str(error)


@contextmanager
def served(folder: Path, procedure: str, *, warm: bool) -> Iterator[tuple[Facility, TwinFacility]]:
    file, twin = folder / "facility.yaml", folder / "twin.yaml"
    file.write_text(text_with(procedure))
    draw_world(file, twin, *(["--warm"] if warm else []))
    with twin_facility(file, twin=twin, clock="manual", seed=3) as twins:
        twins.advance("10 min")
        endpoints = folder / "endpoints.json"
        endpoints.write_text(json.dumps(twins.endpoints))
        yield load_facility(file, endpoints), twins


@asynccontextmanager
async def room_of(facility: Facility, twins: TwinFacility) -> AsyncIterator[Room]:
    bus, instruments = MemoryBus(), Instruments.of(facility, facility.instruments)
    agent = Agent("room", facility, instruments, compiler_for(facility), bus)
    room = Room(twins, facility, agent, wiring_of(facility, facility.fridges["fridge_a"]))
    async with agent.running(), asyncio.TaskGroup() as tasks:
        hearing = tasks.create_task(room.hear(bus), name="hear")
        await room.connected()
        yield room
        hearing.cancel()


async def check_base(room: Room, run: ProcedureRun) -> None:
    assert run.state == "done", (run.words, run.step)
    assert room.refused == []
    assert not room.twins.unknown
    chamber_k = (await room.view()).good("temperature.mixing_chamber")
    assert chamber_k is not None
    assert chamber_k < 0.011, "with the noise of a reading"


async def test_recovery_from_a_trip(tmp_path: Path) -> None:
    with served(tmp_path, "recover", warm=False) as (facility, twins):
        async with room_of(facility, twins) as room:
            twins.fault("compressor_trip", "fridge_a")
            twins.advance("30 min")
            twins.fault("repair", "fridge_a")
            await check_base(room, await room.run("recover"))


@pytest.mark.slow
async def test_a_cooldown(tmp_path: Path) -> None:
    with served(tmp_path, "cooldown", warm=True) as (facility, twins):
        async with room_of(facility, twins) as room:
            began_s = room.tai[0]
            await check_base(room, await room.run("cooldown"))
            assert room.tai[0] - began_s < 28 * 3600


@pytest.mark.slow
async def test_warming_up(tmp_path: Path) -> None:
    with served(tmp_path, "warm_up", warm=False) as (facility, twins):
        async with room_of(facility, twins) as room:
            run = await room.run("warm_up")
            assert run.state == "done", (run.words, run.step)
            assert room.refused == []
            assert ((await room.view()).good("temperature.mixing_chamber") or 0.0) > 285

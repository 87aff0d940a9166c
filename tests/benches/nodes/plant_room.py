"""An agent of a fridge whose boxes are drivers in the test's hand, on the plant's own physics."""

import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

from tests.benches.facility.loaded_examples import loaded

from podium.control.agent.agent import Agent
from podium.control.agent.instruments import Instruments
from podium.control.agent.operation_journal import OperationJournal
from podium.control.bus.memory import MemoryBus
from podium.control.bus.messages import Failed, agent_key, ask
from podium.control.bus.operations import Operate, Operated
from podium.control.bus.readings import InstrumentReadings, readings_key
from podium.control.bus.wire import decode
from podium.control.facility.facility import Facility
from podium.control.facility.fridge_wiring import wiring_of
from podium.control.facility.instrument_models import model_of
from podium.control.families.family import compiler_for
from podium.drivers.channel_readings import ChannelReadings, Missing
from podium.drivers.errors import Refused
from podium.drivers.roles import Identity
from podium.drivers.worker import Worker
from podium.firmware_interfaces import fridge_signals as signals
from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.firmware_interfaces.tai import Tai
from podium.sim_instruments.physics.cryostat.parameters import MODELS
from podium.sim_instruments.physics.cryostat.plant import Cryostat

COLD = Path(__file__).parents[3] / "examples" / "cold" / "facility.yaml"
EVERY_S = 0.1
ANSWER_S = 10.0


@dataclass
class FridgePlant:
    """A plant and its time, and what boxes show that is not so."""

    plant: Cryostat
    now_fs: int
    shown: dict[str, float | None] = field(default_factory=dict)
    """By signal: what is read instead; None: nothing valid."""
    written: list[tuple[str, float]] = field(default_factory=list)
    hook: Callable[[str, float], None] = lambda signal, value: None
    """Called once a part was set: may raise."""

    @classmethod
    def of(cls, model: str = "LD400") -> "FridgePlant":
        begin_fs = 1_800_000_000 * FS_PER_S
        return cls(Cryostat(MODELS[model], begin_fs, seed=3), begin_fs)

    def advance(self, seconds: float) -> None:
        self.now_fs += round(seconds * FS_PER_S)

    def read(self, signal: str) -> float | None:
        if signal in self.shown:
            return self.shown[signal]
        return self.plant.read(signal, self.now_fs)

    def write(self, signal: str, value: float) -> None:
        self.plant.write(signal, value, self.now_fs)
        self.written.append((signal, value))
        self.hook(signal, value)


class PlantBox:
    """Plays every role of the cold side, on the channels that a fridge's wiring gives it."""

    def __init__(self, name: str, fridge: FridgePlant, channels: Mapping[str, str]) -> None:
        self._name = name
        self._fridge = fridge
        self._channels = channels

    def identity(self) -> Identity:
        return Identity("plant", self._name, "1", "0")

    def read_channels(self) -> ChannelReadings:
        found = {}
        for channel, signal in self._channels.items():
            value, unit = self._fridge.read(signal), signals.OUTPUTS[signal]
            found[channel] = Missing(unit, "not valid") if value is None else (value, unit)
        return ChannelReadings.of(found)

    def now(self) -> Tai:
        return Tai.from_fs(self._fridge.now_fs)

    def switch(self, part: str, on: bool) -> None:
        self._fridge.write(self._channels[part], float(on))

    def set_heater_w(self, heater: str, power_w: float) -> None:
        if power_w > 0.1:
            raise Refused(f"{self._name}: {heater} gives 0.1 W at most")
        self._fridge.write(self._channels[f"heater.{heater}"], power_w)

    heat = set_heater_w

    def run_compressor(self, on: bool) -> None:
        self.switch("compressor", on)

    def run(self, on: bool) -> None:
        self.switch("pump", on)

    def close(self) -> None:
        pass


@dataclass
class PlantRoom:
    """What a test asks of the agent."""

    facility: Facility
    bus: MemoryBus
    fridge: FridgePlant
    agent: Agent

    async def operate(self, part: str, value: float, token: str = "", **more: Any) -> Any:
        """Ask the agent as the supervisor does; return its answer."""
        wanted = {"instrument": "control_a", "by": "test", **more}
        request = Operate(part=part, value=value, token=token or str(uuid4()), **wanted)
        key = agent_key(self.facility.name, "room")
        return await ask(self.bus, key, request, Operated, timeout_s=ANSWER_S)

    async def refusal(self, part: str, value: float, **more: Any) -> str:
        answer = await self.operate(part, value, **more)
        assert isinstance(answer, Failed), answer
        assert answer.kind == "refused", answer
        return answer.message


def fridge_facility() -> Facility:
    return loaded(COLD)


@asynccontextmanager
async def plant_room(
    fridge: FridgePlant,
    journal: OperationJournal | None = None,
    clock: Callable[[], float] = time.monotonic,
    **how: Any,
) -> AsyncIterator[PlantRoom]:
    """Run an agent that owns all boxes of the cold example, read ten times a second.

    ``clock``: by which its interlocks' leases end; ``how``: of the agent.
    """
    facility = fridge_facility()
    wiring = wiring_of(facility, facility.fridges["fridge_a"])
    channels: dict[str, dict[str, str]] = {name: {} for name in facility.instruments}
    for signal, names in wiring.readings.items():
        for name in names:
            instrument, _, channel = name.partition(".")
            channels[instrument][channel] = signal
    workers = {
        name: Worker(name, lambda name=name: PlantBox(name, fridge, channels[name]))
        for name in facility.instruments
    }
    models = {
        name: replace(model_of(entry), read_every_s=EVERY_S)
        for name, entry in facility.instruments.items()
    }
    instruments, bus = Instruments(workers, models), MemoryBus()
    how |= {"operations": journal}
    agent = Agent("room", facility, instruments, compiler_for(facility), bus, **how)
    agent._interlocks._clock = clock
    async with bus.subscribe(readings_key(facility.name, "room")) as news, agent.running():
        missing = set(facility.instruments) - {"clock_a"}
        async for _, payload in news:  # what is not known is forbidden
            told = decode(payload, InstrumentReadings)
            if all(one.quality != "disconnected" for one in told.readings):
                missing.discard(told.instrument)
            if not missing:
                break
        yield PlantRoom(facility, bus, fridge, agent)

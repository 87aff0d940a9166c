"""A facility whose instruments are drivers in the test's hand, with its agent and coordinator."""

import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from tests.benches.facility.kept_facilities import keep_facilities
from tests.benches.facility.loaded_examples import loaded
from tests.benches.web.browser import chromium_at
from tests.conftest import chromium

from podium.control.agent.agent import Agent
from podium.control.agent.instruments import Instruments
from podium.control.bus.memory import MemoryBus
from podium.control.client.lab import Lab
from podium.control.coordinator.coordinator import Coordinator
from podium.control.facility.facility import Facility
from podium.control.families.family import compiler_for
from podium.control.program.program import (
    Affine,
    Axis,
    Capture,
    Frame,
    Linear,
    Play,
    Program,
    Variable,
)
from podium.control.program.waveforms import Square
from podium.drivers.errors import Refused
from podium.drivers.roles import Acquired, Identity, MixerSettings, MixerTone, Tone
from podium.drivers.worker import Worker
from podium.firmware_interfaces.models import known_models
from podium.firmware_interfaces.tai import Tai

if TYPE_CHECKING:
    from playwright.async_api import Browser

keep_facilities()

EXAMPLE = Path(__file__).parents[2] / "examples" / "first_light" / "facility.yaml"
NS = 10**6


@dataclass
class Bench:
    """What all fake instruments share: a log of what was done, and knobs."""

    done: list[str] = field(default_factory=list)
    hooks: dict[str, Callable[[], None]] = field(default_factory=dict)
    """Called when that is done, e.g. ``cluster_a.load``: may raise or block."""
    levels: dict[str, float] = field(default_factory=dict)
    kelvin: float = 0.011
    playing: bool = False
    connections: int = 0
    clusters: list["FakeCluster"] = field(default_factory=list)

    def do(self, what: str) -> None:
        self.done.append(what)
        if what in self.hooks:
            self.hooks[what]()


class Box:
    def __init__(self, name: str, bench: Bench) -> None:
        self.name = name
        self.bench = bench
        self.interrupted = threading.Event()
        bench.connections += 1
        bench.do(f"{name}.connect")

    def identity(self) -> Identity:
        return Identity("ACME", self.name, "1", "0")

    def snapshot(self) -> dict[str, object]:
        return {}

    def close(self) -> None:
        self.bench.done.append(f"{self.name}.close")

    def interrupt(self) -> None:
        self.interrupted.set()

    def safe(self) -> None:
        self.bench.do(f"{self.name}.safe")
        self.bench.playing = False

    def level_v(self, channel: str) -> float:
        return self.bench.levels.get(f"{self.name}.{channel}", 0.0)

    def ramp_v(self, channel: str, target_v: float, slew_v_per_s: float) -> None:
        self.bench.do(f"{self.name}.ramp {channel} {target_v} {slew_v_per_s}")
        self.bench.levels[f"{self.name}.{channel}"] = target_v


class MovingTogether(Box):
    """A source whose channels ramp side by side."""

    def ramp_together_v(self, ramps: Mapping[str, tuple[float, float]]) -> None:
        told = ", ".join(f"{name} {level_v} {slew}" for name, (level_v, slew) in ramps.items())
        self.bench.do(f"{self.name}.ramp together {told}")
        for name, (level_v, _) in ramps.items():
            self.bench.levels[f"{self.name}.{name}"] = level_v


class FakeCluster(MovingTogether):
    def __init__(self, name: str, bench: Bench) -> None:
        super().__init__(name, bench)
        bench.clusters.append(self)

    def load(self, program) -> None:
        self.bench.do(f"{self.name}.load")
        self.program = program

    def arm(self) -> None:
        self.bench.do(f"{self.name}.arm")

    def calibrate_mixers(self, tones: Sequence[MixerTone]) -> list[MixerSettings]:
        for one in tones:
            told = f"{one.channel} {one.lo_hz:.9g} {one.attenuation_db:g} {one.intermediate_hz:.6g}"
            self.bench.do(f"{self.name}.calibrate {told}")
        return [MixerSettings(1e-3, -2e-3, 1.01, 0.02) for _ in tones]

    def hold_mixer(self, channel: str, settings: MixerSettings) -> None:
        self.bench.do(f"{self.name}.hold {channel} {settings.gain_ratio}")

    def start(self) -> None:
        self.bench.playing = True
        self.bench.do(f"{self.name}.start")

    def wait(self, duration_s: float) -> None:
        self.bench.do(f"{self.name}.wait")
        self.bench.playing = False

    def until_interrupted(self) -> None:
        self.interrupted.wait(30)
        raise Refused(f"{self.name}: given up")

    def collect(self) -> dict[str, Acquired]:
        self.bench.do(f"{self.name}.collect")
        data = {}
        for layout in self.program.results:
            shape = (layout.shots, *layout.shape) if layout.keep_shots else layout.shape
            ones = np.ones(shape)
            data[layout.capture] = Acquired(ones, 2 * ones, ones.astype(np.int64))
        return data

    def now(self) -> Tai:
        return Tai(1_800_000_000, time.monotonic_ns() % 10**9 * 10**6)


class FakeThermometer(Box):
    def temperature_k(self, channel: str) -> float:
        if channel != "mixing_chamber":
            raise Refused(f"{self.name} has no channel {channel!r}; it has mixing_chamber")
        return self.bench.kelvin


class FakeSource(Box):
    there = Tone(0.0, 0.0, False, False)

    def set_tone(self, frequency_hz: float, power_dbm: float, modulated: bool) -> None:
        self.there = Tone(frequency_hz, power_dbm, modulated, self.there.on)
        self.bench.do(f"{self.name}.tone {frequency_hz} {power_dbm} {modulated}")

    def output(self, on: bool) -> None:
        self.there = replace(self.there, on=on)
        self.bench.do(f"{self.name}.output {on}")

    def tone(self) -> Tone:
        return self.there


KINDS = {
    "qblox_cluster": FakeCluster,
    "lakeshore_372": FakeThermometer,
    "yokogawa_gs200": Box,
    "rohde_schwarz_sgs100a": FakeSource,
}


@pytest.fixture(scope="session")
def chromium_address(tmp_path_factory) -> Iterator[str]:
    program = chromium()
    assert program is not None
    with chromium_at(program, tmp_path_factory.mktemp("chromium")) as address:
        yield address


@pytest.fixture
async def browser(chromium_address) -> AsyncIterator["Browser"]:
    from playwright.async_api import async_playwright

    async with async_playwright() as playwright:
        browser = await playwright.chromium.connect_over_cdp(chromium_address)
        yield browser
        for context in browser.contexts[1:]:  # the first one is Chromium's own
            await context.close()
        await browser.close()


@pytest.fixture(scope="session")
def example() -> Facility:
    return loaded(EXAMPLE)


@pytest.fixture
def bench() -> Bench:
    return Bench()


def instruments_on(facility: Facility, bench: Bench, names=None) -> Instruments:
    models = {name: known_models()[entry.model] for name, entry in facility.instruments.items()}
    names = list(facility.instruments) if names is None else names
    workers = {
        name: Worker(name, lambda name=name: KINDS[models[name].name](name, bench))
        for name in names
    }
    return Instruments(workers, {name: models[name] for name in names})


@asynccontextmanager
async def agent_on(facility, bench, bus, name="room", names=None) -> AsyncIterator[Agent]:
    instruments = instruments_on(facility, bench, names)
    agent = Agent(name, facility, instruments, compiler_for(facility), bus)
    async with agent.running():
        for worker in instruments.workers.values():
            await worker.connected()
        yield agent


@asynccontextmanager
async def lab_on(facility, bench, bus=None) -> AsyncIterator[Lab]:
    bus = bus or MemoryBus()
    async with agent_on(facility, bench, bus), Coordinator(facility, bus).running():
        lab = Lab(facility, bus)
        await lab.ready(10)
        yield lab


@pytest.fixture
def open_agent():
    """Open an agent: ``open_agent(facility, bench, bus, name, instruments)``."""
    return agent_on


@pytest.fixture
def open_lab():
    """Open everything: ``open_lab(facility, bench)``."""
    return lab_on


@pytest.fixture
async def lab(example, bench) -> AsyncIterator[Lab]:
    async with lab_on(example, bench) as lab:
        yield lab


@pytest.fixture
def trial() -> Callable[..., Program]:
    """Make a program: a drive pulse of growing amplitude, then a readout."""
    return program


def program(
    points: int = 3,
    shots: int = 2,
    port: str = "node_a.q0.drive",
    readout: str = "node_a.q0.readout",
    **more,
) -> Program:
    return Program(
        name="trial",
        frames=(
            Frame("d", port, 6.0e9 if "q2" not in port else 4.9e9),
            Frame("r", readout, 7.25e9),
        ),
        body=(
            Play("d", Square(100 * NS), Affine("amplitude")),
            Capture("r", "q0", 400 * NS, 100 * NS),
            Play("r", Square(600 * NS), 0.1),
        ),
        axes=(Axis("point", (Variable("amplitude", "1", Linear.steps(0.0, 0.1, points)),)),),
        shots=shots,
        **more,
    )

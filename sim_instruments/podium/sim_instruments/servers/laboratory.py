"""One simulated laboratory: the world, the twins of a facility, and the cables between them."""

import inspect
import zlib
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol, TypeVar, runtime_checkable

from podium.firmware_interfaces.exact_time import FS_PER_NS
from podium.firmware_interfaces.models import known_models
from podium.sim_instruments.physics.fridge import Fridge
from podium.sim_instruments.physics.signals import Captured, PulseTrain, RunSignals
from podium.sim_instruments.physics.truth import Truth, truth
from podium.sim_instruments.physics.world import World
from podium.sim_instruments.physics.world_file import WorldFile, read_world
from podium.sim_instruments.servers.clock import WorldClock
from podium.sim_instruments.twins.twin import Twin
from podium.sim_instruments.wiring import Carrier, Plan, read_plan, route, silence

T = TypeVar("T")
WORKERS = 2
"""Threads for physics; kernels run without the interpreter's lock."""


@runtime_checkable
class HoldsLevel(Protocol):
    """A source with one output."""

    def level_v(self, now_fs: int) -> float:
        """Return what is at the terminals, V."""
        ...


@runtime_checkable
class HoldsLevels(Protocol):
    """An instrument with several static outputs."""

    def levels_v(self) -> dict[str, float]:
        """Return the level of each, by connector, V."""
        ...


class ToneNow(Protocol):
    """What a microwave source says of its tone."""

    frequency_hz: float
    power_dbm: float
    iq: bool


@runtime_checkable
class HoldsTone(Protocol):
    """A microwave source."""

    def tone(self, now_fs: int) -> ToneNow | None:
        """Return what leaves its connector, or None."""
        ...


class UnknownName(LookupError):
    """A line, an instrument or a fridge is named that this laboratory does not have."""

    def __str__(self) -> str:
        return str(self.args[0])


@dataclass(slots=True)
class LaboratoryTime:
    """What laboratory time has been spent on, femtoseconds."""

    running_fs: int = 0
    """Programs, with the settling before their first shot."""


class Laboratory:
    """Owns the world and all twins of one facility file.

    ``after_work`` is called, from a worker thread, whenever a piece of physics is done.
    """

    def __init__(
        self,
        plan: Plan,
        world_file: WorldFile,
        clock: WorldClock,
        after_work: Callable[[], None] = lambda: None,
    ) -> None:
        self.plan = plan
        self.clock = clock
        self.chip = world_file.chip()
        self.world = World(self.chip.at, world_file.seed)
        self.fridges = {
            name: Fridge(world_file.temperatures_k(name)) for name in world_file.fridges
        }
        self.unplugged: set[str] = set()
        """Lines whose cable is off: nothing gets through."""
        self.spent = LaboratoryTime()
        self._after_work = after_work
        self._workers = ThreadPoolExecutor(WORKERS, thread_name_prefix="physics")
        self.twins: dict[str, Twin] = {
            name: self._twin(name, entry) for name, entry in plan.instruments.items()
        }

    @classmethod
    def of_files(
        cls,
        facility: Path,
        twin: Path,
        clock: WorldClock,
        after_work: Callable[[], None] = lambda: None,
    ) -> "Laboratory":
        """Read both files and build the laboratory."""
        return cls(read_plan(facility), read_world(twin), clock, after_work)

    def close(self) -> None:
        """Give up what is still being computed."""
        self._workers.shutdown(wait=True, cancel_futures=True)

    def _twin(self, name: str, entry: Mapping[str, Any]) -> Twin:
        """Build one twin. Its constructor's parameters say what it is given."""
        dotted = known_models()[entry["model"]].twin
        module, _, attribute = dotted.partition(":")
        factory = getattr(import_module(module), attribute)
        supply = {
            "serial": f"{zlib.crc32(name.encode()) % 10**8:08d}",
            "playback": Playing(self, name),
            "reading": self._reading(name),
        }
        supply |= {
            key: dict(value) if isinstance(value, dict) else value for key, value in entry.items()
        }
        wanted = inspect.signature(factory).parameters
        twin: Twin = factory(**{key: supply[key] for key in wanted if key in supply})
        return twin

    def _reading(self, name: str) -> Callable[[int, int], float] | None:
        if name not in self.plan.stages:
            return None
        fridge, stages = self.plan.stages[name]

        def kelvin(channel: int, now_fs: int) -> float:
            return self.fridges[fridge].temperature_k(stages[channel], now_fs)

        return kelvin

    def biases_v(self, now_fs: int) -> dict[str, float]:
        """Return what is on each flux line now, V; 0 where the cable is off."""
        volts: dict[str, float] = {}
        for line, (instrument, connector) in self.plan.biases.items():
            twin = self.twins[instrument]
            if line in self.unplugged:
                volts[line] = 0.0
            elif isinstance(twin, HoldsLevels):
                volts[line] = twin.levels_v()[connector]
            elif isinstance(twin, HoldsLevel):
                volts[line] = twin.level_v(now_fs)
            else:
                raise UnknownName(f"{instrument} holds no level, but {line} is wired to it")
        return volts

    def carriers(self, now_fs: int) -> dict[str, Carrier | None]:
        """Return the tone of every microwave source that modulates, None where there is none."""
        found: dict[str, Carrier | None] = {}
        for name, twin in self.twins.items():
            if isinstance(twin, HoldsTone):
                tone = twin.tone(now_fs)
                modulates = tone is not None and tone.iq
                found[name] = (
                    Carrier(tone.frequency_hz, tone.power_dbm) if tone and modulates else None
                )
        return found

    def truth_now(self) -> dict[str, Truth]:
        """Return the hidden truth at the biases that the sources hold now."""
        return truth(self.chip, self.biases_v(self.clock.now_fs()))

    def submit(self, instrument: str, work: Callable[[Any], T]) -> "Future[T]":
        """Run ``work(play)`` in a worker thread; slow sources are taken as they are now."""
        now_fs = self.clock.now_fs()
        biases, carriers = self.biases_v(now_fs), self.carriers(now_fs)

        def play(signals: RunSignals) -> tuple[Captured, ...]:
            return self._play(instrument, signals, biases, carriers)

        future = self._workers.submit(work, play)
        future.add_done_callback(lambda _: self._after_work())
        return future

    def _play(
        self,
        instrument: str,
        signals: RunSignals,
        biases: dict[str, float],
        carriers: Mapping[str, Carrier | None],
    ) -> tuple[Captured, ...]:
        drives = tuple(self._routed(instrument, signals.drives, carriers))
        inputs = self.plan.inputs[instrument]
        heard = [c.line in inputs for c in signals.captures]
        captures = tuple(
            replace(c, line=inputs[c.line]) for c in signals.captures if c.line in inputs
        )
        answers = iter(
            self.world.play(replace(signals, drives=drives, captures=captures, biases_v=biases))
        )
        self.spent.running_fs += signals.duration_ns * FS_PER_NS
        return tuple(
            next(answers) if plugged else silence(c)
            for c, plugged in zip(signals.captures, heard, strict=True)
        )

    def _routed(
        self,
        instrument: str,
        trains: tuple[PulseTrain, ...],
        carriers: Mapping[str, Carrier | None],
    ) -> Iterator[PulseTrain]:
        for train in trains:
            cable = self.plan.outputs[instrument].get(train.line)
            if cable is None or cable.line in self.unplugged:
                continue
            carrier = carriers.get(cable.modulator) if cable.modulator else None
            routed = route(train, cable, carrier)
            if routed is not None:
                yield routed


@dataclass(frozen=True, slots=True)
class Playing:
    """How one instrument reaches the world."""

    laboratory: Laboratory
    instrument: str

    def submit(self, work: Callable[[Any], T]) -> "Future[T]":
        """Run ``work(play)`` in a worker thread and return at once."""
        return self.laboratory.submit(self.instrument, work)

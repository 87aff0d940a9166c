"""One simulated laboratory: the world, the twins of a facility, and the cables between them."""

import math
import time
import zlib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from functools import cached_property, partial
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, TypeVar

from podium.sim_instruments.physics.digital_lines import (
    DigitalLines,
    EdgeTrain,
    LinesEnd,
    Promise,
)
from podium.sim_instruments.physics.fridge import Fridge
from podium.sim_instruments.physics.output_log import ConnectorOutput, OutputLog
from podium.sim_instruments.physics.room import Room
from podium.sim_instruments.physics.steady_cryostat import SteadyCryostat
from podium.sim_instruments.servers.analyzed_feedlines import AnalyzedFeedlines
from podium.sim_instruments.servers.cabling import (
    Cabling,
    HoldsTone,
    PlaysTones,
    ToneNow,
    check_sources,
    light_through,
)
from podium.sim_instruments.servers.clock import WorldClock
from podium.sim_instruments.servers.debugger import Debugger
from podium.sim_instruments.servers.extras import check_extra
from podium.sim_instruments.servers.fridge_plants import FridgePlants, plants_of
from podium.sim_instruments.servers.herald_stations import HeraldStations
from podium.sim_instruments.servers.instrument_clocks import InstrumentClocks
from podium.sim_instruments.servers.kernel_compilation import KernelGate
from podium.sim_instruments.servers.laboratory_playback import LaboratoryPlay, LaboratoryPlayback
from podium.sim_instruments.servers.meetings import Meetings
from podium.sim_instruments.servers.physics_workers import PhysicsWorkers
from podium.sim_instruments.servers.signal_log import SignalLog
from podium.sim_instruments.servers.timing_cables import lay_markers, lay_triggers, lock_clocks
from podium.sim_instruments.servers.twin_factory import Supplies, build_twin
from podium.sim_instruments.servers.world_check import check_world
from podium.sim_instruments.twins.program_stops import StopsPrograms
from podium.sim_instruments.twins.qblox_cluster.outputs.mixer import Mixer
from podium.sim_instruments.twins.trigger_line import TriggerLine
from podium.sim_instruments.twins.twin import Twin
from podium.sim_instruments.wiring import Carrier, Plan, read_plan

if TYPE_CHECKING:
    from podium.sim_instruments.execution.playback import Play
    from podium.sim_instruments.physics.bench_world import BenchWorld
    from podium.sim_instruments.physics.chip import Chip
    from podium.sim_instruments.physics.cryostat.plant import Cryostat
    from podium.sim_instruments.physics.drift import Drift
    from podium.sim_instruments.physics.meeting.herald_clicks import HeraldClicks
    from podium.sim_instruments.physics.meeting.meeting_run import MeetingRun
    from podium.sim_instruments.physics.signals import CaptureAnswer
    from podium.sim_instruments.physics.world import World
    from podium.sim_instruments.physics.world_file import MixerWorld, WorldFile

T = TypeVar("T")


class Laboratory:
    """Owns the world and all twins of one facility file.

    It belongs to one thread, the server's; physics runs in others.

    Raises :class:`.wiring.PlanError` where the world does not have what the file wires, and
    :class:`.twin_factory.TwinError` for a twin that cannot be built.
    """

    def __init__(self, plan: Plan, world_file: "WorldFile | BenchWorld", clock: WorldClock) -> None:
        self.kernels = KernelGate()
        """What is to be played waits at it."""
        self.plan = plan
        """With the cables as they are plugged now."""
        self.laid_plan = plan
        """With the cables as the facility file has them."""
        self.clock = clock
        self.world_file = world_file
        if self.plays:
            check_extra("a chip")
            _ = self.world  # imported here, not in the first run
        self.fridges: dict[str, Fridge | Cryostat] = {
            name: Fridge(world_file.temperatures_k(name)) for name in world_file.fridges
        }
        plants = plants_of(world_file, clock.now_fs())
        self.fridges |= plants
        self.plants = FridgePlants(plants, clock)
        """Those that are integrated in world time; what reads and writes them goes through here."""
        self.cryostat = SteadyCryostat()
        """What instruments of a fridge without a plant read and switch."""
        self.room = Room(world_file.seed)
        errors = {name: known.errors() for name, known in world_file.timing.clocks.items()}
        self.timed = InstrumentClocks(world_file.seed, plan.timing, self.room, errors)
        self.clocks = self.timed.clocks
        """Of the instruments that have one of the world's, by name."""
        self.played = OutputLog()
        """What left connectors, and when."""
        self.signals = SignalLog()
        """What the latest runs played."""
        self.lines = DigitalLines(self._note_edges)
        """Cables between markers, digital outputs and inputs."""
        self.unplugged: set[str] = set()
        """Lines whose cable is off at the end where signals go in, and links that are cut."""
        self.links = frozenset(link.name for link in world_file.quantum_links())
        """Between qubits of its chips, by name."""
        check_world(plan, world_file, self.chip if world_file.nodes else None)
        self.running_fs = 0
        """Laboratory time that programs took so far, with the settling before their first shot."""
        self._lock = Lock()
        self.stations = self._stations()
        """Where photons of links meet and detectors click."""
        self.meetings = self._meetings()
        """Of runs at the ends of links."""
        self.workers = PhysicsWorkers(self.kernels, len(self.meetings.lines))
        self.twins: dict[str, Twin] = {
            name: build_twin(name, entry, self._supplies(name))
            for name, entry in plan.instruments.items()
        }
        for name in plan.timing.clocks.keys() & plan.timing.elsewhere:
            self.timed.clock_of(name, plan.timing.clocks[name])  # those here follow it
        self.debugger = Debugger(self.twins, clock)
        """Breakpoints of its instruments' programs."""
        for name, twin in self.twins.items():
            self.plants.attach(plan.fridge_of.get(name, ""), twin)
        check_sources(plan, self.twins)
        self.trigger_lines, self.marker_lines = self._lay_cables()
        """Trigger cables by name (``cluster_a.trigger``), and where those of markers and detectors
        end, by what faults call them: ``node_a.marker``, ``link_ab.d0``."""
        lock_clocks(plan.timing, self.clocks, clock.start_fs)

    @classmethod
    def of_files(cls, facility: Path, twin: Path, clock: WorldClock) -> "Laboratory":
        """Read both files and build the laboratory."""
        from podium.sim_instruments.physics.world_file import read_world

        return cls(read_plan(facility), read_world(twin), clock)

    @property
    def plays(self) -> bool:
        """Tell whether it has chips that can be read out."""
        return bool(self.world_file.nodes and self.chip.feedlines)

    @cached_property
    def chip(self) -> "Chip":
        """All nodes' chips as one."""
        return self.world_file.chip()

    @cached_property
    def drift(self) -> "Drift | None":
        """Return the drift of its chips; None: nothing drifts."""
        return self.world_file.drift(self.chip)

    @cached_property
    def world(self) -> "World":
        """The chips. What plays them is large: boxes on a bench do without."""
        from podium.sim_instruments.physics.world import Lines, World

        lines = Lines(
            frozenset(feedline.name for feedline in self.chip.feedlines),
            frozenset(f"{qubit.name}.drive" for qubit in self.chip.qubits),
            self.chip.flux_lines,
            {name: feedline.name for feedline in self.chip.feedlines for name in feedline.qubits},
        )
        links = self.world_file.quantum_links()
        return World(
            *(self.chip.at, self.world_file.seed, lines, self.chip, self.drift),
            links=links,
            crosstalk=self.chip.drive_crosstalk,
        )

    def close(self) -> None:
        """Give up what waits to be computed; return when what is being computed is done."""
        self.kernels.end()
        self.debugger.end()
        self.meetings.close()
        self.workers.close()

    def _meetings(self) -> Meetings:
        def together(runs: "Sequence[MeetingRun]") -> "list[tuple[CaptureAnswer, ...]]":
            clicks: list[HeraldClicks] = []
            answers = self.world.meet(runs, clicks)
            self.stations.take(runs, clicks)
            return answers

        return Meetings(self.world_file.quantum_links(), self._drivers, together)

    def _lay_cables(self) -> tuple[dict[str, TriggerLine], dict[str, tuple[str, str]]]:
        delays_s, timing = self.world_file.timing.delays_s(), self.plan.timing
        triggers = lay_triggers(timing, delays_s, self.twins, self.room, self.played)
        markers = lay_markers(timing, delays_s, self.lines, self.room)
        clicks = self.stations.lay(
            self.plan,
            self.world_file.links,
            self.world_file.seed,
            partial(light_through, self.twins),
        )
        return triggers, markers | clicks

    def _stations(self) -> HeraldStations:
        def busy(name: str, now_fs: int) -> bool:
            return self.twins[name].horizon(now_fs).computing

        links = self.world_file.quantum_links()
        return HeraldStations(links, self.lines, self._drivers, busy)

    def _drivers(self) -> dict[str, str]:
        """Return who drives each line now."""
        outputs = self.plan.outputs.items()
        return {cable.line: name for name, cables in outputs for cable in cables.values()}

    def look_for_partners(self) -> None:
        """Find out for runs that wait at an end of a link who may still come."""
        if not self.plays:
            return  # without a chip nobody shares photons, and its physics is not to be imported
        sessions = self.world.session_meetings
        now_fs = self.clock.now_fs()
        for name in sorted(sessions.going):
            # its client may not ask for long, and others wait for what it does next
            self.lines.settle(name, now_fs)
        if not (self.meetings.waits or sessions.waits):
            return
        if self.meetings.waits:
            self.meetings.look(now_fs, lambda name: self.twins[name].horizon(now_fs))
        if sessions.waits:
            drivers = self._drivers()

            def is_silent(line: str) -> bool:
                name = drivers.get(line)
                seen = None if name is None else self.twins[name].horizon(now_fs)
                return seen is None or not (seen.computing or seen.armed)

            waiting = self.meetings.waiting
            sessions.look(is_silent, lambda line: drivers.get(line) in waiting, time.monotonic())

    def give_back_memory(self) -> None:
        """Give back what runs have left, in a worker thread, if nothing has run for a while."""
        self.workers.give_back_memory(compiles=self.plays)

    def cabling(self) -> Cabling:
        """Return how cables and slow sources stand now."""
        sources = {
            output.removesuffix(".iq"): _mixer(known)
            for output, known in self.world_file.mixers.items()
            if output.endswith(".iq")
        }
        now_fs = self.clock.now_fs()
        baths = self.plants.baths(self.plan.fridge_of_node)
        return Cabling.at(self.plan, self.twins, self.unplugged, now_fs, sources, baths)

    def submit(self, instrument: str, work: "Callable[[Play], T]") -> "Future[T]":
        """Run ``work(play)`` in a worker thread; cables and slow sources stand as they do now."""
        return self.workers.submit(partial(work, LaboratoryPlay(self, instrument, self.cabling())))

    def stopped(self, instrument: str, run: int, sender: str, at_fs: int) -> None:
        """Hear that nothing of a sender of a run leaves its instrument from ``at_fs`` on."""
        self.played.stop((instrument, run, sender), at_fs)
        self.plants.stop((instrument, run, sender), at_fs)
        self.meetings.stopped(instrument, run, sender, at_fs)
        self.signals.stop(instrument, run, sender, at_fs)

    def _note_edges(self, promise: Promise, train: EdgeTrain) -> None:
        rising = [at_fs for at_fs, up in zip(train.at_fs, train.rising, strict=True) if up]
        sending = ConnectorOutput(promise.instrument, train.connector, rising, int)
        self.played.note(sending, promise, self.clock.now_fs())
        self.signals.note_edges(promise, promise.instrument, train)

    def populations(self, instrument: str, sequencer: str) -> dict[str, list[float]]:
        """Return the populations of each qubit as a sequencer stands at a breakpoint, by qubit.

        Of qubits whose feedlines the instrument listens to; none where it is not known. In any
        thread. Everything is evolved once more, with a shot of its own for each reading.
        """
        from podium.sim_instruments.servers.halted_qubits import populations_now

        twin = self.twins[instrument]
        found = twin.signals_until_now(sequencer) if isinstance(twin, StopsPrograms) else None
        return {} if found is None or not self.plays else populations_now(self, instrument, *found)

    def ran(self, duration_fs: int) -> None:
        """Count the laboratory time that a program took; in any thread."""
        with self._lock:
            self.running_fs += duration_fs

    def carrier_turns_of(
        self, instrument: str, start_tai_fs: int
    ) -> Callable[[str, Carrier], float]:
        """Return what tells the phase of a microwave source at the start of a run."""
        return partial(self.timed.carrier_turns, instrument, start_tai_fs)

    def _supplies(self, name: str) -> Supplies:
        return Supplies(
            serial=f"{zlib.crc32(name.encode()) % 10**8:08d}",
            playback=LaboratoryPlayback(self, name),
            reading=self._reading(name),
            clock_of=partial(self.timed.clock_of, name),
            clock=self.timed.counter(name),
            own_clock=self.timed.own_clock(name),
            room=self.room,
            **self.plants.ends(self.plan.fridge_of.get(name, "")),
            steady=self.cryostat,
            lines=LinesEnd(self.lines, name),
            mixers={
                output.removeprefix(f"{name}."): _mixer(known)
                for output, known in self.world_file.mixers.items()
                if output.startswith(f"{name}.")
            },
            noise_seed=zlib.crc32(f"{self.world_file.seed}/{name}".encode()),
            network=AnalyzedFeedlines(self, name) if self.plan.analyzed.get(name) else None,
            tones_of=self._tones_of,
        )

    def _tones_of(self, source: str, now_fs: int) -> Sequence[ToneNow]:
        """Return what leaves a microwave source, or an output of a waveform generator."""
        name, _, connector = source.partition(".")
        twin = self.twins.get(name)
        if isinstance(twin, PlaysTones):
            return twin.tones(connector, now_fs)
        tone = twin.tone(now_fs) if isinstance(twin, HoldsTone) else None
        return () if tone is None else (tone,)

    def _reading(self, name: str) -> Callable[[int, int], float] | None:
        thermometer = self.plan.thermometers.get(name)
        if thermometer is None:
            return self._plant_reading(name)
        fridge = self.plants.get(thermometer.fridge) or self.fridges[thermometer.fridge]
        stages = thermometer.stages
        return lambda channel, now_fs: fridge.temperature_k(stages[channel], now_fs)

    def _plant_reading(self, name: str) -> Callable[[int, int], float] | None:
        """Return what a further instrument with channels at a plant reads."""
        plant = self.plants.get(self.plan.fridge_of.get(name, ""))
        channels = self.plan.instruments[name].get("channels")
        if plant is None or not isinstance(channels, Mapping):
            return None
        stages = {int(channel): str(stage) for channel, stage in channels.items()}
        return lambda channel, now_fs: plant.temperature_k(stages[channel], now_fs)


def _mixer(known: "MixerWorld") -> Mixer:
    return Mixer(
        known.gain_ratio.value,
        math.degrees(known.phase.value),
        (1e3 * known.offset_i.value, 1e3 * known.offset_q.value),
    )

"""One simulated laboratory: the world, the twins of a facility, and the cables between them."""

import math
import time
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path
from threading import Event, Lock, Thread, local
from typing import TYPE_CHECKING, Any, TypeVar

from podium.firmware_interfaces.exact_time import FS_PER_NS, FS_PER_S
from podium.sim_instruments.physics.digital_lines import (
    DigitalLines,
    EdgeTrain,
    LinesEnd,
    Promise,
)
from podium.sim_instruments.physics.fridge import Fridge
from podium.sim_instruments.physics.output_log import EDGES_KEPT, ConnectorOutput, OutputLog
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
from podium.sim_instruments.servers.signal_log import SignalLog
from podium.sim_instruments.servers.timing_cables import lay_markers, lay_triggers, lock_clocks
from podium.sim_instruments.servers.twin_factory import Supplies, build_twin
from podium.sim_instruments.servers.world_check import check_world
from podium.sim_instruments.twins.program_stops import StopsPrograms
from podium.sim_instruments.twins.qblox_cluster.outputs.mixer import Mixer
from podium.sim_instruments.twins.trigger_line import TriggerLine
from podium.sim_instruments.twins.twin import Twin
from podium.sim_instruments.wiring import Carrier, Plan, read_plan
from podium_process import Spare

if TYPE_CHECKING:
    from podium.sim_instruments.execution.playback import Play
    from podium.sim_instruments.physics.bench_world import BenchWorld
    from podium.sim_instruments.physics.chip import Chip
    from podium.sim_instruments.physics.cryostat.plant import Cryostat
    from podium.sim_instruments.physics.dialogue import Dialogue
    from podium.sim_instruments.physics.drift import Drift
    from podium.sim_instruments.physics.joint.played_gate import PlayedGate
    from podium.sim_instruments.physics.meeting.herald_clicks import HeraldClicks
    from podium.sim_instruments.physics.meeting.meeting_run import Lateness, MeetingRun
    from podium.sim_instruments.physics.signals import CaptureAnswer, RunSignals
    from podium.sim_instruments.physics.truth import Span, Truth
    from podium.sim_instruments.physics.world import World
    from podium.sim_instruments.physics.world_file import MixerWorld, WorldFile

T = TypeVar("T")
WORKERS = 2
"""Threads for physics; kernels run without the interpreter's lock."""


class Laboratory:
    """Owns the world and all twins of one facility file.

    It belongs to one thread, the server's; physics runs in others.

    Raises :class:`.wiring.PlanError` where the world does not have what the file wires, and
    :class:`.twin_factory.TwinError` for a twin that cannot be built.
    """

    def __init__(self, plan: Plan, world_file: "WorldFile | BenchWorld", clock: WorldClock) -> None:
        self.after_work: Callable[[], object] = lambda: None
        """Called whenever a piece of physics is done, from the thread that has done it."""
        self.kernels = KernelGate()
        """What is to be played waits at it."""
        self.plan = plan
        """With the cables as they are plugged now."""
        self.laid_plan = plan
        """With the cables as the facility file has them."""
        self.clock = clock
        self._world_file = world_file
        self._seed = world_file.seed
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
        self._mixers = world_file.mixers
        errors = {name: known.errors() for name, known in world_file.timing.clocks.items()}
        self._timed = InstrumentClocks(self._seed, plan.timing, self.room, errors)
        self.clocks = self._timed.clocks
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
        self._running_fs = 0
        self._lock = Lock()
        self._long_run = Lock()
        """Who has it makes signals of a long run and plays them."""
        self._of_thread = local()
        """``has_turn``: whether the thread has it."""
        self._spare = Spare()
        self.stations = self._stations()
        """Where photons of links meet and detectors click."""
        self.meetings = self._meetings()
        """Of runs at the ends of links."""
        self._workers = self._pool()
        self._under_way: set[Future[Any]] = set()
        self.twins: dict[str, Twin] = {
            name: build_twin(name, entry, self._supplies(name))
            for name, entry in plan.instruments.items()
        }
        for name in plan.timing.clocks.keys() & plan.timing.elsewhere:
            self._timed.clock_of(name, plan.timing.clocks[name])  # those here follow it
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
        return bool(self._world_file.nodes and self.chip.feedlines)

    @cached_property
    def chip(self) -> "Chip":
        """All nodes' chips as one."""
        return self._world_file.chip()

    @cached_property
    def drift(self) -> "Drift | None":
        """Return the drift of its chips; None: nothing drifts."""
        return self._world_file.drift(self.chip)

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
        links = self._world_file.quantum_links()
        return World(
            *(self.chip.at, self._seed, lines, self.chip, self.drift),
            links=links,
            crosstalk=self.chip.drive_crosstalk,
        )

    def close(self) -> None:
        """Give up what waits to be computed; return when what is being computed is done."""
        self.kernels.end()
        self.debugger.end()
        self.meetings.close()
        self._workers.shutdown(wait=True, cancel_futures=True)

    @contextmanager
    def turn_of_long_run(self) -> Iterator[None]:
        """Let one long run after the other make its signals and play them, in worker threads."""
        with self._long_run:
            over = Event()
            watch = Thread(target=self._spare.watch, args=(over,), name="memory", daemon=True)
            watch.start()
            self._of_thread.has_turn = True
            try:
                yield
            finally:
                self._of_thread.has_turn = False
                over.set()
                watch.join()

    @contextmanager
    def _without_turn(self) -> Iterator[None]:
        """Let others have the turn of a long run, if this thread has it."""
        has_turn = getattr(self._of_thread, "has_turn", False)
        if has_turn:
            self._long_run.release()
        try:
            yield
        finally:
            if has_turn:
                self._long_run.acquire()

    def _meetings(self) -> Meetings:
        def together(runs: "Sequence[MeetingRun]") -> "list[tuple[CaptureAnswer, ...]]":
            clicks: list[HeraldClicks] = []
            answers = self.world.meet(runs, clicks)
            self.stations.take(runs, clicks)
            return answers

        return Meetings(self._world_file.quantum_links(), self._drivers, together)

    def _lay_cables(self) -> tuple[dict[str, TriggerLine], dict[str, tuple[str, str]]]:
        delays_s, timing = self._world_file.timing.delays_s(), self.plan.timing
        triggers = lay_triggers(timing, delays_s, self.twins, self.room, self.played)
        markers = lay_markers(timing, delays_s, self.lines, self.room)
        clicks = self.stations.lay(
            self.plan, self._world_file.links, self._seed, partial(light_through, self.twins)
        )
        return triggers, markers | clicks

    def _stations(self) -> HeraldStations:
        def busy(name: str, now_fs: int) -> bool:
            return self.twins[name].horizon(now_fs).computing

        links = self._world_file.quantum_links()
        return HeraldStations(links, self.lines, self._drivers, busy)

    def _drivers(self) -> dict[str, str]:
        """Return who drives each line now."""
        outputs = self.plan.outputs.items()
        return {cable.line: name for name, cables in outputs for cable in cables.values()}

    def _pool(self) -> ThreadPoolExecutor:
        """Return threads for physics, and one for each end of a link whose run may wait."""
        count = WORKERS + len(self.meetings.lines)
        return ThreadPoolExecutor(count, thread_name_prefix="physics")

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
        if self._spare.due:
            self._workers.submit(self._spare.give_back)
            if self.plays:
                from podium.sim_instruments.servers.kernel_libraries import release_compiler

                self._workers.submit(release_compiler)

    @property
    def running_fs(self) -> int:
        """Laboratory time that programs took so far, with the settling before their first shot."""
        return self._running_fs

    def cabling(self) -> Cabling:
        """Return how cables and slow sources stand now."""
        sources = {
            output.removesuffix(".iq"): _mixer(known)
            for output, known in self._mixers.items()
            if output.endswith(".iq")
        }
        now_fs = self.clock.now_fs()
        baths = self.plants.baths(self.plan.fridge_of_node)
        return Cabling.at(self.plan, self.twins, self.unplugged, now_fs, sources, baths)

    def truth_now(
        self, optima: bool = True, span: "Span | None" = None, *, at_rest: bool = False
    ) -> "Callable[[], dict[str, Truth]]":
        """Return what tells the hidden truth at the biases of this moment, in any thread.

        ``span``: over this stretch of world time; None: at this moment. ``at_rest``: with all
        qubits at their sweet spots, couplers where they are, and without a span with what drift
        and noise are about.
        """
        from podium.sim_instruments.physics.links.link_world import link_truth
        from podium.sim_instruments.physics.truth import MovingTruth, Span, mixer_truth, truth

        mixers, links = mixer_truth(self._mixers), self._world_file.links
        ways = self._world_file.quantum_links()

        switched = {
            link: (light_through(self.twins, one, None), light_through(self.twins, other, None))
            for link, (one, other) in self.plan.switched.items()
        }

        def whole(qubits: "dict[str, Truth]") -> "dict[str, Truth]":
            played = self._played_gates() | self._played_photons() if optima else {}
            return qubits | played | link_truth(links, qubits, switched) | mixers

        if at_rest:
            still = None if span is None else MovingTruth(self._seed, span, self.drift)
            levels_v = self.cabling().biases_v if self.chip.couplers else {}
            held = {line: levels_v.get(line, 0.0) for line in self.chip.coupler_lines()}
            return lambda: whole(truth(self.chip, None, optima, still, links=ways, held_v=held))
        cabling = self.cabling()
        biases_v, baths = cabling.biases_v, cabling.baths
        over = span or Span(self.clock.now_fs() / FS_PER_S, 0.0)
        moving = MovingTruth(self._seed, over, self.drift)
        return lambda: whole(truth(self.chip, biases_v, optima, moving, baths, ways))

    def _played_photons(self) -> "dict[str, Truth]":
        """Tell of each link what became of photons in the latest run that carried any."""
        from podium.sim_instruments.physics.truth import Truth

        found: dict[str, Truth] = {}
        for name in self._world_file.links:
            photon = self.world.played_photon(name)
            if photon is None:
                continue
            found[f"{name}.played_absorption"] = Truth(photon.absorption, "1")
            if (lags := photon.lags()) is not None:
                found[f"{name}.played_delay"] = Truth(lags.delay_s, "s")
                found[f"{name}.played_best_lag"] = Truth(lags.best_lag_s, "s")
        return found

    def _played_gates(self) -> "dict[str, Truth]":
        """Tell of each edge how its gate was in the latest run that pulsed it."""
        from podium.sim_instruments.physics.episodes import NotSimulated
        from podium.sim_instruments.physics.truth import Truth

        told = {}
        for edge in self.chip.edges:
            try:
                found = self.world.played_gate(edge)
            except NotSimulated:
                continue
            if found is not None:
                name = f"{edge.name}.{edge.gate}_played"
                told[f"{name}_infidelity"] = Truth(found.infidelity, "1")
                told[f"{name}_leakage"] = Truth(found.leakage, "1")
                told[f"{name}_swap"] = Truth(found.swapped, "1")
                told[f"{name}_slot"] = Truth(1e-9 * found.slot_ns, "s")
        return told

    def played_gate(
        self, edge_name: str, phases: tuple[float, float] | None
    ) -> "PlayedGate | None":
        """Return the gates of an edge in the latest run that pulsed it. Raises LookupError."""
        edges = {one.name: one for one in self.chip.edges}
        if edge_name not in edges:
            known = ", ".join(edges) or "none"
            raise LookupError(f"there is no edge {edge_name!r}; the world's edges: {known}")
        return self.world.played_gate(edges[edge_name], phases)

    def submit(self, instrument: str, work: "Callable[[Play], T]") -> "Future[T]":
        """Run ``work(play)`` in a worker thread; cables and slow sources stand as they do now."""
        play = LaboratoryPlay(self, instrument, self.cabling())
        return self._followed(self._workers.submit(self._worked, work, play))

    def compute(self, work: "Callable[[], T]") -> "Future[T]":
        """Run ``work()``, which plays nothing, in a worker thread."""

        def waiting() -> T:
            self.kernels.wait()
            return work()

        return self._followed(self._workers.submit(waiting))

    def _followed(self, future: "Future[T]") -> "Future[T]":
        self._under_way.add(future)
        future.add_done_callback(self._under_way.discard)
        future.add_done_callback(lambda _: self.after_work())
        return future

    @property
    def at_rest(self) -> bool:
        """Tell whether no physics is computed or waits to be, and all kernels are compiled."""
        return not self._under_way and self.kernels.is_open

    def forked(self) -> None:
        """Take up work in a copy of the process, which has none of the threads of the first."""
        self._workers = self._pool()

    def stopped(self, instrument: str, run: int, sender: str, at_fs: int) -> None:
        """Hear that nothing of a sender of a run leaves its instrument from ``at_fs`` on."""
        self.played.stop((instrument, run, sender), at_fs)
        self.plants.stop((instrument, run, sender), at_fs)
        self.meetings.stopped(instrument, run, sender, at_fs)
        self.signals.stop(instrument, run, sender, at_fs)

    def _worked(self, work: "Callable[[Play], T]", play: "Play") -> T:
        self.kernels.wait()
        self._spare.used()
        try:
            return work(play)
        finally:
            self._spare.used()
            self._spare.limit(is_left=True)

    def _note_edges(self, promise: Promise, train: EdgeTrain) -> None:
        rising = [at_fs for at_fs, up in zip(train.at_fs, train.rising, strict=True) if up]
        sending = ConnectorOutput(promise.instrument, train.connector, rising, int)
        self.played.note(sending, promise, self.clock.now_fs())
        self.signals.note_edges(promise, promise.instrument, train)

    def _note_pulses(self, instrument: str, signals: "RunSignals") -> None:
        when = self._timed.instants(instrument, signals.start_tai_fs)
        self.signals.note(instrument, signals, when)
        now_fs = self.clock.now_fs()
        for train in signals.drives:
            if train.spur or train.goes_on:
                continue
            turns = train.phase_turns[:EDGES_KEPT].tolist()
            sending = ConnectorOutput(instrument, train.line, train.start_ns, when, turns)
            self.played.note(sending, (instrument, signals.run, train.sender), now_fs)

    def play(
        self, instrument: str, cabling: Cabling, signals: "RunSignals"
    ) -> "tuple[CaptureAnswer, ...]":
        """Play a run of an instrument with its cables as they were when its work began."""
        from podium.sim_instruments.servers.signal_routing import leaking, routed, silence

        self._note_pulses(instrument, signals)
        inputs = self.plan.inputs[instrument]
        arriving = replace(
            signals,
            drives=(
                *routed(
                    cabling,
                    instrument,
                    signals.drives,
                    self.carrier_turns_of(instrument, signals.start_tai_fs),
                ),
                *leaking(cabling, instrument, signals.duration_ns),
            ),
            captures=tuple(
                replace(c, line=inputs[c.line]) for c in signals.captures if c.line in inputs
            ),
            biases_v=dict(cabling.biases_v),
            baths=cabling.baths,
        )
        self._heat(instrument, arriving)
        self._spare.limit(is_left=False)
        answers = iter(self._answered(instrument, cabling, arriving))
        self._ran(signals)
        return tuple(next(answers) if c.line in inputs else silence(c) for c in signals.captures)

    def _answered(
        self, instrument: str, cabling: Cabling, arriving: "RunSignals"
    ) -> "tuple[CaptureAnswer, ...]":
        """Return the world's answers to a run; where it drives a link, with whom it meets."""
        meets = any(train.line in self.meetings.lines for train in arriving.drives)
        if not meets and not self.world.kept.any:
            return self.world.play(arriving)
        from podium.sim_instruments.physics.meeting.meeting_run import MeetingRun, ideal_run

        late = self._late_fs(instrument, arriving.start_tai_fs)
        run = ideal_run(arriving) if late is None else MeetingRun(arriving, late)
        run = replace(run, cut=self.links & cabling.unplugged, light=cabling.light)
        if not meets:
            return self.world.meet([run])[0]
        return self.meetings.play(instrument, run, self._without_turn)

    def _late_fs(self, instrument: str, start_fs: int) -> "Lateness | None":
        """Return by how much later than ``start_fs`` says an instrument has times of a run.

        None: it has no clock that could be off.
        """
        from podium.sim_instruments.physics.clock_instants import lateness_fs

        counter = self._timed.counters.get(instrument)
        if counter is None:
            return None
        return partial(lateness_fs, counter, counter.to_ticks(start_fs), start_fs)

    def begin(self, instrument: str, cabling: Cabling, run: int, start_tai_fs: int) -> "Dialogue":
        """Begin a run that is played piece by piece."""
        from podium.sim_instruments.physics.feedline_session import RunStart
        from podium.sim_instruments.servers.dialogue import CabledDialogue
        from podium.sim_instruments.servers.signal_routing import routed

        session = self.world.begin(
            RunStart(
                run,
                start_tai_fs,
                dict(cabling.biases_v),
                cabling.baths,
                frozenset(one.line for one in cabling.plan.outputs[instrument].values()),
                instrument,
                self._late_fs(instrument, start_tai_fs),
            )
        )
        turns = self.carrier_turns_of(instrument, start_tai_fs)

        def ended(signals: "RunSignals") -> None:
            self._note_pulses(instrument, signals)
            if self.plants:
                drives = tuple(routed(cabling, instrument, signals.drives, turns))
                self._heat(instrument, replace(signals, drives=drives))
            self._ran(signals)

        return CabledDialogue(session, instrument, cabling, turns, ended)

    def _heat(self, instrument: str, arriving: "RunSignals") -> None:
        """Have the plants of its nodes' fridges take up what a run dissipates in their lines."""
        if not self.plants:
            return
        from podium.sim_instruments.servers.line_heat import heat_of

        begin_fs = arriving.start_tai_fs
        end_fs = begin_fs + arriving.duration_ns * FS_PER_NS
        heat = heat_of(arriving.drives, self.plan.attenuation_db, arriving.duration_ns)
        for node, senders in heat.items():
            plant = self.plants.get(self.plan.fridge_of_node.get(node, ""))
            if plant is None:
                continue
            for sender, watts in senders.items():
                plant.played.add((instrument, arriving.run, sender), begin_fs, end_fs, watts)

    def populations(self, instrument: str, sequencer: str) -> dict[str, list[float]]:
        """Return the populations of each qubit as a sequencer stands at a breakpoint, by qubit.

        Of qubits whose feedlines the instrument listens to; none where it is not known. In any
        thread. Everything is evolved once more, with a shot of its own for each reading.
        """
        from podium.sim_instruments.servers.halted_qubits import populations_now

        twin = self.twins[instrument]
        found = twin.signals_until_now(sequencer) if isinstance(twin, StopsPrograms) else None
        return {} if found is None or not self.plays else populations_now(self, instrument, *found)

    def _ran(self, signals: "RunSignals") -> None:
        with self._lock:
            self._running_fs += signals.duration_ns * FS_PER_NS

    def carrier_turns_of(
        self, instrument: str, start_tai_fs: int
    ) -> Callable[[str, Carrier], float]:
        """Return what tells the phase of a microwave source at the start of a run."""
        return partial(self._timed.carrier_turns, instrument, start_tai_fs)

    def _supplies(self, name: str) -> Supplies:
        return Supplies(
            serial=f"{zlib.crc32(name.encode()) % 10**8:08d}",
            playback=LaboratoryPlayback(self, name),
            reading=self._reading(name),
            clock_of=partial(self._timed.clock_of, name),
            clock=self._timed.counter(name),
            own_clock=self._timed.own_clock(name),
            room=self.room,
            **self.plants.ends(self.plan.fridge_of.get(name, "")),
            steady=self.cryostat,
            lines=LinesEnd(self.lines, name),
            mixers={
                output.removeprefix(f"{name}."): _mixer(known)
                for output, known in self._mixers.items()
                if output.startswith(f"{name}.")
            },
            noise_seed=zlib.crc32(f"{self._seed}/{name}".encode()),
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

"""Executes the programs of all instruments behind one data server.

Everything is worked out when somebody looks: up to now, analysers first, because generators may
wait for what they find.
"""

import json
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Final

from podium.firmware_interfaces.zurich.values import Value
from podium.sim_instruments.execution.breakpoints import Breakpoint, Halted
from podium.sim_instruments.execution.playback import WiredPlayback
from podium.sim_instruments.physics.signals import RunSignals
from podium.sim_instruments.twins.twin import Horizon
from podium.sim_instruments.twins.zurich.cables.cable_scopes import CableScopes
from podium.sim_instruments.twins.zurich.data_server.sequencer_port import (
    AcceptedProgram,
    ProgramRefused,
    UploadedProgram,
)
from podium.sim_instruments.twins.zurich.nodes.node_settings import Setting
from podium.sim_instruments.twins.zurich.nodes.overrange import Overranges
from podium.sim_instruments.twins.zurich.pqsc.register_bank import NOTHING, RegisterBank
from podium.sim_instruments.twins.zurich.quantum_analyzer.analyser_run import (
    OUTPUTS,
    AnalyserRun,
)
from podium.sim_instruments.twins.zurich.quantum_analyzer.readouts import (
    Integers,
    rising_edges,
    trigger_levels,
)
from podium.sim_instruments.twins.zurich.quantum_analyzer.result_logger import ResultLogger
from podium.sim_instruments.twins.zurich.quantum_analyzer.world_scopes import WorldScopes
from podium.sim_instruments.twins.zurich.runs import program_run
from podium.sim_instruments.twins.zurich.runs.local_time import LocalTime
from podium.sim_instruments.twins.zurich.runs.participants import Key
from podium.sim_instruments.twins.zurich.runs.precomputed_runs import PrecomputedRuns
from podium.sim_instruments.twins.zurich.runs.program_run import ProgramRun
from podium.sim_instruments.twins.zurich.runs.program_stops import ProgramStops
from podium.sim_instruments.twins.zurich.sequencer.image import SHFQA
from podium.sim_instruments.twins.zurich.sequencer.processor import RUNNING
from podium.sim_instruments.twins.zurich.sequencer.sequencer_state import Source
from podium.sim_instruments.twins.zurich.signals.marker_lines import MarkerLines
from podium.sim_instruments.twins.zurich.triggers.trigger_groups import listeners_of
from podium.sim_instruments.twins.zurich.triggers.trigger_inputs import Signal
from podium.sim_instruments.twins.zurich.triggers.trigger_levels import TriggerLevels
from podium.sim_instruments.twins.zurich.triggers.trigger_loopback import TriggerLoopbacks
from podium.sim_instruments.twins.zurich.triggers.trigger_routing import (
    INTERNAL_TRIGGER,
    SOFTWARE_TRIGGER,
    first_at,
    give,
    hearing,
    hearing_zsync,
)
from podium.sim_instruments.twins.zurich.triggers.trigger_trains import (
    OVER_ZSYNC,
    OWN,
    TriggerTrains,
)
from podium.sim_instruments.twins.zurich.triggers.triggered_runs import IMPOSSIBLE, TriggeredRuns

_FORGET: Final = "/precompensation/status/reset"
_ERRORS: Final = "raw/error/json/errors"


class ProgramExecution:
    """Runs programs; hears triggers; tells what nodes hold."""

    def __init__(
        self,
        playback: WiredPlayback | None = None,
        zsync: Collection[str] | None = None,
        time: LocalTime | None = None,
        markers: MarkerLines | None = None,
        bank: RegisterBank | None = None,
        noise_seed: int | None = None,
        levels: TriggerLevels | None = None,
    ) -> None:
        """``playback``: plays on the world what a trigger or a PQSC starts, and analysers that wait
        for none; whatever starts otherwise, or has no line at its input, hears a cable from its
        output.
        ``noise_seed``: of the noise of inputs that hear no world; None: they have none.
        ``markers``, ``levels``: the ends of cables at marker outputs and trigger inputs.
        ``zsync``: instruments connected to the PQSC; None: all do; ``bank``: the PQSC's. All times
        here are those of the instruments' clock; ``time``: what they are in the world; None: the
        same."""
        self._zsync = zsync
        self._time = time or LocalTime()
        self._precomputed = PrecomputedRuns(self._time, markers, levels)
        self._bank = bank or RegisterBank()
        self._stops = ProgramStops()
        self._runs: dict[tuple[str, str], ProgramRun] = {}
        self._analysers: dict[tuple[str, str], AnalyserRun] = {}
        self._armed: set[tuple[str, str]] = set()
        self._records: dict[tuple[str, str], ResultLogger] = {}
        """Begun by a program that is gone, by instrument and where the nodes of results lie."""
        """Device and section of result loggers that were enabled and have no run yet."""
        self._levels: dict[tuple[str, str], int] = {}
        """Of the trigger outputs of sequencers, as far as their edges were passed on."""
        self._trains = TriggerTrains()
        self._triggered_runs = TriggeredRuns(
            self._runs, playback, self._precomputed, self._complain
        )
        self._scopes = CableScopes(self._runs, self._triggered_runs.on_a_cable, noise_seed)
        self._world_scopes = WorldScopes()
        self._loopbacks = TriggerLoopbacks()
        self._overranges = Overranges()
        self._told: dict[str, dict[str, Value]] = {}
        self._complaints: dict[str, str] = {}
        """What has to go into error logs, by device."""

    # --- as the data server sees it -----------------------------------------------------

    def attached(self, device: str, setting: Setting, stamp: Callable[[int], int]) -> None:
        """Hear of an instrument: how its nodes are read, and its time stamps."""
        self._scopes.attached(device, setting, stamp)
        self._loopbacks.attached(device, setting)

    def stop_at(self, key: Key, breakpoints: Sequence[Breakpoint], halted: Halted) -> None:
        """Stop a sequencer at these from its next start on; raises ValueError where it cannot."""
        if breakpoints and (why := self._triggered_runs.unheard(key)):
            raise ValueError(f"{'/'.join(key)} cannot be stopped: {why}")
        self._stops.set(key, breakpoints, halted)

    def signals_until_now(self, key: Key) -> tuple[RunSignals, int] | None:
        """Return what a run plays whose sequencer stands at a breakpoint, and up to when, ns."""
        stops = self._stops.of(key)
        view = None if stops is None else stops.standing
        return None if view is None else self._precomputed.signals_until(key, view.samples)

    def accept(self, model: str, at: str, elf: bytes) -> AcceptedProgram:
        """Take a program. Raises ProgramRefused."""
        return program_run.accept(at, elf)

    def start(self, uploaded: UploadedProgram, now_fs: int) -> None:
        """Begin. Raises ProgramRefused."""
        run = ProgramRun(uploaded, now_fs)
        key = uploaded.device, uploaded.at
        run.stops = self._stops.of(key)
        self._runs[key] = run
        self._precomputed.forget(key, now_fs)
        self._levels[key] = 0
        told = self._told.get(uploaded.device, {})
        for path in [path for path in told if path.startswith(uploaded.at)]:
            del told[path]
        self._keep_record(key)
        if run.model is SHFQA:
            try:
                monitored = None
                if self._triggered_runs.on_a_cable(run.device, run.channel):
                    monitored = self._scopes.monitored
                analyser = AnalyserRun(run, self._scopes.cable(run), monitored)
                analyser.check()
            except IMPOSSIBLE as error:
                del self._runs[key]
                raise ProgramRefused(f"{uploaded.at}: {error}") from error
            self._analysers[key] = analyser
            record = uploaded.device, analyser.section
            begun = self._records.pop(record, None)
            if record in self._armed and begun is not None:
                analyser.take_over(begun)
            elif record in self._armed:
                self._begin_record(uploaded.device, analyser)
            self._triggered_runs.precompute_alone(run)
        elif run.stops is not None:
            self._triggered_runs.precompute_alone(run)

    def stop(self, device: str, at: str, now_fs: int) -> None:
        """End, if it runs."""
        self.advance(now_fs)
        self._precomputed.forget((device, at), now_fs)
        self._runs.pop((device, at), None)
        self._keep_record((device, at))

    def written(self, device: str, path: str, value: Value, now_fs: int) -> None:
        """Hear that a node was set."""
        self._told.get(device, {}).pop(path, None)
        self._bank.written(path, value)
        self._trains.written(device, path, value)
        if "/userregs/" in path and isinstance(value, int):
            at, _, number = path.partition("/userregs/")
            run = self._runs.get((device, at))
            if run is not None:
                self.advance(now_fs)
                run.write_register(int(number), value, now_fs)
                self._triggered_runs.recompute((device, at))
        if path.endswith(_FORGET) and value:
            self._overranges.forget(device, path.removesuffix(_FORGET))
        if path.endswith("/result/enable"):
            self._arm(device, path.removesuffix("/result/enable"), bool(value))
        elif path.endswith("/oscs/0/freq"):
            self.advance(now_fs)
            self._scopes.tuned(device, path, now_fs)
        elif path == "scopes/0/enable":
            self.advance(now_fs)
            self._world_scopes.enabled(device)
            self._refuse_scope(device, self._scopes.enabled(device, bool(value), now_fs))
        elif path.startswith("system/swtriggers/") and value:
            which = int(path.split("/")[2])
            at_fs = first_at(now_fs)
            heard = hearing(self._runs, device, SOFTWARE_TRIGGER + which)
            self._scopes.triggered(device, SOFTWARE_TRIGGER + which, (at_fs,))
            self.advance(now_fs)
            self._triggered_runs.precompute(heard, (at_fs,))
            give(heard, (at_fs,))
        elif path in (OWN, OVER_ZSYNC):
            self._scopes.train_over(device, INTERNAL_TRIGGER)
            times = self._trains.switched(device, path, bool(value), now_fs)
            self._send(device, path, times, now_fs)
        elif path.startswith(("raw/markers/", "raw/triggers/")):
            self.advance(now_fs)
            looped = self._loopbacks.written(device, path, now_fs)
            if looped is not None:
                self._scopes.train_over(device, looped[0])
                self._scopes.triggered(device, *looped)

    def updates(self, device: str, now_fs: int) -> Iterable[tuple[str, Value]]:
        """Return what nodes of a device have come to hold."""
        self.advance(now_fs)
        found: dict[str, Value] = {}
        for (name, at), run in self._runs.items():
            if name == device and run.told is not run.trace:
                found |= run.nodes()
                # An end may come without another trace: what is queued has been played then.
                run.told = None if run.playing else run.trace
            if name == device and run.is_released(now_fs):  # it is being worked out
                found[f"{at}/sequencer/status"] = RUNNING
        for (name, _), analyser in self._analysers.items():
            if name == device:
                found |= analyser.nodes()
                self._armed -= {(name, path[:-14]) for path in found if path.endswith("/enable")}
        found |= self._trains.over(device, now_fs)
        recorded = self._world_scopes.updates(device, now_fs)
        recorded |= self._scopes.updates(device, now_fs)
        for path in recorded:
            self._told.setdefault(device, {}).pop(path, None)
        found |= recorded | self._overranges.counts(device, now_fs)
        if device in self._complaints:
            self._told.get(device, {}).pop(_ERRORS, None)
            found[_ERRORS] = self._complaints.pop(device)
        told = self._told.setdefault(device, {})
        news = {path: value for path, value in found.items() if told.get(path) != value}
        told |= news
        return tuple(news.items())

    def edge(self, device: str, signal: Signal, at_fs: int) -> None:
        """Let all who listen hear an edge from outside; to be called in the order of time."""
        self.advance(at_fs)
        if signal.hub is not None:
            times = self._trains.edge(device, signal.hub, at_fs)
            self._send(device, OVER_ZSYNC, times, at_fs, alone=True)
            return
        self._scopes.triggered(device, signal.analysers, (at_fs,))
        heard = hearing(self._runs, device, signal)
        waiting = [one for one in heard if one.run.trace.waiting is one.source]
        self._triggered_runs.precompute(waiting, (at_fs,), alone=True)
        give(heard, (at_fs,))

    def horizon(self, now_fs: int) -> Horizon:
        """Return how far time may leap: to the first end of a program, if none waits for more."""
        # Whatever is being precomputed forbids a leap by itself, and will be known to its end.
        computing = self._precomputed.keys
        ends = [
            run.ends_fs()
            for key, run in self._runs.items()
            if run.going_on and key not in computing
        ]
        known = [end for end in ends if end is not None]
        armed = len(known) < len(ends) or self._precomputed.waits
        known += self._scopes.ends_fs()
        return Horizon(
            armed=armed,
            busy_until_fs=max(now_fs, min(known)) if known else None,
            computing=self._precomputed.busy
            or self._scopes.behind
            or any(analyser.behind for analyser in self._analysers.values())
            or any(run.behind for key, run in self._runs.items() if key not in computing),
        )

    # --- inside ---------------------------------------------------------------------------

    def advance(self, now_fs: int) -> None:
        """Execute everything up to a time."""
        self._take_in(now_fs)
        self._loop_back(now_fs)
        computing = self._precomputed.keys
        for key, analyser in self._analysers.items():
            run = analyser.run
            if key in computing:
                continue
            if not run.going_on and run.told is run.trace and not analyser.behind:
                continue
            self._advance(key, run, now_fs)
            try:
                listened = self._listeners(key[0])
                self._tell(run, listened, *analyser.work(heard=bool(listened)))
            except IMPOSSIBLE as error:
                run.give_up()
                self._complain(key[0], f"{run.at}: {error}")
            run.forget_rows(tuning=self._triggered_runs.hears_a_cable(run))
        for key, run in self._runs.items():
            if key not in self._analysers and run.going_on and key not in computing:
                self._advance(key, run, now_fs)
                run.forget_rows()

    def _loop_back(self, now_fs: int) -> None:
        """Let sequencers hear the edges of markers that are looped back, up to now."""
        for device, number, at_fs in self._loopbacks.due(now_fs):
            heard = hearing(self._runs, device, Signal(None, number))
            heard = [one for one in heard if one.run.going_on]
            if not heard:
                self._loopbacks.skip(device, number, now_fs)
                continue
            waiting = [one for one in heard if one.run.trace.waiting is one.source]
            self._triggered_runs.precompute(waiting, at_fs, alone=True)
            give(heard, at_fs)

    def _refuse_scope(self, device: str, why: str) -> None:
        """Say why a scope cannot record. ASSUMED: it stays enabled."""
        if why:
            self._complain(device, why)

    def _take_in(self, now_fs: int) -> None:
        """Take in what has been precomputed by now."""
        for one, told in self._precomputed.known(self._time.world_fs(now_fs)):
            if isinstance(told, Exception):
                # Whatever the simulation raised: the client must see it, and nobody must wait.
                text = f"the simulated world failed: {type(told).__name__}: {told}"
                for key in one.keys:
                    self._complain(key[0], text)
                    self._runs[key].give_up()
                continue
            for (device, node), at_ns in told.loud_ns.items():
                self._overranges.note(device, node, one.origin_fs, at_ns)
            if told.bank is not None:
                self._bank.registers = list(told.bank)
            for key in one.keys:
                for at_fs, word in told.levels.get(key, ()):
                    self._runs[key].expect(at_fs, Source.TRIGGER_LEVEL, word)
                if key not in told.waiting:
                    ended = None if key in self._analysers else told.ended.get(key)
                    self._runs[key].ends_at(told.ends_fs[key], ended)
                if key in self._analysers and key in told.results:
                    self._analysers[key].take_precomputed(one.number, told.results[key])
                if key in told.traces and not self._triggered_runs.hears_a_cable(self._runs[key]):
                    self._world_scopes.take(key[0], told.traces[key], told.ends_fs[key])

    def _advance(self, key: tuple[str, str], run: ProgramRun, now_fs: int) -> None:
        before = run.going_on
        run.advance(now_fs)
        if run.has_fresh:
            self._pass_on(key, run)
        if before and not run.going_on and run.fault():
            self._complain(key[0], run.fault())

    def _complain(self, device: str, message: str) -> None:
        """Put a message into the instrument's error log, in the form in which uploads do."""
        log = {"messages": [{"code": 1, "message": message, "severity": 1, "count": 1}]}
        self._complaints[device] = json.dumps(log)

    def _listeners(self, device: str) -> list[ProgramRun]:
        """Return the generators of an instrument that may wait for results."""
        return [
            run
            for key, run in self._runs.items()
            if key[0] == device
            and key not in self._analysers
            and run.going_on
            and run.asks_for_results
        ]

    def _tell(
        self, run: ProgramRun, listeners: list[ProgramRun], ticks: Integers, words: Integers
    ) -> None:
        """Give results to generators."""
        if listeners:
            at_fs = [run.time_fs(tick) for tick in ticks.tolist()]
            for listener in listeners:
                listener.expect_words(at_fs, words.tolist(), Source.QA)

    def _pass_on(self, key: tuple[str, str], run: ProgramRun) -> None:
        """Have others hear the edges of the trigger outputs of an analyser's sequencer."""
        if run.model is not SHFQA:
            return
        times, levels = trigger_levels(run.fresh)
        if not len(times):
            return
        before, self._levels[key] = self._levels[key], int(levels[-1])
        edges = [rising_edges(times, levels, output, before) for output in range(len(OUTPUTS))]
        at_fs = [[run.time_fs(edge) for edge in one.tolist()] for one in edges]
        for output, one in listeners_of(self._runs, key):
            give([one], at_fs[output])
        for first, of_output in zip(OUTPUTS, at_fs, strict=True):
            self._scopes.triggered(key[0], first + run.channel, of_output)

    def _send(
        self, device: str, node: str, at_fs: range, now_fs: int, *, alone: bool = False
    ) -> None:
        """Have triggers of a train reach whoever hears them; ``alone``: see
        :meth:`.triggered_runs.TriggeredRuns.precompute`."""
        if not at_fs:
            return
        if node == OWN:
            heard, forwarding = hearing(self._runs, device, INTERNAL_TRIGGER), NOTHING
            self._scopes.triggered(device, INTERNAL_TRIGGER, at_fs)
        else:
            heard = hearing_zsync(self._runs, self._zsync)
            forwarding = self._bank.forwarding(at_fs.stop)
        self.advance(now_fs)
        self._triggered_runs.precompute(heard, at_fs, alone, forwarding)
        give(heard, at_fs)

    def _arm(self, device: str, section: str, on: bool) -> None:
        key = device, section
        self._armed.discard(key)
        self._records.pop(key, None)
        if not on:
            return
        self._armed.add(key)
        # Results are sent anew even if they are the same to the bit.
        told = self._told.get(device, {})
        for path in [path for path in told if path.startswith(f"{section}/result/")]:
            del told[path]
        for (name, _), analyser in self._analysers.items():
            if name == device and analyser.section == section:
                self._begin_record(device, analyser)

    def _keep_record(self, key: tuple[str, str]) -> None:
        """Let go of an analyser's run; the next one goes on with the record that it leaves."""
        analyser = self._analysers.pop(key, None)
        if analyser is not None and analyser.logger is not None:
            self._records[key[0], analyser.section] = analyser.logger

    def _begin_record(self, device: str, analyser: AnalyserRun) -> None:
        try:
            analyser.arm()
        except IMPOSSIBLE as error:
            self._complain(device, str(error))

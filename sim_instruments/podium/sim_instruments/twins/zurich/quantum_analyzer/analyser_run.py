"""A quantum analyser channel's run turns pulses and records into results and loggers."""

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from podium.firmware_interfaces.exact_time import FS_PER_NS
from podium.firmware_interfaces.zurich.latency import SHORTEST_READOUT
from podium.firmware_interfaces.zurich.values import Value
from podium.firmware_interfaces.zurich.vector_headers import ResultHeader, result_vector
from podium.sim_instruments.twins.zurich.cables.analyser_cable import AnalyserCable
from podium.sim_instruments.twins.zurich.nodes import node_settings
from podium.sim_instruments.twins.zurich.quantum_analyzer import (
    integration,
    multistate,
    spectroscopy,
)
from podium.sim_instruments.twins.zurich.quantum_analyzer.oscillator_modulation import Carriers
from podium.sim_instruments.twins.zurich.quantum_analyzer.readouts import (
    Complexes,
    Integers,
    IntegratorSums,
    Readouts,
    busy,
    joined,
    last_level,
    part_of,
    readouts,
    trigger_edges,
)
from podium.sim_instruments.twins.zurich.quantum_analyzer.result_logger import (
    Numbers,
    ResultLogger,
    Source,
)
from podium.sim_instruments.twins.zurich.quantum_analyzer.results import heard_at, words
from podium.sim_instruments.twins.zurich.runs.program_run import ProgramRun

SEQUENCER_TRIGGERS: Final = 32
"""Trigger source 32 + n: trigger output 1 of the sequencer of channel n (node documentation)."""
_SECOND_OUTPUTS: Final = 36
"""Trigger source 36 + n: its trigger output 2."""
OUTPUTS: Final = SEQUENCER_TRIGGERS, _SECOND_OUTPUTS
READOUT: Final = 1
"""Value of ``qachannels/N/mode``; 0 is spectroscopy."""
_PIECE: Final = 128
"""Readouts that are worked on together: records are long."""
_PRECOMPUTED_PIECE, _PRECOMPUTED_AT_ONCE = 1 << 14, 4
"""The same, of those whose sums are known; and so many pieces at one look."""
_AT_ONCE: Final = 500_000
"""Samples that are worked on at one look, about: some ten milliseconds, others wait as well."""
Monitored = Callable[[ProgramRun, Integers], object]
"""Hears when a run has triggered its monitor, samples from its start on: a scope on the cable."""


def own_output(source: float, channel: int) -> int | None:
    """Return which trigger output of a channel's own sequencer a source is, 0 or 1."""
    return {SEQUENCER_TRIGGERS + channel: 0, _SECOND_OUTPUTS + channel: 1}.get(int(source))


@dataclass(frozen=True, slots=True, eq=False)
class _Piece:
    """Readouts, with the settings at the time when they were started."""

    numbers: Integers
    """Of them, from the program's start on."""
    started: Readouts
    settings: integration.ReadoutSettings
    qudits: tuple[multistate.Qudit, ...]
    carriers: Carriers | None


@dataclass(frozen=True, slots=True, eq=False)
class _PrecomputedResults:
    """Results that are known before their time."""

    run: int
    """Of the world."""
    first: int
    """Number of the first of them, from the program's start on."""
    results: IntegratorSums


class AnalyserRun:
    """One run of the sequencer of an analyser channel."""

    def __init__(
        self, run: ProgramRun, cable: AnalyserCable, monitored: Monitored | None = None
    ) -> None:
        """``cable``: at its channel, for what is not known ahead; ``monitored`` hears when it
        triggers its monitor."""
        self.run = run
        self._monitored = monitored
        self.channel = run.channel
        self._cable = cable
        self._units = node_settings.units(run.setting, f"qachannels/{self.channel}")
        self._backlog: deque[_Piece] = deque()
        self._edges: deque[tuple[int, int]] = deque()
        """Triggers of spectroscopy: their number from the program's start on, and samples."""
        self._free = 0
        """From when on the integrators can begin again."""
        self._level = 0
        """Of the sequencer's trigger outputs."""
        self._started = 0
        """How many readouts were started so far."""
        self._precomputed: deque[_PrecomputedResults] = deque()
        """Where they are known ahead: sums of readouts, or points of spectroscopy."""
        self._first: int | None = None
        """The first sample that the record of results has, in samples of the run."""
        self._is_heard = True
        """Generators may wait for what is worked on."""
        self._said: list[tuple[Integers, Integers]] = []
        """When words can be heard, and the words, of readouts that were worked on."""
        self._lost = 0
        self._told_lost = 0
        self.logger: ResultLogger | None = None
        self._mode = int(node_settings.number(run.setting, f"{self._at}/mode"))

    @property
    def _at(self) -> str:
        return f"qachannels/{self.channel}"

    @property
    def section(self) -> str:
        """Return the path of its results' nodes."""
        return f"{self._at}/{'readout' if self._mode == READOUT else 'spectroscopy'}"

    def check(self) -> None:
        """Raise what the settings are refused with: BadReadout, BadSpectroscopy."""
        if self._mode == READOUT:
            node_settings.readout_settings(self.run.setting, self._at, self._units)
            node_settings.qudits(self.run.setting, self._at, self._units)
        else:
            node_settings.spectroscopy_settings(self.run.setting, self._at)

    def take_over(self, logger: ResultLogger) -> None:
        """Go on with the record that a program before has begun and not filled.

        ASSUMED: ``result/enable`` stays 1 until all results are there, whoever brings them.
        """
        self.logger = logger

    def arm(self) -> None:
        """Begin a new record of results, as the nodes say now."""
        settings = node_settings.logger_settings(self.run.setting, self.section)
        units = self._units if self._mode == READOUT else 1
        self.logger = ResultLogger(settings, units)
        self._first = None

    def take_precomputed(self, run: int, results: IntegratorSums) -> None:
        """Take results that are known ahead, of the next run on the world, or of the last one anew.

        Points of spectroscopy are those of a single integrator.
        """
        known = self._precomputed
        if known and known[-1].run == run:
            known[-1] = replace(known[-1], results=results)
            return
        first = known[-1].first + len(known[-1].results) if known else 0
        known.append(_PrecomputedResults(run, first, results))
        needed = int(self._backlog[0].numbers[0]) if self._backlog else self._started
        needed = min([needed, *(number for number, _ in self._edges)])
        while len(known) > 1 and known[1].first <= needed:
            known.popleft()

    def _known(self, numbers: Integers) -> IntegratorSums:
        """Return results that are known ahead, by their numbers, which ascend."""
        parts = []
        for one in self._precomputed:
            of_run = numbers - one.first
            begin, end = np.searchsorted(of_run, (0, len(one.results))).tolist()
            parts.append(one.results.at(of_run[begin:end]))
        return joined(parts)

    @property
    def behind(self) -> bool:
        """Tell whether there is anything that was not worked on yet."""
        return bool(self._backlog or self._edges)

    def work(self, heard: bool) -> tuple[Integers, Integers]:
        """Take up what the sequencer has started since; ``heard``: generators may wait for it.

        Then all of it, else some milliseconds' worth. Returns when the results can be read, in its
        own samples, and what they are; nothing where nobody hears them.
        """
        self._is_heard = heard
        if self._mode != READOUT:
            self._spectroscopy()
        else:
            self._take_up()
            left = _AT_ONCE
            while self._backlog and (heard or left > 0):
                piece = self._backlog.popleft()
                self._read(piece)
                left -= self._work_of(piece)
        self._cable.needed_from = self._needed_from()
        if not self.run.going_on and not self.behind:
            self._precomputed.clear()  # the record has them
        none = np.zeros(0, np.int64)
        said, self._said = self._said, []
        return (
            np.concatenate([none, *(times for times, _ in said)]),
            np.concatenate([none, *(heard for _, heard in said)]),
        )

    def _needed_from(self) -> int | None:
        """Return the first sample of the cable that was not worked on; None: all was."""
        firsts = [int(self._backlog[0].started.time[0])] if self._backlog else []
        firsts += [self._edges[0][1]] if self._edges else []
        begin = self.run.start_fs // FS_PER_NS * 2
        return begin + min(firsts) if firsts else None

    def _take_up(self) -> None:
        started = readouts(self.run.fresh)
        if not len(started.time):
            return
        setting, at = self.run.setting, self._at
        settings = node_settings.readout_settings(setting, at, self._units)
        qudits = node_settings.qudits(setting, at, self._units)
        duration = settings.delay + settings.length
        first = self._started
        self._started += len(started.time)
        lost = busy(started.time, duration, self._free)
        self._lost += int(lost.sum())
        kept = np.flatnonzero(~lost)
        carriers = node_settings.readout_carriers(setting, at, self._units)
        if self._monitored is not None:
            self._monitored(self.run, started.time[started.monitor])
        if not len(kept):
            return
        modulation = None if carriers is None else Carriers(self.run.trace, carriers)
        if self._monitored is not None or not self._precomputed:
            played = part_of(started, kept)
            waves = node_settings.generator_waveforms(setting, at, self._units)
            delay = node_settings.samples(setting, f"{at}/generator/delay")
            self._cable.read_out(self.run, played, waves, delay, modulation)
        self._free = int(started.time[kept[-1]]) + duration
        integrated = kept[started.integrators[kept] != 0]  # the others only play
        if self._first is None and len(integrated):
            self._first = int(started.time[integrated[0]]) + settings.delay
        at_once = _PRECOMPUTED_PIECE if self._precomputed else _PIECE
        pieces = -(-len(kept) // at_once)
        for piece in np.array_split(kept, pieces):
            part = part_of(started, piece)
            self._backlog.append(_Piece(first + piece, part, settings, qudits, modulation))

    def _work_of(self, piece: _Piece) -> int:
        """Return how many samples a piece is worth."""
        if self._precomputed:
            return _AT_ONCE // _PRECOMPUTED_AT_ONCE
        return len(piece.started.time) * (piece.settings.delay + piece.settings.length)

    def _read(self, piece: _Piece) -> None:
        part, settings = piece.started, piece.settings
        if self._precomputed:
            self._log(part, self._known(piece.numbers), settings, piece.qudits)
            return
        asked = part
        if piece.qudits:
            integrators = multistate.integrators_of(part.integrators, piece.qudits)
            asked = replace(part, integrators=integrators)
        results = self._cable.results(self.run, asked, settings, self._units, piece.carriers)
        self._log(part, results, settings, piece.qudits)

    def _log(
        self,
        part: Readouts,
        results: IntegratorSums,
        settings: integration.ReadoutSettings,
        qudits: tuple[multistate.Qudit, ...],
    ) -> None:
        """Give results to the logger, and words of the states that they tell to generators."""
        logger, duration = self.logger, settings.delay + settings.length
        heard = self._is_heard and duration >= SHORTEST_READOUT
        logs_states = logger is not None and logger.settings.source is Source.DISCRIMINATION
        shown: Mapping[int, Numbers] = results.of_unit
        asked = multistate.integrators_of(part.integrators, qudits) if qudits else part.integrators
        if heard or logs_states:
            states = (
                multistate.states_of(results.all(), qudits, self._units)
                if qudits
                else integration.discriminate(results.all(), settings)
            )
            if heard:
                times = heard_at(part.time, duration, self.run.route)
                self._said.append((times, words(states, part.integrators)))
            if logs_states:
                shown, asked = dict(enumerate(states.T.astype(np.float64))), part.integrators
        if logger is not None:
            logger.take(shown, asked)

    def _spectroscopy(self) -> None:
        setting, run = self.run.setting, self.run
        source = node_settings.number(setting, f"{self._at}/spectroscopy/trigger/channel")
        output = own_output(source, self.channel)
        if output is None:
            return
        edges = trigger_edges(run.fresh, output, self._level)
        self._level = last_level(run.fresh, self._level)
        settings = node_settings.spectroscopy_settings(setting, self._at)
        samples = settings.delay + settings.length
        lost = busy(edges, samples, self._free)
        self._lost += int(lost.sum())
        kept = np.flatnonzero(~lost)
        if len(kept):
            self._free = int(edges[kept[-1]]) + samples
        density = node_settings.number(setting, f"{self._at}/spectroscopy/psd/enable")
        numbers = self._started + kept
        self._started += len(edges)
        self._edges += zip(numbers.tolist(), edges[kept].tolist(), strict=True)
        if self._precomputed:
            which = np.array([number for number, _ in self._edges], np.int64)
            self._edges.clear()
            self._log_points(self._known(which).of_unit[0], settings, bool(density))
            return
        count = min(len(self._edges), -(-_AT_ONCE // samples))
        which = np.array([self._edges.popleft()[1] for _ in range(count)], np.int64)
        if count:
            self._log_points(self._cable.points(run, settings, which), settings, bool(density))

    def _log_points(
        self, found: Complexes, settings: spectroscopy.SpectroscopySettings, density: bool
    ) -> None:
        found = spectroscopy.rms(found)
        if density:
            found = spectroscopy.power_density(found, settings)
        if self.logger is not None:
            self.logger.take({0: found}, np.ones(len(found), np.int64))

    def nodes(self) -> dict[str, Value]:
        """Return what the nodes of the results hold now; the data once they are whole."""
        found: dict[str, Value] = {}
        if self._lost != self._told_lost:
            found[f"{self.section}/result/error/count"] = self._told_lost = self._lost
        if self.logger is None:
            return found
        found[f"{self.section}/result/acquired"] = self.logger.acquired
        if self.logger.done:
            found[f"{self.section}/result/enable"] = 0
            found |= self._data(self.logger)
            self.logger = None
        return found

    def _header(self, logger: ResultLogger) -> ResultHeader:
        """ASSUMED: the time stamp of the first sample is that of the first integration's, the other
        is 0; errors of the channel are those of its mode."""
        setting, reads = self.run.setting, self._mode == READOUT
        samples = node_settings.number(setting, f"{self._at}/spectroscopy/length")
        errors = min(self._lost, 0xFFFF)
        return ResultHeader(
            job=self.run.job,
            center_hz=node_settings.number(setting, f"{self._at}/centerfreq"),
            source=logger.settings.source,
            samples=logger.settings.length,
            spectroscopy_samples=0 if reads else int(samples),
            averages=logger.settings.averages,
            acquired=logger.acquired,
            errors_readout=errors if reads else 0,
            errors_spectroscopy=0 if reads else errors,
            first_sample=0
            if self._first is None
            else self.run.stamp(self.run.time_fs(self._first)),
        )

    def _data_node(self, unit: int) -> str:
        index = f"{unit}/" if self._mode == READOUT else ""
        return f"{self.section}/result/data/{index}wave"

    def _data(self, logger: ResultLogger) -> dict[str, Value]:
        """Return what the nodes of all units hold; those without results hold one vector."""
        header = self._header(logger)
        nothing: Value = None
        found: dict[str, Value] = {}
        for unit in range(logger.units):
            if logger.has_results(unit):
                found[self._data_node(unit)] = result_vector(logger.data(unit), header)
                continue
            if nothing is None:
                nothing = result_vector(logger.data(unit), header)
            found[self._data_node(unit)] = nothing
        return found

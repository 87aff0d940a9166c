"""Executes sequencers that one trigger starts, and has the world answer, ahead of time.

When the trigger is given, all is known that decides it: programs, waveforms, settings. So the run
is executed at once, off the loop, to its end or to where it waits for another trigger, and played
on the world; the analysers then find their results here when their time has come. Another trigger
is another run on the world, of what comes after it. Where generators depend on what is measured,
:mod:`.feedback_run` does the same in pieces. Programs that wait for anything else that is not known
when they start cannot be precomputed.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Final

import numpy as np

from podium.firmware_interfaces.exact_time import FS_PER_NS
from podium.firmware_interfaces.qblox_cluster.limits import tone_amplitude
from podium.sim_instruments.execution.playback import Play, long_run_turn
from podium.sim_instruments.physics.signals import (
    CaptureAnswer,
    CaptureTrain,
    PulseTrain,
    RunSignals,
)
from podium.sim_instruments.twins.zurich.quantum_analyzer.input_saturation import (
    tone_left,
)
from podium.sim_instruments.twins.zurich.quantum_analyzer.readouts import (
    IntegratorSums,
    part_of,
    readouts,
    trigger_edges,
)
from podium.sim_instruments.twins.zurich.quantum_analyzer.scope_trains import (
    Traces,
)
from podium.sim_instruments.twins.zurich.quantum_analyzer.spectroscopy_trains import (
    ProbeSettings,
    ProbeWindows,
    points_of,
    probed,
    probing_trains,
)
from podium.sim_instruments.twins.zurich.runs.generator_output import flux_of, sent
from podium.sim_instruments.twins.zurich.runs.local_time import LocalTime
from podium.sim_instruments.twins.zurich.runs.lookahead_execution import (
    to_the_next_trigger,
)
from podium.sim_instruments.twins.zurich.runs.participants import Key, Participant
from podium.sim_instruments.twins.zurich.runs.readout_signals import (
    ReadoutSignals,
    readout_signals,
)
from podium.sim_instruments.twins.zurich.sequencer.image import HDAWG, Integers
from podium.sim_instruments.twins.zurich.sequencer.processor import ProcessorMoment
from podium.sim_instruments.twins.zurich.sequencer.sequencer_state import Status
from podium.sim_instruments.twins.zurich.signals.marker_lines import MarkerEdges, MarkerOutput
from podium.sim_instruments.twins.zurich.signals.pulse_compaction import compacted
from podium.sim_instruments.twins.zurich.signals.sequencer_signals import (
    results_of,
    turned,
)
from podium.sim_instruments.twins.zurich.triggers.trigger_groups import in_order

TAIL_NS: Final = 1_000
WORLD_TIME: Final = LocalTime()
WHOLE: Final[Mapping[Key, int]] = {}
"""Nothing has been played before."""


@dataclass(frozen=True, slots=True, eq=False)
class PrecomputedRun:
    """Results of a run that was executed ahead of its time."""

    ends_fs: dict[Key, int]
    """By sequencer: when it ends, or comes to where it waits for another trigger."""
    results: dict[Key, IntegratorSums]
    """By sequencer of an analyser: sums of the integrators, or points of spectroscopy as those of
    a single one, of what has not been played before."""
    traces: dict[Key, Traces]
    """By the same: what the scope has taken."""
    loud_ns: Mapping[Key, Integers]
    """By instrument and node that counts it: when a connector was beyond its full scale, from the
    run's beginning on."""
    markers: tuple[MarkerEdges, ...] = ()
    """What leaves marker outputs."""
    bank: tuple[int, ...] | None = None
    """What a PQSC's registers hold in the end; None: unchanged."""
    waiting: frozenset[Key] = frozenset()
    """The sequencers that wait for another trigger."""
    ended: Mapping[Key, ProcessorMoment] = field(default_factory=dict)
    """By sequencer that has ended: where it came to."""
    levels: Mapping[Key, Sequence[tuple[int, int]]] = field(default_factory=dict)
    """By sequencer: when its register of trigger levels has changed, and what it held then."""


def precompute_run(
    participants: Sequence[Participant],
    number: int,
    origin_fs: int,
    play: Play,
    time: LocalTime = WORLD_TIME,
) -> PrecomputedRun:
    """Execute and play a run; raises :class:`CannotPrecompute`.

    Times of sequencers, and ``origin_fs``, are those of the instruments' clock.
    """
    found = _PlayedRun(participants, origin_fs)
    with long_run_turn(play, sum(len(one.run.trace.rows) for one in participants)):
        signals = found.signals(number, time)
        results, traces = found.results(play(signals))
        del signals
    loud_ns = {node: np.concatenate(times) for node, times in found.loud.items() if times}
    waiting = frozenset(one.key for one in participants if one.run.trace.status is Status.WAITING)
    markers = tuple(found.markers)
    ended = {one.key: at for one in participants if (at := one.run.ended) is not None}
    return PrecomputedRun(
        found.ends_fs, results, traces, loud_ns, markers, waiting=waiting, ended=ended
    )


def signals_of(
    participants: Sequence[Participant],
    number: int,
    origin_fs: int,
    time: LocalTime = WORLD_TIME,
) -> RunSignals:
    """Return what :func:`precompute_run` plays; raises :class:`CannotPrecompute`."""
    return _PlayedRun(participants, origin_fs).signals(number, time)


class _PlayedRun:
    """All that participants send and listen to, to their ends or where they wait again."""

    def __init__(self, participants: Sequence[Participant], origin_fs: int) -> None:
        self.ends_fs: dict[Key, int] = {}
        self.since: dict[Key, int] = {}
        """The first sample of each that has not been played before."""
        self.loud: dict[Key, list[Integers]] = defaultdict(list)
        self.markers: list[MarkerEdges] = []
        self._origin_fs = origin_fs
        self._points: list[tuple[Participant, ProbeWindows]] = []
        self._read: list[ReadoutSignals] = []
        self._executed: list[Participant] = []
        for one in in_order(participants):
            self.since[one.key] = to_the_next_trigger(one.run, one.again_fs is not None)
            self.ends_fs[one.key] = one.run.time_fs(one.run.trace.end) + FS_PER_NS
            self._executed.append(one)

    def _made(self, one: Participant) -> Sequence[PulseTrain]:
        """Return what one of them sends; what it listens to is kept."""
        run, fresh = one.run, self.since[one.key]
        begin_ns = (run.start_fs - self._origin_fs) // FS_PER_NS
        loud = self.loud[one.output_node].append
        if run.model is HDAWG:
            return flux_of(one, begin_ns, fresh, self.loud)
        if one.analyser is None:
            return sent(one, run.trace, one.oscillators, begin_ns, fresh, loud)
        if isinstance(one.analyser, ProbeSettings):
            return self._probe(one, one.analyser, begin_ns, fresh)
        started = readouts(run.trace)
        started = part_of(started, np.flatnonzero(started.time >= fresh))
        signals = readout_signals(one, one.analyser, started, begin_ns, loud)
        self._read.append(replace(signals, drives=()))
        return signals.drives

    def _probe(
        self, one: Participant, at: ProbeSettings, begin_ns: int, fresh: int
    ) -> list[PulseTrain]:
        """Return what spectroscopy sends; what it listens to is kept."""
        trace, drives = one.run.trace, []
        edges = trigger_edges(trace, at.output or 0)[: 0 if at.output is None else None]
        edges = edges[edges >= fresh]
        if one.on:
            made = probing_trains(
                f"{one.connector}_out", one.sender, trace, at, edges, one.centre_hz, one.range_dbm,
                begin_ns, one.late,
            )  # fmt: skip
            drives = [turned(train, one.turns) for train in made]
        line = f"{one.connector}_in"
        heard = probed(line, trace, at, edges, one.centre_hz, begin_ns, one.late)
        self._points.append((one, heard))
        return drives

    def signals(self, number: int, time: LocalTime) -> RunSignals:
        """Return what the world is asked to play; call it once.

        A sequencer's rows are dropped as soon as its signals are made: they may be a million.
        """
        drives: list[PulseTrain] = []
        for one in self._executed:
            drives += map(compacted, self._made(one))
            self.markers += markers_of([one], time, self.since)
            one.run.forget_rows()
        until_fs = max(self._origin_fs, *self.ends_fs.values())
        return RunSignals(
            number,
            time.world_fs(self._origin_fs),
            (until_fs - self._origin_fs) // FS_PER_NS + TAIL_NS,
            tuple(drives),
            self.captures,
            {},
        )

    @property
    def captures(self) -> tuple[CaptureTrain, ...]:
        """Return all that is listened to."""
        points = [turned(one.train, participant.turns) for participant, one in self._points]
        return (*points, *(train for one in self._read for train in one.captures))

    def results(
        self, answers: tuple[CaptureAnswer, ...]
    ) -> tuple[dict[Key, IntegratorSums], dict[Key, Traces]]:
        """Return what analysers, and their scopes, make of the answers to ``captures``."""
        results: dict[Key, IntegratorSums] = {}
        traces: dict[Key, Traces] = {}
        left = iter(answers)
        for participant, one in self._points:
            answer = next(left)
            heard, over = tone_left(answer.integrated, tone_amplitude(participant.input_dbm))
            points = points_of(one, replace(answer, integrated=heard))[:, 0]
            results[participant.key] = IntegratorSums(len(points), 1, {0: points})
            for node in participant.input_nodes:
                self.loud[node].append(one.train.start_ns[over])
        for signals in self._read:
            mine, over = signals.digitised(tuple(islice(left, len(signals.listening))))
            key = signals.participant.key
            for node in signals.participant.input_nodes:
                self.loud[node].append(signals.opens_ns[over])
            count = len(signals.opens_ns)
            results[key] = results_of(count, signals.at.units, signals.listening, mine)
            taken = signals.traces(tuple(islice(left, len(signals.scopes))))
            if taken is not None:
                traces[key] = taken
        return results, traces


def markers_of(
    participants: Sequence[Participant],
    time: LocalTime,
    since: Mapping[Key, int] = WHOLE,
    until: Mapping[Key, int] = WHOLE,
    known: dict[Key, MarkerOutput] | None = None,
) -> tuple[MarkerEdges, ...]:
    """Return edges of participants' markers, in the world's time, ``since`` a sample of each.

    ``until``: the sample before which all is known, of those that go on. ``known``: keeps the
    outputs of a run that goes on, so that what is new alone is worked out.
    """
    found = []
    known = {} if known is None else known
    for participant in participants:
        run = participant.run
        if participant.marker is not None:
            output = known.setdefault(participant.key, MarkerOutput(participant.marker, run.image))
            edges = output.edges(run.trace, until.get(participant.key))
            edges = (edges[edges >= since.get(participant.key, 0)] + participant.late).tolist()
            of_run = output.at_fs
            of_run |= {at: time.world_fs(run.time_fs(at)) for at in edges if at not in of_run}
            at_fs = tuple(of_run[edge] for edge in edges)
            found.append(MarkerEdges(f"{participant.connector}_marker", participant.sender, at_fs))
    return tuple(found)

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
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from podium.firmware_interfaces.exact_time import FS_PER_NS
from podium.firmware_interfaces.qblox_cluster.limits import tone_amplitude
from podium.sim_instruments.execution.playback import Play
from podium.sim_instruments.physics.signals import CaptureTrain, PulseTrain, RunSignals
from podium.sim_instruments.twins.zurich.quantum_analyzer.input_saturation import (
    digitised,
    tone_left,
)
from podium.sim_instruments.twins.zurich.quantum_analyzer.multistate import integrators_of
from podium.sim_instruments.twins.zurich.quantum_analyzer.oscillator_modulation import Carriers
from podium.sim_instruments.twins.zurich.quantum_analyzer.readouts import (
    Complexes,
    part_of,
    readouts,
    trigger_edges,
)
from podium.sim_instruments.twins.zurich.quantum_analyzer.scope_trains import (
    Traces,
    scope_trains,
    traces_of,
)
from podium.sim_instruments.twins.zurich.quantum_analyzer.spectroscopy_trains import (
    ProbeSettings,
    points_of,
    probed,
    probing_trains,
)
from podium.sim_instruments.twins.zurich.runs.local_time import LocalTime
from podium.sim_instruments.twins.zurich.runs.lookahead_execution import (
    CannotPrecompute,
    to_the_next_trigger,
)
from podium.sim_instruments.twins.zurich.runs.participants import Analyser, Key, Participant
from podium.sim_instruments.twins.zurich.sequencer.image import HDAWG, Integers
from podium.sim_instruments.twins.zurich.sequencer.sequencer_state import Status
from podium.sim_instruments.twins.zurich.signals.flux_trains import NoFlux, flux_trains
from podium.sim_instruments.twins.zurich.signals.marker_lines import MarkerEdges, edges_of
from podium.sim_instruments.twins.zurich.signals.pulse_compaction import compacted
from podium.sim_instruments.twins.zurich.signals.sequencer_signals import (
    capture_trains,
    drive_trains,
    readout_trains,
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
    results: dict[Key, Complexes]
    """By sequencer of an analyser: sums of the integrators, shape (readouts, units), or points of
    spectroscopy, shape (triggers, 1), of what has not been played before."""
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
    drives: list[PulseTrain] = []
    captures = []
    ends: dict[Key, int] = {}
    since: dict[Key, int] = {}
    heard = []
    points = []
    loud: dict[Key, list[Integers]] = defaultdict(list)
    for participant in in_order(participants):
        run = participant.run
        fresh = since[participant.key] = to_the_next_trigger(run, participant.again_fs is not None)
        ends[participant.key] = run.time_fs(run.trace.end) + FS_PER_NS
        begin_ns = (run.start_fs - origin_fs) // FS_PER_NS
        if run.model is HDAWG:
            drives += flux_of(participant, begin_ns, fresh)
            continue
        if participant.analyser is None:
            if participant.on:
                made = drive_trains(
                    participant.connector, participant.sender, run.trace, run.image,
                    participant.oscillators, participant.centre_hz, participant.range_dbm,
                    begin_ns, participant.late, fresh, loud[participant.output_node].append,
                )  # fmt: skip
                drives += [turned(one, participant.turns) for one in made]
            continue
        at = participant.analyser
        if isinstance(at, ProbeSettings):
            edges = trigger_edges(run.trace, at.output or 0)[: 0 if at.output is None else None]
            edges = edges[edges >= fresh]
            if participant.on:
                sent = probing_trains(
                    f"{participant.connector}_out", participant.sender, run.trace, at, edges,
                    participant.centre_hz, participant.range_dbm, begin_ns, participant.late,
                )  # fmt: skip
                drives += [turned(one, participant.turns) for one in sent]
            one = probed(
                f"{participant.connector}_in", run.trace, at, edges, participant.centre_hz,
                begin_ns, participant.late,
            )  # fmt: skip
            points.append((participant, one))
            continue
        carriers = None
        if at.carriers is not None:
            carriers = Carriers(run.trace, at.carriers, participant.late)
        started = readouts(run.trace)
        started = part_of(started, np.flatnonzero(started.time >= fresh))
        started = replace(started, time=started.time + participant.late)
        if participant.on:
            made = readout_trains(
                f"{participant.connector}_out", participant.sender, started, at.waves, at.delay,
                participant.centre_hz, participant.range_dbm, begin_ns, carriers,
                loud=loud[participant.output_node].append,
            )  # fmt: skip
            drives += [turned(one, participant.turns) for one in made]
        asked = started
        if at.qudits:
            asked = replace(started, integrators=integrators_of(started.integrators, at.qudits))
        trains = capture_trains(
            f"{participant.connector}_in",
            asked,
            at.settings,
            participant.centre_hz,
            begin_ns,
            carriers,
        )
        captures += [turned(one.train, participant.turns) for one in trains.values()]
        scopes: tuple[CaptureTrain, ...] = ()
        if at.scope is not None:
            scopes = scope_trains(
                f"{participant.connector}_in", started.time[started.monitor], at.scope,
                participant.centre_hz, begin_ns,
            )  # fmt: skip
        captures += [turned(one, participant.turns) for one in scopes]
        heard.append((participant, begin_ns, started, trains, len(scopes)))
    until_fs = max(origin_fs, *ends.values())
    signals = RunSignals(
        number,
        time.world_fs(origin_fs),
        (until_fs - origin_fs) // FS_PER_NS + TAIL_NS,
        tuple(compacted(one) for one in drives),
        (*(turned(one.train, participant.turns) for participant, one in points), *captures),
        {},
    )
    answers = play(signals)
    results: dict[Key, Complexes] = {}
    traces: dict[Key, Traces] = {}
    for (participant, one), answer in zip(points, answers[: len(points)], strict=True):
        left, over = tone_left(answer.integrated, tone_amplitude(participant.input_dbm))
        results[participant.key] = points_of(one, replace(answer, integrated=left))
        for node in participant.input_nodes:
            loud[node].append(one.train.start_ns[over])
    answers = answers[len(points) :]
    for participant, begin_ns, started, trains, scoped in heard:
        mine, answers = answers[: len(trains)], answers[len(trains) :]
        reads = participant.analyser
        if not isinstance(reads, Analyser):
            continue
        full, count = tone_amplitude(participant.input_dbm), len(started.time)
        mine, over = digitised(count, trains, mine, full)
        for node in participant.input_nodes:
            loud[node].append(begin_ns + (started.time[over] >> 1))
        results[participant.key] = results_of(count, reads.units, trains, mine)
        mine, answers = answers[:scoped], answers[scoped:]
        if reads.scope is not None and scoped:
            triggers = started.time[started.monitor]
            traces[participant.key] = traces_of(
                reads.scope, triggers, mine, participant.centre_hz, full
            )
    found = {node: np.concatenate(times) for node, times in loud.items() if times}
    waiting = frozenset(one.key for one in participants if one.run.trace.status is Status.WAITING)
    markers = markers_of(participants, time, since)
    return PrecomputedRun(ends, results, traces, found, markers, waiting=waiting)


def markers_of(
    participants: Sequence[Participant], time: LocalTime, since: Mapping[Key, int] = WHOLE
) -> tuple[MarkerEdges, ...]:
    """Return edges of participants' markers, in the world's time, ``since`` a sample of each."""
    found = []
    for participant in participants:
        run = participant.run
        if participant.marker is not None:
            edges = edges_of(participant.marker, run.trace, run.image)
            edges = (edges[edges >= since.get(participant.key, 0)] + participant.late).tolist()
            at_fs = tuple(time.world_fs(run.time_fs(edge)) for edge in edges)
            found.append(MarkerEdges(f"{participant.connector}_marker", participant.sender, at_fs))
    return tuple(found)


def flux_of(participant: Participant, begin_ns: int, since: int = 0) -> list[PulseTrain]:
    """Return what the outputs of an HDAWG's core send from a sample on."""
    run = participant.run
    made = flux_trains(
        participant.flux,
        participant.sender,
        run.trace,
        run.image,
        begin_ns,
        participant.late,
        since,
    )
    try:
        return list(made)
    except NoFlux as error:
        raise CannotPrecompute(f"{participant.sender}: {error}") from error

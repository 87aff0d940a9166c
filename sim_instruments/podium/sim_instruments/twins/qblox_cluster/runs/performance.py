"""All that the sequencers of one run put out and listen to, and what the answers leave of it."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.deduplicate import EqualArrays
from podium.sim_instruments.physics.signals import (
    CaptureAnswer,
    CaptureTrain,
    PulseTrain,
)
from podium.sim_instruments.twins.qblox_cluster.inputs.input_stage import (
    SequencerAcquisitions,
    heard,
    listening,
)
from podium.sim_instruments.twins.qblox_cluster.inputs.ttl_stage import (
    CountingWindows,
    counted,
    counting,
    joined,
)
from podium.sim_instruments.twins.qblox_cluster.outputs.awg_modes import is_plain
from podium.sim_instruments.twins.qblox_cluster.outputs.lo_leak import leaks
from podium.sim_instruments.twins.qblox_cluster.outputs.output_stage import (
    OUTPUT_OVERFLOW,
    SwitchTimeline,
    marker_rows,
    plain_trains,
    pulse_trains,
    switch_timeline,
)
from podium.sim_instruments.twins.qblox_cluster.processor.q1_processor import Q1Processor
from podium.sim_instruments.twins.qblox_cluster.processor.q1_run import Q1Run
from podium.sim_instruments.twins.qblox_cluster.processor.real_time_trace import (
    Ending,
    RealTimeTrace,
    RepeatedTrace,
)
from podium.sim_instruments.twins.qblox_cluster.runs.sequencer_run import (
    RunOutcome,
    SequencerOutcome,
    SequencerRun,
    acquisition_spacing_ns,
)


@dataclass(frozen=True, slots=True, eq=False)
class Performance:
    """All that one run puts out and listens to, before the world has answered."""

    runs: tuple[SequencerRun, ...]
    traces: tuple[RealTimeTrace, ...]
    drives: tuple[PulseTrain, ...]
    listening: tuple[SequencerAcquisitions | None, ...]
    counting: tuple[CountingWindows | None, ...]
    """Windows in which triggers are counted."""
    overflowed: tuple[bool, ...]

    @property
    def captures(self) -> tuple[CaptureTrain, ...]:
        """Everything listened to, in the order in which the world is asked."""
        both = zip(self.listening, self.counting, strict=True)
        return tuple(train for pair in both for one in pair if one for train in one.trains)

    @property
    def duration_ns(self) -> int:
        """From the start to the last output and the end of the last integration."""
        ends = [trace.end_ns for trace in self.traces]
        ends += [one.end_ns for one in (*self.listening, *self.counting) if one is not None]
        ends += [train.end_ns for train in self.drives]
        return max(ends, default=0)


def processors_of(
    runs: Sequence[SequencerRun], names: Sequence[str] = ()
) -> tuple[Q1Processor, ...]:
    """Return the processors of sequencers that start together; ``names``: other than their own."""
    acquiring = Counter(run.slot for run in runs if run.acquires)
    return tuple(
        Q1Processor(
            run.program,
            replace(
                run.setup(), acquisition_spacing_ns=acquisition_spacing_ns(acquiring[run.slot])
            ),
            name=name,
        )
        for run, name in zip(runs, names or [run.sender for run in runs], strict=True)
    )


def performance(runs: Sequence[SequencerRun], traces: tuple[RealTimeTrace, ...]) -> Performance:
    """Return the signals of what the sequencers did."""
    markers = [marker_rows(r, t) for r, t in zip(runs, traces, strict=True)]
    switches = switches_of(runs, markers)
    parts = [sequencer_signals(r, t, switches[r.slot]) for r, t in zip(runs, traces, strict=True)]
    return joined_performance(runs, traces, parts, switches)


SequencerSignals = tuple[
    tuple[PulseTrain, ...], SequencerAcquisitions | None, CountingWindows | None, bool
]
"""What one sequencer plays, listens to and counts, and whether it overflowed."""


def sequencer_signals(
    run: SequencerRun, trace: RealTimeTrace, switches: Mapping[int, SwitchTimeline]
) -> SequencerSignals:
    """Return the signals of one sequencer; ``switches``: of its module's outputs."""
    trains, over = pulse_trains(run, trace, switches)
    return trains, listening(run, trace), counting(run, trace), over


def taken_signals(
    run: SequencerRun, done: Q1Run, switches: Mapping[int, SwitchTimeline]
) -> tuple[SequencerSignals, RealTimeTrace]:
    """Return the signals of a sequencer that has run, whose rows are forgotten, and its trace.

    Rows that only play are left out of the trace where it can be: they are most of it. What
    time-tag sequencers did is needed as a whole.
    """
    if run.channel is not None or not is_plain(run):
        trace = done.take_trace()
        return sequencer_signals(run, trace, switches), trace
    trace = done.acquisitions_and_markers()
    trains, over = plain_trains(run, _Stretches(done), trace.end_ns, switches)
    done.written.forget()
    return (trains, listening(run, trace), counting(run, trace), over), trace


def with_shared_arrays(signals: SequencerSignals, shared: EqualArrays) -> SequencerSignals:
    """Return signals whose arrays are those of other sequencers where they are equal."""
    trains, listened, counted, over = signals
    trains = tuple(
        replace(one, start_ns=shared.one_of(one.start_ns), piece=shared.one_of(one.piece))
        for one in trains
    )
    if listened is not None:
        captures = tuple(
            replace(one, start_ns=shared.one_of(one.start_ns), window=shared.one_of(one.window))
            for one in listened.trains
        )
        listened = replace(
            listened,
            acquisition=shared.one_of(listened.acquisition),
            bin=shared.one_of(listened.bin),
            start_ns=shared.one_of(listened.start_ns),
            turning=shared.one_of(listened.turning),
            trains=captures,
        )
    return trains, listened, counted, over


@dataclass(frozen=True, slots=True)
class _Stretches:
    """The parts of a trace, as often as they are wanted."""

    done: Q1Run

    def __iter__(self) -> Iterator[RealTimeTrace | RepeatedTrace]:
        return self.done.stretches()


def joined_performance(
    runs: Sequence[SequencerRun],
    traces: tuple[RealTimeTrace, ...],
    parts: Sequence[SequencerSignals],
    switches: Mapping[int, Mapping[int, SwitchTimeline]],
) -> Performance:
    """Return the signals of all, one of ``parts`` for each run, with carriers that leak."""
    drives = [train for trains, *_ in parts for train in trains]
    end_ns = max((trace.end_ns for trace in traces), default=0)
    for slot, run in {run.slot: run for run in runs}.items():
        drives += leaks(slot, run.afe, switches[slot], end_ns)
    return Performance(
        runs=tuple(runs),
        traces=traces,
        drives=tuple(drives),
        listening=tuple(listened for _, listened, _, _ in parts),
        counting=tuple(counted for _, _, counted, _ in parts),
        overflowed=tuple(over for *_, over in parts),
    )


def switches_of(
    runs: Sequence[SequencerRun],
    rows: Sequence[tuple[NDArray[np.int64], NDArray[np.int8]]],
) -> dict[int, dict[int, SwitchTimeline]]:
    """Return the timeline of each output switch, by slot and output; ``rows`` of markers."""
    switches: dict[int, dict[int, SwitchTimeline]] = {}
    for run in runs:
        if run.slot in switches:
            continue
        markers = [one for other, one in zip(runs, rows, strict=True) if other.slot == run.slot]
        switches[run.slot] = {
            output: switch_timeline(run.afe, output, markers)
            for output in range(len(run.afe.model.outputs))
        }
    return switches


def outcome(performed: Performance, answers: tuple[CaptureAnswer, ...]) -> RunOutcome:
    """Return what is left of a performance once the world has answered."""
    results: list[SequencerOutcome] = []
    at = 0
    for run, trace, listened, windows, overflowed in zip(
        performed.runs,
        performed.traces,
        performed.listening,
        performed.counting,
        performed.overflowed,
        strict=True,
    ):
        flags: list[str] = []
        end_ns: int | None = trace.end_ns if trace.ending is Ending.STOPPED else None
        bins: dict[int, np.ndarray[tuple[int, ...], np.dtype[np.void]]] = {}
        scope = None
        if listened is not None:
            mine = answers[at : at + len(listened.trains)]
            at += len(listened.trains)
            left = heard(listened, mine)
            flags += left.flags
            bins, scope = dict(left.bins), left.scope
            end_ns = None if end_ns is None else max(end_ns, listened.end_ns)
        if windows is not None:
            mine = answers[at : at + len(windows.trains)]
            at += len(windows.trains)
            found = counted(windows, mine)
            flags += [flag for flag in found.flags if flag not in flags]
            bins = joined(bins, found.bins)
            end_ns = None if end_ns is None else max(end_ns, windows.end_ns)
        if overflowed:
            flags.append(OUTPUT_OVERFLOW)
        results.append(
            SequencerOutcome(
                slot=run.slot,
                sequencer=run.sequencer,
                end_ns=end_ns,
                flags=(*flags, *trace.flags),
                exit_code=trace.exit_code,
                registers=trace.registers,
                log=" / ".join(trace.log),
                bins=bins,
                scope=scope,
            )
        )
    return RunOutcome(tuple(results))

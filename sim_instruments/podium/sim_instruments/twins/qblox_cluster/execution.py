"""One run from its frozen beginning to its outcome: emulate, play, digitise.

This is the work that a worker thread does; nothing here touches the twin.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from podium.sim_instruments.physics.signals import Captured, CaptureTrain, PulseTrain, RunSignals
from podium.sim_instruments.twins.qblox_cluster.input_stage import Listening, heard, listening
from podium.sim_instruments.twins.qblox_cluster.output_stage import (
    OUTPUT_OVERFLOW,
    SwitchTimeline,
    marker_rows,
    pulse_trains,
    switch_timeline,
)
from podium.sim_instruments.twins.qblox_cluster.playback import Play
from podium.sim_instruments.twins.qblox_cluster.q1_processor import Q1Processor, run_together
from podium.sim_instruments.twins.qblox_cluster.real_time_trace import Ending, RealTimeTrace
from podium.sim_instruments.twins.qblox_cluster.sequencer_run import (
    RunOutcome,
    SequencerOutcome,
    SequencerRun,
)


@dataclass(frozen=True, slots=True, eq=False)
class Performance:
    """All that one run puts out and listens to, before the world has answered."""

    runs: tuple[SequencerRun, ...]
    traces: tuple[RealTimeTrace, ...]
    drives: tuple[PulseTrain, ...]
    listening: tuple[Listening | None, ...]
    overflowed: tuple[bool, ...]

    @property
    def captures(self) -> tuple[CaptureTrain, ...]:
        """Everything listened to, in the order in which the world is asked."""
        return tuple(train for one in self.listening if one is not None for train in one.trains)

    @property
    def duration_ns(self) -> int:
        """From the start to the last output and the end of the last integration."""
        ends = [trace.end_ns for trace in self.traces]
        ends += [one.end_ns for one in self.listening if one is not None]
        return max(ends, default=0)


def perform(runs: Sequence[SequencerRun]) -> Performance:
    """Execute the programs of all ``runs`` together and return their signals."""
    traces = run_together(tuple(Q1Processor(run.program, run.setup()) for run in runs))
    switches = _switches(runs, traces)
    drives: list[PulseTrain] = []
    overflowed: list[bool] = []
    for run, trace in zip(runs, traces, strict=True):
        trains, over = pulse_trains(run, trace, switches[run.slot])
        drives += trains
        overflowed.append(over)
    return Performance(
        runs=tuple(runs),
        traces=traces,
        drives=tuple(drives),
        listening=tuple(listening(r, t) for r, t in zip(runs, traces, strict=True)),
        overflowed=tuple(overflowed),
    )


def _switches(
    runs: Sequence[SequencerRun], traces: Sequence[RealTimeTrace]
) -> dict[int, dict[int, SwitchTimeline]]:
    """Return the timeline of each output switch, by slot and output."""
    switches: dict[int, dict[int, SwitchTimeline]] = {}
    for run in runs:
        if run.slot in switches:
            continue
        markers = [
            marker_rows(other, trace)
            for other, trace in zip(runs, traces, strict=True)
            if other.slot == run.slot
        ]
        switches[run.slot] = {
            output: switch_timeline(run.afe, output, markers)
            for output in range(len(run.afe.model.outputs))
        }
    return switches


def execute(runs: Sequence[SequencerRun], number: int, start_tai_fs: int, play: Play) -> RunOutcome:
    """Perform ``runs``, play them on the world and return what each sequencer keeps of it."""
    performance = perform(runs)
    signals = RunSignals(
        run=number,
        start_tai_fs=start_tai_fs,
        duration_ns=performance.duration_ns,
        drives=performance.drives,
        captures=performance.captures,
        biases_v={},
    )
    answers = play(signals) if signals.drives or signals.captures else ()
    return outcome(performance, answers)


def outcome(performance: Performance, answers: tuple[Captured, ...]) -> RunOutcome:
    """Return what is left of a performance once the world has answered."""
    results: list[SequencerOutcome] = []
    at = 0
    for run, trace, listened, overflowed in zip(
        performance.runs,
        performance.traces,
        performance.listening,
        performance.overflowed,
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
        if overflowed:
            flags.append(OUTPUT_OVERFLOW)
        results.append(
            SequencerOutcome(
                slot=run.slot,
                sequencer=run.sequencer,
                end_ns=end_ns,
                flags=(*flags, *trace.flags),
                exit_code=trace.exit_code,
                log=" / ".join(trace.log),
                bins=bins,
                scope=scope,
            )
        )
    return RunOutcome(tuple(results))

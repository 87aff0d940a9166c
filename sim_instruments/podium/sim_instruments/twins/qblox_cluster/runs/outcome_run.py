"""A run that depends on what it measures, played by a walk on the tree of its outcomes.

What was walked is not believed: once all triggers are known, the programs are executed once more
from start to end, and every row of every sequencer, and every window, must be what the world was
told. A run for which that does not hold, or whose shots are hardly ever alike, is played as it
comes (:mod:`.feedback_run`), with the same random numbers.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from podium.firmware_interfaces.qblox_cluster.q1asm.isa import Operation
from podium.sim_instruments.execution.firmware import CannotBranch, Planned
from podium.sim_instruments.execution.outcome_tree import OutcomeTree, Walked
from podium.sim_instruments.execution.walked_rows import gathered
from podium.sim_instruments.physics.dialogue import Dialogue
from podium.sim_instruments.physics.episodes import NotSimulated
from podium.sim_instruments.physics.session_plan import CannotPlan
from podium.sim_instruments.physics.signals import CaptureAnswer, CaptureTrain
from podium.sim_instruments.twins.qblox_cluster.outputs.output_stage import output_lines, shapings
from podium.sim_instruments.twins.qblox_cluster.processor.q1_group import Q1Group
from podium.sim_instruments.twins.qblox_cluster.processor.q1_processor import Q1Processor, Trigger
from podium.sim_instruments.twins.qblox_cluster.processor.real_time_trace import (
    Ending,
    RealTimeTrace,
)
from podium.sim_instruments.twins.qblox_cluster.runs.outcome_content import row_columns
from podium.sim_instruments.twins.qblox_cluster.runs.outcome_firmware import OutcomeFirmware
from podium.sim_instruments.twins.qblox_cluster.runs.outcome_ways import Done
from podium.sim_instruments.twins.qblox_cluster.runs.sequencer_run import SequencerRun
from podium.sim_instruments.twins.qblox_cluster.trigger_network import LATENCY_NS

_NOT_PLANNED = frozenset(
    {
        Operation.FB_CMD,
        Operation.FB_POP_DATA,
        Operation.FB_PULL_DATA,
        Operation.ACQUIRE_TTL,
        Operation.PLAY_PULSE,
    }
)


@dataclass(frozen=True, slots=True, eq=False)
class TreeRun:
    """One run that was walked, and found to be what its programs do."""

    runs: tuple[SequencerRun, ...]
    traces: tuple[RealTimeTrace, ...]
    synced_ns: tuple[int, ...]
    begin_ns: int
    dialogue: Dialogue
    sent: NDArray[np.int64]
    """Shape (n, 2): instant of sending, from the start, and address of each measured pulse."""
    tree: OutcomeTree

    def triggers(self, number: int) -> None:
        """Return how many triggers came in each window of a sequencer: none of them counts any."""

    def answers(self, captures: Sequence[Sequence[CaptureTrain]]) -> tuple[CaptureAnswer, ...]:
        """Return the answers to all that every sequencer listened to.

        Raises CannotBranch for windows that were not walked.
        """
        found: list[CaptureAnswer] = []
        for number, trains in enumerate(captures):
            for path, train in enumerate(trains):
                place = 2 * number + path
                values = self.tree.values(place, train.start_ns - self.begin_ns)
                trace, trace_hz = None, 0.0
                if train.scope:
                    self.tree.remember(place)
                    trace, trace_hz = self.dialogue.trace(place) or (None, 0.0)
                found.append(CaptureAnswer(values, trace, trace_hz))
        return tuple(found)


def walked(
    runs: Sequence[SequencerRun],
    processors: Callable[[], Sequence[Q1Processor]],
    begin: Callable[[int], Dialogue],
    external: Sequence[Trigger] = (),
) -> TreeRun | None:
    """Play a run on the tree of its outcomes; None: it is to be played as it comes.

    ``external``: all triggers from outside, those that nobody hears of later included.
    """
    if any(run.channel is not None or _NOT_PLANNED & run.operations for run in runs):
        return None
    if any(_is_shaped(run) for run in runs):
        return None
    for joins in (True, False):  # at the second try each way is gone by itself
        firmware = OutcomeFirmware(runs, processors(), external, joins=joins)
        try:
            found = _walked(firmware, runs, processors, begin, external)
        except (CannotBranch, CannotPlan, NotSimulated):
            found = None
        if found is not None or not firmware.has_joined:
            return found
    return None


def _is_shaped(run: SequencerRun) -> bool:
    """Tell whether filters or delays of a sequencer's outputs go on from one halt to the next."""
    return any(
        one.filters or one.delay_ns for line in output_lines(run) for one in shapings(run, line)
    )


def _walked(
    firmware: OutcomeFirmware,
    runs: Sequence[SequencerRun],
    processors: Callable[[], Sequence[Q1Processor]],
    begin: Callable[[int], Dialogue],
    external: Sequence[Trigger],
) -> TreeRun | None:
    begun = firmware.begin()
    dialogue = begin(firmware.begin_ns)
    plan = dialogue.planned(firmware.carriers) if isinstance(dialogue, Planned) else None
    if plan is None:
        return None
    scopes = any(run.scope for run in runs)
    tree = OutcomeTree(firmware, begun, plan, 2 * len(runs), scopes)
    found = tree.walk()
    triggers = _triggers(found, firmware.begin_ns)
    together = Q1Group(processors())
    together.expect(triggers)
    together.proceed(())
    traces = together.traces()
    if any(trace.ending is not Ending.STOPPED for trace in traces):
        return None
    for number, trace in enumerate(traces):
        if not _is_what_was_walked(trace, found, firmware.begin_ns, number):
            return None
    return TreeRun(
        tuple(runs),
        traces,
        tuple(together.synced_ns),
        firmware.begin_ns,
        dialogue,
        _measured(triggers, external).T - np.array([LATENCY_NS, 0]),
        tree,
    )


def _done(found: Walked, number: int) -> Done:
    done = found.done[number]
    if not isinstance(done, Done):
        raise TypeError("not done by this firmware")
    return done


def _triggers(found: Walked, begin_ns: int) -> NDArray[np.int64]:
    """Return times and addresses of all triggers that were delivered, shape (2, n)."""
    begun = found.begun
    dones = [*([begun] if isinstance(begun, Done) else [])]
    dones += [_done(found, number) for number in range(len(found.done))]
    sizes = np.array([len(one.triggers) for one in dones], np.int64)
    all_ = [(one.time_ns, one.address) for done in dones for one in done.triggers]
    known = np.array(all_, np.int64).reshape(-1, 2).T
    rows, counts, at_ns = gathered(sizes, found, begin_ns)
    times = known[0][rows] + np.repeat(at_ns, counts)
    return np.stack([times, known[1][rows]])


def _measured(triggers: NDArray[np.int64], external: Sequence[Trigger]) -> NDArray[np.int64]:
    """Return the triggers that measurements sent; no two are delivered at one instant."""
    from_outside = np.array([one.time_ns for one in external], np.int64)
    return triggers[:, ~np.isin(triggers[0], from_outside)]


def _is_what_was_walked(trace: RealTimeTrace, found: Walked, begin_ns: int, number: int) -> bool:
    """Tell whether a sequencer did, row by row, what the world received."""
    begun = found.begun
    if not isinstance(begun, Done):
        return False
    dones = [begun, *(_done(found, edge) for edge in range(len(found.done)))]
    sizes = np.array([one.rows64[number].shape[1] for one in dones], np.int64)
    rows, counts, at_ns = gathered(sizes, found, begin_ns)
    if len(rows) != len(trace):
        return False
    rows64 = np.concatenate([one.rows64[number] for one in dones], axis=1)
    rows32 = np.concatenate([one.rows32[number] for one in dones], axis=1)
    times = rows64[0][rows] + np.repeat(at_ns, counts)
    if not np.array_equal(times, trace.time_ns):
        return False
    if not np.array_equal(rows64[1][rows], trace.nco_phase):
        return False
    columns = row_columns(trace)
    return all(_same(rows32[k], rows, column) for k, column in enumerate(columns))


def _same(values: NDArray[np.int32], rows: NDArray[np.int64], column: NDArray[np.int32]) -> bool:
    if values.size and (values == values[0]).all():
        return bool((column == values[0]).all())
    return bool(np.array_equal(values[rows], column))

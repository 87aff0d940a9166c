"""A run that depends on what it measures, played by a walk on the tree of its outcomes.

What was walked is not believed: once all triggers are known, the programs are executed once more
from start to end, and every row of every sequencer, and every window, must be what the world was
told. A run for which that does not hold is walked step by step: each way is gone by itself, and all
outcomes are decided. One whose shots are hardly ever alike is played as it comes
(:mod:`.feedback_run`), with the same random numbers.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from podium.firmware_interfaces.qblox_cluster.q1asm.isa import Operation
from podium.sim_instruments.execution.firmware import CannotBranch, Planned
from podium.sim_instruments.execution.outcome_tree import OutcomeTree
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
from podium.sim_instruments.twins.qblox_cluster.runs.outcome_firmware import OutcomeFirmware
from podium.sim_instruments.twins.qblox_cluster.runs.sequencer_run import SequencerRun
from podium.sim_instruments.twins.qblox_cluster.runs.walked_sequencers import WalkedSequencers
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
    for step_by_step in (False, True):
        firmware = OutcomeFirmware(runs, processors(), external, step_by_step=step_by_step)
        try:
            found = _walked(firmware, runs, processors, begin, external)
            has_guessed = firmware.has_guessed
        except CannotPlan:
            return None
        except (CannotBranch, NotSimulated):  # to decide more makes no fewer branches
            found, has_guessed = None, firmware.has_joined
        if found is not None or not has_guessed:
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
        raise CannotPlan("this world plans no run")
    scopes = any(run.scope for run in runs)
    tree = OutcomeTree(firmware, begun, plan, 2 * len(runs), scopes)
    sequencers = WalkedSequencers(runs, tree, tree.walk(), firmware.begin_ns)
    triggers = sequencers.triggers()
    if triggers is None:
        return None
    together = Q1Group(processors())
    together.expect(triggers)
    together.proceed(())
    traces = together.traces()
    if not _is_what_was_walked(sequencers, traces):
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


def _is_what_was_walked(sequencers: WalkedSequencers, traces: Sequence[RealTimeTrace]) -> bool:
    """Tell whether each sequencer comes to its end, and does what the world received."""
    return all(
        trace.ending is Ending.STOPPED and sequencers.did(number, trace)
        for number, trace in enumerate(traces)
    )


def _measured(triggers: NDArray[np.int64], external: Sequence[Trigger]) -> NDArray[np.int64]:
    """Return the triggers that measurements sent; no two are delivered at one instant."""
    from_outside = np.array([one.time_ns for one in external], np.int64)
    return triggers[:, ~np.isin(triggers[0], from_outside)]

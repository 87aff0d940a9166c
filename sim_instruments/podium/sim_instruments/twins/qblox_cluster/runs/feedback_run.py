"""A run that depends on what it measures: sequencers and world go on in turns.

See :mod:`...execution.conversation`, and for what sequencers ask :mod:`.feedback_sequencers`.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from podium.firmware_interfaces.qblox_cluster.q1asm.isa import Operation
from podium.sim_instruments.execution.conversation import Conversation
from podium.sim_instruments.physics.dialogue import Dialogue, MeetingDialogue
from podium.sim_instruments.physics.signals import CaptureAnswer, CaptureTrain
from podium.sim_instruments.twins.qblox_cluster.outputs.output_stage import (
    has_switches,
    output_lines,
    shapings,
)
from podium.sim_instruments.twins.qblox_cluster.outputs.sent_edges import RunLines
from podium.sim_instruments.twins.qblox_cluster.processor.q1_abilities import (
    NotEmulated,
    shares_results,
)
from podium.sim_instruments.twins.qblox_cluster.processor.q1_group import FOR_EVER, Q1Group
from podium.sim_instruments.twins.qblox_cluster.processor.q1_processor import Trigger
from podium.sim_instruments.twins.qblox_cluster.processor.real_time_trace import RealTimeTrace
from podium.sim_instruments.twins.qblox_cluster.runs.feedback_sequencers import FeedbackSequencers
from podium.sim_instruments.twins.qblox_cluster.runs.sequencer_run import SequencerRun
from podium.sim_instruments.twins.qblox_cluster.time_tagging.time_tag_inputs import TimeTagInputs

CONDITIONAL: Final = frozenset({Operation.SET_COND, Operation.WAIT_TRIGGER})
_RECEIVES: Final = frozenset({Operation.FB_POP_DATA, Operation.FB_PULL_DATA})


def depends_on_measurements(runs: Sequence[SequencerRun]) -> bool:
    """Tell whether some sequencer of a run may do what another one's measurement says.

    Raises :class:`NotEmulated` where this twin cannot play them piece by piece.
    """
    conditional = any(CONDITIONAL & run.operations for run in runs)
    senders = [run for run in runs if run.sends_triggers] if conditional else []
    hears = any(_RECEIVES & run.operations for run in runs)
    shares = hears and any(shares_results(run.program) for run in runs)
    if not senders and not shares:
        return False
    for run in runs:
        if run.configuration.continuous != (None, None):
            raise NotEmulated(
                f"{run.sender} plays in continuous mode: this twin does not emulate that where "
                "sequencers do what others have measured"
            )
        for line in output_lines(run) if has_switches(run.afe) else ():
            if any(one.delay_ns for one in shapings(run, line)):
                raise NotEmulated(
                    f"output {line.output} of {run.sender} is delayed in real time, and a marker "
                    "closes its switch: this twin does not emulate that where sequencers do what "
                    "others have measured; disable the stages of its predistortion"
                )
    return True


class FeedbackRun:
    """One such run on its way. Belongs to one worker thread at a time."""

    def __init__(
        self,
        runs: Sequence[SequencerRun],
        together: Q1Group,
        inputs: TimeTagInputs | None = None,
        lines: RunLines | None = None,
    ) -> None:
        """``runs`` with the phases that their oscillators have; ``inputs`` of time-tag sequencers.

        ``lines`` take what it sends, None: nobody waits for that before it is over.
        A scope that averages or waits for a level records nothing of such a run.
        """
        self.together = together
        self.runs = tuple(
            replace(run, scope=run.scope and not run.afe.scope.needs_all) for run in runs
        )
        self._sequencers = FeedbackSequencers(self.runs, together, inputs, lines)
        self._conversation = Conversation(
            [self._sequencers],
            lambda: self._begin(self.begin_ns),
            can_wait=lines is not None,
        )
        self._begin: Callable[[int], Dialogue]

    def go_on(
        self,
        triggers: Sequence[Trigger],
        known_ns: int,
        begin: Callable[[int], Dialogue],
        heard_ns: int = FOR_EVER,
    ) -> bool:
        """Go on; return whether the programs have come to their ends, and all is answered.

        ``triggers`` are external pulses that came since the last call, all until ``known_ns``;
        ``begin`` begins the dialogue with the world at a time from the start; until ``heard_ns`` it
        can be known what inputs of time-tag sequencers hear.
        """
        self._begin = begin
        self._sequencers.know(triggers, known_ns, heard_ns)
        over = self._conversation.run()
        for one in self._conversation.left_behind:
            raise NotEmulated(f"the sequencers of this run are left behind: {one.why}")
        if self.waits_for_others is not None:
            self._sequencers.send_edges()
        return over

    @property
    def waits_for_others(self) -> MeetingDialogue | None:
        """Return who tells when others have said what a window waits for; None: none waits."""
        return self._conversation.waits_for_others

    def answers(self, captures: Sequence[Sequence[CaptureTrain]]) -> tuple[CaptureAnswer, ...]:
        """Return the answers to all that every sequencer listened to, of a run that is over."""
        found: list[CaptureAnswer] = []
        for number, trains in enumerate(captures):
            listened = self._sequencers.group.playbacks[number].answers(len(trains))
            for path, (train, values) in enumerate(zip(trains, listened, strict=True)):
                seen = self.dialogue.trace(2 * number + path) if train.scope else None
                trace, trace_hz = seen or (None, 0.0)
                found.append(CaptureAnswer(values, trace, trace_hz))
        return tuple(found)

    @property
    def begin_ns(self) -> int:
        """Return when the dialogue with the world began, from the start."""
        return self._sequencers.group.begin_ns

    @property
    def hears_ns(self) -> int | None:
        """Return until when inputs must be known before it goes on, None: that is not missing."""
        return self._sequencers.hears_ns

    @property
    def traces(self) -> tuple[RealTimeTrace, ...]:
        """Return what sequencers did so far."""
        return self.together.traces()

    @property
    def sent(self) -> NDArray[np.int64]:
        """Return instant of sending and address of measured pulses that were not lost, (n, 2)."""
        return np.array(self._sequencers.sent, np.int64).reshape(-1, 2)

    def triggers(self, number: int) -> tuple[int, ...] | None:
        """Return how many triggers came in each window of a sequencer, None: it has none."""
        return self._sequencers.triggers(number)

    @property
    def has_asked(self) -> bool:
        """Tell whether something was asked of the world."""
        return self._conversation.has_begun

    @property
    def has_heard(self) -> bool:
        """Tell whether inputs of time-tag sequencers were listened to."""
        return self._sequencers.has_heard

    @property
    def dialogue(self) -> Dialogue:
        """Return the dialogue with the world, which is still to be ended."""
        return self._conversation.dialogue

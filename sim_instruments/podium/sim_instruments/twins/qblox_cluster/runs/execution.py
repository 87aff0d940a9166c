"""One run from its frozen beginning to its outcome: emulate, play, digitise.

This is the work that a worker thread does; nothing here touches the twin.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from podium.firmware_interfaces.qblox_cluster.q1asm.isa import Operation
from podium.sim_instruments.execution.firmware import CannotBranch
from podium.sim_instruments.execution.playback import Play, long_run_turn
from podium.sim_instruments.physics.deduplicate import EqualArrays
from podium.sim_instruments.physics.dialogue import Dialogue, MeetingDialogue
from podium.sim_instruments.physics.signals import (
    CaptureAnswer,
    RunSignals,
)
from podium.sim_instruments.twins.qblox_cluster.cluster_clock import ClusterClock
from podium.sim_instruments.twins.qblox_cluster.inputs.input_stage import (
    measured,
)
from podium.sim_instruments.twins.qblox_cluster.outputs.digital_outputs import (
    DELAY_OUT_OF_ORDER,
    delays_out_of_order,
    levels_out,
    results_out,
)
from podium.sim_instruments.twins.qblox_cluster.outputs.levels import Levels
from podium.sim_instruments.twins.qblox_cluster.outputs.local_oscillator import with_phases
from podium.sim_instruments.twins.qblox_cluster.outputs.output_stage import (
    overridden,
)
from podium.sim_instruments.twins.qblox_cluster.outputs.sent_edges import RunLines
from podium.sim_instruments.twins.qblox_cluster.processor.message_routes import (
    Routes,
    self_cast_only,
)
from podium.sim_instruments.twins.qblox_cluster.processor.q1_group import (
    FOR_EVER,
    Q1Group,
)
from podium.sim_instruments.twins.qblox_cluster.processor.q1_processor import Limits, Trigger
from podium.sim_instruments.twins.qblox_cluster.processor.real_time_trace import (
    RealTimeTrace,
)
from podium.sim_instruments.twins.qblox_cluster.runs.external_triggers import decides_by
from podium.sim_instruments.twins.qblox_cluster.runs.feedback_run import (
    FeedbackRun,
    depends_on_measurements,
)
from podium.sim_instruments.twins.qblox_cluster.runs.outcome_run import TreeRun, walked
from podium.sim_instruments.twins.qblox_cluster.runs.performance import (
    Performance,
    SequencerSignals,
    joined_performance,
    outcome,
    performance,
    processors_of,
    switches_of,
    taken_signals,
    with_shared_arrays,
)
from podium.sim_instruments.twins.qblox_cluster.runs.sequencer_run import (
    RunOutcome,
    SequencerOutcome,
    SequencerRun,
)
from podium.sim_instruments.twins.qblox_cluster.time_tagging.tag_stage import tag_record
from podium.sim_instruments.twins.qblox_cluster.time_tagging.time_tag_inputs import TimeTagInputs


@dataclass(frozen=True, slots=True)
class TriggersNeeded:
    """Some sequencer goes on only when more is known of the triggers."""

    needs_ns: int | None = None
    """Until when triggers must be known before it goes on, None: it waits for one."""
    hears_ns: int | None = None
    """Until when inputs of time-tag sequencers must be known before it goes on."""
    waits_for: MeetingDialogue | None = None
    """Who tells when others have said what its windows wait for; None: that is not missing."""


class Execution:
    """One run on its way: it goes on as triggers come, and plays on the world at its end.

    Belongs to one worker thread at a time. Raises :class:`.q1_abilities.NotEmulated` for a
    program that this twin cannot execute.
    """

    def __init__(
        self,
        runs: Sequence[SequencerRun],
        number: int,
        start_tick: int,
        clock: ClusterClock,
        routes: Routes = self_cast_only,
        inputs: TimeTagInputs | None = None,
        lines: RunLines | None = None,
    ) -> None:
        """``lines`` take what the run sends while others wait for it."""
        self._runs = tuple(runs)
        self._inputs = inputs
        self._lines = lines
        self._routes = routes
        self._number = number
        self._start_tick = start_tick
        self._clock = clock
        self._together: Q1Group | None = None
        self._feedback: FeedbackRun | None = None
        """Of a run that depends on what it measures."""
        self._external: list[Trigger] = []
        """All that came so far."""
        self._depends = False
        self._tried: tuple[int, bool] | None = None
        """How many triggers were known, and whether all, when it was tried to walk."""
        self._first_trigger_ns = 0
        self.synced_ns: tuple[int, ...] = ()
        """When the party line was released so far, from the start. Known before the world has
        played what comes of it: whoever asks a cluster when it began waits for no physics."""

    def advance(
        self, triggers: Sequence[Trigger], known_ns: int, heard_ns: int, play: Play
    ) -> RunOutcome | TriggersNeeded:
        """Go on with triggers that came since; return what is left of the run once it is over.

        All triggers until ``known_ns`` are known now, and what reaches inputs of time-tag
        sequencers until ``heard_ns``. A run that is over may be told of one more trigger, where
        its outcome says so (:attr:`.RunOutcome.told`): it is played once more.
        """
        if triggers and not self._external:
            self._first_trigger_ns = triggers[0].time_ns
        self._external += triggers
        if self._together is None and self._tried is None:
            self._depends = depends_on_measurements(self._runs)
        if self._depends:
            left = self._walk_if_known(known_ns, play)
            if left is not None:
                return left
            return self._advance(self._feedback_of(triggers), known_ns, heard_ns, play)
        if self._together is None:
            self._together = Q1Group(processors_of(self._runs), routes=self._routes)
        self._together.proceed(triggers, known_ns)
        self.synced_ns = tuple(self._together.synced_ns)
        if self._together.waits_for_triggers:
            return TriggersNeeded(self._together.needs_ns)
        with long_run_turn(play, sum(run.written.count for run in self._together.runs)):
            return self._play_whole(self._together, play)

    def _play_whole(self, together: Q1Group, play: Play) -> RunOutcome:
        """Play a run that is known as a whole."""
        performed, levels = self._perform(together)
        signals = self._signals(performed)
        performed = replace(performed, drives=())  # the world has them: they are large
        answers = play(signals) if signals.drives or signals.captures else ()
        del signals
        return self._outcome(performed, answers, levels)

    @property
    def _begins_anew(self) -> bool:
        """Tell whether a run may begin once more: nothing depends on how far it has come.

        Its sequencers may wait for a trigger. Of the world nothing was asked, no input was heard,
        and nobody looked.
        """
        looked_at = any(run.stops is not None for run in self._runs)
        feedback = self._feedback
        return not looked_at and (
            feedback is None or not (feedback.has_asked or feedback.has_heard)
        )

    def _walk_if_known(self, known_ns: int, play: Play) -> RunOutcome | None:
        """Play a run on the tree of its outcomes, where that is worth a trial and it has one.

        All triggers are known, or no condition looks at more of those that came: what is left is
        that one more would find the network busy, or have it busy.
        """
        known = len(self._external), known_ns >= FOR_EVER
        if known == self._tried or self._inputs is not None or not self._begins_anew:
            return None
        walked_before = self._tried is not None and self._together is None
        self._tried = known
        addresses = {one.address for one in self._external}
        decided = not addresses or decides_by(self._runs, addresses)
        if walked_before or (decided and not known[1]):
            return None
        return self._walk(play, final=known[1])

    def _feedback_of(self, triggers: Sequence[Trigger]) -> tuple[FeedbackRun, Sequence[Trigger]]:
        """Return the run as it comes, and what it is to be told of triggers."""
        feedback = self._feedback
        if feedback is None or (triggers and self._begins_anew):
            self._together = Q1Group(processors_of(self._runs), routes=self._routes)
            feedback = FeedbackRun(self._with_phases(), self._together, self._inputs, self._lines)
            self._feedback, triggers = feedback, self._external
        return feedback, triggers

    def _begin(self, play: Play, at_ns: int) -> Dialogue:
        """Begin the dialogue with the world at a time from the start."""
        return play.begin(self._number, self._clock.to_world(self._start_tick + at_ns))

    def _walk(self, play: Play, *, final: bool) -> RunOutcome | None:
        """Play a run that depends on what it measures on the tree of its outcomes, if it has one.

        None: it is to be played as it comes. ``final``: no further trigger comes from outside.
        """
        runs = tuple(
            replace(run, scope=run.scope and not run.afe.scope.needs_all)
            for run in self._with_phases()
        )
        begin = partial(self._begin, play)
        found = walked(runs, lambda: processors_of(self._runs), begin, self._external)
        if found is None:
            return None
        try:
            left, tell = self._left(found)
        except CannotBranch:
            return None
        self.synced_ns = found.synced_ns
        if final:
            tell()
        return replace(left, told=None if final else tell)

    def _advance(
        self,
        told: tuple[FeedbackRun, Sequence[Trigger]],
        known_ns: int,
        heard_ns: int,
        play: Play,
    ) -> RunOutcome | TriggersNeeded:
        """Go on with a run that depends on what it measures."""
        feedback, triggers = told
        over = feedback.go_on(triggers, known_ns, partial(self._begin, play), heard_ns)
        self.synced_ns = tuple(feedback.together.synced_ns)
        if not over:
            waits_for = feedback.waits_for_others
            return TriggersNeeded(feedback.together.needs_ns, feedback.hears_ns, waits_for)
        left, tell = self._left(feedback)
        tell()
        return left

    def _left(self, played: TreeRun | FeedbackRun) -> tuple[RunOutcome, Callable[[], None]]:
        """Return what is left of a run that depends on what it measures, once it is over.

        Also what tells the world of it; raises CannotBranch, see :meth:`.TreeRun.answers`.
        """
        performed = performance(played.runs, played.traces)
        heard = [one.trains if one is not None else () for one in performed.listening]
        answers = played.answers(heard)
        counting = tuple(
            one and replace(one, trains=(), triggers=played.triggers(number))
            for number, one in enumerate(performed.counting)
        )
        performed = replace(performed, counting=counting)
        signals = self._signals(performed, played.begin_ns)
        triggers = played.sent + np.array([self._start_tick, 0])
        left = replace(self._outcome(performed, answers), triggers=triggers)
        return left, partial(played.dialogue.end, signals)

    def _perform(self, together: Q1Group) -> tuple[Performance, tuple[Levels, ...]]:
        """Return the signals of a run that is over, and what it does to markers.

        The rows of one sequencer at a time are unpacked: they take more memory than all the rest.
        """
        runs = self._with_phases()
        markers = [
            overridden(run, *one.written.marker_changes())
            for run, one in zip(runs, together.runs, strict=True)
        ]
        switches = switches_of(runs, markers)
        parts: list[SequencerSignals] = []
        shared = EqualArrays()
        traces: list[RealTimeTrace] = []
        levels: list[Levels] = []
        for run, one in zip(runs, together.runs, strict=True):
            signals, trace = taken_signals(run, one, switches[run.slot])
            parts.append(with_shared_arrays(signals, shared))
            levels += levels_out((run,), (trace,), self._start_tick, self._clock)
            traces.append(trace.without_rows() if run.channel is None else trace)
            del trace
        return joined_performance(runs, tuple(traces), parts, switches), tuple(levels)

    def _outcome(
        self,
        performed: Performance,
        answers: tuple[CaptureAnswer, ...],
        levels: tuple[Levels, ...] | None = None,
    ) -> RunOutcome:
        left = outcome(performed, answers)
        traces = performed.traces
        if levels is None:
            levels = levels_out(self._runs, traces, self._start_tick, self._clock)
        shown = (*levels, *self._results_shown(performed, answers))
        return RunOutcome(
            sequencers=tuple(
                self._with_tags(one, run, trace)
                for one, run, trace in zip(left.sequencers, self._runs, traces, strict=True)
            ),
            levels=shown,
        )

    def _results_shown(
        self, performed: Performance, answers: tuple[CaptureAnswer, ...]
    ) -> Iterator[Levels]:
        """Yield what thresholded acquisitions do to markers."""
        at = 0
        for run, trace, listened, windows in zip(
            performed.runs, performed.traces, performed.listening, performed.counting, strict=True
        ):
            if listened is not None:
                mine = answers[at : at + len(listened.trains)]
                at += len(listened.trains)
                if run.configuration.marker_mask:
                    above, _ = measured(listened, mine)
                    ends = (listened.start_ns + listened.duration_ns).tolist()
                    results = list(zip(ends, above.tolist(), strict=True))
                    yield from results_out(
                        run, results, trace.end_ns, self._start_tick, self._clock
                    )
            at += len(windows.trains) if windows is not None else 0

    def _with_phases(self) -> tuple[SequencerRun, ...]:
        """Return the sequencers with the phases that their oscillators have when they begin."""
        started, begun = self._start_tick, self._start_tick + self._first_trigger_ns
        return tuple(
            replace(run, afe=with_phases(run.afe, self._clock, started, begun))
            for run in self._runs
        )

    def _with_tags(
        self, left: SequencerOutcome, run: SequencerRun, trace: RealTimeTrace
    ) -> SequencerOutcome:
        """Add what a sequencer of a QTM listened for: what it heard is not known here."""
        if run.channel is None:
            return left
        traced = Operation.SET_SCOPE_EN in run.operations
        flags = (DELAY_OUT_OF_ORDER,) if delays_out_of_order(trace) else ()
        record = tag_record(run, trace, self._start_tick, traced)
        return replace(left, listened=record, flags=(*left.flags, *flags))

    def signals_until(self, at_ns: int, triggers: Sequence[Trigger]) -> RunSignals | None:
        """Return what is played and listened to until a time from the start, executed once more.

        With these triggers of the outside. None of a run that depends on what it measures.
        """
        if depends_on_measurements(self._runs):
            return None
        runs = tuple(replace(run, stops=None) for run in self._with_phases())
        group = Q1Group(processors_of(runs), limits=Limits(time_ns=at_ns), routes=self._routes)
        group.proceed(triggers)
        return self._signals(performance(runs, group.traces()), 0)

    def _signals(self, performed: Performance, begin_ns: int | None = None) -> RunSignals:
        """Return what the world is asked to play.

        Its time begins with the first trigger, unless something was played before: how long a
        sequencer stood waiting is nothing to evolve.
        """
        drives, captures = performed.drives, performed.captures
        times = [train.start_ns for train in drives] + [train.start_ns for train in captures]
        starts = [int(start_ns[0]) for start_ns in times if len(start_ns)]
        if begin_ns is None:
            begin_ns = min([self._first_trigger_ns, *starts])
        if begin_ns:
            moved = {id(start_ns): start_ns - begin_ns for start_ns in times}
            drives = tuple(replace(t, start_ns=moved[id(t.start_ns)]) for t in drives)
            captures = tuple(replace(t, start_ns=moved[id(t.start_ns)]) for t in captures)
        return RunSignals(
            run=self._number,
            start_tai_fs=self._clock.to_world(self._start_tick + begin_ns),
            duration_ns=performed.duration_ns - begin_ns,
            drives=drives,
            captures=captures,
            biases_v={},
        )

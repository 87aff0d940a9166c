"""Runs of a cluster: who starts with whom, when it ends, and what is left.

Sequencers with ``sync_en`` begin together, when the last one of the cluster has been started,
whatever it is to play; the others begin at once. All that one command starts, or that begins
together, is one run. A run that waits for a trigger goes on when one comes: meanwhile its
sequencers are ``RUNNING``, as the vendor's states have no word for it, and world time must not
leap.
"""

import bisect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from numpy.typing import NDArray

from podium.firmware_interfaces.qblox_cluster.messages import SequencerState
from podium.sim_instruments.execution.playback import Playback, Ticket
from podium.sim_instruments.physics.dialogue import MeetingDialogue
from podium.sim_instruments.physics.digital_lines import EdgeTrain, LinesEnd, Promise
from podium.sim_instruments.twins.qblox_cluster.cluster_clock import ClusterClock, next_cycle
from podium.sim_instruments.twins.qblox_cluster.management import Management
from podium.sim_instruments.twins.qblox_cluster.module import Module
from podium.sim_instruments.twins.qblox_cluster.outputs.levels import Levels, edge_trains
from podium.sim_instruments.twins.qblox_cluster.outputs.sent_edges import RunLines
from podium.sim_instruments.twins.qblox_cluster.processor.q1_group import FOR_EVER
from podium.sim_instruments.twins.qblox_cluster.processor.q1_processor import Trigger
from podium.sim_instruments.twins.qblox_cluster.refusal import DEVICE_ERROR, Refusal
from podium.sim_instruments.twins.qblox_cluster.runs.execution import Execution, TriggersNeeded
from podium.sim_instruments.twins.qblox_cluster.runs.sequencer_run import (
    RunOutcome,
    SequencerOutcome,
    sender,
)
from podium.sim_instruments.twins.qblox_cluster.sequencer import Sequencer
from podium.sim_instruments.twins.qblox_cluster.time_tagging.tag_stage import TagRecord
from podium.sim_instruments.twins.qblox_cluster.time_tagging.time_tag_collection import (
    TimeTagCollector,
)
from podium.sim_instruments.twins.qblox_cluster.time_tagging.time_tag_inputs import TimeTagInputs
from podium.sim_instruments.twins.qblox_cluster.trigger_network import LATENCY_NS
from podium.sim_instruments.twins.twin import Horizon

_NO_PULSES = np.zeros((0, 3), np.int64)


@dataclass(slots=True)
class _Member:
    """One sequencer taking part in a run."""

    module: Module
    sequencer: Sequencer
    outcome: SequencerOutcome | None = None


@dataclass(slots=True)
class _Run:
    number: int
    start_tick: int
    execution: Execution
    promise: Promise
    """Of the edges that it sends."""
    ticket: Ticket[RunOutcome | TriggersNeeded] | None
    """None: nothing is being computed."""
    members: list[_Member]
    """Those that still run."""
    triggers: list[Trigger] = field(default_factory=list)
    """Those that the execution has not received."""
    known: bool = False
    """Whether the outcome has come."""
    levels: tuple[Levels, ...] = ()
    """What it does to markers and digital outputs, once known."""
    stopped: dict[tuple[int, int], int] = field(default_factory=dict)
    """When sequencers of it were stopped by force, by slot and number."""
    party_line: list[int] = field(default_factory=list)
    """Ticks at which it is released, that time keeping has not received."""
    told: int = 0
    """How many releases of the party line are known."""
    needs_ns: int | None = None
    """Until when triggers must be known before it goes on; None: it waits for one."""
    inputs: TimeTagInputs | None = None
    """Of its time-tag sequencers."""
    hears_ns: int | None = None
    """Until when their inputs must be known before it goes on; None: it does not wait for that."""
    waits_for: MeetingDialogue | None = None
    """Who tells when others have said what its windows wait for; None: that is not missing."""
    tell: Callable[[], None] | None = None
    """Tells the world what was played, once it is over; None: it has been told."""
    revised: bool = False
    """Whether it was played once more, because of a trigger."""

    @property
    def sends_later(self) -> bool:
        """Tell whether it goes on by itself, as time passes or by what others do, and may send."""
        waits = (self.needs_ns, self.hears_ns, self.waits_for)
        return any(one is not None for one in waits)


def _levels(ticket: Ticket[RunOutcome | TriggersNeeded]) -> tuple[Levels, ...]:
    """Return the levels of a run that nobody waits for any longer."""
    try:
        outcome = ticket.result()
    except Exception:  # its sequencers were stopped: there is nobody to tell
        return ()
    return outcome.levels if isinstance(outcome, RunOutcome) else ()


def _sent_until(promise: Promise, stopped: Mapping[tuple[int, int], int]) -> list[EdgeTrain]:
    """Return what had left by when a run was stopped that waited for its inputs."""
    until_fs = min(stopped.values(), default=0)
    trains: list[EdgeTrain] = []
    for connector, edges in promise.sent.items():
        sent = [edge for edge in edges if edge[0] < until_fs]
        if sent and sent[-1][1]:
            sent.append((until_fs, False))
        at_fs, rising = tuple(at_fs for at_fs, _ in sent), tuple(up for _, up in sent)
        trains.append(EdgeTrain(connector, at_fs, rising))
    return trains


class Runs:
    """All runs of a cluster that have begun or are about to."""

    def __init__(
        self,
        playback: Playback,
        modules: Callable[[], Sequence[Module]],
        clock: ClusterClock,
        management: Management,
        lines: LinesEnd,
        collector: TimeTagCollector,
    ) -> None:
        self._playback = playback
        self._lines = lines
        self._collector = collector
        self._clock = clock
        self._management = management
        self._modules = modules
        self._waiting: list[_Member] = []
        self._active: list[_Run] = []
        self._count = 0
        self._cut: list[_Run] = []
        """Stopped by force while they were being computed."""
        self._measured = _NO_PULSES
        """Ticks and addresses of pulses of measurements that the monitor has not counted; runs."""
        self._counted_fs = 0
        """Until when it has counted them."""
        self._records: dict[tuple[int, int], TagRecord] = {}
        """What time-tag sequencers listened for last, by slot and number."""

    def arm(self, sequencers: Sequence[Sequencer], now_fs: int) -> None:
        """Arm sequencers; one that is running is stopped first."""
        for sequencer in sequencers:
            self._release(sequencer, now_fs)
            sequencer.arm()

    def start(self, module: Module, sequencers: Sequence[Sequencer], now_fs: int) -> None:
        """Start those of ``sequencers`` that are armed."""
        started = [_Member(module, sequencer) for sequencer in sequencers if sequencer.start()]
        alone = [member for member in started if not member.sequencer.configuration.sync]
        self._waiting += [m for m in started if m.sequencer.configuration.sync]
        if alone:
            self._begin(alone, now_fs)
        self._begin_together(now_fs)

    def stop(self, sequencers: Sequence[Sequencer], now_fs: int) -> None:
        """Stop sequencers at once."""
        for sequencer in sequencers:
            self._release(sequencer, now_fs)
            sequencer.stop()
        self._begin_together(now_fs)

    def reconfigured(self, now_fs: int) -> None:
        """Hear that settings of a sequencer have changed: it may be waited for no more."""
        self._begin_together(now_fs)

    def reset(self, now_fs: int) -> None:
        """Stop everything and forget it; the modules are reset by others."""
        self._waiting.clear()
        for run in self._active:
            members, run.members = run.members, []
            self._stop(run, members, now_fs)
        self._let_go()
        self._measured = _NO_PULSES
        self._records.clear()

    def execution_of(self, sequencer: Sequencer) -> Execution | None:
        """Return the run that a sequencer takes part in and that is being computed, or None."""
        found = (run for run in self._active if run.ticket is not None and not run.known)
        mine = (run for run in found if any(m.sequencer is sequencer for m in run.members))
        return next((run.execution for run in mine), None)

    def _release(self, sequencer: Sequencer, now_fs: int) -> None:
        """Take a sequencer out of whatever it takes part in."""
        self._waiting = [m for m in self._waiting if m.sequencer is not sequencer]
        for run in self._active:
            mine = [m for m in run.members if m.sequencer is sequencer]
            run.members = [m for m in run.members if m.sequencer is not sequencer]
            self._stop(run, mine, now_fs)
        self._let_go()

    def _stop(self, run: _Run, members: Sequence[_Member], now_fs: int) -> None:
        """Let nothing more leave of what members of a run would have sent."""
        for member in members:
            slot, number = member.module.slot, member.sequencer.number
            run.stopped[slot, number] = now_fs
            self._playback.stopped(run.number, sender(slot, number), now_fs)
        if members and run.known:
            self._lines.keep(run.promise, edge_trains(run.levels, run.stopped))

    def _let_go(self) -> None:
        """Forget runs without members; one that was cut short has sent what it had by then."""
        if not self._cut and all(run.members for run in self._active):
            return  # nearly always, and asked with every command
        over = [run for run in self._active if not run.members]
        self._cut += [run for run in over if not run.known]
        for run in over:
            if run.known and run.tell is not None:
                run.tell()
        self._active = [run for run in self._active if run.members]
        computing: list[_Run] = []
        for run in self._cut:
            if run.ticket is not None and not run.ticket.done():
                computing.append(run)
                continue
            if run.ticket is None:
                self._lines.keep(run.promise, _sent_until(run.promise, run.stopped))
                continue
            self._lines.keep(run.promise, edge_trains(_levels(run.ticket), run.stopped))
        self._cut = computing

    def _begin_together(self, now_fs: int) -> None:
        """Begin the synchronised run once nobody of it is missing.

        A sequencer with ``sync_en`` that is not started is waited for, armed or not: seen on a
        real cluster, which hung (qibolab, issue 845). ASSUMED: so are those whose programs have
        no ``wait_sync``.
        """
        missing = any(
            sequencer.state is not SequencerState.RUNNING and sequencer.configuration.sync
            for module in self._modules()
            for sequencer in module.sequencers
        )
        if self._waiting and not missing:
            members, self._waiting = self._waiting, []
            self._begin(members, now_fs)

    def _begin(self, members: list[_Member], now_fs: int) -> None:
        members.sort(key=lambda member: (member.module.slot, member.sequencer.number))
        frozen = tuple(
            member.sequencer.frozen(
                member.module.afe(),
                member.module.scope_listens_to(member.sequencer.number),
                member.module.channel(member.sequencer.number),
            )
            for member in members
        )
        self._count += 1
        tick = next_cycle(self._clock, now_fs)
        routes = self._management.linq.routes([(run.slot, run.sequencer) for run in frozen])
        promise = self._lines.promise(self._clock.to_world(tick))
        lines, inputs = RunLines(self._lines, promise, self._clock, tick), None
        listening = [(one.slot, one.sequencer) for one in frozen if one.channel is not None]
        if listening:
            modules = [member.module for member in members]
            epoch_subs = self._management.time.adjusted_subs
            inputs = self._collector.inputs(modules, lines, epoch_subs, listening)
        execution = Execution(frozen, self._count, tick, self._clock, routes, inputs, lines)
        run = _Run(self._count, tick, execution, promise, None, members, inputs=inputs)
        self._active.append(run)
        self._advance(run, now_fs)

    def _known_ns(self, run: _Run, now_fs: int) -> int:
        """Return until when, from a run's start, all triggers are known.

        ASSUMED: the trigger input is not switched on while a run goes on without it.
        """
        if not self._management.network.enabled:
            return FOR_EVER
        return self._clock.to_ticks(now_fs) + LATENCY_NS - 1 - run.start_tick

    def _advance(self, run: _Run, now_fs: int) -> None:
        triggers, run.triggers = run.triggers, []
        if triggers and not run.sends_later:
            run.promise.from_fs = self._clock.to_world(run.start_tick + triggers[0].time_ns)
        run.needs_ns = run.hears_ns = run.waits_for = None
        known_ns, heard_ns = self._known_ns(run, now_fs), self._heard_ns(run, now_fs)
        work = partial(run.execution.advance, triggers, known_ns, heard_ns)
        run.ticket = self._playback.submit(work)

    def _heard_ns(self, run: _Run, now_fs: int) -> int:
        """Return until when, from a run's start, it can be known what inputs hear."""
        return self._clock.to_ticks(now_fs) - run.start_tick

    def expect(self, edge_fs: int) -> None:
        """Note an edge that is to come: what runs send from then on is not known yet."""
        for run in self._active:
            if not run.known and run.promise.from_fs is None:
                run.promise.from_fs = edge_fs

    def trigger(self, tick: int, address: int) -> None:
        """Let a pulse of the trigger network reach all sequencers at a tick."""
        for run in self._active:
            run.triggers.append(Trigger(tick - run.start_tick, address))

    def settle(self, now_fs: int) -> None:
        """Take in what has been computed, and end what is over by ``now_fs``."""
        for run in self._active:
            self._take_in(run)
            self._revise(run)
            while run.ticket is None and not run.known and self._can_go_on(run, now_fs):
                self._advance(run, now_fs)
                self._take_in(run)
        self._count_measured(now_fs)
        for run in self._active:
            synced_ns = run.execution.synced_ns
            run.party_line += [run.start_tick + ns for ns in synced_ns[run.told :]]
            run.told = len(synced_ns)
            while run.party_line and self._clock.to_world(run.party_line[0]) <= now_fs:
                tick = run.party_line.pop(0)
                self._management.time.party_line(self._clock.to_world(tick), tick)
            if run.known:
                self._end_due(run, now_fs)
            elif run.ticket is None and not run.triggers and not run.sends_later:
                run.promise.from_fs = None  # what was expected has come, and was not for this run
        self._let_go()

    def _revise(self, run: _Run) -> None:
        """Have a run played once more that a trigger reaches before it is over.

        It was played as if no further trigger came. What it has sent by now stays the same.
        """
        if not run.known or run.tell is None:
            return
        ends = [one.outcome.end_ns for one in run.members if one.outcome is not None]
        end_ns = max((end for end in ends if end is not None), default=0)
        triggers, run.triggers = [one for one in run.triggers if one.time_ns < end_ns], []
        if not triggers:
            return
        run.triggers, run.known, run.tell, run.revised = triggers, False, None, True
        self._lines.reopen(run.promise, self._clock.to_world(run.start_tick + triggers[0].time_ns))
        self._measured = self._measured[self._measured[:, 2] != run.number]
        run.told -= len(run.party_line)
        run.party_line = []
        run.execution.synced_ns = run.execution.synced_ns[: run.told]

    def _count_measured(self, now_fs: int) -> None:
        self._counted_fs = max(self._counted_fs, now_fs)
        if not len(self._measured):  # nearly always, and asked with every command
            return
        count = bisect.bisect_right(
            self._measured[:, 0], now_fs, key=lambda tick: self._clock.to_world(int(tick))
        )
        self._management.network.measured(*self._measured[:count, :2].T)
        self._measured = self._measured[count:]

    def _note_measured(self, run: _Run, sent: NDArray[np.int64]) -> None:
        """Keep the pulses that a run has sent, or will, for the monitor; none is counted twice."""
        if run.revised:
            counted = bisect.bisect_right(
                sent[:, 0], self._counted_fs, key=lambda tick: self._clock.to_world(int(tick))
            )
            sent = sent[counted:]
        pulses = np.insert(sent, 2, run.number, axis=1)
        pulses = np.concatenate([self._measured, pulses])
        self._measured = pulses[np.lexsort((pulses[:, 1], pulses[:, 0]))]

    def _can_go_on(self, run: _Run, now_fs: int) -> bool:
        """Tell whether more is known than when a run came to a halt: of triggers, of inputs."""
        needs_ns, hears_ns = run.needs_ns, run.hears_ns
        if run.triggers:
            return True
        if run.waits_for is not None:
            return run.waits_for.may_go_on
        if hears_ns is not None and run.inputs is not None:
            if hears_ns > self._heard_ns(run, now_fs):
                return False
            self._collector.catch_up(run.inputs, now_fs)
            return not run.inputs.awaits(hears_ns)
        return needs_ns is not None and needs_ns <= self._known_ns(run, now_fs)

    def _take_in(self, run: _Run) -> None:
        if run.ticket is None or not run.ticket.done():
            return
        ticket, run.ticket = run.ticket, None
        try:
            outcome = ticket.result()
        except Exception as error:
            # Whatever the simulation raised: the client must see it, and nobody must wait.
            for member in run.members:
                member.sequencer.fail(f"{type(error).__name__}: {error}")
                text = f"the simulated world failed: {type(error).__name__}: {error}"
                member.module.errors.put(Refusal(DEVICE_ERROR, text))
            run.members = []
            return
        if isinstance(outcome, TriggersNeeded):
            run.needs_ns, run.hears_ns = outcome.needs_ns, outcome.hears_ns
            run.waits_for = outcome.waits_for
            if not run.sends_later:
                run.promise.from_fs = None
            return
        run.known = True
        run.levels, run.tell = outcome.levels, outcome.told
        self._note_measured(run, outcome.triggers)
        self._lines.keep(run.promise, edge_trains(run.levels, run.stopped))
        for one in outcome.sequencers:
            if isinstance(one.listened, TagRecord):
                self._records[one.slot, one.sequencer] = one.listened
        by_place = {(one.slot, one.sequencer): one for one in outcome.sequencers}
        for member in run.members:
            member.outcome = by_place[member.module.slot, member.sequencer.number]

    def _end_due(self, run: _Run, now_fs: int) -> None:
        for member in run.members:
            outcome = member.outcome
            end_ns = outcome.end_ns if outcome is not None else None
            if outcome is None or end_ns is None or now_fs < self._end_fs(run, end_ns):
                continue
            slot = member.module.slot
            beside = {number: one for (at, number), one in self._records.items() if at == slot}
            heard = self._collector.finish(
                member.module, outcome, beside, now_fs, self._management.time.adjusted_subs
            )
            if heard is None:
                continue
            outcome = heard
            if outcome.scope is not None:
                member.module.keep_scope(member.sequencer.number, outcome.scope)
            member.sequencer.finish(outcome)
        run.members = [m for m in run.members if m.sequencer.state is SequencerState.RUNNING]

    def _end_fs(self, run: _Run, end_ns: int) -> int:
        return self._clock.to_world(run.start_tick + end_ns)

    def _over_fs(self, run: _Run, outcome: SequencerOutcome, end_ns: int) -> int:
        """Return when an outcome can be known: a QTM listens a moment longer than it plays."""
        record = outcome.listened
        end_fs = self._end_fs(run, end_ns)
        return (
            max(end_fs, record.span_fs(self._clock)[1]) if isinstance(record, TagRecord) else end_fs
        )

    def _is_armed(self) -> bool:
        """Tell whether any sequencer is armed: asked with every command, in a plain loop."""
        armed = SequencerState.ARMED
        for module in self._modules():
            for sequencer in module.sequencers:
                if sequencer.state is armed:
                    return True
        return False

    def horizon(self, now_fs: int) -> Horizon:
        """Return how far world time may leap as far as this cluster is concerned."""
        self._let_go()
        armed = bool(self._waiting) or self._is_armed()
        ends = [
            self._over_fs(run, member.outcome, member.outcome.end_ns)
            for run in self._active
            for member in run.members
            if member.outcome is not None and member.outcome.end_ns is not None
        ]
        open_to_triggers = any(run.tell is not None for run in self._active)
        return Horizon(
            armed=armed or any(not run.known and run.ticket is None for run in self._active),
            busy_until_fs=max(ends, default=None),
            computing=any(run.ticket is not None for run in self._active),
            not_beyond_fs=self._management.network.ahead_fs() if open_to_triggers else None,
        )

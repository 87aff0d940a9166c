"""The sequencers of a run that depends on what it measures go on as far as all is known.

Where none can, they ask the world for the acquisition whose trigger or message would arrive first;
its bit, the one that goes into the bin, becomes a pulse on the trigger network, or none, and what
it measured goes into the messages that share it.
"""

from collections import defaultdict, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from podium.sim_instruments.execution import conversation
from podium.sim_instruments.execution.conversation import Answer, Events, Waiting
from podium.sim_instruments.physics.signals import CaptureAnswer, CaptureTrain, PulseTrain
from podium.sim_instruments.twins.qblox_cluster.inputs.ttl_watch import (
    COUNT_TRIGGER_NS,
    Stretch,
    TtlWatch,
)
from podium.sim_instruments.twins.qblox_cluster.outputs.sent_edges import RunLines, SentEdges
from podium.sim_instruments.twins.qblox_cluster.processor.q1_abilities import (
    NotEmulated,
    shares_results,
)
from podium.sim_instruments.twins.qblox_cluster.processor.q1_group import FOR_EVER, Q1Group
from podium.sim_instruments.twins.qblox_cluster.processor.q1_messages import FAST_TAG_NS
from podium.sim_instruments.twins.qblox_cluster.processor.q1_processor import Trigger
from podium.sim_instruments.twins.qblox_cluster.runs.group_playback import (
    EXTERNAL,
    THRESHOLD_TRIGGER_NS,
    GroupPlayback,
    Pulse,
)
from podium.sim_instruments.twins.qblox_cluster.runs.sequencer_playback import FinishedAcquisitions
from podium.sim_instruments.twins.qblox_cluster.runs.sequencer_run import SequencerRun
from podium.sim_instruments.twins.qblox_cluster.time_tagging.tag_watch import TagWatch
from podium.sim_instruments.twins.qblox_cluster.time_tagging.time_tag_inputs import TimeTagInputs
from podium.sim_instruments.twins.qblox_cluster.trigger_network import LATENCY_NS

HEARD_AT_ONCE_NS: Final = 16_384
"""Of a window in which triggers are counted, where nobody waits for them any longer."""


@dataclass(slots=True, eq=False)
class _Asked:
    """Windows that the world was asked for at once."""

    until_ns: int = 0
    finished: list[tuple[int, FinishedAcquisitions]] = field(default_factory=list)
    stretches: list[tuple[int, Stretch, int | None]] = field(default_factory=list)
    """With the listener of each; None: no input is connected."""
    captures: list[CaptureTrain] = field(default_factory=list)
    listeners: list[int] = field(default_factory=list)
    answers: dict[int, deque[Answer]] = field(default_factory=lambda: defaultdict(deque))
    """By listener, in the order of its windows."""

    def add(self, capture: CaptureTrain, listener: int) -> None:
        """Ask for one more train of windows."""
        self.captures.append(capture)
        self.listeners.append(listener)

    @property
    def is_answered(self) -> bool:
        """Tell whether all windows were answered."""
        heard = sum(one.values.size for ones in self.answers.values() for one in ones)
        return heard == sum(one.start_ns.size for one in self.captures)

    def taken(self, listener: int, count: int) -> CaptureAnswer:
        """Return the values of the next windows of a listener."""
        found = np.zeros(0, np.complex128)
        while found.size < count:
            found = np.concatenate([found, self.answers[listener].popleft().values])
        return CaptureAnswer(found, None)


class FeedbackSequencers:
    """All sequencers of a cluster's run, as one participant of a conversation.

    Times of what it says are from ``group.begin_ns`` on.
    """

    def __init__(
        self,
        runs: Sequence[SequencerRun],
        together: Q1Group,
        inputs: TimeTagInputs | None,
        lines: RunLines | None,
    ) -> None:
        """``inputs`` of time-tag sequencers. See :class:`.FeedbackRun`."""
        self.group = GroupPlayback(runs, together)
        self._edges = None if lines is None else SentEdges(runs, together.runs, lines)
        self._senders, self._together = self.group.senders, together
        self._sharers = [number for number, run in enumerate(runs) if shares_results(run.program)]
        self._ttl = {
            number: TtlWatch(run, processor)
            for number, (run, processor) in enumerate(zip(runs, together.runs, strict=True))
            if run.counts_triggers
        }
        self._tags = self._watched_tags(inputs)
        self.hears_ns: int | None = None
        """Until when inputs must be known before it goes on, None: that is not what it lacks."""
        self._outside_ns, self._heard_ns = -1, -1
        """Until when triggers from outside, and inputs, are known."""
        self._trace_listener = 2 * len(runs)
        self._asked = _Asked()
        self._unsaid: list[PulseTrain] = []
        self._begun = self._finishing = False
        self.sent: list[tuple[int, int]] = []
        """Instant of sending and address of measured pulses, of those that were not lost."""

    def _watched_tags(self, inputs: TimeTagInputs | None) -> TagWatch | None:
        """Return the inputs of time-tag sequencers, None where nothing comes of them."""
        runs = self.group.runs
        tags = [number for number, run in enumerate(runs) if run.channel is not None]
        if inputs is None or not {*self._senders, *self._sharers}.intersection(tags):
            return None
        for run in runs:
            if run.configuration.marker_mask:
                raise NotEmulated(
                    f"{run.sender} shows its results on markers: this twin does not emulate that "
                    "where sequencers do what a QTM hears"
                )
        edges = self._edges or SentEdges(runs, self._together.runs, inputs.run)
        return TagWatch(runs, self._together.runs, inputs, edges)

    @property
    def has_heard(self) -> bool:
        """Tell whether inputs of time-tag sequencers were listened to."""
        return self._tags is not None and self._tags.has_listened

    def send_edges(self) -> None:
        """Send the edges of markers and digital outputs as far as all is known that is done."""
        if self._edges is not None:
            self._edges.tell(min(self.group.settled_ns(), FOR_EVER - 1))

    def know(self, triggers: Iterable[Trigger], known_ns: int, heard_ns: int) -> None:
        """Take triggers from outside, all until a time, and inputs that are known until another."""
        self.group.pulses.add_external(triggers)
        self._outside_ns, self._heard_ns = known_ns, heard_ns

    def feed(self, answer: Answer) -> None:
        """Keep what was asked for."""
        if answer.listener in self._asked.listeners:
            self._asked.answers[answer.listener].append(answer)

    def run_until(self, known_ns: int) -> Events | Waiting:
        """Go on to the next windows that somebody depends on; raises :class:`NotEmulated`."""
        while self._asked.is_answered:
            self._settle()
            wanted = None
            if not self._finishing:
                wanted = self._onward()
                if wanted is None and not self._finishing:
                    settled_ns = min(self.group.settled_ns(), FOR_EVER - 1)
                    wanted = self._asks_before(settled_ns)
                    if wanted is None and self._plays_until(settled_ns):
                        return Events(self._say(), (), self._said_ns)
                    if wanted is None:
                        return Waiting("what comes from outside", self._said_ns, outside=True)
            if self._finishing:
                wanted = self._asks_at_the_end()
            if not self._begun:
                self._begun = True
                self.group.begin()
            if wanted is None:
                return Events(self._say(), (), conversation.FOR_EVER)
            self._ask(*wanted)
            if self._asked.captures:
                captures, listeners = self._asked.captures, self._asked.listeners
                return Events(self._say(), captures, self._said_ns, listeners)
        return Waiting("what it measures", self._said_ns)

    def _asks_before(self, settled_ns: int) -> tuple[int, int] | None:
        """Return until when to play and to read before a time, where inputs are waited for.

        Whoever sends to them may share photons with what is read; nothing later is played before.
        """
        if self.hears_ns is None:
            return None
        end_ns = self.group.next_end_ns(range(len(self.group.runs)))
        return None if end_ns > settled_ns else self._asks(end_ns, settled_ns)

    def _asks(self, end_ns: int, settled_ns: int) -> tuple[int, int]:
        """Return until when to play and to read for windows that end by a time.

        A little longer, where that is known: else a tone that outlasts its window is cut there.
        """
        until_ns = min(end_ns + THRESHOLD_TRIGGER_NS, settled_ns)
        return max(until_ns, end_ns, self.group.played_ns), end_ns

    def _plays_until(self, settled_ns: int) -> bool:
        """Play until a time, where inputs are waited for; tell whether there was anything."""
        if self.hears_ns is None or settled_ns <= self.group.played_ns:
            return False
        if not self._begun:
            if self.group.first_ns >= settled_ns:
                return False
            self._begun = True
            self.group.begin()
        self._unsaid += self.group.drives(settled_ns)
        return True

    def _say(self) -> list[PulseTrain]:
        unsaid, self._unsaid = self._unsaid, []
        return unsaid

    @property
    def _said_ns(self) -> int:
        return self.group.played_ns - self.group.begin_ns

    def _onward(self) -> tuple[int, int] | None:
        """Go on; return until when to play and to read then.

        None: more must be known of what comes from outside, or the programs are over.
        """
        group, together = self.group, self._together
        self.hears_ns = None
        watches = bool(self._ttl) or self._tags is not None
        while True:
            together.messages_known_ns = self._knows_messages()
            together.proceed(self._deliver(), group.known_ns)
            group.collect_acquisitions()
            for ttl in self._ttl.values():
                ttl.collect_windows()
            shared = together.waits_for_results
            if not together.waits_for_triggers and not shared:
                self._finishing = True
                return None
            arrival_ns = self._next_arrival_ns()
            upto_ns = self._knows(min(arrival_ns - 1, self._outside_ns))
            if upto_ns > group.known_ns:
                group.known_ns = upto_ns
            elif self._knows_messages() > together.messages_known_ns:
                continue
            elif not (watches or shared) and group.known_ns == arrival_ns - 1:
                return group.asks_until(arrival_ns)
            elif (listens_ns := self._listens_until()) is not None:
                if not self._listen(listens_ns):
                    self.hears_ns = listens_ns
                    return None
            elif (wanted := self._asks_further()) is not None:
                return wanted
            elif group.known_ns == self._outside_ns:
                return None
            else:
                raise NotEmulated(
                    "sequencers that measure and sequencers that depend on it wait for each other, "
                    "by messages, in a way that this twin cannot put in order"
                )

    def _listens_until(self) -> int | None:
        """Return until when time-tag sequencers listen next, None where others come first."""
        if self._tags is None:
            return None
        settled_ns, watched_ns = self.group.settled_ns(), self._tags.next_ns()
        if watched_ns >= min(settled_ns, self._next_end_ns(), self._next_count_ns()):
            return None
        return min(settled_ns, max(watched_ns, 0) + COUNT_TRIGGER_NS)

    def _listen(self, until_ns: int) -> bool:
        """Let time-tag sequencers listen until a time; tell whether it was known what they hear.

        Where it is not, and far ahead, they listen and send as far as it is: somebody may wait for
        their edges.
        """
        if self._tags is None:
            return False
        upto_ns, listened_ns = min(until_ns, self._heard_ns), self._tags.listened_ns
        near = until_ns - listened_ns <= COUNT_TRIGGER_NS
        if upto_ns < until_ns and (near or upto_ns <= listened_ns):
            return False
        sent = self._tags.advance(upto_ns, self._together)
        if sent is None:
            return False
        self.group.pulses.add(
            Pulse(one.at_ns + COUNT_TRIGGER_NS, one.number, one.address)
            for one in sent
            if one.number in self._senders
        )
        return upto_ns == until_ns

    def _asks_further(self) -> tuple[int, int] | None:
        """Return until when to play and to read as far as all is known that is done."""
        settled_ns, end_ns = self.group.settled_ns(), self._next_end_ns()
        counted_ns = self._next_count_ns()
        if counted_ns < min(settled_ns, end_ns):
            end_ns = min(settled_ns, max(counted_ns, 0) + COUNT_TRIGGER_NS)
        elif end_ns > settled_ns or end_ns >= FOR_EVER:
            return None
        return self._asks(end_ns, settled_ns)

    def _asks_at_the_end(self) -> tuple[int, int] | None:
        """Return until when to play and to read once programs are over; None: all is read."""
        wanted, counted_ns = self.group.asks_at_the_end(), self._next_count_ns()
        end_ns = FOR_EVER if wanted is None else wanted[1]
        if counted_ns >= end_ns:
            return wanted
        until_ns = min(counted_ns + HEARD_AT_ONCE_NS, end_ns)
        return max(until_ns, self.group.played_ns), until_ns

    def _next_end_ns(self) -> int:
        """Return when the next acquisition is over on which something may depend."""
        return self.group.next_end_ns({*self._senders, *self._sharers})

    def _next_count_ns(self) -> int:
        """Return from when on triggers at analogue inputs are not known."""
        return min((ttl.next_ns() for ttl in self._ttl.values()), default=FOR_EVER)

    def _knows_messages(self) -> int:
        """Return until when all messages are known that share time tags."""
        sharers = [n for n in self._sharers if self.group.runs[n].channel is not None]
        if not sharers or self._tags is None:
            return FOR_EVER
        earliest = self._together.earliest_ns(self.group.known_ns)
        first_ns = min([self._tags.next_ns(), *(earliest[number] for number in sharers)])
        return min(first_ns + FAST_TAG_NS - 1, FOR_EVER)

    def _next_arrival_ns(self) -> int:
        """Return when the next pulse may arrive of a measurement that was not answered."""
        found = self.group.next_end_ns(self._senders) + THRESHOLD_TRIGGER_NS
        counted = [ttl.next_ns() for n, ttl in self._ttl.items() if n in self._senders]
        if self._tags is not None:
            counted.append(self._tags.next_ns())
        found = min([found, *(at_ns + COUNT_TRIGGER_NS for at_ns in counted)])
        return found if found < FOR_EVER else FOR_EVER + THRESHOLD_TRIGGER_NS

    def _knows(self, known_ns: int) -> int:
        """Return until when all triggers are known, if acquisitions that are to come are not."""
        counting = {*self._ttl, *(self._tags.numbers if self._tags is not None else ())}
        return self.group.knows(known_ns, counting, COUNT_TRIGGER_NS)

    def _deliver(self) -> list[Trigger]:
        """Return the pulses that arrive by the time until which all are known, but lost ones."""
        delivered = self.group.deliver()
        self.sent += [
            (one.arrival_ns - LATENCY_NS, one.address)
            for one in delivered
            if one.sender != EXTERNAL
        ]
        return [Trigger(one.arrival_ns, one.address) for one in delivered]

    def _ask(self, played_ns: int, end_ns: int) -> None:
        """Play on until a time, and ask for acquisitions that end by another."""
        self._unsaid += self.group.drives(played_ns)
        asked = self._asked = _Asked(end_ns)
        for number, playback in enumerate(self.group.playbacks):
            for due in playback.due(end_ns):
                asked.finished.append((number, due))
                for path, train in enumerate(due.trains):
                    asked.add(self.group.moved(train), 2 * number + path)
        for number, ttl in self._ttl.items():
            for stretch in ttl.stretches(end_ns):
                capture, listener = ttl.capture(stretch), None
                if capture is not None:
                    listener = self._trace_listener
                    self._trace_listener += 1
                    asked.add(self.group.moved(capture), listener)
                asked.stretches.append((number, stretch, listener))

    def _settle(self) -> None:
        """Make pulses and messages of what was answered."""
        asked, self._asked = self._asked, _Asked()
        for number, due in asked.finished:
            results = due.answered(
                [
                    asked.taken(2 * number + path, train.start_ns.size)
                    for path, train in enumerate(due.trains)
                ]
            )
            if number in self._senders:
                self.group.add_measured(number, [(one.end_ns, one.found.above) for one in results])
            if number in self._sharers:
                for one in results:
                    self._together.measured(number, one.start_ns, one.found)
        for number, stretch, listener in asked.stretches:
            seen = None if listener is None else asked.answers[listener][0].trace
            self._count(number, self._ttl[number].heard(stretch, seen))
        for ttl in self._ttl.values():
            ttl.discard_heard(asked.until_ns)

    def _count(self, number: int, times_ns: Sequence[int]) -> None:
        """Send a pulse for each trigger at an input. ASSUMED: none where results are inverted."""
        configuration = self.group.runs[number].configuration
        if number in self._senders and configuration.trigger_on:
            address = configuration.trigger_address
            self.group.pulses.add(Pulse(at + COUNT_TRIGGER_NS, number, address) for at in times_ns)

    def triggers(self, number: int) -> tuple[int, ...] | None:
        """Return how many triggers came in each window of a sequencer, None: it has none."""
        return tuple(self._ttl[number].triggers) if number in self._ttl else None

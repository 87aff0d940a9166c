"""Runs programs that depend on what they measure: sequencers and world go on in turns.

Processors go on as far as all triggers and messages are known. Where none can, the acquisition
whose trigger or message would arrive first is asked of the world, with everything that was played
before; its bit, the one that goes into the bin, becomes a pulse on the trigger network, or none,
and what it measured goes into the messages that share it. A pulse that another one left less than
252 ns before is lost (:mod:`.trigger_network`). ASSUMED: of two that are sent at the
same instant, an external one is first, then that of the lower slot and sequencer; address 0 is
nobody's. Pulses reach the sequencers of the run that sent them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from podium.firmware_interfaces.qblox_cluster import limits
from podium.firmware_interfaces.qblox_cluster.q1asm.isa import FORMS, Operation
from podium.sim_instruments.physics.dialogue import Dialogue
from podium.sim_instruments.physics.signals import CaptureAnswer, CaptureTrain, PulseTrain
from podium.sim_instruments.twins.qblox_cluster.inputs.ttl_watch import (
    COUNT_TRIGGER_NS,
    Stretch,
    TtlWatch,
)
from podium.sim_instruments.twins.qblox_cluster.outputs.output_stage import output_lines
from podium.sim_instruments.twins.qblox_cluster.processor.q1_abilities import (
    NotEmulated,
    shares_results,
)
from podium.sim_instruments.twins.qblox_cluster.processor.q1_group import FOR_EVER, Q1Group
from podium.sim_instruments.twins.qblox_cluster.processor.q1_messages import FAST_TAG_NS
from podium.sim_instruments.twins.qblox_cluster.processor.q1_processor import Trigger
from podium.sim_instruments.twins.qblox_cluster.runs.sequencer_playback import (
    AcquisitionAnswer,
    FinishedAcquisitions,
    SequencerPlayback,
    played_between,
)
from podium.sim_instruments.twins.qblox_cluster.runs.sequencer_run import SequencerRun
from podium.sim_instruments.twins.qblox_cluster.time_tagging.tag_watch import TagWatch
from podium.sim_instruments.twins.qblox_cluster.time_tagging.time_tag_inputs import TimeTagInputs
from podium.sim_instruments.twins.qblox_cluster.trigger_network import DEAD_NS, LATENCY_NS

THRESHOLD_TRIGGER_NS: Final = limits.THRESHOLD_TRIGGER_NS
CONDITIONAL: Final = frozenset({Operation.SET_COND, Operation.WAIT_TRIGGER})
_RECEIVES: Final = frozenset({Operation.FB_POP_DATA, Operation.FB_PULL_DATA})
EXTERNAL: Final = -1
HEARD_AT_ONCE_NS: Final = 16_384
"""Of a window in which triggers are counted, where nobody waits for them any longer."""


@dataclass(frozen=True, slots=True, order=True)
class Pulse:
    """One pulse on the trigger network, by when it arrives."""

    arrival_ns: int
    sender: int
    """Number within the run, or EXTERNAL."""
    address: int


def next_external_ns(pulses: Sequence[Pulse]) -> int:
    """Return when the next pulse arrives that came from outside; FOR_EVER: none is known.

    Somebody may wait for it, and measure from then on: nothing later is known before it arrives.
    """
    return min((one.arrival_ns for one in pulses if one.sender == EXTERNAL), default=FOR_EVER)


def operations(run: SequencerRun) -> set[Operation]:
    """Return all operations of a sequencer's program."""
    return {FORMS[opcode].operation for opcode in set(run.program.opcode.tolist())}


def depends_on_measurements(runs: Sequence[SequencerRun]) -> bool:
    """Tell whether some sequencer of a run may do what another one's measurement says.

    Raises :class:`NotEmulated` where this twin cannot play them piece by piece.
    """
    conditional = any(CONDITIONAL & operations(run) for run in runs)
    senders = [run for run in runs if run.sends_triggers] if conditional else []
    hears = any(_RECEIVES & operations(run) for run in runs)
    shares = hears and any(shares_results(run.program) for run in runs)
    if not senders and not shares:
        return False
    for run in runs:
        if run.configuration.continuous != (None, None):
            raise NotEmulated(
                f"{run.sender} plays in continuous mode: this twin does not emulate that where "
                "sequencers do what others have measured"
            )
        for line in output_lines(run):
            for channel in line.channels:
                shaping = run.afe.shaping_of(channel)
                if shaping.filters or shaping.delay_ns:
                    raise NotEmulated(
                        f"output {channel} of {run.sender} is filtered or delayed in real time: "
                        "this twin does not emulate that where sequencers do what others have "
                        "measured; bypass the filters and set the delay to 0"
                    )
    return True


class Feedback:
    """One such run on its way. Belongs to one worker thread at a time."""

    def __init__(
        self, runs: Sequence[SequencerRun], together: Q1Group, inputs: TimeTagInputs | None = None
    ) -> None:
        """``runs`` with the phases that their oscillators have; ``inputs`` of time-tag sequencers.

        A scope that averages or waits for a level records nothing of such a run.
        """
        self.together = together
        runs = self.runs = tuple(
            replace(run, scope=run.scope and not run.afe.scope.needs_all) for run in runs
        )
        self._playbacks = [
            SequencerPlayback(run, processor)
            for run, processor in zip(runs, together.runs, strict=True)
        ]
        self._senders = [
            number
            for number, run in enumerate(runs)
            if run.sends_triggers and (run.channel is not None or run.configuration.trigger_address)
        ]
        self._sharers = [number for number, run in enumerate(runs) if shares_results(run.program)]
        self._ttl = {
            number: TtlWatch(run, processor)
            for number, (run, processor) in enumerate(zip(runs, together.runs, strict=True))
            if Operation.ACQUIRE_TTL in operations(run)
        }
        self._tags = self._watched_tags(inputs)
        self.hears_ns: int | None = None
        """Until when inputs must be known before it goes on, None: that is not what it lacks."""
        self._trace_listener = 2 * len(runs)
        self._pulses: list[Pulse] = []
        """Not delivered yet, ascending."""
        self._latest_ns = -FOR_EVER
        """When the last pulse arrived that was not lost."""
        self._known_ns = -1
        self._played_ns = 0
        self.begin_ns = 0
        """From the start, when the dialogue with the world began."""
        self._dialogue: Dialogue | None = None
        self.sent: list[tuple[int, int]] = []
        """Instant of sending and address of measured pulses, of those that were not lost."""

    def _watched_tags(self, inputs: TimeTagInputs | None) -> TagWatch | None:
        """Return the inputs of time-tag sequencers, None where nothing comes of them."""
        tags = [number for number, run in enumerate(self.runs) if run.channel is not None]
        if inputs is None or not {*self._senders, *self._sharers}.intersection(tags):
            return None
        for run in self.runs:
            if run.configuration.marker_mask:
                raise NotEmulated(
                    f"{run.sender} shows its results on markers: this twin does not emulate that "
                    "where sequencers do what a QTM hears"
                )
        return TagWatch(self.runs, self.together.runs, inputs)

    def go_on(
        self,
        triggers: Sequence[Trigger],
        known_ns: int,
        begin: Callable[[int], Dialogue],
        heard_ns: int = FOR_EVER,
    ) -> bool:
        """Go on; return whether the programs have come to their ends.

        ``triggers`` are external pulses that came since the last call, all until ``known_ns``;
        ``begin`` begins the dialogue with the world at a time from the start; until ``heard_ns`` it
        can be known what inputs of time-tag sequencers hear.
        """
        external = [Pulse(one.time_ns, EXTERNAL, one.address) for one in triggers]
        self._pulses = sorted([*self._pulses, *external])
        self.hears_ns = None
        watches = bool(self._ttl) or self._tags is not None
        while True:
            self.together.messages_known_ns = self._knows_messages()
            self.together.proceed(self._deliver(), self._known_ns)
            for playback in self._playbacks:
                playback.collect_acquisitions()
            for ttl in self._ttl.values():
                ttl.collect_windows()
            shared = self.together.waits_for_results
            if not self.together.waits_for_triggers and not shared:
                return True
            arrival_ns = self._next_arrival_ns()
            upto_ns = self._knows(min(arrival_ns - 1, known_ns))
            if upto_ns > self._known_ns:
                self._known_ns = upto_ns
            elif self._knows_messages() > self.together.messages_known_ns:
                continue
            elif not (watches or shared) and self._known_ns == arrival_ns - 1:
                # nobody does anything before that pulse may arrive that is not known, nor before
                # somebody looks for it
                settled_ns = min(self.together.earliest_ns(self._known_ns))
                end_ns = max(arrival_ns - THRESHOLD_TRIGGER_NS, min(settled_ns, FOR_EVER - 1))
                self._ask(max(arrival_ns, end_ns), end_ns, begin)
            elif self._go_further(heard_ns, begin):
                continue
            elif self._known_ns == known_ns or self.hears_ns is not None:
                return False
            else:
                raise NotEmulated(
                    "sequencers that measure and sequencers that hang on it wait for each other, "
                    "by messages, in a way that this twin cannot put in order"
                )

    def _go_further(self, heard_ns: int, begin: Callable[[int], Dialogue]) -> bool:
        """Ask the world, or listen, as far as all is known that is done; tell whether it helped."""
        settled_ns = min(self.together.earliest_ns(self._known_ns))
        hearing = [(ttl.next_ns(), False) for ttl in self._ttl.values()]
        if self._tags is not None:
            hearing.append((self._tags.next_ns(), True))
        watched_ns, by_tags = min(hearing, default=(FOR_EVER, False))
        end_ns = min(
            (self._playbacks[n].next_end_ns() for n in {*self._senders, *self._sharers}),
            default=FOR_EVER,
        )
        if watched_ns < min(settled_ns, end_ns):
            until_ns = min(settled_ns, max(watched_ns, 0) + COUNT_TRIGGER_NS)
            if not by_tags:
                self._ask(max(until_ns, self._played_ns), until_ns, begin)
                return True
            if until_ns > heard_ns or not self._listen(until_ns):
                self.hears_ns = until_ns
                return False
            return True
        if end_ns <= settled_ns and end_ns < FOR_EVER:
            self._ask(max(end_ns, self._played_ns), end_ns, begin)
            return True
        return False

    def _listen(self, until_ns: int) -> bool:
        """Let time-tag sequencers listen until a time; tell whether it was known what they hear."""
        if self._tags is None:
            return False
        sent = self._tags.advance(until_ns, self.together)
        if sent is None:
            return False
        pulses = [
            Pulse(one.at_ns + COUNT_TRIGGER_NS, one.number, one.address)
            for one in sent
            if one.number in self._senders
        ]
        self._pulses = sorted([*self._pulses, *pulses])
        return True

    def _knows_messages(self) -> int:
        """Return until when all messages are known that share time tags."""
        sharers = [number for number in self._sharers if self.runs[number].channel is not None]
        if not sharers or self._tags is None:
            return FOR_EVER
        earliest = self.together.earliest_ns(self._known_ns)
        first_ns = min([self._tags.next_ns(), *(earliest[number] for number in sharers)])
        return min(first_ns + FAST_TAG_NS - 1, FOR_EVER)

    def _next_arrival_ns(self) -> int:
        """Return when the next pulse may arrive of a measurement that was not answered."""
        found = FOR_EVER
        for number in self._senders:
            found = min(found, self._playbacks[number].next_end_ns() + THRESHOLD_TRIGGER_NS)
            if number in self._ttl:
                found = min(found, self._ttl[number].next_ns() + COUNT_TRIGGER_NS)
        if self._tags is not None:
            found = min(found, self._tags.next_ns() + COUNT_TRIGGER_NS)
        return found if found < FOR_EVER else FOR_EVER + THRESHOLD_TRIGGER_NS

    def _knows(self, known_ns: int) -> int:
        """Return until when all triggers are known, if acquisitions that are to come are not."""
        earliest = self.together.earliest_ns(known_ns)
        counting = {*self._ttl, *(self._tags.numbers if self._tags is not None else ())}
        firsts = [
            earliest[number] + (COUNT_TRIGGER_NS if number in counting else THRESHOLD_TRIGGER_NS)
            for number in self._senders
        ]
        return min([known_ns, *firsts, next_external_ns(self._pulses)])

    def _deliver(self) -> list[Trigger]:
        """Return the pulses that arrive by the time until which all are known, but lost ones."""
        delivered: list[Trigger] = []
        while self._pulses and self._pulses[0].arrival_ns <= self._known_ns:
            pulse = self._pulses.pop(0)
            if pulse.arrival_ns - self._latest_ns < DEAD_NS:
                continue
            self._latest_ns = pulse.arrival_ns
            delivered.append(Trigger(pulse.arrival_ns, pulse.address))
            if pulse.sender != EXTERNAL:
                self.sent.append((pulse.arrival_ns - LATENCY_NS, pulse.address))
        return delivered

    def _ask(self, played_ns: int, end_ns: int, begin: Callable[[int], Dialogue]) -> None:
        """Play on until a time, and answer acquisitions that end by another."""
        if self._dialogue is None:
            first = [playback.first_ns for playback in self._playbacks]
            first += [pulse.arrival_ns for pulse in self._pulses]
            self.begin_ns = self._played_ns = min([*first, max(self._latest_ns, 0)])
            self._dialogue = begin(self.begin_ns)
        drives = [
            self._moved(train)
            for train in played_between(self._playbacks, self._played_ns, played_ns)
        ]
        self._played_ns = played_ns
        dues: list[tuple[int, FinishedAcquisitions]] = []
        captures: list[CaptureTrain] = []
        listeners: list[int] = []
        for number, playback in enumerate(self._playbacks):
            for due in playback.due(end_ns):
                dues.append((number, due))
                captures += [
                    replace(train, start_ns=train.start_ns - self.begin_ns) for train in due.trains
                ]
                listeners += [2 * number + path for path in range(len(due.trains))]
        hearing = self._hearing(end_ns, captures, listeners)
        answers = self._dialogue.go_on(drives, captures, listeners)
        at = 0
        for number, due in dues:
            mine = answers[at : at + len(due.trains)]
            at += len(due.trains)
            results = due.answered(mine)
            if number in self._senders:
                self._send(number, results)
            if number in self._sharers:
                for one in results:
                    self.together.measured(number, one.start_ns, one.found)

        for number, stretch, listener in hearing:
            seen = None if listener is None else self._dialogue.trace(listener)
            self._count(number, self._ttl[number].heard(stretch, seen))
        for ttl in self._ttl.values():
            ttl.discard_heard(end_ns)

    def _hearing(
        self, end_ns: int, captures: list[CaptureTrain], listeners: list[int]
    ) -> list[tuple[int, Stretch, int | None]]:
        """Ask for what is heard of windows in which triggers are counted, until a time.

        Each stretch is a listener of its own; None where no input is connected.
        """
        found: list[tuple[int, Stretch, int | None]] = []
        for number, ttl in self._ttl.items():
            for stretch in ttl.stretches(end_ns):
                capture, listener = ttl.capture(stretch), None
                if capture is not None:
                    listener = self._trace_listener
                    self._trace_listener += 1
                    captures.append(replace(capture, start_ns=capture.start_ns - self.begin_ns))
                    listeners.append(listener)
                found.append((number, stretch, listener))
        return found

    def _count(self, number: int, times_ns: Sequence[int]) -> None:
        """Send a pulse for each trigger at an input. ASSUMED: none where results are inverted."""
        configuration = self._playbacks[number].run.configuration
        if number in self._senders and configuration.trigger_on:
            address = configuration.trigger_address
            pulses = [Pulse(at + COUNT_TRIGGER_NS, number, address) for at in times_ns]
            self._pulses = sorted([*self._pulses, *pulses])

    def triggers(self, number: int) -> tuple[int, ...] | None:
        """Return how many triggers came in each window of a sequencer, None: it has none."""
        return tuple(self._ttl[number].triggers) if number in self._ttl else None

    def _moved(self, train: PulseTrain) -> PulseTrain:
        return replace(train, start_ns=train.start_ns - self.begin_ns)

    def _send(self, number: int, results: Sequence[AcquisitionAnswer]) -> None:
        configuration = self._playbacks[number].run.configuration
        pulses = [
            Pulse(one.end_ns + THRESHOLD_TRIGGER_NS, number, configuration.trigger_address)
            for one in results
            if one.found.above == configuration.trigger_on
        ]
        if pulses:
            self._pulses = sorted([*self._pulses, *pulses])

    def finish(
        self, captures: Sequence[Sequence[CaptureTrain]], begin: Callable[[int], Dialogue]
    ) -> tuple[CaptureAnswer, ...]:
        """Play all that is left; return the answers to all that every sequencer listened to."""
        for ttl in self._ttl.values():
            ttl.collect_windows()
        while True:
            end_ns = min(playback.next_end_ns() for playback in self._playbacks)
            heard_ns = min((ttl.next_ns() for ttl in self._ttl.values()), default=FOR_EVER)
            if heard_ns < end_ns:
                until_ns = min(heard_ns + HEARD_AT_ONCE_NS, end_ns)
                self._ask(max(until_ns, self._played_ns), until_ns, begin)
                continue
            if end_ns >= FOR_EVER:
                break
            # window by window: what is known of the future changes no reading
            self._ask(max(end_ns + THRESHOLD_TRIGGER_NS, self._played_ns), end_ns, begin)
        if self._dialogue is None:
            self._ask(0, 0, begin)
        answers: list[CaptureAnswer] = []
        for number, (playback, trains) in enumerate(zip(self._playbacks, captures, strict=True)):
            listened = playback.answers(len(trains))
            for path, (train, values) in enumerate(zip(trains, listened, strict=True)):
                seen = self.dialogue.trace(2 * number + path) if train.scope else None
                trace, trace_hz = seen or (None, 0.0)
                answers.append(CaptureAnswer(values, trace, trace_hz))
        return tuple(answers)

    @property
    def has_asked(self) -> bool:
        """Tell whether something was asked of the world."""
        return self._dialogue is not None

    @property
    def dialogue(self) -> Dialogue:
        """Return the dialogue with the world, which is still to be ended."""
        if self._dialogue is None:
            raise RuntimeError("the dialogue with the world has not begun")
        return self._dialogue

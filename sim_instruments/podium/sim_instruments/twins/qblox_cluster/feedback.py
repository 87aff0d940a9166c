"""A run whose programs hang on what it measures: sequencers and world go on in turns.

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
from podium.sim_instruments.physics.signals import Captured, CaptureTrain, PulseTrain
from podium.sim_instruments.twins.qblox_cluster.output_stage import output_lines
from podium.sim_instruments.twins.qblox_cluster.playback import Dialogue
from podium.sim_instruments.twins.qblox_cluster.q1_abilities import NotEmulated, shares_results
from podium.sim_instruments.twins.qblox_cluster.q1_processor import Trigger
from podium.sim_instruments.twins.qblox_cluster.q1_together import FOR_EVER, Together
from podium.sim_instruments.twins.qblox_cluster.reel import Answer, Due, Reel, played_between
from podium.sim_instruments.twins.qblox_cluster.sequencer_run import SequencerRun
from podium.sim_instruments.twins.qblox_cluster.trigger_network import DEAD_NS, LATENCY_NS

THRESHOLD_TRIGGER_NS: Final = limits.THRESHOLD_TRIGGER_NS
_HANGS: Final = frozenset({Operation.SET_COND, Operation.WAIT_TRIGGER})
_RECEIVES: Final = frozenset({Operation.FB_POP_DATA, Operation.FB_PULL_DATA})
_OWN_LATENCY: Final = frozenset({Operation.ACQUIRE_TTL})
EXTERNAL: Final = -1


@dataclass(frozen=True, slots=True, order=True)
class Pulse:
    """One pulse on the trigger network, by when it arrives."""

    arrival_ns: int
    sender: int
    """Number within the run, or EXTERNAL."""
    address: int


def _operations(run: SequencerRun) -> set[Operation]:
    return {FORMS[opcode].operation for opcode in set(run.program.opcode.tolist())}


def hangs_on_measurements(runs: Sequence[SequencerRun]) -> bool:
    """Tell whether some sequencer of a run may do what another one's measurement says.

    Raises :class:`NotEmulated` where it is one whose triggers this twin does not know.
    """
    hangs = any(_HANGS & _operations(run) for run in runs)
    senders = [run for run in runs if run.sends_triggers] if hangs else []
    hears = any(_RECEIVES & _operations(run) for run in runs)
    shares = hears and any(shares_results(run.program) for run in runs)
    if not senders and not shares:
        return False
    for run in senders:
        if run.channel is not None or _OWN_LATENCY & _operations(run):
            what = "time tags" if run.channel is not None else "acquire_ttl"
            raise NotEmulated(
                f"this twin does not emulate the triggers that {run.sender} is set to send: of "
                f"{what}; it does those of acquire and acquire_weighed"
            )
    for run in runs:
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

    def __init__(self, runs: Sequence[SequencerRun], together: Together) -> None:
        """``runs`` with the phases that their oscillators have.

        A scope that averages or waits for a level records nothing of such a run.
        """
        self.together = together
        runs = self.runs = tuple(
            replace(run, scope=run.scope and not run.afe.scope.needs_all) for run in runs
        )
        self._reels = [
            Reel(run, processor) for run, processor in zip(runs, together.runs, strict=True)
        ]
        self._senders = [
            number
            for number, run in enumerate(runs)
            if run.sends_triggers and run.configuration.trigger_address
        ]
        self._sharers = [number for number, run in enumerate(runs) if shares_results(run.program)]
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

    def go_on(
        self,
        triggers: Sequence[Trigger],
        known_ns: int,
        begin: Callable[[int], Dialogue],
    ) -> bool:
        """Go on; return whether the programs have come to their ends.

        ``triggers`` are external pulses that came since the last call, all until ``known_ns``;
        ``begin`` begins the dialogue with the world at a time from the start.
        """
        external = [Pulse(one.time_ns, EXTERNAL, one.address) for one in triggers]
        self._pulses = sorted([*self._pulses, *external])
        while True:
            self.together.proceed(self._deliver(), self._known_ns)
            for reel in self._reels:
                reel.look()
            shared = self.together.waits_for_results
            if not self.together.waits_for_triggers and not shared:
                return True
            arrival_ns = self._next_arrival_ns()
            upto_ns = self._knows(min(arrival_ns - 1, known_ns))
            if upto_ns > self._known_ns:
                self._known_ns = upto_ns
            elif self._known_ns == arrival_ns - 1 and self._settled(arrival_ns):
                # nobody does anything before that pulse may arrive that is not known
                self._ask(arrival_ns, arrival_ns - THRESHOLD_TRIGGER_NS, begin)
            elif shared and self._settled(end_ns := self._next_shared_ns()):
                self._ask(max(end_ns, self._played_ns), end_ns, begin)
            elif self._known_ns == known_ns:
                return False
            else:
                raise NotEmulated(
                    "sequencers that measure and sequencers that hang on it wait for each other, "
                    "by messages, in a way that this twin cannot put in order"
                )

    def _next_arrival_ns(self) -> int:
        """Return when the next pulse may arrive of an acquisition that was not answered."""
        ends = [self._reels[number].next_end_ns() for number in self._senders]
        return min([end for end in ends if end < FOR_EVER], default=FOR_EVER) + (
            THRESHOLD_TRIGGER_NS
        )

    def _next_shared_ns(self) -> int:
        """Return when the next acquisition ends whose result may be in a message."""
        return min([self._reels[n].next_end_ns() for n in self._sharers], default=FOR_EVER)

    def _settled(self, until_ns: int) -> bool:
        """Tell whether all is known that anybody does before a time, messages included."""
        return until_ns < FOR_EVER and (
            not self._sharers or min(self.together.earliest_ns(self._known_ns)) >= until_ns
        )

    def _knows(self, known_ns: int) -> int:
        """Return until when all triggers are known, if acquisitions that are to come are not."""
        earliest = self.together.earliest_ns(known_ns)
        firsts = [earliest[number] + THRESHOLD_TRIGGER_NS for number in self._senders]
        return min([known_ns, *firsts])

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
            first = [reel.first_ns for reel in self._reels]
            first += [pulse.arrival_ns for pulse in self._pulses]
            self.begin_ns = self._played_ns = min([*first, max(self._latest_ns, 0)])
            self._dialogue = begin(self.begin_ns)
        drives = [
            self._moved(train) for train in played_between(self._reels, self._played_ns, played_ns)
        ]
        self._played_ns = played_ns
        dues: list[tuple[int, Due]] = []
        captures: list[CaptureTrain] = []
        listeners: list[int] = []
        for number, reel in enumerate(self._reels):
            for due in reel.due(end_ns):
                dues.append((number, due))
                captures += [
                    replace(train, start_ns=train.start_ns - self.begin_ns) for train in due.trains
                ]
                listeners += [2 * number + path for path in range(len(due.trains))]
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

    def _moved(self, train: PulseTrain) -> PulseTrain:
        return replace(train, start_ns=train.start_ns - self.begin_ns)

    def _send(self, number: int, results: Sequence[Answer]) -> None:
        configuration = self._reels[number].run.configuration
        pulses = [
            Pulse(one.end_ns + THRESHOLD_TRIGGER_NS, number, configuration.trigger_address)
            for one in results
            if one.found.above == configuration.trigger_on
        ]
        if pulses:
            self._pulses = sorted([*self._pulses, *pulses])

    def finish(
        self, captures: Sequence[Sequence[CaptureTrain]], begin: Callable[[int], Dialogue]
    ) -> tuple[Captured, ...]:
        """Play all that is left; return the answers to all that every sequencer listened to."""
        while (end_ns := min(reel.next_end_ns() for reel in self._reels)) < FOR_EVER:
            # window by window, as before: what is known of the future changes no reading
            self._ask(max(end_ns + THRESHOLD_TRIGGER_NS, self._played_ns), end_ns, begin)
        if self._dialogue is None:
            self._ask(0, 0, begin)
        answers: list[Captured] = []
        for number, (reel, trains) in enumerate(zip(self._reels, captures, strict=True)):
            listened = reel.answers(len(trains))
            for path, (train, values) in enumerate(zip(trains, listened, strict=True)):
                seen = self.dialogue.trace(2 * number + path) if train.scope else None
                trace, trace_hz = seen or (None, 0.0)
                answers.append(Captured(values, trace, trace_hz))
        return tuple(answers)

    @property
    def dialogue(self) -> Dialogue:
        """Return the dialogue with the world, which is still to be ended."""
        if self._dialogue is None:
            raise RuntimeError("the dialogue with the world has not begun")
        return self._dialogue

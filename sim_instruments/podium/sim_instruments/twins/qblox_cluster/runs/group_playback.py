"""Sequencers of one run that measurements may decide about, with pulses on the trigger network.

A pulse that another one left less than 252 ns before is lost (:mod:`..trigger_network`). ASSUMED:
of two that are sent at the same instant, an external one is first, then that of the lower slot and
sequencer; address 0 is nobody's. Pulses reach the sequencers of the run that sent them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeVar

from podium.firmware_interfaces.qblox_cluster import limits
from podium.sim_instruments.physics.signals import CaptureTrain, PulseTrain
from podium.sim_instruments.twins.qblox_cluster.processor.q1_group import FOR_EVER, Q1Group
from podium.sim_instruments.twins.qblox_cluster.processor.q1_processor import Trigger
from podium.sim_instruments.twins.qblox_cluster.runs.sequencer_playback import (
    SequencerPlayback,
    played_between,
)
from podium.sim_instruments.twins.qblox_cluster.runs.sequencer_run import SequencerRun
from podium.sim_instruments.twins.qblox_cluster.trigger_network import DEAD_NS

THRESHOLD_TRIGGER_NS: Final = limits.THRESHOLD_TRIGGER_NS
EXTERNAL: Final = -1
Train = TypeVar("Train", PulseTrain, CaptureTrain)


@dataclass(frozen=True, slots=True, order=True)
class Pulse:
    """One pulse on the trigger network, by when it arrives."""

    arrival_ns: int
    sender: int
    """Number within the run, or EXTERNAL."""
    address: int


class PulsesUnderWay:
    """Pulses on the trigger network that have not arrived, in the order in which they do."""

    def __init__(self, external: Iterable[Trigger] = ()) -> None:
        self.waiting: list[Pulse] = []
        self.latest_ns = -FOR_EVER
        """When the last pulse arrived that was not lost."""
        self.add_external(external)

    def add_external(self, triggers: Iterable[Trigger]) -> None:
        """Take pulses from outside."""
        self.add(Pulse(one.time_ns, EXTERNAL, one.address) for one in triggers)

    def add(self, pulses: Iterable[Pulse]) -> None:
        """Put pulses on their way."""
        self.waiting = sorted([*self.waiting, *pulses])

    def deliver(self, known_ns: int) -> list[Pulse]:
        """Return the pulses that arrive by the time until which all are known, but lost ones."""
        delivered: list[Pulse] = []
        while self.waiting and self.waiting[0].arrival_ns <= known_ns:
            pulse = self.waiting.pop(0)
            if pulse.arrival_ns - self.latest_ns >= DEAD_NS:
                self.latest_ns = pulse.arrival_ns
                delivered.append(pulse)
        return delivered


@dataclass(frozen=True, slots=True, eq=False)
class TriggerMoment:
    """Pulses under way, and until when all is known and played."""

    pulses: tuple[Pulse, ...]
    latest_ns: int
    known_ns: int
    played_ns: int


class GroupPlayback:
    """The sequencers of a run: their processors, what they play, and the pulses they send."""

    def __init__(
        self, runs: Sequence[SequencerRun], together: Q1Group, external: Iterable[Trigger] = ()
    ) -> None:
        """``runs`` with the phases that their oscillators have; ``external``: known beforehand."""
        self.runs, self.together = tuple(runs), together
        self.playbacks = [
            SequencerPlayback(run, processor)
            for run, processor in zip(runs, together.runs, strict=True)
        ]
        self.senders = [
            number
            for number, run in enumerate(runs)
            if run.sends_triggers and (run.channel is not None or run.configuration.trigger_address)
        ]
        self.pulses = PulsesUnderWay(external)
        self.known_ns = -1
        """Until when all pulses are known."""
        self.played_ns = 0
        self.begin_ns = 0
        """From the start, when the dialogue with the world begins."""

    def begin(self) -> None:
        """Let the dialogue with the world begin with what is done first."""
        self.begin_ns = self.played_ns = min(self.first_ns, max(self.pulses.latest_ns, 0))

    @property
    def first_ns(self) -> int:
        """Return when something is done first, as far as is known."""
        return min(playback.first_ns for playback in self.playbacks)

    def add_measured(self, number: int, results: Iterable[tuple[int, bool]]) -> None:
        """Put the pulses of acquisitions on their way, of which end and bit are known."""
        configuration = self.runs[number].configuration
        self.pulses.add(
            Pulse(end_ns + THRESHOLD_TRIGGER_NS, number, configuration.trigger_address)
            for end_ns, above in results
            if above == configuration.trigger_on
        )

    def deliver(self) -> list[Pulse]:
        """Return the pulses that arrive by the time until which all are known, but lost ones."""
        return self.pulses.deliver(self.known_ns)

    def collect_acquisitions(self) -> None:
        """Take note of acquisitions that have begun since the last call."""
        for playback in self.playbacks:
            playback.collect_acquisitions()

    def next_end_ns(self, numbers: Iterable[int]) -> int:
        """Return when the next acquisition of some sequencers is over that was not answered."""
        return min((self.playbacks[number].next_end_ns() for number in numbers), default=FOR_EVER)

    def knows(self, known_ns: int, counting: Iterable[int] = (), count_ns: int = 0) -> int:
        """Return until when all triggers are known, if acquisitions that are to come are not.

        ``counting``: sequencers that count, and send so long after what they count. Somebody may
        wait for a pulse from outside, and measure from then on: nothing later is known before it
        arrives.
        """
        earliest = self.together.earliest_ns(known_ns)
        firsts = [
            earliest[number] + (count_ns if number in counting else THRESHOLD_TRIGGER_NS)
            for number in self.senders
        ]
        firsts += [one.arrival_ns for one in self.pulses.waiting if one.sender == EXTERNAL]
        return min([known_ns, *firsts])

    def settled_ns(self) -> int:
        """Return before when nobody does anything more, as far as triggers are known."""
        return min(self.together.earliest_ns(self.known_ns))

    def asks_until(self, arrival_ns: int) -> tuple[int, int]:
        """Return until when to play and to read for the pulse that may arrive next.

        Nobody does anything before it may arrive, nor before somebody looks for it.
        """
        settled_ns = min(self.settled_ns(), FOR_EVER - 1)
        end_ns = max(arrival_ns - THRESHOLD_TRIGGER_NS, settled_ns)
        return max(arrival_ns, end_ns), end_ns

    def asks_at_the_end(self) -> tuple[int, int] | None:
        """Return until when to play and to read once programs are over; None: all is read.

        Window by window: what is known of the future changes no reading.
        """
        end_ns = self.next_end_ns(range(len(self.runs)))
        if end_ns >= FOR_EVER:
            return None
        return max(end_ns + THRESHOLD_TRIGGER_NS, self.played_ns), end_ns

    def drives(self, until_ns: int) -> list[PulseTrain]:
        """Return what leaves all connectors until a time, later each time."""
        trains = played_between(self.playbacks, self.played_ns, until_ns)
        self.played_ns = until_ns
        return [self.moved(train) for train in trains]

    def moved(self, train: Train) -> Train:
        """Return a train with its times from the beginning of the dialogue on."""
        return replace(train, start_ns=train.start_ns - self.begin_ns)

    def moment(self) -> TriggerMoment:
        """Return what has come to be known, and played; processors and playbacks have their own."""
        pulses = self.pulses
        return TriggerMoment(tuple(pulses.waiting), pulses.latest_ns, self.known_ns, self.played_ns)

    def go_back(self, moment: TriggerMoment) -> None:
        """Return to a moment."""
        self.pulses.waiting, self.pulses.latest_ns = list(moment.pulses), moment.latest_ns
        self.known_ns, self.played_ns = moment.known_ns, moment.played_ns

"""Q1 processors that were started at the same instant: they sync, and send each other messages."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from podium.firmware_interfaces.qblox_cluster import limits
from podium.firmware_interfaces.qblox_cluster.q1asm.isa import Operation
from podium.sim_instruments.twins.qblox_cluster.processor import q1_state as q1
from podium.sim_instruments.twins.qblox_cluster.processor.message_routes import (
    Routes,
    self_cast_only,
)
from podium.sim_instruments.twins.qblox_cluster.processor.q1_abilities import (
    NotEmulated,
    refuse_operations,
)
from podium.sim_instruments.twins.qblox_cluster.processor.q1_messages import (
    LEAST_CAST_NS,
    LEAST_TAG_CAST_NS,
    Measurement,
    Message,
    MessageTransit,
    Outbox,
    TagIds,
)
from podium.sim_instruments.twins.qblox_cluster.processor.q1_processor import (
    Limits,
    Q1Processor,
    Trigger,
)
from podium.sim_instruments.twins.qblox_cluster.processor.q1_run import Q1Run
from podium.sim_instruments.twins.qblox_cluster.processor.real_time_trace import (
    Ending,
    RealTimeTrace,
)

SYNC_NS: Final = limits.SYNC_NS
FOR_EVER: Final = q1.FOR_EVER

_NEEDS_TRIGGERS = frozenset({Operation.SET_COND, Operation.WAIT_TRIGGER})
_FOR_THE_WORLD = (Ending.WAITS_FOR_TRIGGER, Ending.WAITS_TO_KNOW)


def run_alone(
    processor: Q1Processor,
    *,
    limits: Limits | None = None,
    triggers: Sequence[Trigger] | None = None,
) -> RealTimeTrace:
    """Run one processor from the start to the end. See :func:`run_together`."""
    return run_together((processor,), limits=limits, triggers=triggers)[0]


def run_together(
    processors: Sequence[Q1Processor],
    *,
    limits: Limits | None = None,
    triggers: Sequence[Trigger] | None = None,
    routes: Routes = self_cast_only,
) -> tuple[RealTimeTrace, ...]:
    """Start all processors at the same instant and run them to their ends.

    Sequencers with ``sync`` meet at every ``wait_sync``; a program without end is cut at the
    limits (``limits`` or the default ones). ``triggers`` are those that all of them see, in the
    order of time; without them a program that asks for triggers raises :class:`NotEmulated`.
    """
    if triggers is None:
        for processor in processors:
            refuse_operations(
                processor.program,
                _NEEDS_TRIGGERS,
                "it needs the triggers of the run",
                processor.name,
            )
    together = Q1Group(processors, limits=limits, routes=routes)
    together.proceed(triggers or ())
    together.refuse_to_wait()
    return together.traces()


class Q1Group:
    """Processors that were started at the same instant; triggers come as they come."""

    def __init__(
        self,
        processors: Sequence[Q1Processor],
        *,
        limits: Limits | None = None,
        routes: Routes = self_cast_only,
    ) -> None:
        self._runs = [Q1Run(processor, limits or Limits()) for processor in processors]
        self._outboxes = [
            Outbox(run.processor.setup.integration_ns, run.processor.setup.weight_lengths)
            for run in self._runs
        ]
        self._post = MessageTransit(len(self._runs), routes)
        tags = any(run.processor.setup.tags for run in self._runs)
        self._least_cast_ns = LEAST_TAG_CAST_NS if tags else LEAST_CAST_NS
        self.messages_known_ns = FOR_EVER
        """Until when all messages are known that arrive: others hold what inputs hear."""
        self._begun = False
        self.synced_ns: list[int] = []
        """When the party line was released, from the start, each time."""

    @property
    def waits_for_triggers(self) -> bool:
        """Tell whether some processor goes on only when more is known of the triggers."""
        return any(run.ending in _FOR_THE_WORLD for run in self._runs)

    @property
    def waits_for_results(self) -> bool:
        """Tell whether some processor waits for a message with results; see `measured`."""
        return bool(self._promised_ns())

    def send(self, number: int, message: Message) -> None:
        """Put a message on its way that an input of a processor's sequencer has caused."""
        self._post.send(number, message)

    def tag_ids(self, number: int, opened_ns: int) -> TagIds:
        """Return under which ids the tags are shared of a window that a processor opened."""
        return self._outboxes[number].openings.pop(opened_ns, TagIds(0, 0))

    def measured(self, number: int, acquired_ns: int, found: Measurement) -> None:
        """Say what an acquisition of a processor came to; messages that wait for it hold it now."""
        self._post.measured(number, acquired_ns, found)

    def refuse_to_wait(self) -> None:
        """Raise :class:`NotEmulated` where a message would hold what a world has to say."""
        for number in self._promised_ns():
            name = self._runs[number].processor.name or f"sequencer {number}"
            raise NotEmulated(
                f"{name} waits for a message with what was measured, and there is no world"
            )

    @property
    def needs_ns(self) -> int | None:
        """Until when triggers must be known for some processor to go on, None: that helps none."""
        needs = [run.time_ns for run in self._runs if run.ending is Ending.WAITS_TO_KNOW]
        return min(needs, default=None)

    @property
    def runs(self) -> tuple[Q1Run, ...]:
        """The processors on their way, in their order."""
        return tuple(self._runs)

    def earliest_ns(self, known_ns: int) -> list[int]:
        """Return for each processor a time before which it does nothing more.

        All triggers until ``known_ns`` are known, and what it does by then may not be done yet.
        """
        goes: dict[int, int] = {}
        for number, run in enumerate(self._runs):
            match run.ending:
                case Ending.WAITS_TO_KNOW | Ending.PAUSED:
                    goes[number] = run.time_ns
                case Ending.WAITS_FOR_TRIGGER:
                    goes[number] = max(run.time_ns, known_ns + 1)
                case Ending.WAITS_FOR_SYNC | Ending.WAITS_FOR_MESSAGE:
                    pass
                case _:
                    goes[number] = FOR_EVER
        synced = [n for n, run in enumerate(self._runs) if run.processor.setup.sync]
        promised = self._promised_ns()
        first = min([*goes.values(), *promised.values()], default=FOR_EVER)
        for number, run in enumerate(self._runs):
            if run.ending is Ending.WAITS_FOR_MESSAGE:
                comes_ns = min(promised.get(number, FOR_EVER), first + self._least_cast_ns)
                goes[number] = max(run.time_ns, comes_ns)
        together = [goes.get(n, self._runs[n].time_ns) for n in synced]
        for number in range(len(self._runs)):
            goes.setdefault(number, min(max(together, default=0) + SYNC_NS, FOR_EVER))
        return [goes[number] for number in range(len(self._runs))]

    def expect(self, triggers: NDArray[np.int64]) -> None:
        """Take triggers for all that come; shape (2, n): times, ascending, and addresses."""
        for run in self._runs:
            run.expect_all(triggers)

    def proceed(self, triggers: Sequence[Trigger], known_ns: int = FOR_EVER) -> None:
        """Go on as far as triggers allow: these, later than all before, in the order of time.

        All triggers until ``known_ns`` are known now.
        """
        for run in self._runs:
            run.expect(triggers, known_ns)
            if not self._begun:
                run.proceed()
        self._begun = True
        while True:
            for number, run in enumerate(self._runs):
                self._proceed_alone(run)
                self._send(number, run)
            if not self._sync() and not self._deliver():
                break
        if not self.waits_for_triggers and not self.waits_for_results:
            for run in self._runs:
                if run.ending is Ending.WAITS_FOR_MESSAGE:
                    run.starve()

    @staticmethod
    def _proceed_alone(run: Q1Run) -> None:
        """Proceed to where others are needed, or something that is not known."""
        while True:
            if run.ending is Ending.WAITS_FOR_SYNC and not run.processor.setup.sync:
                run.resume_at(run.time_ns)  # ASSUMED: without sync_en it waits for nobody
            elif run.ending is Ending.WAITS_FOR_TRIGGER and (at_ns := run.triggered_ns()) >= 0:
                run.resume_at(at_ns)
            elif (run.ending is Ending.WAITS_TO_KNOW and run.knows_enough) or (
                run.ending is Ending.PAUSED and run.time_ns <= (run.pause_ns or 0)
            ):
                run.proceed()
            else:
                return

    def _send(self, number: int, run: Q1Run) -> None:
        for message in self._outboxes[number].messages(run.take_sent()):
            self._post.send(number, message)

    def _promised_ns(self) -> dict[int, int]:
        """Return who waits for a message that is not known yet, and when it arrives at earliest."""
        found: dict[int, int] = {}
        for number, run in enumerate(self._runs):
            if run.ending is not Ending.WAITS_FOR_MESSAGE:
                continue
            arrival_ns = self._post.earliest_ns(number)
            if arrival_ns is not None and arrival_ns <= self.messages_known_ns:
                if self._post.promised(number):
                    found[number] = arrival_ns
            elif self.messages_known_ns < FOR_EVER:
                found[number] = self.messages_known_ns + 1
        return found

    def _sync(self) -> bool:
        """Let synchronised processors go on if all of them wait; tell whether they did."""
        synced = [run for run in self._runs if run.processor.setup.sync]
        if not synced or any(run.ending is not Ending.WAITS_FOR_SYNC for run in synced):
            return False
        together_ns = max(run.time_ns for run in synced) + SYNC_NS
        self.synced_ns.append(together_ns)
        for run in synced:
            run.resume_at(together_ns)
        return True

    def _deliver(self) -> bool:
        """Give the earliest message to a processor that waits for one; tell whether one did.

        Everybody is held up, so whatever is still to be sent arrives later than that message: who
        waits for a message, or for somebody who does, goes on after it; who waits for a trigger
        sends after his own time, and who waits for what was measured after the message with it.
        """
        promised = self._promised_ns()
        arrivals = [
            (arrival_ns, number)
            for number, run in enumerate(self._runs)
            if run.ending is Ending.WAITS_FOR_MESSAGE
            and number not in promised
            and (arrival_ns := self._post.earliest_ns(number)) is not None
        ]
        if not arrivals:
            return False
        arrival_ns, number = min(arrivals)
        held = [run.time_ns for run in self._runs if run.ending in _FOR_THE_WORLD]
        held += promised.values()
        if held and arrival_ns > min(held) + self._least_cast_ns:
            return False
        self._runs[number].receive(self._post.collect(number))
        return True

    def traces(self) -> tuple[RealTimeTrace, ...]:
        """Return what was done so far."""
        return tuple(run.trace() for run in self._runs)

"""Messages between sequencers (LINQ): what is sent when, and when it arrives where.

Latencies, the words of a message and how messages are joined follow q1simulator 1.3.4 (MIT, TU
Delft; ``event_distributor.py``, ``rt_renderer.py``), which calls its latencies inexact. ASSUMED
beyond it: the queue in front of a sequencer never overflows, the network is never busy, and within
a module a message takes as long as between modules.
"""

import bisect
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from podium.firmware_interfaces.qblox_cluster.q1asm.commands import DATA, CommandNumber, Packing
from podium.sim_instruments.twins.qblox_cluster import q1_state as q1
from podium.sim_instruments.twins.qblox_cluster.real_time_trace import EventKind

SELF_CAST_MAX: Final = 15
"""Ids 1 to 15 come back to who sent them; the others go where they are routed (LINQ tutorials,
docs.qblox.com). Id 0 sends nothing."""
DATA_NS: Final = 60
RESULT_NS: Final = 160
"""From sending a register, or from the end of an integration, to a sequencer's own queue."""
WORD_NS: Final = 4
"""Of each word after the first."""
CAST_NS: Final = 320
"""On top, to other sequencers."""
CAST_WORD_NS: Final = 20
LEAST_CAST_NS: Final = DATA_NS + CAST_NS


@dataclass(frozen=True, slots=True)
class Route:
    """Who receives a message; sequencers are numbers within the run."""

    receivers: tuple[int, ...]
    self_cast: bool = False
    """It does not leave the sequencer: faster, and nothing to join it with."""


Routes = Callable[[int, int], Route]
"""Of what a sequencer (its number) sends under an id."""


def self_cast_only(sender: int, id_: int) -> Route:
    """Route nothing: as after power-on."""
    return Route((sender,), self_cast=True) if id_ <= SELF_CAST_MAX else Route(())


class Unknowable(Exception):
    """A message would hold what the world measures, which is not known while programs run."""


@dataclass(frozen=True, slots=True)
class Message:
    """What one command or one acquisition sends."""

    ready_ns: int
    """When it is in a sequencer's own queue; further words and other sequencers come later."""
    id: int
    words: tuple[int, ...]
    combine: bool


class Outbox:
    """What one sequencer shares, by its commands so far."""

    def __init__(self, integration_ns: int) -> None:
        self._integration_ns = integration_ns
        self._data = Packing()
        self._bits = Packing(length=1)
        self._bits_id = 0
        self._values_id = 0
        self._valid = 1
        self._mock = 0

    def messages(self, entries: Iterable[tuple[int, int, int]]) -> list[Message]:
        """Return what commands and acquisitions send: (time, number, value), in their order.

        Raises :class:`Unknowable` where a measured result is shared.
        """
        found: list[Message] = []
        for time_ns, number, value in entries:
            if number >= DATA:
                words = self._data.words(value)
                found.append(self._message(time_ns + DATA_NS, number - DATA, words, self._data))
            elif number == q1.ACQUIRED:
                found += self._result(time_ns, value)
            else:
                self._set(number, value)
        return [message for message in found if message.id]

    @staticmethod
    def _message(ready_ns: int, id_: int, words: tuple[int, ...], packing: Packing) -> Message:
        return Message(ready_ns, id_, words, packing.combine != 0)

    def _set(self, number: int, value: int) -> None:
        match number:
            case CommandNumber.COM_CFG:
                self._data = Packing.from_value(value)
            case CommandNumber.ACQ_TB_CFG:
                self._bits = Packing.from_value(value)
            case CommandNumber.ACQ_TB_ID:
                self._bits_id = value & 0xFF
            case CommandNumber.ACQ_IQ_ID:
                self._values_id = value & 0xFF
            case CommandNumber.ACQ_TB_VALID:
                self._valid = value & 1
            case CommandNumber.ACQ_TB_MOCK:
                self._mock = value

    def _result(self, time_ns: int, kind: int) -> list[Message]:
        """ASSUMED: only integrations are shared, and always after ``integration_length_acq``."""
        if kind not in (EventKind.ACQUIRE, EventKind.ACQUIRE_WEIGHED):
            return []
        if self._values_id or (self._bits_id and not self._mock & 1):
            raise Unknowable("it shares what it measures")
        bits = (self._mock >> 4 & 1) | (self._mock >> 8 & 1) << 1
        ready_ns = time_ns + self._integration_ns + RESULT_NS
        return [self._message(ready_ns, self._bits_id, self._bits.words(bits), self._bits)]


@dataclass(frozen=True, slots=True, order=True)
class _Arrival:
    """One message on its way to one sequencer; they are taken in this order."""

    arrival_ns: int
    combine: bool
    sender: int
    serial: int
    id: int
    words: tuple[int, ...]


class Post:
    """Messages under way between the sequencers of one run."""

    def __init__(self, sequencers: int, routes: Routes) -> None:
        self._routes = routes
        self._under_way: list[list[_Arrival]] = [[] for _ in range(sequencers)]
        self._serial = 0

    def send(self, sender: int, message: Message) -> None:
        """Put a message on its way to all who receive it."""
        further = len(message.words) - 1
        route = self._routes(sender, message.id)
        arrival_ns = message.ready_ns + further * WORD_NS
        if not route.self_cast:
            arrival_ns = message.ready_ns + CAST_NS + further * CAST_WORD_NS
        combine = message.combine and not route.self_cast
        self._serial += 1
        arrival = _Arrival(arrival_ns, combine, sender, self._serial, message.id, message.words)
        for receiver in route.receivers:
            bisect.insort(self._under_way[receiver], arrival)

    def earliest_ns(self, receiver: int) -> int | None:
        """Return when the next message arrives at a sequencer, None if none is under way."""
        waiting = self._under_way[receiver]
        return waiting[0].arrival_ns if waiting else None

    def collect(self, receiver: int) -> list[tuple[int, int, int]]:
        """Take the next message of a sequencer: time, id and value of each word."""
        waiting = self._under_way[receiver]
        first = waiting.pop(0)
        words = list(first.words)
        while first.combine and waiting and self._joins(first, waiting[0]):
            other = waiting.pop(0)
            words = [left | right for left, right in zip(words, other.words, strict=True)]
        return [(first.arrival_ns, first.id, word) for word in words]

    @staticmethod
    def _joins(first: _Arrival, other: _Arrival) -> bool:
        """ASSUMED: messages of unequal length are not joined."""
        same = (other.arrival_ns, other.combine, other.id) == (first.arrival_ns, True, first.id)
        return same and len(first.words) == len(other.words)

"""Messages between sequencers (LINQ): what is sent when, and when it arrives where.

Latencies, the words of a message and how messages are joined follow q1simulator 1.3.4 (MIT, TU
Delft; ``event_distributor.py``, ``rt_renderer.py``), which calls its latencies inexact. ASSUMED
beyond it: the queue in front of a sequencer never overflows, the network is never busy, and within
a module a message takes as long as between modules, where no table says otherwise (QTM).

What is measured is shared after every acquisition (LINQ tutorials, docs.qblox.com). When such a
message arrives is known before what it says: it is under way as a promise, which the world fills.
"""

import bisect
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from podium.firmware_interfaces.qblox_cluster.q1asm.commands import DATA, CommandNumber, Packing
from podium.sim_instruments.twins.qblox_cluster.processor import q1_state as q1
from podium.sim_instruments.twins.qblox_cluster.processor.message_routes import Routes
from podium.sim_instruments.twins.qblox_cluster.processor.real_time_trace import EventKind

DATA_NS: Final = 60
RESULT_NS: Final = 160
"""From sending a register, or from the end of an integration, to a sequencer's own queue."""
WORD_NS: Final = 4
"""Of each word after the first."""
CAST_NS: Final = 320
"""On top, to other sequencers."""
CAST_WORD_NS: Final = 20
LEAST_CAST_NS: Final = DATA_NS + CAST_NS
FAST_TAG_NS: Final = 146
FAST_TAG_CAST_NS: Final = 90, 334
"""Low-latency path of a QTM: from an edge, or the end of a window, to a sequencer's own queue; on
top within the module, and between modules (docs.qblox.com, LINQ with QTM)."""
TAG_NS: Final = 910
TAG_CAST_NS: Final = 90, 350
"""The same of its time-to-digital converter."""
LEAST_TAG_CAST_NS: Final = FAST_TAG_NS + FAST_TAG_CAST_NS[0]
VALUE_SCALE: Final = 1 << 12
"""Of an integral, in full scales of one sample, before it is shifted (q1simulator 1.3.4)."""
VALUE_WORDS: Final = 2
_WORD: Final = 0xFFFF_FFFF


@dataclass(frozen=True, slots=True)
class Measurement:
    """The outcome of one acquisition, or of one window of a time-tag sequencer."""

    above: bool = False
    """The bit that goes into the bin."""
    integral: complex = 0j
    """Path 0 and path 1, in full scales of one sample."""
    count: int = 0
    """Edges in the window, as the low-latency path counts them."""
    delta: int = 0
    """Time difference of the window, in 1/128 ns."""


@dataclass(frozen=True, slots=True)
class SharedBit:
    """A thresholded bit (TB) that an acquisition will fill."""

    acquired_ns: int
    """When the acquisition began."""
    valid: int
    packing: Packing

    def words(self, found: Measurement) -> tuple[int, ...]:
        """Return the words of the message."""
        return self.packing.words(found.above | self.valid << 1)


@dataclass(frozen=True, slots=True)
class SharedValues:
    """I and Q of an acquisition, one word each, I first.

    ASSUMED, as q1simulator 1.3.4 has them: cut towards zero, then shifted arithmetically.
    """

    acquired_ns: int
    shift: int

    def words(self, found: Measurement) -> tuple[int, ...]:
        """Return the words of the message."""
        values = found.integral.real, found.integral.imag
        return tuple((int(value * VALUE_SCALE) >> self.shift) & _WORD for value in values)


@dataclass(frozen=True, slots=True)
class SharedCount:
    """Edges in a window (``fb_llp_ttls_id``). ASSUMED: the name's meaning, one word."""

    acquired_ns: int
    """When the window was closed."""

    def words(self, found: Measurement) -> tuple[int, ...]:
        """Return the word of the message."""
        return (found.count & _WORD,)


@dataclass(frozen=True, slots=True)
class SharedDelta:
    """Time difference of a window (``fb_tdc_tdelta_id``). ASSUMED: one word, lower bits."""

    acquired_ns: int
    """When the window was closed."""

    def words(self, found: Measurement) -> tuple[int, ...]:
        """Return the word of the message."""
        return (found.delta & _WORD,)


Shared = SharedBit | SharedValues | SharedCount | SharedDelta


@dataclass(frozen=True, slots=True)
class Message:
    """The message of one command or one acquisition."""

    ready_ns: int
    """When it is in a sequencer's own queue; further words and other sequencers come later."""
    id: int
    words: tuple[int, ...]
    """Of a promise: zeros, as many as there will be."""
    combine: bool
    promise: Shared | None = None
    cast_ns: tuple[int, int] = (CAST_NS, CAST_NS)
    """On top, to others in the module and to other modules."""


@dataclass(frozen=True, slots=True)
class TagIds:
    """Ids under which the tags of a window are shared; 0: they are not."""

    fine: int
    """``fb_tdc_tags_id``."""
    fast: int
    """``fb_llp_tags_id``."""


def tag_message(id_: int, tag_ns: int, word: int, fast: bool) -> Message:
    """Return the message that shares one tag. ASSUMED: one word, its lower 32 bits."""
    latency_ns, cast_ns = (FAST_TAG_NS, FAST_TAG_CAST_NS) if fast else (TAG_NS, TAG_CAST_NS)
    return Message(tag_ns + latency_ns, id_, (word & _WORD,), False, None, cast_ns)


class Outbox:
    """Messages that one sequencer shares, by its commands so far."""

    def __init__(
        self, integration_ns: int, weight_lengths: Mapping[int, int] | None = None
    ) -> None:
        """``weight_lengths``: samples of each weight index."""
        self._integration_ns = integration_ns
        self._weight_lengths = weight_lengths or {}
        self._data = Packing()
        self._bits = Packing(length=1)
        self._bits_id = 0
        self._values_id = 0
        self._valid = 1
        self._shift = 0
        self._mock = 0
        self._count_id = 0
        self._delta_id = 0
        self._tag_ids = TagIds(0, 0)
        self.openings: dict[int, TagIds] = {}
        """Under which ids the tags are shared of the window that was opened at a time."""

    def messages(self, entries: Iterable[tuple[int, int, int]]) -> list[Message]:
        """Return what commands and acquisitions send: (time, number, value), in their order."""
        found: list[Message] = []
        for time_ns, number, value in entries:
            if number >= DATA:
                words = self._data.words(value)
                found.append(self._message(time_ns + DATA_NS, number - DATA, words, self._data))
            elif number == q1.ACQUIRED:
                found += self._results(time_ns, *q1.acquired(value))
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
            case CommandNumber.ACQ_IQ_SHIFT:
                self._shift = value & 0x3F
            case CommandNumber.ACQ_TB_VALID:
                self._valid = value & 1
            case CommandNumber.ACQ_TB_MOCK:
                self._mock = value
            case CommandNumber.TDC_TAGS_ID:
                self._tag_ids = TagIds(value & 0xFF, self._tag_ids.fast)
            case CommandNumber.LLP_TAGS_ID:
                self._tag_ids = TagIds(self._tag_ids.fine, value & 0xFF)
            case CommandNumber.TDC_TDELTA_ID:
                self._delta_id = value & 0xFF
            case CommandNumber.LLP_TTLS_ID:
                self._count_id = value & 0xFF

    def _results(self, time_ns: int, kind: int, weight0: int, weight1: int) -> list[Message]:
        """Return what is shared of an acquisition: the bit goes before the values.

        ASSUMED: only integrations are shared, after ``integration_length_acq``, whatever the
        weights (q1simulator); where the weights last longer, after them.
        """
        if kind == EventKind.OPEN_WINDOW:
            self.openings[time_ns] = self._tag_ids
        if kind == EventKind.CLOSE_WINDOW:
            count, delta = SharedCount(time_ns), SharedDelta(time_ns)
            return [
                Message(
                    time_ns + FAST_TAG_NS, self._count_id, (0,), False, count, FAST_TAG_CAST_NS
                ),
                Message(time_ns + TAG_NS, self._delta_id, (0,), False, delta, TAG_CAST_NS),
            ]
        if kind not in (EventKind.ACQUIRE, EventKind.ACQUIRE_WEIGHED):
            return []
        lengths = (self._weight_lengths.get(weight, 0) for weight in (weight0, weight1))
        ready_ns = time_ns + max(self._integration_ns, *lengths) + RESULT_NS
        none = tuple([0] * len(self._bits.words(0)))
        if self._mock & 1:
            mocked = (self._mock >> 4 & 1) | (self._mock >> 8 & 1) << 1
            bit = self._message(ready_ns, self._bits_id, self._bits.words(mocked), self._bits)
        else:
            shared = SharedBit(time_ns, self._valid, self._bits)
            combine = self._bits.combine != 0
            bit = Message(ready_ns, self._bits_id, none, combine, shared)
        values = SharedValues(time_ns, self._shift)
        return [bit, Message(ready_ns, self._values_id, (0,) * VALUE_WORDS, False, values)]


@dataclass(frozen=True, slots=True, order=True)
class _Arrival:
    """One message on its way to one sequencer; they are taken in this order."""

    arrival_ns: int
    combine: bool
    sender: int
    serial: int
    id: int
    words: tuple[int, ...]
    promise: Shared | None = field(default=None, compare=False)


class MessageTransit:
    """Messages under way between the sequencers of one run."""

    def __init__(self, sequencers: int, routes: Routes) -> None:
        self._routes = routes
        self._under_way: list[list[_Arrival]] = [[] for _ in range(sequencers)]
        self._serial = 0
        self._measured: dict[tuple[int, int], Measurement] = {}
        """By sender and beginning of the acquisition."""

    def send(self, sender: int, message: Message) -> None:
        """Put a message on its way to all who receive it."""
        further = len(message.words) - 1
        route = self._routes(sender, message.id)
        combine = message.combine and not route.self_cast
        self._serial += 1
        for receiver in route.receivers:
            arrival_ns = message.ready_ns + further * WORD_NS
            if not route.self_cast:
                cast_ns = message.cast_ns[receiver not in route.near]
                arrival_ns = message.ready_ns + cast_ns + further * CAST_WORD_NS
            arrival = _Arrival(
                arrival_ns,
                combine,
                sender,
                self._serial,
                message.id,
                message.words,
                message.promise,
            )
            bisect.insort(self._under_way[receiver], arrival)

    def measured(self, sender: int, acquired_ns: int, found: Measurement) -> None:
        """Fill what was promised of an acquisition."""
        self._measured[sender, acquired_ns] = found

    def earliest_ns(self, receiver: int) -> int | None:
        """Return when the next message arrives at a sequencer, None if none is under way."""
        waiting = self._under_way[receiver]
        return waiting[0].arrival_ns if waiting else None

    def promised(self, receiver: int) -> bool:
        """Tell whether the next message of a sequencer holds what is not known yet."""
        return any(
            one.promise is not None and (one.sender, one.promise.acquired_ns) not in self._measured
            for one in self._next(receiver)
        )

    def collect(self, receiver: int) -> list[tuple[int, int, int]]:
        """Take the next message of a sequencer: time, id and value of each word."""
        taken = self._next(receiver)
        del self._under_way[receiver][: len(taken)]
        first, words = taken[0], [0] * len(taken[0].words)
        for one in taken:
            words = [left | right for left, right in zip(words, self._words(one), strict=True)]
        return [(first.arrival_ns, first.id, word) for word in words]

    def _words(self, one: _Arrival) -> tuple[int, ...]:
        if one.promise is None:
            return one.words
        return one.promise.words(self._measured[one.sender, one.promise.acquired_ns])

    def _next(self, receiver: int) -> list[_Arrival]:
        """Return the next message, and those that are joined with it."""
        waiting = self._under_way[receiver]
        taken = waiting[:1]
        for other in waiting[1:]:
            if not (taken[0].combine and self._joins(taken[0], other)):
                break
            taken.append(other)
        return taken

    @staticmethod
    def _joins(first: _Arrival, other: _Arrival) -> bool:
        """ASSUMED: messages of unequal length are not joined."""
        same = (other.arrival_ns, other.combine, other.id) == (first.arrival_ns, True, first.id)
        return same and len(first.words) == len(other.words)

"""Digital edges that go from one instrument to another: who sends, over which cable, who hears.

An instant of the world is an integer of femtoseconds. Senders say what they will have sent once
they know it; until then nobody knows what arrives in the time concerned.
"""

import bisect
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING, Protocol, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Spans: TypeAlias = "NDArray[np.int64]"
"""Shape (n, 2), ascending, fs: stretches of time, from and until."""


@dataclass(frozen=True, slots=True, eq=False)
class EdgeTrain:
    """Edges that leave one connector, alternately up and down."""

    connector: str
    """Within its instrument: ``slot6.marker0``, ``slot10.io3``."""
    at_fs: tuple[int, ...]
    """World instants, ascending."""
    rising: tuple[bool, ...]
    """Of each: whether it goes up."""


class Detector(Protocol):
    """Makes pulses of photons, where a cable begins at one."""

    @property
    def memory_fs(self) -> int:
        """Return how long before a stretch of time photons matter for it."""
        ...

    def pulses(
        self, photons: Sequence[int], from_fs: int, until_fs: int, spans: "Spans | None"
    ) -> list["Edge"]:
        """Return the edges of all pulses that begin from one instant to before another.

        ``spans``: where they are asked for, from ``from_fs`` on; None: everywhere.
        """
        ...


@dataclass(slots=True, eq=False)
class Cable:
    """From one connector to another."""

    source: tuple[str, str]
    """Instrument and connector."""
    delay_fs: int
    """The world's secret: at the room's mean temperature."""
    delayed_fs: Callable[[int], int] | None = None
    """The delay of what goes in at an instant; None: always the same."""
    detector: Detector | None = None
    """Where it begins; rising edges of its source are photons then."""
    off: list[tuple[int, int | None]] = field(default_factory=list)
    """When it was off where signals go in, from, until; None: it still is."""

    @property
    def slack_fs(self) -> int:
        """Return by how much no delay differs from that at the mean temperature."""
        return 0 if self.delayed_fs is None else self.delay_fs // 1000 + 1

    def arrives_fs(self, at_fs: int) -> int:
        """Return when what goes in at an instant is at the other end."""
        return at_fs + (self.delay_fs if self.delayed_fs is None else self.delayed_fs(at_fs))


@dataclass(slots=True, eq=False)
class Promise:
    """Announces that an instrument will send something from an instant on, not known yet."""

    instrument: str
    from_fs: int | None
    """None: nothing before something else happens to it."""
    sent: dict[str, list["Edge"]] = field(default_factory=dict)
    """What was sent in keeping it, by connector."""


Edge = tuple[int, bool]
"""When it arrives, and whether it rises."""


class DigitalLines:
    """All digital cables of a laboratory. Thread-safe."""

    def __init__(self, told: Callable[[Promise, EdgeTrain], object] | None = None) -> None:
        """``told`` is called with whatever leaves an instrument, heard or not.

        Where a promise is kept anew, it is called again for the same connectors.
        """
        self._told = told
        self._cables: dict[tuple[str, str], Cable] = {}
        self._sent: dict[tuple[str, str], list[Edge]] = {}
        self._promises: list[Promise] = []
        self._senders: dict[str, Callable[[int], None]] = {}
        self._catching_up = False
        self._lock = Lock()

    def connect(
        self,
        sink: tuple[str, str],
        source: tuple[str, str],
        delay_fs: int,
        delayed_fs: Callable[[int], int] | None = None,
        detector: Detector | None = None,
    ) -> None:
        """Lay a cable to ``sink``, instrument and connector. Raises ValueError if one is there.

        ``delayed_fs``: the delay of what goes in at an instant, within 0.1 % of ``delay_fs``;
        ``detector``: what the cable begins at, whose photons ``source`` sends.
        """
        if sink in self._cables:
            raise ValueError(f"{'.'.join(sink)} has a cable already")
        if delay_fs < 0:
            raise ValueError(f"a cable to {'.'.join(sink)} cannot be {delay_fs} fs long")
        self._cables[sink] = Cable(source, delay_fs, delayed_fs, detector)

    def cabled(self, sink: tuple[str, str]) -> bool:
        """Tell whether a cable is laid to ``sink``, plugged in or not."""
        return sink in self._cables

    def plugged(self, sink: tuple[str, str]) -> bool:
        """Tell whether the cable to ``sink`` is on where signals go in."""
        with self._lock:
            off = self._cables[sink].off
            return not off or off[-1][1] is not None

    def unplug(self, sink: tuple[str, str], at_fs: int) -> None:
        """Take the cable to ``sink`` off where signals go in; what is on its way arrives."""
        with self._lock:
            off = self._cables[sink].off
            if not off or off[-1][1] is not None:
                off.append((at_fs, None))

    def plug(self, sink: tuple[str, str], at_fs: int) -> None:
        """Put it back."""
        with self._lock:
            off = self._cables[sink].off
            if off and off[-1][1] is None:
                off[-1] = (off[-1][0], at_fs)

    def watch(self, instrument: str, settle: Callable[[int], None]) -> None:
        """Say how an instrument is brought up to an instant: its promises are up to date then."""
        self._senders[instrument] = settle

    def settle(self, instrument: str, now_fs: int) -> None:
        """Bring an instrument up to ``now_fs``, if it has said how: :meth:`watch`."""
        if (settle := self._senders.get(instrument)) is not None:
            settle(now_fs)

    def catch_up(self, sink: tuple[str, str], now_fs: int) -> None:
        """Bring whoever sends to ``sink`` up to ``now_fs``: nobody else may have asked them.

        Only from the thread that the instruments belong to.
        """
        cable = self._cables.get(sink)
        if cable is None or self._catching_up or cable.source[0] == sink[0]:
            return
        settle = self._senders.get(cable.source[0])
        if settle is None:
            return
        self._catching_up = True
        try:
            settle(now_fs)
        finally:
            self._catching_up = False

    def promise(self, instrument: str, from_fs: int) -> Promise:
        """Say that what ``instrument`` sends from ``from_fs`` on is being computed."""
        promise = Promise(instrument, from_fs)
        with self._lock:
            self._promises.append(promise)
        return promise

    def reopen(self, promise: Promise, from_fs: int) -> None:
        """Say that what was promised is computed anew from an instant on: it is not known."""
        with self._lock:
            promise.from_fs = from_fs
            if promise not in self._promises:
                self._promises.append(promise)

    def keep(self, promise: Promise, trains: Iterable[EdgeTrain] = ()) -> None:
        """Send what was promised: from now on it is known.

        Kept anew, it is sent instead of what was sent before.
        """
        trains = tuple(trains)
        silent = promise.sent.keys() - {train.connector for train in trains}
        trains += tuple(EdgeTrain(connector, (), ()) for connector in sorted(silent))
        if self._told is not None:
            for train in trains:
                self._told(promise, train)
        with self._lock:
            if promise in self._promises:
                self._promises.remove(promise)
            heard = {cable.source for cable in self._cables.values()}
            for train in trains:
                source = (promise.instrument, train.connector)
                before = promise.sent.get(train.connector, [])
                edges: list[Edge] = []
                if source in heard:  # else nobody listens
                    edges = list(zip(train.at_fs, train.rising, strict=True))
                    sent = self._sent.setdefault(source, [])
                    for edge in before:
                        sent.remove(edge)
                    for edge in edges:
                        bisect.insort(sent, edge)
                promise.sent[train.connector] = edges

    def send_on(
        self, promise: Promise, trains: Iterable[EdgeTrain], from_fs: int, until_fs: int
    ) -> None:
        """Send what is known so far of what was promised: all edges from one instant to another.

        The promise stands for what comes later.
        """
        with self._lock:
            heard = {cable.source for cable in self._cables.values()}
            for train in trains:
                source = (promise.instrument, train.connector)
                if source not in heard:
                    continue
                for edge in zip(train.at_fs, train.rising, strict=True):
                    if from_fs <= edge[0] < until_fs:
                        bisect.insort(self._sent.setdefault(source, []), edge)
                        promise.sent.setdefault(train.connector, []).append(edge)
            promise.from_fs = until_fs

    def send(self, instrument: str, connector: str, at_fs: int, rising: bool = True) -> None:
        """Send one edge, at an instant that may lie ahead."""
        with self._lock:
            bisect.insort(self._sent.setdefault((instrument, connector), []), (at_fs, rising))

    def take_back(self, instrument: str, connector: str, at_fs: int, rising: bool = True) -> None:
        """Take back an edge that was sent ahead; nothing happens where there is none."""
        with self._lock:
            sent = self._sent.get((instrument, connector), [])
            if (at_fs, rising) in sent:
                sent.remove((at_fs, rising))

    def sent(self, source: tuple[str, str], from_fs: int) -> list[Edge]:
        """Return what leaves a connector with a cable from an instant on, as far as is known."""
        with self._lock:
            sent = self._sent.get(source, [])
            return sent[bisect.bisect_left(sent, (from_fs, False)) :]

    def promised_fs(self, instrument: str) -> int | None:
        """Return from when on it is not known what an instrument sends; None: all is known."""
        with self._lock:
            mine = (one.from_fs for one in self._promises if one.instrument == instrument)
            return min((one for one in mine if one is not None), default=None)

    def replace(self, source: tuple[str, str], from_fs: int, edges: Iterable[Edge]) -> None:
        """Have a connector send these from an instant on, in place of what was known of it."""
        with self._lock:
            sent = self._sent.setdefault(source, [])
            del sent[bisect.bisect_left(sent, (from_fs, False)) :]
            sent += sorted(edges)

    def heard(
        self, sink: tuple[str, str], from_fs: int, until_fs: int, spans: "Spans | None" = None
    ) -> list[Edge] | None:
        """Return what arrives at ``sink`` from ``from_fs`` to before ``until_fs``, in order.

        What was sent to ``sink`` itself arrives there. None: some of it is not known yet.
        ``spans``: where it matters, from ``from_fs`` on; what a detector sends elsewhere may be
        left out.
        """
        with self._lock:
            cable = self._cables.get(sink)
            edges = self._between(sink, from_fs, until_fs)
            if cable is None:
                return edges
            if self._awaits(cable, until_fs, None):
                return None
            return sorted([*edges, *self._arriving(cable, from_fs, until_fs, spans)])

    def awaits(self, sink: tuple[str, str], until_fs: int, mine: Promise) -> bool:
        """Tell whether others' edges that arrive at ``sink`` before an instant are not known yet.

        ``mine``: does not count.
        """
        with self._lock:
            cable = self._cables.get(sink)
            return cable is not None and self._awaits(cable, until_fs, mine)

    def _awaits(self, cable: Cable, until_fs: int, mine: Promise | None) -> bool:
        soonest_fs = cable.delay_fs - cable.slack_fs
        return any(
            promise.from_fs is not None and promise.from_fs + soonest_fs < until_fs
            for promise in self._promises
            if promise.instrument == cable.source[0] and promise is not mine
        )

    def level(self, sink: tuple[str, str], now_fs: int) -> bool:
        """Return whether the line is high at ``now_fs``, as far as is known."""
        edges: list[Edge] = []
        with self._lock:
            edges += self._between(sink, 0, now_fs + 1)[-1:]
            cable = self._cables.get(sink)
            if cable is not None:
                since_fs = 0 if cable.detector is None else now_fs - cable.detector.memory_fs
                edges += self._arriving(cable, since_fs, now_fs + 1)[-1:]
        return max(edges)[1] if edges else False

    def _arriving(
        self, cable: Cable, from_fs: int, until_fs: int, spans: "Spans | None" = None
    ) -> list[Edge]:
        """Return what comes out of a cable, in order."""
        first_fs = from_fs - cable.delay_fs - cable.slack_fs
        last_fs = until_fs - cable.delay_fs + cable.slack_fs
        sent = self._leaving(cable, first_fs, last_fs, spans)
        for off_fs, on_fs in cable.off:
            sent = [edge for edge in sent if edge[0] < off_fs or (on_fs and edge[0] >= on_fs)]
            if cable.detector is not None:
                continue  # ASSUMED: at rest then, a pulse being short
            for at_fs, up in ((off_fs, False), (on_fs, True)):
                # a level that is high falls where the cable is taken off, and rises again
                if at_fs is not None and first_fs <= at_fs < last_fs:
                    before = self._between(cable.source, 0, at_fs)[-1:]
                    if before and before[0][1]:
                        bisect.insort(sent, (at_fs, up))
        arriving = [(cable.arrives_fs(at_fs), up) for at_fs, up in sent]
        return [edge for edge in arriving if from_fs <= edge[0] < until_fs]

    def _leaving(
        self, cable: Cable, from_fs: int, until_fs: int, spans: "Spans | None"
    ) -> list[Edge]:
        """Return what goes into a cable, in order."""
        if cable.detector is None:
            return self._between(cable.source, from_fs, until_fs)
        photons = self._between(cable.source, from_fs - cable.detector.memory_fs, until_fs)
        here = None if spans is None else spans + cable.slack_fs
        return cable.detector.pulses([at_fs for at_fs, _ in photons], from_fs, until_fs, here)

    def _between(self, source: tuple[str, str], from_fs: int, until_fs: int) -> list[Edge]:
        sent = self._sent.get(source, [])
        first = bisect.bisect_left(sent, (from_fs, False))
        return sent[first : bisect.bisect_left(sent, (until_fs, False))]


@dataclass(frozen=True, slots=True)
class LinesEnd:
    """All connectors of one instrument."""

    lines: DigitalLines
    instrument: str

    def promise(self, from_fs: int) -> Promise:
        """Say that what leaves the instrument from ``from_fs`` on is being computed."""
        return self.lines.promise(self.instrument, from_fs)

    def keep(self, promise: Promise, trains: Iterable[EdgeTrain] = ()) -> None:
        """Send what was promised."""
        self.lines.keep(promise, trains)

    def reopen(self, promise: Promise, from_fs: int) -> None:
        """Say that what was promised is computed anew from an instant on."""
        self.lines.reopen(promise, from_fs)

    def send_on(
        self, promise: Promise, trains: Iterable[EdgeTrain], from_fs: int, until_fs: int
    ) -> None:
        """Send what is known so far of what was promised."""
        self.lines.send_on(promise, trains, from_fs, until_fs)

    def watch(self, settle: Callable[[int], None]) -> None:
        """Say how the instrument is brought up to an instant."""
        self.lines.watch(self.instrument, settle)

    def cabled(self, connector: str) -> bool:
        """Tell whether a cable is laid to a connector, plugged in or not."""
        return self.lines.cabled((self.instrument, connector))

    def catch_up(self, connector: str, now_fs: int) -> None:
        """Bring whoever sends to a connector up to ``now_fs``."""
        self.lines.catch_up((self.instrument, connector), now_fs)

    def heard(
        self, connector: str, from_fs: int, until_fs: int, spans: "Spans | None" = None
    ) -> list[Edge] | None:
        """Return what arrives at a connector, see :meth:`DigitalLines.heard`."""
        return self.lines.heard((self.instrument, connector), from_fs, until_fs, spans)

    def awaits(self, connector: str, until_fs: int, mine: Promise) -> bool:
        """Tell whether others' edges are not known yet, see :meth:`DigitalLines.awaits`."""
        return self.lines.awaits((self.instrument, connector), until_fs, mine)

    def level(self, connector: str, now_fs: int) -> bool:
        """Return whether a connector is high."""
        return self.lines.level((self.instrument, connector), now_fs)

    def arrive(self, connector: str, at_fs: int, rising: bool = True) -> None:
        """Let an edge from outside the laboratory's cables arrive at a connector."""
        self.lines.send(self.instrument, connector, at_fs, rising)

    def take_back(self, connector: str, at_fs: int, rising: bool = True) -> None:
        """Take back an edge that was to arrive."""
        self.lines.take_back(self.instrument, connector, at_fs, rising)

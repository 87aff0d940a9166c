"""The world's own record of signals that left connectors; control never sees it.

An instant is TAI in integer femtoseconds, of the edge of the sample at the connector.
"""

from collections import OrderedDict
from collections.abc import Callable, Collection, Hashable, Sequence
from dataclasses import dataclass
from itertools import count
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

EDGES_KEPT = 64
"""Of one connector and run; of the others it is known how many there were."""
ENTRIES_KEPT = 20_000
STOPS_KEPT = 1_000
"""Senders of whose stop one knows before what they send is known."""


@dataclass(frozen=True, slots=True)
class OutputRecord:
    """Instants at which one connector sent something in one run."""

    number: int
    """Counts up in the order in which things became known."""
    instrument: str
    connector: str
    at_fs: tuple[int, ...]
    """Rising edges, or beginnings of pulses, ascending; the first of them."""
    count: int
    last_fs: int
    turns: tuple[float, ...] = ()
    """Phase of the carrier at each of these instants, of pulses; edges have none."""


@dataclass(frozen=True, slots=True, eq=False)
class ConnectorOutput:
    """Instants of one connector's output in one run, in ticks of its instrument."""

    instrument: str
    connector: str
    ticks: "Sequence[int] | NDArray[np.int64]"
    """Ascending."""
    when: Callable[[int], int]
    """The world instant of a tick; never earlier than that of the tick before it, and the same
    whenever it is asked for: it is looked up when somebody reads the record."""
    turns: Sequence[float] = ()

    def until(self, at_fs: int) -> "ConnectorOutput":
        """Return it without what begins at ``at_fs`` or later."""
        low, high = 0, len(self.ticks)
        while low < high:
            middle = (low + high) // 2
            if self.when(int(self.ticks[middle])) < at_fs:
                low = middle + 1
            else:
                high = middle
        return ConnectorOutput(
            self.instrument, self.connector, self.ticks[:low], self.when, self.turns[:low]
        )

    @property
    def last_fs(self) -> int:
        """Return the last instant, TAI, of one that sends something."""
        return self.when(int(self.ticks[-1]))

    def brief(self) -> "BriefOutput":
        """Return what is kept of it, without the rest."""
        kept = tuple(int(tick) for tick in self.ticks[:EDGES_KEPT])
        turns = tuple(float(turns) % 1.0 for turns in self.turns[:EDGES_KEPT])
        last, count = int(self.ticks[-1]), len(self.ticks)
        return BriefOutput(self.instrument, self.connector, kept, last, count, turns, self.when)


@dataclass(frozen=True, slots=True, eq=False)
class BriefOutput:
    """Some of the instants of one connector's output in one run, in ticks of its instrument."""

    instrument: str
    connector: str
    ticks: tuple[int, ...]
    last: int
    count: int
    turns: tuple[float, ...]
    when: Callable[[int], int]

    def record(self, number: int) -> OutputRecord:
        """Return it as others read it."""
        return OutputRecord(
            number,
            self.instrument,
            self.connector,
            tuple(map(self.when, self.ticks)),
            self.count,
            self.when(self.last),
            self.turns,
        )


class OutputLog:
    """Keeps the latest of it. Thread-safe.

    What is known ahead stands here ahead: a trigger that is to be raised, a program that will go
    on playing. Where a program is stopped in its course, what it has not sent by then is taken
    out again, and what never left a connector is in no entry.
    """

    def __init__(self) -> None:
        self._entries: OrderedDict[int, BriefOutput] = OrderedDict()
        self._numbers = count(1)
        self._lasting: dict[tuple[Hashable, str], tuple[int, ConnectorOutput, int]] = {}
        """What may still be stopped, the number of its entry, and its last instant; by sender and
        connector."""
        self._stopped: OrderedDict[Hashable, int] = OrderedDict()
        self._lock = Lock()

    def note(self, sending: ConnectorOutput, sender: Hashable = None, now_fs: int = 0) -> None:
        """Note what one connector sends; nothing is noted where it sends nothing.

        ``sender``: who can be stopped meanwhile; what it sends from the same connector is noted
        in place of what was before. ``now_fs``: what is over by then can no longer be stopped.
        """
        with self._lock:
            self._forget(now_fs)
            place = (sender, sending.connector)
            if sender is not None and sender in self._stopped:
                sending = sending.until(self._stopped[sender])
            number = self._lasting[place][0] if place in self._lasting else next(self._numbers)
            self._put(number, sending)
            if sender is not None and len(sending.ticks):
                self._lasting[place] = (number, sending, sending.last_fs)
            else:
                self._lasting.pop(place, None)

    def stop(self, sender: Hashable, at_fs: int) -> None:
        """Stop a sender: what it would send at ``at_fs`` or later never leaves."""
        with self._lock:
            self._stopped[sender] = min(at_fs, self._stopped.get(sender, at_fs))
            while len(self._stopped) > STOPS_KEPT:
                self._stopped.popitem(last=False)
            for place, (number, sending, last_fs) in self._lasting.items():
                if place[0] == sender:
                    rest = sending.until(at_fs)
                    self._lasting[place] = (number, rest, last_fs)
                    self._put(number, rest)

    def since(self, number: int = 0, connectors: Collection[str] = ()) -> list[OutputRecord]:
        """Return what became known after the entry ``number``, as it stands now.

        ``connectors``: of these alone, whatever instrument has them; none: of all.
        """
        with self._lock:
            found = [
                (at, one)
                for at, one in self._entries.items()
                if at > number and (not connectors or one.connector in connectors)
            ]
        return [one.record(at) for at, one in found]

    def _put(self, number: int, sending: ConnectorOutput) -> None:
        if not len(sending.ticks):
            self._entries.pop(number, None)
            return
        self._entries[number] = sending.brief()
        while len(self._entries) > ENTRIES_KEPT:
            self._entries.popitem(last=False)

    def _forget(self, now_fs: int) -> None:
        over = [
            place
            for place, (number, _, last_fs) in self._lasting.items()
            if number not in self._entries or last_fs < now_fs
        ]
        for place in over:
            del self._lasting[place]

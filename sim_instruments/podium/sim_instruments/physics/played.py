"""What left which connector when: the world's own record, which control never sees.

An instant is TAI in integer femtoseconds, of the edge of the sample at the connector.
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count
from threading import Lock

EDGES_KEPT = 64
"""Of one connector and run; of the others it is known how many there were."""
ENTRIES_KEPT = 20_000


@dataclass(frozen=True, slots=True)
class Played:
    """What one connector sent in one run."""

    number: int
    """Counts up in the order in which things became known."""
    instrument: str
    connector: str
    at_fs: tuple[int, ...]
    """Rising edges, or beginnings of pulses, ascending; the first of them."""
    count: int
    last_fs: int


class PlayedLog:
    """Keeps the latest of it. Thread-safe.

    What is told ahead (a trigger that is to be raised) stands here once it is decided; a run that
    is stopped in its course stands here as if it had been played to its end.
    """

    def __init__(self) -> None:
        self._entries: deque[Played] = deque(maxlen=ENTRIES_KEPT)
        self._numbers = count(1)
        self._lock = Lock()

    def note(
        self, instrument: str, connector: str, ticks: Sequence[int], when: Callable[[int], int]
    ) -> None:
        """Note what one connector sends at ``ticks``, ascending; ``when`` says when a tick is.

        Nothing is noted where it sends nothing.
        """
        if not len(ticks):
            return
        first = tuple(when(int(tick)) for tick in ticks[:EDGES_KEPT])
        last_fs = when(int(ticks[-1]))
        with self._lock:
            number = next(self._numbers)
            self._entries.append(Played(number, instrument, connector, first, len(ticks), last_fs))

    def since(self, number: int = 0) -> list[Played]:
        """Return what became known after the entry ``number``."""
        with self._lock:
            return [one for one in self._entries if one.number > number]

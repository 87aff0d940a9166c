"""Signal generators send edges from their marker outputs into cables.

ASSUMED: a marker is as late at its connector as the waveform at the signal output; markers of
waveforms are low while nothing is played or a sample is held, triggers of the sequencer when its
program ends. Output and trigger delays of the channel are not here.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.deduplicate import distinct_rows
from podium.sim_instruments.physics.digital_lines import EdgeTrain, LinesEnd, Promise
from podium.sim_instruments.twins.zurich.sequencer.image import Image, Integers
from podium.sim_instruments.twins.zurich.sequencer.processor import Trace
from podium.sim_instruments.twins.zurich.sequencer.render import markers_of
from podium.sim_instruments.twins.zurich.sequencer.sequencer_state import Kind, Row

TRIGGERS: Final = 4
"""``marker/source`` 0 to 3: the sequencer's trigger outputs (node documentation)..."""
MARKERS: Final = 8
"""... and 4 to 7: two markers of each component of its waveform."""
_PLAY: Final = (Row.A, Row.B, Row.CONFIG)


@dataclass(frozen=True, slots=True, eq=False)
class MarkerEdges:
    """Edges of one connector in a run that nobody stops: up, down, up ..."""

    connector: str
    """``dev12000.sg0_marker``."""
    sender: str
    """The sequencer: ``sgchannels/0/awg``."""
    at_fs: tuple[int, ...]
    """World instants, ascending; it begins and ends low."""


@dataclass(slots=True, eq=False)
class MarkerOutput:
    """Finds the edges of a channel's marker output in a run that may go on.

    Each play is looked at once, however often it is asked. Sources other than those of the
    sequencer change nothing.
    """

    source: int
    image: Image
    at_fs: dict[int, int] = field(default_factory=dict)
    """By sample, when an edge is in the world: for who works that out."""
    _rows: int = 0
    """Of the trace, so many have been looked at."""
    _steps_at: dict[int, int] = field(default_factory=dict)
    """By sample, how many markers of plays rise less those that fall."""

    def edges(self, trace: Trace, until: int | None = None) -> Integers:
        """Return when it changes, in samples, beginning with a rise.

        ``trace``: with the rows of earlier calls, and more. ``until``: the program goes on, and so
        far all is known that it does before this sample; None: it is over.
        """
        if 0 <= self.source < TRIGGERS:
            edges = self._of_triggers(trace, over=until is None)
        elif TRIGGERS <= self.source < MARKERS:
            edges = self._of_waves(trace)
        else:
            return np.zeros(0, np.int64)
        return edges if until is None else edges[edges < until]

    def _of_triggers(self, trace: Trace, *, over: bool) -> Integers:
        rows = trace.kinds(Kind.TRIGGER)
        high = np.concatenate([[0], rows[:, Row.A] >> self.source & 1, [0]])
        times = np.append(rows[:, Row.TIME], max(trace.end, *rows[-1:, Row.TIME].tolist(), 0))
        changes = np.diff(high) != 0
        changes[-1] &= over
        return np.asarray(times[changes], np.int64)

    def _of_waves(self, trace: Trace) -> Integers:
        fresh, self._rows = trace.rows[self._rows :], len(trace.rows)
        rows = fresh[fresh[:, Row.KIND] == Kind.WAVE]
        output, bit = divmod(self.source - TRIGGERS, 2)
        steps = self._steps_at
        first, which = distinct_rows([rows[:, one] for one in _PLAY])
        for number in range(len(first)):
            mine = rows[which == number]
            level = markers_of(mine[0].tolist(), self.image)[output] >> bit & 1
            for at, step in _steps(level):
                for start in mine[:, Row.TIME].tolist():
                    steps[start + at] = steps.get(start + at, 0) + step
        return np.array(sorted(at for at, step in steps.items() if step), np.int64)


def _steps(level: NDArray[np.uint8]) -> Iterator[tuple[int, int]]:
    """Yield where a level rises (1) and falls (-1) that is low before and after."""
    change = np.diff(level.astype(np.int8), prepend=0, append=0)
    for at in np.flatnonzero(change).tolist():
        yield at, int(change[at])


@dataclass(slots=True, eq=False)
class _Sent:
    promise: Promise
    edges: tuple[MarkerEdges, ...] = ()
    known: bool = False
    stopped: dict[str, int] = field(default_factory=dict)
    over: bool = False
    until_fs: int = 0
    """Until when edges were sent of a run that goes on."""


class MarkerLines:
    """The ends of cables at the marker outputs; times are the world's."""

    def __init__(self, lines: LinesEnd) -> None:
        self._lines = lines
        self._runs: dict[int, _Sent] = {}

    def begun(self, run: int, from_fs: int) -> None:
        """Say that what a run sends is being worked out; anew, it stands as it was promised."""
        if run not in self._runs:
            self._runs[run] = _Sent(self._lines.promise(from_fs))

    def known(self, run: int, edges: Iterable[MarkerEdges]) -> None:
        """Send what a run sends, up to where its sequencers were stopped meanwhile."""
        sent = self._runs.get(run)
        if sent is not None:
            sent.edges, sent.known = tuple(edges), True
            self._keep(sent)
            if sent.over:
                del self._runs[run]

    def so_far(self, run: int, edges: Iterable[MarkerEdges], until_fs: int) -> None:
        """Send what a run that goes on sends before an instant; ``edges`` are those so far."""
        sent = self._runs.get(run)
        if sent is None or until_fs <= sent.until_fs:
            return
        sent.edges = tuple(edges)
        self._lines.send_on(sent.promise, _trains(sent), sent.until_fs, until_fs)
        sent.until_fs = until_fs

    def abandoned(self, run: int) -> None:
        """Let a run that went on be over: what it has sent, it has sent until it was stopped."""
        sent = self._runs.get(run)
        self.known(run, () if sent is None else sent.edges)

    def stopped(self, run: int, sender: str, at_fs: int) -> None:
        """Cut what a sequencer sends: what is high falls."""
        sent = self._runs.get(run)
        if sent is None:
            return
        sent.stopped.setdefault(sender, at_fs)
        if sent.known:
            self._keep(sent)

    def over(self, run: int) -> None:
        """Forget a run that nobody can stop any longer, once it is known what it has sent."""
        sent = self._runs.get(run)
        if sent is not None:
            sent.over = True
            if sent.known:
                del self._runs[run]

    def _keep(self, sent: _Sent) -> None:
        self._lines.keep(sent.promise, _trains(sent))


def _trains(sent: _Sent) -> list[EdgeTrain]:
    """Return the edges of a run, up to where its sequencers were stopped."""
    trains = []
    for one in sent.edges:
        end_fs = sent.stopped.get(one.sender)
        at_fs = one.at_fs if end_fs is None else _cut(one.at_fs, end_fs)
        rising = ((True, False) * len(at_fs))[: len(at_fs)]
        trains.append(EdgeTrain(one.connector, at_fs, rising))
    return trains


def _cut(at_fs: tuple[int, ...], end_fs: int) -> tuple[int, ...]:
    sent = tuple(one for one in at_fs if one < end_fs)
    return (*sent, end_fs) if len(sent) % 2 else sent

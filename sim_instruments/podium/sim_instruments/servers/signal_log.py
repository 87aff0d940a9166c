"""The world's own record of the latest runs' signals, as they left connectors; for wave viewers.

:mod:`.physics.output_log` keeps instants for many runs; this keeps what was played, for a few.
"""

from collections import OrderedDict, deque
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, replace
from threading import Lock
from typing import TYPE_CHECKING

from podium.sim_instruments.physics.digital_lines import EdgeTrain

if TYPE_CHECKING:
    from podium.sim_instruments.physics.signals import (
        CaptureTrain,
        Piece,
        PulseTrain,
        RunSignals,
    )

RUNS_KEPT = 16
"""Of all instruments together, the latest."""
PULSES_KEPT = 4096
"""Of each train of a run, the first; windows likewise."""
SAMPLES_KEPT = 1 << 20
"""Of all that is kept: 16 MB. Older runs are dropped for newer ones."""
EDGES_KEPT = 8192
"""Of each connector and run, the first."""
PROMISES_KEPT = 256
"""Connectors of runs, or of triggers, whose edges are kept."""
STOPS_KEPT = 1_000


@dataclass(frozen=True, slots=True, eq=False)
class PlayedRun:
    """One run of one instrument: what left its connectors, and when it listened."""

    number: int
    """Counts up in the order in which runs became known."""
    instrument: str
    run: int
    """The instrument's own count."""
    start_tai_fs: int
    drives: "tuple[PulseTrain, ...]"
    captures: "tuple[CaptureTrain, ...]"
    when: Callable[[int], int]
    """The world instant of a nanosecond of the run."""
    left_out: int
    """Pulses and windows beyond those that are kept."""
    samples: int
    """How many it holds."""


class SignalLog:
    """Keeps the latest runs' signals and edges. Thread-safe."""

    def __init__(self) -> None:
        self._runs: deque[PlayedRun] = deque(maxlen=RUNS_KEPT)
        self._count = 0
        self._edges: OrderedDict[tuple[Hashable, str, str], EdgeTrain] = OrderedDict()
        """By who promised them, instrument, connector."""
        self._stops: OrderedDict[tuple[str, int, str], int] = OrderedDict()
        """When senders of runs were stopped by force."""
        self._lock = Lock()

    def note(self, instrument: str, signals: "RunSignals", when: Callable[[int], int]) -> None:
        """Note a run. ``when`` returns the world instant of a nanosecond of the run."""
        drives = tuple(_first_pulses(one) for one in signals.drives if not one.spur)
        captures = tuple(_first_windows(one) for one in signals.captures)
        before = [one.start_ns.size for one in signals.drives if not one.spur]
        before += [one.start_ns.size for one in signals.captures]
        left_out = sum(max(0, count - PULSES_KEPT) for count in before)
        pieces = {id(piece): piece for one in drives for piece in one.pieces}
        samples = sum(piece.samples.size for piece in pieces.values())
        with self._lock:
            self._count += 1
            self._runs.append(
                PlayedRun(
                    self._count,
                    instrument,
                    signals.run,
                    signals.start_tai_fs,
                    drives,
                    captures,
                    when,
                    left_out,
                    samples,
                )
            )
            held = sum(one.samples for one in self._runs)
            while len(self._runs) > 1 and held > SAMPLES_KEPT:
                held -= self._runs.popleft().samples

    def note_edges(self, promise: Hashable, instrument: str, train: EdgeTrain) -> None:
        """Note edges of one connector; what the same promise had of it before is replaced."""
        kept = EdgeTrain(train.connector, train.at_fs[:EDGES_KEPT], train.rising[:EDGES_KEPT])
        with self._lock:
            place = (promise, instrument, train.connector)
            self._edges.pop(place, None)
            if kept.at_fs:
                self._edges[place] = kept
            while len(self._edges) > PROMISES_KEPT:
                self._edges.popitem(last=False)

    def stop(self, instrument: str, run: int, sender: str, at_fs: int) -> None:
        """Stop a sender of a run: nothing of it leaves from ``at_fs`` on."""
        with self._lock:
            place = (instrument, run, sender)
            self._stops[place] = min(at_fs, self._stops.get(place, at_fs))
            while len(self._stops) > STOPS_KEPT:
                self._stops.popitem(last=False)

    def runs(self, since: int = 0) -> list[PlayedRun]:
        """Return the runs that became known after number ``since`` and are still kept."""
        with self._lock:
            return [one for one in self._runs if one.number > since]

    def edges(self) -> Iterator[tuple[str, EdgeTrain]]:
        """Yield edges that are kept, with their instruments."""
        with self._lock:
            kept = list(self._edges.items())
        for (_, instrument, _), train in kept:
            yield instrument, train

    def stopped_fs(self, run: PlayedRun, sender: str) -> int | None:
        """Return when a sender of a run was stopped; None: it was not."""
        with self._lock:
            return self._stops.get((run.instrument, run.run, sender))


def _first_pulses(train: "PulseTrain") -> "PulseTrain":
    """Return the first pulses of a train, without holding the arrays of the others."""
    if train.start_ns.size <= PULSES_KEPT:
        return train
    import numpy as np

    used, piece = np.unique(train.piece[:PULSES_KEPT], return_inverse=True)
    pieces: list[Piece] = [train.pieces[number] for number in used.tolist()]
    return replace(
        train,
        start_ns=train.start_ns[:PULSES_KEPT].copy(),
        piece=piece.astype(train.piece.dtype),
        phase_turns=train.phase_turns[:PULSES_KEPT].copy(),
        pieces=tuple(pieces),
    )


def _first_windows(train: "CaptureTrain") -> "CaptureTrain":
    if train.start_ns.size <= PULSES_KEPT:
        return train
    return replace(
        train,
        start_ns=train.start_ns[:PULSES_KEPT].copy(),
        window=train.window[:PULSES_KEPT].copy(),
        phase_turns=train.phase_turns[:PULSES_KEPT].copy(),
    )

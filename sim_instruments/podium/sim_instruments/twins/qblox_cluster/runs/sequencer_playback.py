"""Takes a sequencer's signals and acquisitions off its processor stretch by stretch."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.signals import CaptureAnswer, CaptureTrain, PulseTrain
from podium.sim_instruments.twins.qblox_cluster.inputs.input_stage import (
    SequencerAcquisitions,
    listening,
    measured,
)
from podium.sim_instruments.twins.qblox_cluster.outputs.awg_modes import longest_ns
from podium.sim_instruments.twins.qblox_cluster.outputs.lo_leak import leaks
from podium.sim_instruments.twins.qblox_cluster.outputs.output_stage import (
    FilteredLines,
    PlayedPieces,
    RunPart,
    SwitchTimeline,
    lo_turns,
    marker_rows,
    pulse_trains,
)
from podium.sim_instruments.twins.qblox_cluster.processor import q1_state as q1
from podium.sim_instruments.twins.qblox_cluster.processor.q1_messages import Measurement
from podium.sim_instruments.twins.qblox_cluster.processor.q1_run import Q1Run
from podium.sim_instruments.twins.qblox_cluster.processor.q1_state import FOR_EVER
from podium.sim_instruments.twins.qblox_cluster.processor.real_time_trace import (
    Ending,
    EventKind,
    RealTimeTrace,
)
from podium.sim_instruments.twins.qblox_cluster.runs.performance import switches_of
from podium.sim_instruments.twins.qblox_cluster.runs.sequencer_run import SequencerRun

_OVER = frozenset({Ending.STOPPED, Ending.CUT})
SEEN: Final = np.array([k for k in range(q1.ROW_COLUMNS) if k != q1.ROW_BIN])
"""Columns of rows that the world may see; those before the bin's keep their numbers."""
MARKER: Final = q1.ROW_MARKER
OFFSETS: Final = slice(q1.ROW_OFFS_0, q1.ROW_OFFS_1 + 1)


@dataclass(slots=True, eq=False)
class _Batch:
    """Acquisitions that became known together, and what the world said of them."""

    listened: SequencerAcquisitions
    ends_ns: NDArray[np.int64]
    """FOR_EVER once it is answered."""
    values: list[NDArray[np.complex128]] = field(default_factory=list)
    """By train."""


@dataclass(frozen=True, slots=True)
class AcquisitionAnswer:
    """The outcome of one acquisition."""

    start_ns: int
    end_ns: int
    found: Measurement


@dataclass(frozen=True, slots=True, eq=False)
class FinishedAcquisitions:
    """Acquisitions of one sequencer that are over."""

    playback: "SequencerPlayback"
    batch: _Batch
    rows: NDArray[np.int64]
    trains: tuple[CaptureTrain, ...]

    def one(self, row: int) -> SequencerAcquisitions:
        """Return one of them by itself."""
        rows = self.rows[row : row + 1]
        return self._of(rows, tuple(_one_of(train, row) for train in self.trains))

    def ends_ns(self) -> list[int]:
        """Return when each is over."""
        return [int(end) for end in self.batch.ends_ns[self.rows]]

    def take(self) -> None:
        """Take all of them for answered, whatever the answers are."""
        self.batch.ends_ns[self.rows] = FOR_EVER

    def _of(
        self, rows: NDArray[np.int64], trains: tuple[CaptureTrain, ...]
    ) -> SequencerAcquisitions:
        listened = self.batch.listened
        return replace(
            listened,
            acquisition=listened.acquisition[rows],
            bin=listened.bin[rows],
            duration_ns=listened.duration_ns[rows],
            start_ns=listened.start_ns[rows],
            trains=trains,
            turning=listened.turning[rows],
            pedestal=listened.pedestal[:, rows],
        )

    def answered(self, answers: Sequence[CaptureAnswer]) -> list[AcquisitionAnswer]:
        """Keep the answers to ``trains``; return what came of each acquisition."""
        for values, answer in zip(self.batch.values, answers, strict=True):
            values[self.rows] = answer.integrated
        mine = self._of(self.rows, self.trains)
        ends = self.batch.ends_ns[self.rows].copy()
        starts = ends - mine.duration_ns
        self.batch.ends_ns[self.rows] = FOR_EVER
        above, integrals = measured(mine, answers)
        both = zip(starts.tolist(), ends.tolist(), above.tolist(), integrals.tolist(), strict=True)
        return [AcquisitionAnswer(start, end, Measurement(*found)) for start, end, *found in both]


@dataclass(frozen=True, slots=True, eq=False)
class PlaybackMoment:
    """Everything that the playback of a sequencer has come to."""

    context: int
    rows_read: int
    unanswered: tuple[tuple[_Batch, NDArray[np.int64]], ...]


class SequencerPlayback:
    """Plays one sequencer of a run and keeps its acquisitions."""

    def __init__(self, run: SequencerRun, processor: Q1Run) -> None:
        self.run = run
        self.processor = processor
        self._context = 0
        """First row that still shows in what is played."""
        self._rows_read = 0
        """How many rows were looked through for acquisitions."""
        self._batches: list[_Batch] = []
        self._open: list[_Batch] = []
        """Those of which not all is answered."""
        self._acquires = run.acquires
        self._longest_ns = longest_ns(run)
        self._quiet = run.channel is not None  # a time-tag sequencer has no signals
        self._filtered, self._pieces = FilteredLines(), PlayedPieces()

    @property
    def first_ns(self) -> int:
        """Return when it begins to do something, as far as is known."""
        rows = self.processor.rows(0, FOR_EVER)
        return int(rows.time_ns[0]) if len(rows) else FOR_EVER

    def drop_played(self) -> None:
        """Forget rows that are played and looked through."""
        self.processor.written.drop(self._context)
        self._rows_read -= self._context
        self._context = 0

    def moment(self) -> "PlaybackMoment":
        """Return what it has come to, a copy; rows are the processor's."""
        unanswered = tuple((batch, batch.ends_ns.copy()) for batch in self._open)
        return PlaybackMoment(self._context, self._rows_read, unanswered)

    def go_back(self, moment: "PlaybackMoment") -> None:
        """Return to a moment; values of acquisitions, and states of filters, are those of later."""
        self._context, self._rows_read = moment.context, moment.rows_read
        self._open, self._batches = [], []
        for batch, ends_ns in moment.unanswered:
            batch.ends_ns[:] = ends_ns
            self._open.append(batch)

    def unanswered(self, at_ns: int) -> tuple[object, ...]:
        """Return what was begun and not answered, seen from a time."""
        found: list[object] = []
        lo_hz = self.run.afe.lo_hz[self.run.rf_input] if self.run.afe.model.rf else 0
        for batch in self._open:
            rows = np.flatnonzero(batch.ends_ns < FOR_EVER)
            if not rows.size:
                continue
            listened = batch.listened
            found.append((batch.ends_ns[rows] - at_ns).tobytes())
            found.append(listened.duration_ns[rows].tobytes())
            found.append(listened.turning[rows].tobytes())
            found.append(listened.pedestal[:, rows].round(9).tobytes())
            for train in listened.trains:
                starts = train.start_ns[rows]
                turns = (train.phase_turns[rows] - lo_turns(lo_hz, starts)) % 1.0
                kinds = [train.windows[k] for k in train.window[rows].tolist()]
                weighed = [None if k.weights is None else k.weights.tobytes() for k in kinds]
                found.append(((turns.round(9) % 1.0).tobytes(), tuple(weighed)))
                found.append(tuple((k.demod_hz, k.duration_ns) for k in kinds))
        return tuple(found)

    def shown_rows(self, at_ns: int) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """Return the rows that show in what is played from a time on, which times count from.

        Time and phase, (2, n), and what of the rest the world may see, (12, n). Of a row behind
        which nothing sounds any longer only markers are left.
        """
        wide, narrow = self.processor.written.view(self._context)
        wide, narrow = wide.copy(), narrow[SEEN]
        wide[0] -= at_ns
        if wide.shape[1] and wide[0, 0] + self._longest_ns <= 0 and not narrow[OFFSETS, 0].any():
            wide[:, 0], narrow[:MARKER, 0], narrow[MARKER + 1 :, 0] = (-1, 0), 0, 0
        return wide, narrow

    def stretch(self, end_ns: int) -> RealTimeTrace:
        """Return the rows that show in what is played until a time, later each time."""
        rows = self.processor.rows(self._context, end_ns)
        over = self.processor.ending in _OVER
        return replace(rows, end_ns=min(end_ns, self.processor.time_ns) if over else end_ns)

    def discard_played(self, stretch: RealTimeTrace) -> None:
        """Forget rows that no longer show in what comes after a stretch."""
        if not len(stretch):
            return
        played = np.flatnonzero(stretch.kind == EventKind.PLAY)
        keep = len(stretch) - 1
        if len(played) and stretch.time_ns[played[-1]] + self._longest_ns > stretch.end_ns:
            keep = int(played[-1])
        self._context += keep

    def plays(
        self, stretch: RealTimeTrace, switches: Mapping[int, SwitchTimeline]
    ) -> tuple[PulseTrain, ...]:
        """Return what leaves its connectors in a stretch."""
        if self._quiet or not len(stretch):
            return ()
        over = self.processor.ending in _OVER and stretch.end_ns >= self.processor.time_ns
        part = RunPart(self._filtered, self._pieces, goes_on=not over)
        trains, _ = pulse_trains(self.run, stretch, switches, part)
        return trains

    def collect_acquisitions(self) -> None:
        """Take note of acquisitions that have begun since the last call."""
        if self._quiet or not self._acquires:
            return
        if self.processor.written.count == self._rows_read:
            return
        rows = self.processor.rows(self._rows_read, FOR_EVER)
        self._rows_read += len(rows)
        heard = listening(self.run, rows) if len(rows) else None
        if heard is not None:
            starts = heard.trains[0].start_ns if heard.trains else _starts(rows)
            count = len(heard.bin)
            values = [np.zeros(count, np.complex128) for _ in heard.trains]
            self._batches.append(_Batch(heard, starts + heard.duration_ns, values))
            self._open.append(self._batches[-1])

    def next_end_ns(self) -> int:
        """Return when the next acquisition is over that was not answered."""
        self._open = [batch for batch in self._open if batch.ends_ns.min() < FOR_EVER]
        return min((int(batch.ends_ns.min()) for batch in self._open), default=FOR_EVER)

    def unanswered_ns(self) -> list[int]:
        """Return when each acquisition is over that was not answered."""
        ends = (end for batch in self._open for end in batch.ends_ns.tolist())
        return [end for end in ends if end < FOR_EVER]

    def due(self, until_ns: int) -> Iterator[FinishedAcquisitions]:
        """Return acquisitions that are over by a time and were not answered."""
        for batch in self._open:
            rows = np.flatnonzero(batch.ends_ns <= until_ns)
            if len(rows):
                trains = tuple(
                    replace(train.only(rows), scope=False) for train in batch.listened.trains
                )
                yield FinishedAcquisitions(self, batch, rows, trains)

    def answers(self, trains: int) -> list[NDArray[np.complex128]]:
        """Return all values, by train; where paths were listened to alike, they are alike."""
        return [
            np.concatenate(
                [
                    np.zeros(0, np.complex128),
                    *(
                        batch.values[min(train, len(batch.values) - 1)]
                        for batch in self._batches
                        if batch.values
                    ),
                ]
            )
            for train in range(trains)
        ]


def _one_of(train: CaptureTrain, row: int) -> CaptureTrain:
    return train.only(slice(row, row + 1))


def _starts(rows: RealTimeTrace) -> NDArray[np.int64]:
    kinds = EventKind.ACQUIRE, EventKind.ACQUIRE_WEIGHED
    return rows.time_ns[np.isin(rows.kind, kinds)]


def played_between(
    playbacks: Sequence[SequencerPlayback], begin_ns: int, end_ns: int
) -> list[PulseTrain]:
    """Return what leaves all connectors from one time to another, each sequencer's own."""
    stretches = [playback.stretch(end_ns) for playback in playbacks]
    runs = [playback.run for playback in playbacks]
    markers = [marker_rows(run, rows) for run, rows in zip(runs, stretches, strict=True)]
    switches = {
        slot: {output: _from(one, begin_ns) for output, one in ones.items()}
        for slot, ones in switches_of(runs, markers).items()
    }
    trains: list[PulseTrain] = []
    leaking = {run.slot: run.afe for run in runs}
    for playback, stretch in zip(playbacks, stretches, strict=True):
        slot = playback.run.slot
        if slot in leaking:
            trains += leaks(slot, leaking.pop(slot), switches[slot], end_ns)
        trains += playback.plays(stretch, switches[slot])
    for playback, stretch in zip(playbacks, stretches, strict=True):
        playback.discard_played(stretch)
    return trains


def _from(switch: SwitchTimeline, begin_ns: int) -> SwitchTimeline:
    """Return a switch that is open before a time: what was played then is not played again."""
    later = switch.time_ns > begin_ns
    before = np.flatnonzero(~later)
    on = bool(switch.on[before[-1]]) if len(before) else False
    return SwitchTimeline(
        np.append(begin_ns, switch.time_ns[later]), np.append(on, switch.on[later])
    )

"""Makes what a generator's channel, or an HDAWG's core, sends: chunk after chunk."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.signals import PulseTrain
from podium.sim_instruments.twins.zurich.quantum_analyzer.readouts import Integers
from podium.sim_instruments.twins.zurich.runs.participants import Key, Participant
from podium.sim_instruments.twins.zurich.sequencer.image import HDAWG
from podium.sim_instruments.twins.zurich.sequencer.processor import NEVER, Trace
from podium.sim_instruments.twins.zurich.sequencer.render import Oscillators, oscillators_later
from podium.sim_instruments.twins.zurich.sequencer.sequencer_state import Kind, Row
from podium.sim_instruments.twins.zurich.signals.drive_plays import DrivePlays
from podium.sim_instruments.twins.zurich.signals.flux_playback import FluxPlayback
from podium.sim_instruments.twins.zurich.signals.sequencer_signals import (
    RATE_HZ,
    Loud,
    drive_trains,
    turned,
)

MADE_MAX: Final = 1_000
"""Plays of a generator that are kept at a time."""


def sent(
    participant: Participant,
    trace: Trace,
    oscillators: Oscillators,
    begin_ns: int,
    since: int = 0,
    loud: Loud | None = None,
    plays: DrivePlays | None = None,
) -> list[PulseTrain]:
    """Return what leaves the connector of a generator from a sample on.

    ``begin_ns``: its sample 0, from the origin of the run; ``loud`` hears when it was beyond full
    scale; ``plays`` keeps those that were made.
    """
    if not participant.on:
        return []
    made = drive_trains(
        participant.connector, participant.sender, trace, participant.run.image, oscillators,
        participant.centre_hz, participant.range_dbm, begin_ns, participant.late, since, loud,
        plays,
    )  # fmt: skip
    return [turned(one, participant.turns) for one in made]


def flux_of(
    participant: Participant,
    begin_ns: int,
    since: int = 0,
    loud: Mapping[Key, list[Integers]] | None = None,
) -> list[PulseTrain]:
    """Return what the outputs of an HDAWG's core send from a sample on.

    ``loud`` takes when a filter overflowed, by the node that tells it.
    """
    run = participant.run

    def overflowed(node: str) -> None:
        if loud is not None:
            loud[run.device, node].append(np.array([begin_ns]))

    playback = flux_playback(participant, begin_ns)
    if 0 < since < NEVER:  # filters have taken what was played before
        playback.plays(_before(run.trace, since), until=since)
    return playback.plays(run.trace, since, overflowed=overflowed)


def flux_playback(participant: Participant, begin_ns: int) -> FluxPlayback:
    """Return the outputs of an HDAWG's core; ``begin_ns``: its sample 0."""
    one = participant
    return FluxPlayback(one.flux, one.sender, one.run.image, begin_ns, one.late)


def _before(trace: Trace, sample: int) -> Trace:
    return replace(trace, rows=trace.rows[trace.rows[:, Row.TIME] < sample])


@dataclass(frozen=True, slots=True, eq=False)
class OutputMoment:
    """Everything that an output goes on from."""

    rows: Integers
    oscillators: Oscillators


def _is_played(rows: Integers) -> NDArray[np.bool_]:
    """Tell which rows are plays or holds."""
    kind = rows[:, Row.KIND]
    return np.asarray((kind == Kind.WAVE) | (kind == Kind.HOLD))


@dataclass(frozen=True, slots=True, eq=False)
class _PlayedRows:
    """The rows from which a part of a generator's output was made."""

    rows: Integers
    """With earlier ones that show in what is held."""
    since: int
    """The first sample of the part."""
    oscillators: Oscillators
    """There."""

    def content(self, at: int) -> tuple[object, ...]:
        """Return on what the part depends, seen from a sample."""
        fresh = self.rows[self.rows[:, Row.TIME] >= self.since]
        played = fresh[_is_played(fresh)]
        if not len(played):
            return ()
        first = played[np.argmin(played[:, Row.TIME])]
        held = b""
        if first[Row.KIND] == Kind.HOLD:
            waves = self.rows[self.rows[:, Row.TIME] < self.since]
            waves = waves[waves[:, Row.KIND] == Kind.WAVE]
            held = waves[-1:, [Row.A, Row.B, Row.CONFIG]].tobytes()
        resets = fresh[fresh[:, Row.KIND] == Kind.RESET_OSCILLATORS]
        masks = resets[resets[:, Row.TIME] <= first[Row.TIME], Row.A]
        reset = int(np.bitwise_or.reduce(masks, initial=0))
        # Of an oscillator that is reset first, it does not count where it was.
        of = self.oscillators
        turning = tuple(
            (one, of.hz[one], None if reset >> one & 1 else (of.phases[one], self.since - at))
            for one in sorted(set((played[:, Row.CONFIG] >> 32).tolist()))
        )
        fresh[:, Row.TIME] -= at
        return held, turning, fresh.tobytes()


class GeneratorOutput:
    """The output of one generator."""

    def __init__(self, participant: Participant, begin_ns: int) -> None:
        """``begin_ns``: its sample 0, from the origin of the run."""
        self._participant = participant
        self._begin_ns = begin_ns
        self._rows: Integers = np.zeros((0, Row.COLUMNS), np.int64)
        """Those that still show in what is played."""
        self._oscillators = participant.oscillators
        self._made: DrivePlays = {}
        self._played = _PlayedRows(self._rows, 0, self._oscillators)
        self._flux = flux_playback(participant, begin_ns)

    def plays(self, fresh: Trace, until_ns: int) -> list[PulseTrain]:
        """Return what leaves the connector before a time, from where the last call ended.

        ``fresh``: with the rows alone that have come since.
        """
        one = self._participant
        until = min(2 * (until_ns - self._begin_ns) - one.late, NEVER)
        rows = self._rows = np.concatenate([self._rows, fresh.rows])
        earlier = rows[:, Row.TIME] < until
        trace = replace(fresh, rows=rows[earlier])
        since = self._oscillators.since
        self._played = _PlayedRows(trace.rows, since, self._oscillators)
        if one.run.model is HDAWG:
            trains = self._flux.plays(trace, since, until)
        elif not np.any(_is_played(trace.rows) & (trace.rows[:, Row.TIME] >= since)):
            trains = []
        else:
            if len(self._made) > MADE_MAX:
                self._made.clear()
            trains = sent(one, trace, self._oscillators, self._begin_ns, since, plays=self._made)
        if until < NEVER:
            self._oscillators = oscillators_later(trace, self._oscillators, RATE_HZ, until)
            played = np.flatnonzero(earlier & (rows[:, Row.KIND] == Kind.WAVE))
            later = np.flatnonzero(~earlier)
            last = int(played[-1]) if len(played) else 0
            self._rows = rows[min(last, int(later[0])) if len(later) else last :]
        return trains

    def moment(self) -> OutputMoment:
        """Return where it is."""
        return OutputMoment(self._rows, self._oscillators)

    def go_back(self, moment: OutputMoment) -> None:
        """Return to a moment."""
        self._rows, self._oscillators = moment.rows, moment.oscillators

    def shown(self, at: int) -> tuple[object, ...]:
        """Return all on which depends what the last call of :meth:`plays` returned.

        Seen from a sample.
        """
        return self._played.content(at)

    def content(self, at: int, *, silent: bool) -> tuple[object, ...]:
        """Return what of the past counts for what it sends, seen from a sample.

        ``silent``: zeros were queued last, which a hold does not repeat.
        """
        since = self._oscillators.since
        early = self._rows[:, Row.TIME] < since
        rows, before = self._rows[~early], self._rows[early]
        plays = rows[_is_played(rows), Row.KIND]
        repeated = before[:0]
        if plays[0] == Kind.HOLD if len(plays) else not silent:
            repeated = before[before[:, Row.KIND] == Kind.WAVE][-1:]
        rows[:, Row.TIME] -= at
        return (
            repeated[:, [Row.A, Row.B, Row.CONFIG]].tobytes(),
            rows.tobytes(),
            since - at,
            self._oscillators.hz,
            self._oscillators.phases,
        )

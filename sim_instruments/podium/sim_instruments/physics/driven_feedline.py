"""A feedline and the tones played on it since it was last dark; equal tones are computed once.

Tones are added one by one in the order of time. Each different sequence of tones has its own
:class:`DrivenFeedline`, with the fields of the resonators, their effect on the qubits and the
integrals of windows.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.deduplicate import PHASE_STEP
from podium.sim_instruments.physics.episodes import EpisodeKind, envelope_of, ring_down_ns
from podium.sim_instruments.physics.exposure import STRIDE_NS, Exposure, exposure_of
from podium.sim_instruments.physics.operating_point import FeedlinePoint
from podium.sim_instruments.physics.readout import (
    Field,
    SampledWindow,
    Tones,
    flight,
    parts_taken,
    passing,
    ring_up,
    taken,
    tones_of,
)
from podium.sim_instruments.physics.signals import Piece, Window
from podium.sim_instruments.physics.walk import Pace
from podium.sim_instruments.physics.window_sums import path_sums

KEPT_BYTES = 200_000_000
"""Memory of what all sequences of tones of a feedline do to its qubits."""
DARK_FOLDS = 12.0
"""A feedline is dark when the fields have rung down by so many e-folds of amplitude (1e-5; what is
left is dropped)."""


@dataclass(frozen=True, slots=True)
class Tone:
    """One tone after the first has begun; its phase is that against the first one's, in steps."""

    piece: int
    offset_ns: int
    phase_steps: int


@dataclass(slots=True, eq=False)
class LevelPath:
    """The levels of one qubit since the feedline was dark."""

    level: int
    """As it was read first: taken to have been there from the start."""
    at: list[int] = field(default_factory=list)
    """First sample that sees each new level, ascending."""
    to: list[int] = field(default_factory=list)

    @property
    def last(self) -> int:
        """Return the level that was reached."""
        return self.to[-1] if self.to else self.level

    def change(self, at: int, level: int) -> None:
        """Note the level from a sample on."""
        if level != self.last:
            self.at.append(max(at, self.at[-1] if self.at else 0))
            self.to.append(level)


@dataclass(slots=True, eq=False)
class _Parts:
    """Integrals of one window over parts of one resonator's field, by where it changes."""

    response: NDArray[np.complex128]
    pull: NDArray[np.float64]
    before: NDArray[np.complex128]
    tail: NDArray[np.complex128]
    has: list[bool]

    @classmethod
    def empty(cls, levels: int, length: int) -> "_Parts":
        return cls(
            np.zeros((levels, length), np.complex128),
            np.zeros((levels, length)),
            np.zeros((levels, length + 1), np.complex128),
            np.zeros((levels, length + 1), np.complex128),
            [False] * levels,
        )

    @property
    def size_bytes(self) -> int:
        arrays = self.response, self.pull, self.before, self.tail
        return sum(one.nbytes for one in arrays)


class DrivenFeedline:
    """A sequence of tones that began on a dark feedline; time 0 is the first one's arrival."""

    def __init__(
        self, feedline: FeedlinePoint, tones: Sequence[Tone], pieces: Sequence[Piece], number: int
    ) -> None:
        self.number = number
        """Different for different tones."""
        self.tones = tuple(tones)
        self._feedline = feedline
        _, self._fraction = flight(feedline)
        self.played_ns = max(tone.offset_ns + pieces[tone.piece].duration_ns for tone in tones)
        """When the last tone is over."""
        self.length = self.played_ns + ring_down_ns(feedline, DARK_FOLDS)
        """When the feedline would be dark again."""
        self._pieces = pieces
        self._known_sounding: Tones | None = None
        self._exposures: dict[int, Exposure] = {}
        self._paces: dict[int, Pace] = {}
        self._fields: dict[tuple[int, int], Field] = {}
        self._passing: dict[tuple[int, int], complex] = {}
        self._whole: dict[tuple[int, int, int, int], complex] = {}
        self._parts: dict[tuple[int, int, int], _Parts] = {}
        self.size_bytes = 0
        """Memory of what is worked out again where it was forgotten."""

    def exposure(self, qubit: int, stride_ns: int = STRIDE_NS) -> Exposure:
        """Return what the photons do to a qubit of the feedline, by its number."""
        key = qubit * (STRIDE_NS + 1) + stride_ns
        if key not in self._exposures:
            kind = EpisodeKind(self._sounding, 0, self.length, ())
            point = self._feedline.qubits[qubit]
            found = self._exposures[key] = exposure_of(point, kind, True, stride_ns)
            self.size_bytes += found.exponent.nbytes + found.pace.nbytes
        return self._exposures[key]

    @property
    def _sounding(self) -> Tones:
        if self._known_sounding is None:
            self._known_sounding = _sounding(self._feedline, self.tones, self._pieces)
            self.size_bytes += self._known_sounding.envelope.nbytes
        return self._known_sounding

    def forget(self) -> None:
        """Forget all that is large and can be worked out again."""
        self._known_sounding = None
        self._exposures.clear()
        self._fields.clear()
        self._parts.clear()
        self.size_bytes = 0

    def pace(self, qubit: int) -> Pace:
        """Return how fast a qubit jumps; this is kind 0 of it."""
        if qubit not in self._paces:
            pace = self.exposure(qubit).pace
            self._paces[qubit] = Pace(
                np.ascontiguousarray(pace.reshape(-1)),
                np.zeros(1, np.int64),
                np.array([pace.shape[1]], np.int64),
                np.array([float(STRIDE_NS)]),
            )
        return self._paces[qubit]

    def integrated(
        self, window: Window, number: int, open_at: int, paths: Sequence[LevelPath | None]
    ) -> complex:
        """Return what a window integrates, without noise, at phases 0; sqrt(W) at the listener.

        ``number`` is different for different windows; ``paths``: of each qubit, None for level 0.
        """
        listening = SampledWindow(window, open_at)
        total = self.passed(window, number, open_at)
        for m, path in enumerate(paths):
            total -= self._taken_along(m, listening, number, path or LevelPath(0))
        return total * self._feedline.gain_out / window.duration_ns

    def passed(self, window: Window, number: int, open_at: int) -> complex:
        """Return what a window would integrate past the resonators, before the way out."""
        place = number, open_at
        if place not in self._passing:
            listening = SampledWindow(window, open_at)
            self._passing[place] = passing(self._sounding, listening, self._fraction)
        return self._passing[place]

    def taken_by(self, m: int, level: int, window: Window, number: int, open_at: int) -> complex:
        """Return what a resonator takes of :meth:`passed` while its qubit keeps a level."""
        return self._taken_along(m, SampledWindow(window, open_at), number, LevelPath(level))

    def _taken_along(
        self, m: int, listening: SampledWindow, number: int, path: LevelPath
    ) -> complex:
        key = m, number, listening.open_at
        qubit = self._feedline.qubits[m]
        length = max(listening.open_at + listening.window.duration_ns, 1)
        if not path.at or path.at[0] >= length:
            kept = (*key, path.level)
            if kept not in self._whole:
                known = self._field(m, path.level, length)
                self._whole[kept] = complex(taken(qubit, known, listening, self._fraction))
            return self._whole[kept]
        if key not in self._parts:
            self._parts[key] = _Parts.empty(qubit.levels_hz.size, length)
            self.size_bytes += self._parts[key].size_bytes
        sums = self._parts[key]
        for level in {path.level, *path.to}:
            if not sums.has[level]:
                known = self._field(m, level, length)
                parts = parts_taken(qubit, known, listening, self._fraction)
                sums.response[level], sums.pull[level] = known.response, known.pull
                sums.before[level], sums.tail[level] = parts.before, parts.tail
                sums.has[level] = True
        total = np.zeros(1, np.complex128)
        path_sums(
            np.array([path.level], np.int64),
            np.zeros(len(path.at), np.int64),
            np.array(path.at, np.int64),
            np.array(path.to, np.int64),
            sums.response,
            sums.pull,
            1e-9 * np.pi * qubit.kappa_hz,
            sums.before,
            sums.tail,
            total,
        )
        return complex(total[0])

    def _field(self, m: int, level: int, length: int) -> Field:
        known = self._fields.get((m, level))
        if known is None or known.response.size < length:
            qubit = self._feedline.qubits[m]
            known = ring_up(qubit, self._sounding, level, self._fraction, length)
            self._fields[m, level] = known
            self.size_bytes += known.response.nbytes + known.pull.nbytes
        return Field(known.response[:length], known.pull[:length])


def _sounding(feedline: FeedlinePoint, tones: Sequence[Tone], pieces: Sequence[Piece]) -> Tones:
    ends = [tone.offset_ns + pieces[tone.piece].duration_ns for tone in tones]
    envelope = np.zeros((len(tones), max(ends)), np.complex128)
    frequency, phase = np.empty(len(tones)), np.empty(len(tones))
    for q, (tone, end) in enumerate(zip(tones, ends, strict=True)):
        piece = pieces[tone.piece]
        envelope[q, tone.offset_ns : end] = envelope_of(piece) * feedline.transmission_in
        frequency[q] = piece.carrier_hz
        turns = tone.phase_steps * PHASE_STEP - 1e-9 * piece.carrier_hz * tone.offset_ns
        phase[q] = 2 * np.pi * (turns % 1.0)
    return tones_of(envelope, frequency, phase)


class DrivenFeedlines:
    """All sequences of tones that one feedline has carried in a run, each kept once."""

    def __init__(self, feedline: FeedlinePoint, pieces: Sequence[Piece]) -> None:
        self._feedline = feedline
        self._pieces = pieces
        self._after: dict[tuple[int, Tone], DrivenFeedline] = {}
        self.all: list[DrivenFeedline] = []

    def after(self, driven: DrivenFeedline | None, tone: Tone) -> DrivenFeedline:
        """Return the sequence with one tone more; ``driven`` None: the feedline was dark."""
        key = -1 if driven is None else driven.number, tone
        if key not in self._after:
            tones = (*(driven.tones if driven else ()), tone)
            self._after[key] = DrivenFeedline(self._feedline, tones, self._pieces, len(self.all))
            self.all.append(self._after[key])
            self._forget()
        return self._after[key]

    def _forget(self) -> None:
        """Forget what is large of all sequences but the last: where a feedline is never dark they
        grow with each shot."""
        if sum(one.size_bytes for one in self.all) > KEPT_BYTES:
            for one in self.all[:-1]:
                one.forget()

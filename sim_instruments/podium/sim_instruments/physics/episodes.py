"""A run on one feedline is cut into episodes that do not touch each other.

An episode is a group of tones and acquisition windows that overlap, or follow one another
before the resonators have rung down. A qubit has one level in it, so two readouts with a drive
between them are two episodes, and of the first one's photons those that are left when the second
begins are dropped. Times on a feedline are whole nanoseconds of the
source's connector: a window is set back by the time of flight (rounded up, the rest is
:func:`.readout.flight`'s fraction), so that a tone and what is heard of it stand together.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.deduplicate import (
    clusters,
    firsts,
    number_stretches,
    phase_word,
)
from podium.sim_instruments.physics.operating_point import FeedlinePoint
from podium.sim_instruments.physics.readout import SampledWindow, Tones, flight, tones_of
from podium.sim_instruments.physics.signals import CaptureTrain, Piece, PulseTrain

T = TypeVar("T", bound=np.generic)
RING_DOWN_FOLDS = (12.0, 6.0, 3.0, 0.0)
"""An episode ends when the fields have rung down by so many e-folds of amplitude (1e-5; what
is left is dropped). Where shots follow too fast for that, the next of these is tried."""
CALM_NS = 100_000
"""Episodes longer than this are cut earlier in the ring-down, if that makes them shorter."""
APART_FOLDS = 3.0
"""Two readouts with a drive between them are apart by as many e-folds of amplitude at least: 0.25 %
of the photons are dropped then."""
NEVER = np.zeros(0, np.int64)
LONGEST_NS = 4_000_000
"""Longer episodes are refused: continuous tones are not simulated nanosecond by nanosecond."""


class NotSimulated(ValueError):
    """The signals ask for physics that the world does not have; the message says which."""


@dataclass(frozen=True, slots=True, eq=False)
class EpisodeKind:
    """Episodes that are alike; times in ns from the episode's start, phases from its first tone."""

    tones: Tones | None
    """At the chip; None in an episode of windows alone."""
    tone_at: int
    """When the first tone arrives."""
    length: int
    """To the end of the last window or of the ring-down, whichever is later."""
    windows: tuple[SampledWindow, ...]

    @property
    def listened(self) -> int:
        """Return how many samples of the fields the windows need."""
        return max((w.open_at + w.window.duration_ns for w in self.windows), default=0)

    @property
    def middle(self) -> int:
        """Return the middle of all that is listened to (of the whole, if nothing is)."""
        if not self.windows:
            return self.tone_at
        return (min(w.open_at for w in self.windows) + self.listened) // 2


@dataclass(frozen=True, slots=True, eq=False)
class LitEpisodes:
    """The episodes of a run that have tones; E of them."""

    number: NDArray[np.int64]
    """Shape (E,): place among all episodes of the run."""
    kind: NDArray[np.int64]
    """Shape (E,)."""
    origin_ns: NDArray[np.int64]
    """Shape (E,): start of each."""
    lit_ns: NDArray[np.int64]
    """Shape (E,): when the first tone arrives."""
    dark_ns: NDArray[np.int64]
    """Shape (E,): when the last window ends or the fields have rung down."""
    middle_ns: NDArray[np.int64]
    """Shape (E,): the middle of all that is listened to."""
    listened: NDArray[np.bool_]
    """Shape (kinds,): whether there is a window in episodes of each kind."""


@dataclass(frozen=True, eq=False)
class Episodes:
    """The episodes of a run in the order of time."""

    start_ns: NDArray[np.int64]
    """Shape (G,): time of the first tone's arrival or the first window's opening, set back."""
    kind: NDArray[np.int64]
    """Shape (G,): index into ``kinds``."""
    kinds: tuple[EpisodeKind, ...]
    phase_turns: NDArray[np.float64]
    """Shape (G,): of the first tone's carrier at its start; 0 without a tone."""
    first_window: NDArray[np.int64]
    """Shape (G + 1,): where the episode's windows begin in the three arrays that follow."""
    train: NDArray[np.int32]
    """Shape (W,): capture train of each window."""
    element: NDArray[np.int32]
    """Shape (W,): place of the window in its train."""
    demod_turns: NDArray[np.float64]
    """Shape (W,): phase of the demodulating oscillator when the window opens."""

    @cached_property
    def lit(self) -> LitEpisodes:
        """Return those that have tones: what the qubits of the feedline meet."""
        has_tones = np.array([kind.tones is not None for kind in self.kinds], np.bool_)
        number = np.zeros(0, np.int64)
        if self.kind.size:
            number = np.flatnonzero(has_tones[self.kind])
        kind, origin = self.kind[number], self.start_ns[number]
        at = np.array([one.tone_at for one in self.kinds], np.int64)
        length = np.array([one.length for one in self.kinds], np.int64)
        middle = np.array([one.middle for one in self.kinds], np.int64)
        return LitEpisodes(
            number,
            kind,
            origin,
            origin + at[kind],
            origin + length[kind],
            origin + middle[kind],
            np.array([bool(one.windows) for one in self.kinds], np.bool_),
        )


def envelope_of(piece: Piece) -> NDArray[np.complex128]:
    """Return the piece's amplitude in each nanosecond."""
    out = np.full(piece.duration_ns, piece.level, np.complex128)
    out[: piece.samples.size] = piece.samples
    return out


def ring_down_ns(feedline: FeedlinePoint, folds: float) -> int:
    """Return how long the slowest resonator takes to ring down by ``folds`` e-folds."""
    slowest = min((qubit.kappa_hz for qubit in feedline.qubits), default=1e6)
    return int(np.ceil(folds / (1e-9 * np.pi * slowest)))


def episodes_of(
    feedline: FeedlinePoint,
    trains: Sequence[PulseTrain],
    captures: Sequence[CaptureTrain],
    driven_ns: NDArray[np.int64] = NEVER,
    most_folds: float = RING_DOWN_FOLDS[0],
) -> Episodes:
    """Cut what the trains play and the captures listen to into episodes.

    ``driven_ns``: when drives of the feedline's qubits begin, as a tone would have to leave to
    arrive with them. ``most_folds``: those that the run which this one is short for keeps
    (:func:`folds_kept`). Raises NotSimulated for an episode longer than :data:`LONGEST_NS`, and for
    two readouts with a drive between them that follow each other too fast.
    """
    whole, _ = flight(feedline)
    start, duration, source, item, phase, element = _rows(trains, captures, whole)
    order = np.argsort(np.concatenate(start), kind="stable")
    # one after the other: in a long run each of them is some megabytes
    at, over, of = _sorted(start, order), _sorted(duration, order), _sorted(source, order)
    what, turns, place = _sorted(item, order), _sorted(phase, order), _sorted(element, order)
    del order
    over += at
    tone = of < len(trains)

    first, end, _ = _cut(feedline, at, over, tone, most_folds)
    first = _cut_at_drives(feedline, first, at, over, tone, driven_ns)
    del over
    lengths = np.diff(np.append(first, at.size))
    number = np.repeat(np.arange(first.size, dtype=np.int32), lengths)
    offset = np.repeat(at[first], lengths)
    np.subtract(at, offset, out=offset)
    # phases count from the episode's first tone; a window's phase is set right afterwards
    tone_rows = np.flatnonzero(tone)
    leading = firsts(number[tone_rows])
    base = np.zeros(first.size)
    base[number[tone_rows[leading]]] = turns[tone_rows[leading]]
    relative = np.repeat(base, lengths)
    np.subtract(turns, relative, out=relative)
    relative[~tone] = 0.0
    words = phase_word(relative)
    del relative
    found = number_stretches(first, [of, what, offset, words])
    del offset, words

    rows = _EpisodeRows(at, of, what, turns, tone, trains, captures)
    kinds = []
    for g in found.example:
        part = slice(first[g], first[g] + lengths[g])
        reach = int(np.max(end[part]) - at[first[g]])
        kinds.append(rows.kind(feedline, part, reach, base[g]))

    window_rows = np.flatnonzero(~tone)
    first_window = np.searchsorted(number[window_rows], np.arange(first.size + 1))
    return Episodes(
        start_ns=at[first],
        kind=found.kind,
        kinds=tuple(kinds),
        phase_turns=base,
        first_window=first_window.astype(np.int64),
        train=of[window_rows] - np.int32(len(trains)),
        element=place[window_rows],
        demod_turns=turns[window_rows],
    )


def _rows(
    trains: Sequence[PulseTrain], captures: Sequence[CaptureTrain], whole: int
) -> tuple[list[NDArray[Any]], ...]:
    """Return, train by train, then capture by capture: when what begins and how long it lasts (ns),
    number of the train, of the piece, phase (turns), number of the element. Windows are opened
    ``whole`` ns earlier.
    """
    start, duration, source, item, phase, element = [], [], [], [], [], []
    # words of 32 bits do for numbers of trains and pieces: a long run has millions of rows
    for i, train in enumerate(trains):
        lengths = np.array([piece.duration_ns for piece in train.pieces], np.int64)
        heard = np.array(
            [p.duration_ns > 0 and (p.level != 0 or bool(np.any(p.samples))) for p in train.pieces],
            np.bool_,
        )[train.piece]
        start.append(train.start_ns[heard].astype(np.int64))
        item.append(train.piece[heard].astype(np.int32))
        duration.append(lengths[item[-1]])
        source.append(np.full(start[-1].size, i, np.int32))
        phase.append(train.phase_turns[heard])
        element.append(np.flatnonzero(heard).astype(np.int32))
    for i, capture in enumerate(captures):
        lengths = np.array([window.duration_ns for window in capture.windows], np.int64)
        start.append(capture.start_ns.astype(np.int64) - whole)
        item.append(capture.window.astype(np.int32))
        duration.append(lengths[item[-1]])
        source.append(np.full(start[-1].size, len(trains) + i, np.int32))
        phase.append(capture.phase_turns)
        element.append(np.arange(start[-1].size, dtype=np.int32))
    return start, duration, source, item, phase, element


@dataclass(frozen=True, slots=True, eq=False)
class _EpisodeRows:
    """Each row, in the order of time, is one stretch of playing and listening."""

    at: NDArray[np.int64]
    of: NDArray[np.int32]
    """Number of the train; captures follow the trains."""
    what: NDArray[np.int32]
    """Number of the piece, or of the window."""
    turns: NDArray[np.float64]
    tone: NDArray[np.bool_]
    trains: Sequence[PulseTrain]
    captures: Sequence[CaptureTrain]

    def kind(self, feedline: FeedlinePoint, rows: slice, reach: int, base: float) -> EpisodeKind:
        """Return the kind of the episode of ``rows``, which lasts ``reach`` ns."""
        first_ns = self.at[rows.start]
        if reach > LONGEST_NS:
            raise NotSimulated(
                f"{feedline.name} carries tones or is listened to without a pause of "
                f"{ring_down_ns(feedline, RING_DOWN_FOLDS[-2])} ns for {reach} ns; at most "
                f"{LONGEST_NS} ns are simulated: let the resonators ring down between readouts"
            )
        rows_tone = self.tone[rows]
        frequency, begins, parts = [], [], []
        for row in np.flatnonzero(rows_tone) + rows.start:
            piece = self.trains[self.of[row]].pieces[self.what[row]]
            frequency.append(piece.carrier_hz)
            begins.append(int(self.at[row] - first_ns))
            turn = self.turns[row] - base
            parts.append((turn, envelope_of(piece) * feedline.transmission_in))
        tones = None
        if parts:
            envelope = np.zeros(
                (len(parts), max(b + p[1].size for b, p in zip(begins, parts, strict=True))),
                np.complex128,
            )
            start_phase = np.empty(len(parts))
            for q, (begin, (turn, values)) in enumerate(zip(begins, parts, strict=True)):
                envelope[q, begin : begin + values.size] = values
                start_phase[q] = 2 * np.pi * ((turn - 1e-9 * frequency[q] * begin) % 1.0)
            tones = tones_of(envelope, np.array(frequency), start_phase)
        windows = tuple(
            SampledWindow(
                self.captures[self.of[row] - len(self.trains)].windows[self.what[row]],
                int(self.at[row] - first_ns),
            )
            for row in np.flatnonzero(~rows_tone) + rows.start
        )
        return EpisodeKind(tones, min(begins, default=0), reach, windows)


def _sorted(parts: list[NDArray[T]], order: NDArray[np.int64]) -> NDArray[T]:
    """Return all parts in another order; the list is empty then."""
    whole = np.concatenate(parts)
    parts.clear()
    return np.asarray(whole[order])


def folds_kept(
    feedline: FeedlinePoint, trains: Sequence[PulseTrain], captures: Sequence[CaptureTrain]
) -> float:
    """Return which of :data:`RING_DOWN_FOLDS` the episodes of a run keep."""
    whole, _ = flight(feedline)
    start, duration, source, *_ = _rows(trains, captures, whole)
    at, of = np.concatenate(start), np.concatenate(source)
    order = np.argsort(at, kind="stable")
    over = at + np.concatenate(duration)
    tone = of < len(trains)
    return _cut(feedline, at[order], over[order], tone[order], RING_DOWN_FOLDS[0])[2]


def _cut(
    feedline: FeedlinePoint,
    start: NDArray[np.int64],
    end: NDArray[np.int64],
    tone: NDArray[np.bool_],
    most_folds: float,
) -> tuple[NDArray[np.int64], NDArray[np.int64], float]:
    """Return the first row of each episode, each row's end, ring-down included, and its folds."""
    for folds in RING_DOWN_FOLDS[RING_DOWN_FOLDS.index(most_folds) :]:
        reach = end + np.where(tone, ring_down_ns(feedline, folds), 0)
        first = clusters(start, reach)
        longest = np.max(np.maximum.reduceat(reach, first) - start[first], initial=0)
        if longest <= CALM_NS:
            break
    # the next episode's start ends the ring-down of the one before
    return first, np.asarray(reach), folds


def _cut_at_drives(
    feedline: FeedlinePoint,
    first: NDArray[np.int64],
    start: NDArray[np.int64],
    end: NDArray[np.int64],
    tone: NDArray[np.bool_],
    driven_ns: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Return the first rows with those added at which a readout begins after a drive, or meets one.

    Before it, in the same episode, a window has closed and all tones have ended.
    """
    if first.size == start.size or driven_ns.size == 0:
        return first
    reached = np.maximum.accumulate(end)
    ended = np.append(start[0], reached[:-1])
    begins = np.flatnonzero(start >= ended)
    is_first = np.zeros(start.size, np.bool_)
    is_first[first] = True
    rows = begins[~is_first[begins]]
    if not rows.size:
        return first
    over = reached[np.append(begins[1:], start.size)[np.searchsorted(begins, rows)] - 1]
    driven, least = np.sort(driven_ns), ring_down_ns(feedline, APART_FOLDS)
    apart = start[rows] - ended[rows]
    before = np.searchsorted(driven, start[rows])
    behind = before > np.searchsorted(driven, ended[rows])
    meets = (np.searchsorted(driven, over) > before) & (apart >= least)
    rows, apart = rows[behind | meets], apart[behind | meets]
    # windows that have begun before each row, and those from it to the episode's end
    window = np.append(0, np.cumsum(~tone))
    episode = np.searchsorted(first, rows, side="right") - 1
    earlier = window[rows] > window[first][episode]
    later = window[np.append(first[1:], start.size)][episode] > window[rows]
    rows, apart = rows[earlier & later], apart[earlier & later]
    if rows.size == 0:
        return first
    if np.min(apart) < least:
        raise NotSimulated(
            f"{feedline.name} is read, a qubit is driven, and it is read again only "
            f"{np.min(apart)} ns after the first readout ends: what is left of its photons then is "
            f"not simulated; let the resonators ring down between, for {least} ns at least"
        )
    is_first[rows] = True
    return np.flatnonzero(is_first).astype(np.int64)

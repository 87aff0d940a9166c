"""Equal pulses become one piece for the world, wherever they lie on the grid of 16 samples.

Waveforms begin at multiples of 16 samples and have zeros around a pulse that does not; a long one
is held in its middle, and its ends are played by themselves. To the world, which works a piece out
once, all that is one pulse.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.signals import Piece, PulseTrain, within_a_turn
from podium.sim_instruments.twins.zurich.signals.signal_pieces import ALIKE, piece_of

TURNS = 1e-6
"""Phases that differ by less go on from each other."""


@dataclass(frozen=True, slots=True, eq=False)
class _Pieces:
    """Pieces as they are found, each content once."""

    found: list[Piece]
    numbers: dict[tuple[float, bytes, complex, int], int]

    def number(self, piece: Piece) -> int:
        key = (piece.carrier_hz, piece.samples.tobytes(), piece.level, piece.duration_ns)
        if key not in self.numbers:
            self.numbers[key] = len(self.found)
            self.found.append(piece)
        return self.numbers[key]


def compacted(train: PulseTrain) -> PulseTrain:
    """Return the same signal with silence around pulses left out, and what goes on joined."""
    trimmed = [_trimmed(piece) for piece in train.pieces]
    known = _Pieces([], {})
    number = np.array([known.number(piece) for _, piece in trimmed], np.int32)
    skipped_ns = np.array([ns for ns, _ in trimmed], np.int64)
    start, phase, piece = train.start_ns, train.phase_turns, number[train.piece]
    if skipped_ns.any():
        skipped = skipped_ns[train.piece]
        hz = np.array([piece.carrier_hz for piece in train.pieces])[train.piece]
        phase, start = within_a_turn(phase + hz * 1e-9 * skipped), start + skipped
    kept, piece = _joined(start, phase, piece, known)
    whole = replace(
        train, start_ns=start, piece=piece, phase_turns=phase, pieces=tuple(known.found)
    )
    return whole if kept.all() else whole.only(kept)


def _trimmed(piece: Piece) -> tuple[int, Piece]:
    """Return a piece without the silence around it, and how long that was before it, in ns."""
    loud = np.flatnonzero(piece.samples)
    if piece.level and not len(loud):
        return len(piece.samples), _level(
            piece, piece.level, piece.duration_ns - len(piece.samples)
        )
    if not len(loud):
        return 0, piece
    first = int(loud[0])
    if piece.level:
        rest = replace(piece, samples=piece.samples[first:], duration_ns=piece.duration_ns - first)
        return first, rest
    return first, piece_of(piece.carrier_hz, piece.samples[first : int(loud[-1]) + 1])


def _level(piece: Piece, level: complex, duration_ns: int) -> Piece:
    return replace(piece, samples=piece.samples[:0], level=level, duration_ns=duration_ns)


def _joined(
    start: NDArray[np.int64],
    phase: NDArray[np.float64],
    piece: NDArray[np.int32],
    known: _Pieces,
) -> tuple[NDArray[np.bool_], NDArray[np.int32]]:
    """Return which elements are left where levels go on from what is before them, and pieces."""
    kept = np.ones(len(start), np.bool_)
    if len(start) < 2:
        return kept, piece
    duration = np.array([one.duration_ns for one in known.found], np.int64)
    hz = np.array([one.carrier_hz for one in known.found])
    first, second = piece[:-1], piece[1:]
    follows = start[:-1] + duration[first] == start[1:]
    if not follows.any():
        return kept, piece
    follows &= hz[first] == hz[second]
    off = phase[:-1] + (hz * 1e-9 * duration)[first] - phase[1:]
    follows &= np.abs(off - np.rint(off)) < TURNS
    if not follows.any():
        return kept, piece
    # One number for a pair: whole rows are sorted with the interpreter's lock held.
    count = len(known.found)
    pairs, which = np.unique(first.astype(np.int64) * count + second, return_inverse=True)
    both = [divmod(pair, count) for pair in pairs.tolist()]
    longer = np.array([_longer(known, *pair) for pair in both], np.int32)[which.reshape(-1)]
    follows &= longer >= 0
    # A chain is joined from its begin on, two by two.
    follows[1:] &= ~follows[:-1]
    piece = piece.copy()
    piece[:-1][follows] = longer[follows]
    kept[1:] = ~follows
    return kept, piece


def _longer(known: _Pieces, first: int, second: int) -> int:
    """Return the piece that both are together; below 0: they are none."""
    one, other = known.found[first], known.found[second]
    if len(other.samples) or not one.level:
        return -1
    if abs(one.level - other.level) > ALIKE * abs(one.level):
        return -1
    return known.number(replace(one, duration_ns=one.duration_ns + other.duration_ns))


__all__ = ["compacted"]

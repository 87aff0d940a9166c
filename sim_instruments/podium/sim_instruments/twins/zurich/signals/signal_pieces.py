"""Turns plays of half-nanosecond samples into pieces of signal of whole nanoseconds.

What is silent at the ends is left out, and what is alike to its end is a level, which the world
plays quickly.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.signals import Piece, PulseTrain, within_a_turn
from podium.sim_instruments.twins.zurich.quantum_analyzer.readouts import Complexes
from podium.sim_instruments.twins.zurich.sequencer.image import Integers
from podium.sim_instruments.twins.zurich.signals.nanoseconds import in_nanoseconds

ALIKE: Final = 1e-6
"""Samples that differ by less, of the largest, are alike: below the last bit of 16."""


@dataclass(frozen=True, slots=True, eq=False)
class SignalPiece:
    """One kind of play as it leaves a connector: silence at its ends is left out."""

    piece: Piece
    lead_ns: int = 0
    """By how much later than the play it begins."""
    tail: complex = 0j
    """What is left for the nanosecond after it, of a level that ends within one."""


def trains_of(
    line: str,
    sender: str,
    made: Sequence[SignalPiece],
    which: Integers,
    start_ns: Integers,
    turns: NDArray[np.float64],
) -> Iterator[PulseTrain]:
    """Yield the train of plays, and one of what is left for the nanoseconds after them."""
    pieces = tuple(one.piece for one in made)
    hz = np.array([one.carrier_hz for one in pieces])
    leads = np.array([one.lead_ns for one in made], np.int64)
    start, phase = start_ns, turns
    if leads.any():
        start = start_ns + leads[which]
        phase = turns + within_a_turn(1e-9 * hz * leads)[which]
    phase = within_a_turn(phase)
    yield sounding(PulseTrain(line, start, which.astype(np.int32), phase, pieces, sender))
    if any(one.tail != 0 for one in made):
        left = np.array([one.tail != 0 for one in made])[which]
        lasts = np.array([one.duration_ns for one in pieces], np.int64)[which]
        tails = tuple(Piece(one.piece.carrier_hz, np.full(1, one.tail), 0j, 1) for one in made)
        after = within_a_turn(phase + within_a_turn(1e-9 * hz[which] * lasts))
        kinds = which[left].astype(np.int32)
        yield PulseTrain(
            line, (start + lasts)[left], kinds, after[left], tails, sender, goes_on=True
        )


def sent(
    carrier_hz: float, signal: Complexes, held: bool, samples: int, late: int, longer: int
) -> SignalPiece:
    """Return a play of samples of 2 GSa/s; ``late``: of them, after the nanosecond.

    ``held``: its only one is held for so many ``samples``; ``longer``: for how many the last is.
    """
    if held:
        level = complex(signal[0])
        return SignalPiece(held_piece(carrier_hz, level, samples, late), tail=late * level / 2)
    if longer:
        # The nanosecond in which it comes to be held is whole.
        last = complex(signal[-1])
        heard = in_nanoseconds(np.append(signal, np.full(late, last)), late)
        first = _silent(heard)
        found = piece_of(carrier_hz, heard[first:])
        lasts = (len(signal) + longer) // 2 - first
        return SignalPiece(replace(found, duration_ns=lasts), first, late * last / 2)
    heard = in_nanoseconds(signal, late)
    first, end = _silent(heard), len(heard) - _silent(heard[::-1])
    if first >= end:
        return SignalPiece(piece_of(carrier_hz, heard))
    whole = piece_of(carrier_hz, heard[first:end])
    if len(whole.samples) > 2:
        flat = piece_of(carrier_hz, heard[first : end - 1])
        if len(flat.samples) < 2:
            return SignalPiece(flat, first, complex(heard[end - 1]))
    return SignalPiece(whole, first)


def _silent(samples: Complexes) -> int:
    """Return how many samples at the beginning are nothing; not all of them."""
    sounds = np.flatnonzero(np.abs(samples) > ALIKE * np.abs(samples).max(initial=0.0))
    return int(sounds[0]) if len(sounds) else 0


def sounding(train: PulseTrain) -> PulseTrain:
    """Return a train whose pulses begin where they sound, without those that never do.

    Waveforms begin on a grid of 16 samples; what leaves the connector begins with the pulse.
    """
    pieces, silent = [], []
    for piece in train.pieces:
        loud = np.flatnonzero(piece.samples)
        first = int(loud[0]) if len(loud) else len(piece.samples)
        sounds = bool(len(loud)) or (piece.level != 0 and first < piece.duration_ns)
        duration_ns = piece.duration_ns - first
        pieces.append(
            replace(piece, samples=piece.samples[first:], duration_ns=duration_ns)
            if sounds
            else piece
        )
        silent.append(first if sounds else -1)
    if not any(silent):
        return train
    late_ns = np.array(silent, np.int64)[train.piece]
    turns_a_ns = np.array([one.carrier_hz for one in pieces])[train.piece] * 1e-9
    later = replace(
        train,
        start_ns=train.start_ns + late_ns,
        phase_turns=within_a_turn(train.phase_turns + turns_a_ns * late_ns),
        pieces=tuple(pieces),
    )
    kept = late_ns >= 0
    return later if kept.all() else later.only(kept)


def held_piece(carrier_hz: float, level: complex, samples: int, late: int) -> Piece:
    """Return a level that is held; begun within a nanosecond, it is half there in that one.

    The half that is left at its end is nobody's here.
    """
    if not late:
        return Piece(carrier_hz, np.zeros(0, np.complex128), level, samples // 2)
    return Piece(carrier_hz, np.full(1, level / 2), level, samples // 2)


def piece_of(carrier_hz: float, samples: Complexes, samples_per_ns: int = 1) -> Piece:
    """Return samples as a piece; those that are alike to its end are a level, which is quick."""
    last = complex(samples[-1])
    near = np.abs(samples - last) <= ALIKE * np.abs(samples).max(initial=0.0)
    begin = 0 if near.all() else int(np.flatnonzero(~near)[-1]) + 1
    return Piece(carrier_hz, samples[:begin], last, len(samples) // samples_per_ns)

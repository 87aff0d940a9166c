"""Writes what is played on a flux line as levels over time: carriers and phases are in them.

A flux line takes the voltage of one output, the real part of a complex signal. ``physics`` moves
qubits by levels without a carrier.
"""

from dataclasses import replace

import numpy as np

from podium.sim_instruments.physics.deduplicate import distinct_rows
from podium.sim_instruments.physics.signals import Piece, PulseTrain

PHASE_DIGITS = 9
"""Phases that agree to so many digits of a turn are one piece."""


def flux_signal(train: PulseTrain) -> PulseTrain:
    """Return ``train`` with the real part of each pulse, at 0 Hz and phase 0.

    A carrier is written out ns by ns, held as samples are; pulses that begin at other phases of
    theirs are pieces of their own.
    """
    plain = all(piece.carrier_hz == 0 for piece in train.pieces)
    if not train.start_ns.size or (plain and not np.any(train.phase_turns)):
        return train
    phase = np.round(train.phase_turns % 1.0, PHASE_DIGITS) % 1.0
    first, number = distinct_rows((train.piece, phase))
    kinds = zip(train.piece[first].tolist(), phase[first].tolist(), strict=True)
    pieces = tuple(_levels(train.pieces[one], turns) for one, turns in kinds)
    zero = np.zeros(len(train.start_ns))
    return replace(
        train, piece=number.reshape(-1).astype(np.int32), phase_turns=zero, pieces=pieces
    )


def _levels(piece: Piece, turns: float) -> Piece:
    """Return the voltage of a pulse that begins at a phase of its carrier."""
    samples, level = piece.samples, piece.level
    if piece.carrier_hz and level and piece.duration_ns > len(samples):
        held = np.full(piece.duration_ns - len(samples), level)
        samples, level = np.concatenate([samples, held]), 0j
    each = turns + piece.carrier_hz * 1e-9 * np.arange(len(samples))
    real = np.asarray((samples * np.exp(2j * np.pi * each)).real + 0j, np.complex128)
    last = complex((level * np.exp(2j * np.pi * turns)).real)
    return Piece(0.0, real, last, piece.duration_ns)

"""The image that a mixer adds to what is played."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.signals import Piece, PulseTrain


def with_image(
    train: PulseTrain,
    lo_hz: float,
    lo_phase_turns: NDArray[np.float64],
    sidebands: tuple[complex, complex],
) -> tuple[PulseTrain, ...]:
    """Return a train as it is behind a mixer, and its image on the other side of the oscillator.

    ``lo_phase_turns`` is the oscillator's phase at the start of each piece.
    """
    wanted, image = sidebands
    if not image and wanted == 1:
        return (train,)
    scaled = tuple(
        replace(one, samples=one.samples * wanted, level=one.level * wanted) for one in train.pieces
    )
    mirrored = tuple(
        Piece(
            carrier_hz=2 * lo_hz - one.carrier_hz,
            samples=np.conj(one.samples) * image,
            level=complex(np.conj(one.level) * image),
            duration_ns=one.duration_ns,
        )
        for one in train.pieces
    )
    turns = (2 * lo_phase_turns - train.phase_turns) % 1.0
    return replace(train, pieces=scaled), replace(
        train, pieces=mirrored, phase_turns=turns, spur="image"
    )

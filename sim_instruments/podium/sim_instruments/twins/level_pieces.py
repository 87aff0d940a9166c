"""Turns the changes of a signal behind filters into pieces for the world."""

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.signals import Piece, PulseTrain

APART_NS = 32
"""A level that holds for so long ends a piece."""


def train_of_levels(
    line: str,
    sender: str,
    when: NDArray[np.int64],
    signal: NDArray[np.complex128],
    end_ns: int,
) -> PulseTrain | None:
    """Return levels, each from its nanosecond on, as pieces; equal ones are one.

    ``signal[k]`` holds from ``when[k]`` (ascending) to the next, the last to ``end_ns``. None where
    nothing ever leaves.
    """
    if not len(when):
        return None
    held_ns = np.diff(np.append(when, max(end_ns, int(when[-1]) + 1)))
    starts = np.concatenate([[0], np.flatnonzero(held_ns >= APART_NS) + 1, [len(when)]])
    pieces: list[Piece] = []
    known: dict[tuple[bytes, bytes], int] = {}
    start_ns: list[int] = []
    number: list[int] = []
    for a, b in zip(starts[:-1].tolist(), starts[1:].tolist(), strict=True):
        if a == b or not signal[a:b].any():
            continue
        key = signal[a:b].tobytes(), held_ns[a:b].tobytes()
        if key not in known:
            known[key] = len(pieces)
            samples = np.repeat(signal[a : b - 1], held_ns[a : b - 1])
            duration = len(samples) + int(held_ns[b - 1])
            if not signal[b - 1]:
                duration = len(samples)
            pieces.append(Piece(0.0, samples, complex(signal[b - 1]), duration))
        start_ns.append(int(when[a]))
        number.append(known[key])
    if not start_ns:
        return None
    phase = np.zeros(len(start_ns))
    return PulseTrain(
        line,
        np.array(start_ns, np.int64),
        np.array(number, np.int32),
        phase,
        tuple(pieces),
        sender,
    )

"""Turns the changes of a signal behind filters into pieces for the world."""

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.deduplicate import distinct, number_words
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
    ends = held_ns >= APART_NS
    ends[-1] = True
    last = np.flatnonzero(ends)
    first = np.append(0, last[:-1] + 1)
    heard = np.logical_or.reduceat(signal != 0, first)
    if not heard.any():
        return None
    counts = held_ns.copy()
    counts[last[signal[last] == 0]] = 0  # of a silence that ends a piece, none
    found = number_words(first, np.column_stack([signal.view(np.int64).reshape(-1, 2), counts]))
    number, example = distinct(found.kind[heard].reshape(-1, 1))
    of = np.flatnonzero(heard)[example]
    pieces = [
        _piece(signal[a : b + 1], held_ns[a : b + 1])
        for a, b in zip(first[of].tolist(), last[of].tolist(), strict=True)
    ]
    start_ns = when[first[heard]].astype(np.int64)
    return PulseTrain(line, start_ns, number, np.zeros(start_ns.size), tuple(pieces), sender)


def _piece(signal: NDArray[np.complex128], held_ns: NDArray[np.int64]) -> Piece:
    """Return levels, each held for so long, as one piece: without the silence at its end."""
    samples = np.repeat(signal[:-1], held_ns[:-1])
    level = complex(signal[-1])
    return Piece(0.0, samples, level, len(samples) + (int(held_ns[-1]) if level else 0))

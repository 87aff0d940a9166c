"""Turns the changes of a signal behind filters into pieces for the world."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.deduplicate import distinct, number_stretches
from podium.sim_instruments.physics.signals import Piece, PulseTrain

APART_NS = 32
"""A level that holds for so long ends a piece."""


def train_of_words(
    line: str,
    sender: str,
    when: NDArray[np.int64],
    levels: tuple[NDArray[np.int64], Callable[[NDArray[np.int64]], NDArray[np.complex128]]],
    end_ns: int,
) -> PulseTrain | None:
    """Return levels, each from its nanosecond on, as pieces; equal ones are one.

    ``levels``: words, (n, k), and a function that returns the signal of some; 0 where all k are.
    The first of them holds from ``when[0]`` (ascending) to the next, the last to ``end_ns``. None
    where nothing ever leaves.
    """
    words, signal_of = levels
    if not len(when):
        return None
    held_ns = np.diff(np.append(when, max(end_ns, int(when[-1]) + 1)))
    ends = held_ns >= APART_NS
    ends[-1] = True
    last = np.flatnonzero(ends)
    first = np.append(0, last[:-1] + 1)
    sounds = np.asarray(words.any(axis=1), np.bool_)
    heard = np.logical_or.reduceat(sounds, first)
    if not heard.any():
        return None
    counts = held_ns.copy()
    counts[last[~sounds[last]]] = 0  # of a silence that ends a piece, none
    found = number_stretches(first, [*words.T, counts])
    number, example = distinct(found.kind[heard].reshape(-1, 1))
    of = np.flatnonzero(heard)[example]
    pieces = [
        _piece(signal_of(words[a : b + 1]), held_ns[a : b + 1])
        for a, b in zip(first[of].tolist(), last[of].tolist(), strict=True)
    ]
    start_ns = when[first[heard]].astype(np.int64)
    return PulseTrain(line, start_ns, number, np.zeros(start_ns.size), tuple(pieces), sender)


def _piece(signal: NDArray[np.complex128], held_ns: NDArray[np.int64]) -> Piece:
    """Return levels, each held for so long, as one piece: without the silence at its end."""
    samples = np.repeat(signal[:-1], held_ns[:-1])
    level = complex(signal[-1])
    return Piece(0.0, samples, level, len(samples) + (int(held_ns[-1]) if level else 0))

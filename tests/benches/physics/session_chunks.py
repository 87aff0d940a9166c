"""Plays a session in chunks, each up to behind one window."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from podium.sim_instruments.physics.session import Session
from podium.sim_instruments.physics.signals import CaptureTrain, PulseTrain

LATER_NS = 364
"""How much more is known than the window that is asked for."""


def cut(played: PulseTrain, begin_ns: int, end_ns: int) -> PulseTrain:
    rows = slice(*np.searchsorted(played.start_ns, [begin_ns, end_ns]))
    return replace(
        played,
        start_ns=played.start_ns[rows],
        piece=played.piece[rows],
        phase_turns=played.phase_turns[rows],
    )


def one_of(heard: CaptureTrain, row: int, there: bool = True) -> CaptureTrain:
    rows = slice(row, row + there)
    return replace(
        heard,
        start_ns=heard.start_ns[rows],
        window=heard.window[rows],
        phase_turns=heard.phase_turns[rows],
    )


def told(
    session: Session, drives: Sequence[PulseTrain], captures: Sequence[CaptureTrain]
) -> list[np.ndarray]:
    """Play all in chunks that end behind one window each; captures have equally many."""
    values = [np.empty(heard.start_ns.size, np.complex128) for heard in captures]
    begin_ns = -(1 << 60)
    for row in range(captures[0].start_ns.size):
        ends = [
            int(heard.start_ns[row]) + heard.windows[heard.window[row]].duration_ns
            for heard in captures
        ]
        end_ns = max(ends) + LATER_NS
        chunk = [cut(played, begin_ns, end_ns) for played in drives]
        answers = session.go_on(
            chunk, [one_of(heard, row) for heard in captures], range(len(captures))
        )
        for value, answer in zip(values, answers, strict=True):
            value[row] = answer.integrated[0]
        begin_ns = end_ns
    return values

"""Finds maps of a program that often follow each other with the same turn between: one map does.

A drive and the flux pulse behind it, for instance, in parts, since lines differ in delay. What slow
noise strays from its mean between the two acts in halves before and behind, as it does in each.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.deduplicate import distinct
from podium.sim_instruments.physics.joint.gate_programs import NONE, Program
from podium.sim_instruments.physics.joint.map_player import turn_steps

Array = NDArray[np.float64]
Numbers = NDArray[np.int64]
WORTH = 24
"""Pairs that are there so often become one map, which takes the time of some 20 plays."""
MIX = np.random.default_rng(0).integers(0, 2**62, 64) * 2 + 1
"""Odd numbers that make one word of a row of turns."""


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """Steps of a program that are one with the step before them; P kinds of these."""

    step: Numbers
    """Shape (n,), ascending; no two are neighbours."""
    kind: Numbers
    """Shape (n,)."""
    example: Numbers
    """Shape (P,): a step of each kind."""


def turn_words(program: Program) -> Numbers:
    """Return a word for the turns before each map, (S,): the same for the same turns."""
    turns = turn_steps(program.turns)
    return np.asarray(turns @ MIX[: turns.shape[1]])


def repeated_pairs(
    program: Program, words: Numbers, plain: NDArray[np.bool_], longest_ns: float
) -> Pairs:
    """Return pairs that come often enough.

    ``words`` (S,): those of :func:`turn_words`; ``plain`` (K,): maps without harmonics;
    ``longest_ns``: from the begin of the first to the end of the second.
    """
    one, other = program.maps[:-1], program.maps[1:]
    lasts = program.spans[1:] + 0.5 * (program.lasts[:-1] + program.lasts[1:])
    fits = plain[one] & plain[other] & (program.unitaries[:-1] == NONE) & (lasts <= longest_ns)
    kind, first = distinct(np.column_stack([one, other, words[1:]]))
    often = np.bincount(kind[fits], minlength=first.size)
    fits &= often[kind] >= WORTH
    place = np.arange(fits.size)
    since = place - np.maximum.accumulate(np.where(fits, -1, place))
    step = np.flatnonzero(fits & (since % 2 == 1))
    _, example, which = np.unique(kind[step], return_index=True, return_inverse=True)
    return Pairs(step + 1, which.reshape(-1), step[example] + 1)


def with_pairs(program: Program, pairs: Pairs, maps: Numbers) -> Program:
    """Return a program in which each pair is one of ``maps`` (P,)."""
    second = pairs.step
    first = second - 1
    span, one, other = program.spans[second], program.lasts[first], program.lasts[second]
    before = 0.5 * (span + 0.5 * other - 0.5 * one)
    which, spans, lasts = program.maps.copy(), program.spans.copy(), program.lasts.copy()
    unitaries = program.unitaries.copy()
    which[first] = maps[pairs.kind]
    lasts[first] = span + 0.5 * (one + other)
    unitaries[first] = unitaries[second]
    spans[first] += before
    goes_on = second + 1 < spans.size
    spans[second[goes_on] + 1] += (span - before)[goes_on]
    stays = np.ones(which.size, np.bool_)
    stays[second] = False
    return replace(
        program,
        maps=which[stays],
        turns=program.turns[stays],
        spans=spans[stays],
        lasts=lasts[stays],
        phases=program.phases[stays],
        unitaries=unitaries[stays],
    )

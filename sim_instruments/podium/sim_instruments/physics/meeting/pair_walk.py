"""Draws what two members of a meeting are found in, reading by reading, and jumps meanwhile.

As :mod:`..walk` does for one qubit. Random numbers of blocks that share photons have a key of their
own, those of the others and of jumps are the members', by the number of the reading in its run.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from podium.sim_instruments.physics.meeting.atom_maps import LEVELS
from podium.sim_instruments.physics.meeting.member import Member
from podium.sim_instruments.physics.noise import philox, unit
from podium.sim_instruments.physics.shots import thermal
from podium.sim_instruments.physics.walk import Paths, drawn, first_level, jumps_after

ROOM = 64
"""Rows of jumps that are free before a reading is drawn."""
Column = Callable[[int, Sequence[int]], NDArray[np.float64]]
"""The populations at the readings of a draw from two levels: (9,), or (3,) of a member alone."""


def walked(
    members: tuple[Member, Member],
    block: NDArray[np.int64],
    kind: NDArray[np.int64],
    column: Column,
    keys: tuple[int, tuple[int, int]],
) -> list[Paths]:
    """Return the levels of both members at all their readings, and their jumps after them.

    ``block`` (D, 2), -1: a member takes no part; ``kind`` (D,); ``keys``: of the random numbers of
    shared draws, and of each member's.
    """
    counts = [member.lit_ns.size for member in members]
    own = np.array([np.uint64(one) for one in keys[1]], np.uint64)
    run = np.array([member.run for member in members], np.uint64)
    level = np.zeros(2, np.int64)
    for end, member in enumerate(members):
        still = thermal(member.qubit)
        level[end] = first_level(still / still.sum(), own[end], run[end])
    found = np.zeros((2, max(counts)), np.int64)
    jumps, jumped = np.zeros((2, ROOM + max(counts), 3), np.int64), np.zeros(2, np.int64)
    number = np.full((int(kind.max(initial=0)) + 1, LEVELS * LEVELS), -1, np.int64)
    table = np.zeros((16, LEVELS * LEVELS))
    known, draw = 0, 0
    while True:
        draw = walk_pair(
            draw,
            block,
            kind,
            number,
            table,
            np.array(counts, np.int64),
            tuple(member.readings for member in members),
            tuple(member.pace for member in members),
            np.stack([1e-9 * member.qubit.rates_1_s for member in members]),
            np.array([member.fraction for member in members]),
            np.uint64(keys[0]),
            own,
            run,
            level,
            found,
            jumps,
            jumped,
        )
        if np.any(jumped > jumps.shape[1] - ROOM):
            jumps = np.concatenate([jumps, np.zeros_like(jumps)], axis=1)
            continue
        if draw == kind.size:
            break
        if known == len(table):
            table = np.concatenate([table, np.zeros_like(table)])
        start = start_of(block[draw], level)
        populations = column(draw, level.tolist())
        table[known, : populations.size] = populations
        number[kind[draw], start] = known
        known += 1
    return [
        Paths(
            found[end, : counts[end]],
            *(np.ascontiguousarray(one) for one in jumps[end, : jumped[end]].T),
        )
        for end in (0, 1)
    ]


@njit(cache=True, nogil=True)
def start_of(block: Any, level: Any) -> int:
    """Return the number of the levels that the members of a draw start from."""
    start = 0
    for end in range(2):
        start = start * LEVELS + (level[end] if block[end] >= 0 else 0)
    return start


@njit(cache=True, nogil=True)
def walk_pair(
    draw: int,
    block: Any,
    kind: Any,
    number: Any,
    table: Any,
    counts: Any,
    readings: Any,
    paces: Any,
    rates: Any,
    fraction: Any,
    shared_key: Any,
    keys: Any,
    run: Any,
    level: Any,
    found: Any,
    jumps: Any,
    jumped: Any,
) -> int:
    """Draw from ``draw`` on; return the first that cannot be drawn yet.

    ``number`` (kinds, 9): the row of ``table`` with the populations from each pair of levels, -1
    where it is not known; ``level`` (2,): of the members, also when this returns. ``jumps``
    (2, J, 3) is left when fewer than ROOM rows are free.
    """
    while draw < kind.size:
        for end in range(2):
            if jumped[end] > jumps.shape[1] - ROOM:
                return draw
        row = number[kind[draw], start_of(block[draw], level)]
        if row < 0:
            return draw
        low = np.uint64(draw) << np.uint64(16)
        if block[draw, 0] >= 0 and block[draw, 1] >= 0:
            word, _ = philox(shared_key, run[0], low)
            state = drawn(table[row], table[row].sum(), unit(word))
            level[0], level[1] = state // LEVELS, state % LEVELS
        else:
            end = 0 if block[draw, 0] >= 0 else 1
            word, _ = philox(keys[end], run[end], np.uint64(block[draw, end]) << np.uint64(16))
            level[end] = drawn(table[row, :LEVELS], table[row, :LEVELS].sum(), unit(word))
        for end in range(2):
            at = block[draw, end]
            if at < 0 or at >= counts[end]:
                continue
            found[end, at] = level[end]
            _, other = philox(keys[end], run[end], np.uint64(at) << np.uint64(16))
            level[end], jumped[end] = jumps_after(
                level[end],
                readings[end].kind[at],
                float(readings[end].begin_ns[at]),
                float(readings[end].end_ns[at]),
                rates[end],
                paces[end],
                fraction[end],
                keys[end],
                run[end],
                at,
                unit(other),
                jumps[end],
                jumped[end],
            )
        draw += 1
    return draw

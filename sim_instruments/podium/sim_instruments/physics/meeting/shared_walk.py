"""Levels of members of a meeting that share states, reading by reading, and jumps meanwhile.

As :mod:`..walk` does for one qubit. Random numbers of blocks that share photons or a state have a
key of their own, those of the others and of jumps are the members', by the number of the reading
in its run.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from podium.sim_instruments.physics.meeting.atom_maps import LEVELS
from podium.sim_instruments.physics.meeting.member import Member
from podium.sim_instruments.physics.noise import philox, unit
from podium.sim_instruments.physics.population_table import PopulationTable
from podium.sim_instruments.physics.shots import thermal
from podium.sim_instruments.physics.walk import (
    Pace,
    Paths,
    Readings,
    drawn,
    first_level,
    jumps_after,
)

ROOM = 64
"""Rows of jumps that are free before a reading is drawn."""
Columns = Callable[[int, Sequence[int]], tuple[NDArray[np.int64], NDArray[np.float64]]]
"""Of a draw, and levels of all n members before it: kinds of draws, (k,), its own among them, and
their populations (k, patterns * 3 ** r) at the readings of r members from these levels."""


def walked(
    members: Sequence[Member],
    block: NDArray[np.int64],
    kind: NDArray[np.int64],
    columns: Columns,
    keys: tuple[int, Sequence[int]],
    patterns: NDArray[np.int64],
) -> tuple[list[Paths], NDArray[np.int64], NDArray[np.int64]]:
    """Return the levels of n members at all their readings, their jumps, and (D, n) levels before.

    And (D,) which pattern of clicks was drawn. ``block`` (D, n), -1: a member takes no part;
    ``kind`` (D,); ``keys``: of the random numbers of shared draws, and of each member's;
    ``patterns`` (kinds,): how many each kind of draw may have.
    """
    count = len(members)
    counts = np.array([member.lit_ns.size for member in members], np.int64)
    own = np.array([np.uint64(one) for one in keys[1]], np.uint64)
    run = np.array([member.run for member in members], np.uint64)
    level = _first_levels(members, own, run)
    readings, pace, first, first_kind = _in_a_row(members)
    most = int((block >= 0).sum(axis=1).max(initial=1))
    found = np.zeros((count, int(counts.max(initial=0))), np.int64)
    jumps = np.zeros((count, ROOM + int(counts.max(initial=0)), 3), np.int64)
    jumped = np.zeros(count, np.int64)
    outcomes = LEVELS**most * int(patterns.max(initial=1))
    known = PopulationTable(int(kind.max(initial=0)) + 1, LEVELS**most, outcomes)
    before = np.zeros(block.shape, np.int64)
    clicked = np.zeros(kind.size, np.int64)
    rates = np.stack([1e-9 * member.qubit.rates_1_s for member in members])
    fraction = np.array([member.fraction for member in members])
    draw = 0
    while True:
        draw = walk_members(
            draw,
            block,
            kind,
            patterns,
            known.number,
            known.table,
            counts,
            readings,
            first,
            first_kind,
            pace,
            rates,
            fraction,
            np.uint64(keys[0]),
            own,
            run,
            level,
            before,
            clicked,
            found,
            jumps,
            jumped,
        )
        if np.any(jumped > jumps.shape[1] - ROOM):
            jumps = np.concatenate([jumps, np.zeros_like(jumps)], axis=1)
            continue
        if draw == kind.size:
            break
        kinds, populations = columns(draw, level.tolist())
        known.add_kinds(kinds, start_of(block[draw], level), populations)
    return _paths(found, counts, jumps, jumped), before, clicked


def _paths(
    found: NDArray[np.int64],
    counts: NDArray[np.int64],
    jumps: NDArray[np.int64],
    jumped: NDArray[np.int64],
) -> list[Paths]:
    """Return what was found of each member, and its jumps, without the room left over."""
    return [
        Paths(levels[:count], *(np.ascontiguousarray(one) for one in own[:rows].T))
        for levels, count, own, rows in zip(found, counts, jumps, jumped, strict=True)
    ]


def _first_levels(
    members: Sequence[Member], own: NDArray[np.uint64], run: NDArray[np.uint64]
) -> NDArray[np.int64]:
    """Return the levels of members at rest, drawn by their keys and runs, (n,)."""
    level = np.zeros(len(members), np.int64)
    for end, member in enumerate(members):
        still = thermal(member.qubit)
        level[end] = first_level(still / still.sum(), own[end], run[end])
    return level


def _in_a_row(
    members: Sequence[Member],
) -> tuple[Readings, Pace, NDArray[np.int64], NDArray[np.int64]]:
    """Return readings and paces of all behind each other, and where each member's begin."""
    reads, paces = [member.readings for member in members], [member.pace for member in members]
    sizes = np.cumsum([0, *(one.kind.size for one in reads)])
    kinds = np.cumsum([0, *(one.first.size for one in paces)])
    values = np.cumsum([0, *(one.values.size for one in paces)])
    columns = ([np.asarray(one[i], np.int64) for one in reads] for i in range(3))
    readings = Readings(*(np.concatenate(column) for column in columns))
    pace = Pace(
        np.concatenate([one.values for one in paces]),
        np.concatenate([one.first + at for one, at in zip(paces, values, strict=False)]),
        np.concatenate([one.entries for one in paces]),
        np.concatenate([one.stride_ns for one in paces]),
    )
    return readings, pace, sizes[:-1].astype(np.int64), kinds[:-1].astype(np.int64)


@njit(cache=True, nogil=True)
def start_of(block: Any, level: Any) -> int:
    """Return the number of the levels that the members of a draw start from."""
    start = 0
    for end in range(block.size):
        if block[end] >= 0:
            start = start * LEVELS + level[end]
    return start


@njit(cache=True, nogil=True)
def walk_members(
    draw: int,
    block: Any,
    kind: Any,
    patterns: Any,
    number: Any,
    table: Any,
    counts: Any,
    readings: Any,
    first: Any,
    first_kind: Any,
    pace: Any,
    rates: Any,
    fraction: Any,
    shared_key: Any,
    keys: Any,
    run: Any,
    level: Any,
    before: Any,
    clicked: Any,
    found: Any,
    jumps: Any,
    jumped: Any,
) -> int:
    """Draw from ``draw`` on; return the first that cannot be drawn yet.

    ``number`` (kinds, 3 ** most members of a draw): the row of ``table`` with the populations from
    each set of levels, -1 where it is not known, for each of its ``patterns`` (kinds,) of clicks;
    ``level`` (n,): of the members, also when this returns. ``jumps`` (n, J, 3) is left when fewer
    than ROOM rows are free.
    """
    members = block.shape[1]
    while draw < kind.size:
        for end in range(members):
            if jumped[end] > jumps.shape[1] - ROOM:
                return draw
        row = number[kind[draw], start_of(block[draw], level)]
        if row < 0:
            return draw
        taking, read, only = 0, 0, 0
        for end in range(members):
            before[draw, end] = level[end]
            if block[draw, end] >= 0:
                taking += 1
                only = end
                read += 1 if block[draw, end] < counts[end] else 0
        if taking > 1:
            word, _ = philox(shared_key, run[0], np.uint64(draw) << np.uint64(16))
        else:
            word, _ = philox(keys[only], run[only], np.uint64(block[draw, only]) << np.uint64(16))
        outcomes = LEVELS**read * patterns[kind[draw]]
        state = drawn(table[row, :outcomes], table[row, :outcomes].sum(), unit(word))
        for end in range(members - 1, -1, -1):
            if block[draw, end] >= 0 and block[draw, end] < counts[end]:
                level[end] = state % LEVELS
                state //= LEVELS
        clicked[draw] = state
        for end in range(members):
            at = block[draw, end]
            if at < 0 or at >= counts[end]:
                continue
            found[end, at] = level[end]
            _, other = philox(keys[end], run[end], np.uint64(at) << np.uint64(16))
            here = first[end] + at
            level[end], jumped[end] = jumps_after(
                level[end],
                first_kind[end] + readings.kind[here],
                float(readings.begin_ns[here]),
                float(readings.end_ns[here]),
                rates[end],
                pace,
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

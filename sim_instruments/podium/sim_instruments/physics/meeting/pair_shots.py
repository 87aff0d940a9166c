"""Shots of a meeting of two runs: which blocks share photons, how alike they are, what is drawn.

A block of one member that shares photons with a block of the other is evolved and drawn with it;
all others by themselves. Each kind is evolved once from each pair of levels that a run comes to.
Phases of a member count from its first drive; what is left is one phase between both ends. Where
nearly every shot has another, it is taken in steps of 1 / :data:`PHASES` of a turn.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.deduplicate import (
    StretchNumbers,
    distinct,
    firsts,
    number_stretches,
    phase_word,
)
from podium.sim_instruments.physics.episodes import NotSimulated
from podium.sim_instruments.physics.meeting.member import (
    DRIVE,
    READING,
    UNTIL_THE_END,
    WINDOW,
    Member,
    MemberBlocks,
)
from podium.sim_instruments.physics.meeting.pair_evolution import (
    Driven,
    Event,
    PairEvolution,
    Photon,
    Wait,
)
from podium.sim_instruments.physics.meeting.pair_walk import walked
from podium.sim_instruments.physics.meeting.window_pairs import WindowPairs
from podium.sim_instruments.physics.walk import Paths

PHASES = 32
MANY_PHASES = 64
"""More kinds of shared blocks than these have their phases rounded."""
UNREAD = -1


@dataclass(frozen=True, slots=True, eq=False)
class Phased:
    """A member's rows with phases that count from its blocks' first drives."""

    turns: NDArray[np.float64]
    """Shape (n,): of drives from the first, of windows from the block's first window."""
    left: NDArray[np.float64]
    """Shape (S + 1,): of each block's first window, twice the first drive's taken off."""
    pair: NDArray[np.int64]
    """Shape (n,): number of each row's pair of windows, UNREAD of those without."""
    kinds: StretchNumbers
    """Of the blocks."""


@dataclass(frozen=True, slots=True, eq=False)
class Draws:
    """Draws one after the other, D of them."""

    block: NDArray[np.int64]
    """Shape (D, 2): of each member; UNREAD: it takes no part."""
    kind: NDArray[np.int64]
    """Shape (D,)."""
    example: NDArray[np.int64]
    """Shape (kinds,)."""
    turns: NDArray[np.float64]
    """Shape (D,): the phase between both ends."""


def phased(member: Member, blocks: MemberBlocks, pairs: WindowPairs, end: int) -> Phased:
    """Return a member's phases and kinds of blocks; ``end``: which of the link's it is."""
    count = blocks.first.size - 1
    block = np.repeat(np.arange(count), np.diff(blocks.first))
    of_window = np.full(member.windows.start_ns.size, UNREAD, np.int64)
    of_window[pairs.row[:, end]] = np.arange(len(pairs.row))
    is_window = blocks.what == WINDOW
    pair = np.full(block.size, UNREAD, np.int64)
    pair[is_window] = of_window[blocks.row[is_window]]
    turns = np.zeros(block.size)
    turns[~is_window] = member.drives.phase_turns[blocks.row[~is_window]]
    turns[is_window] = member.windows.phase_turns[blocks.row[is_window]]
    if end == 1:
        met = pair >= 0
        turns[met] += pairs.turns[pair[met]]
    driven = np.flatnonzero(~is_window)
    base = _first_of(block[driven], turns[driven], count)
    turns -= np.where(is_window, 2.0, 1.0) * base[block]
    windows = np.flatnonzero(is_window)
    left = _first_of(block[windows], turns[windows], count)
    turns[windows] -= left[block[windows]]
    lag = np.zeros(block.size, np.int64)
    lag[pair >= 0] = pairs.lag_fs[pair[pair >= 0]]
    return Phased(turns, left, pair, _kinds(member, blocks, block, turns, pair, lag))


def _first_of(
    block: NDArray[np.int64], turns: NDArray[np.float64], count: int
) -> NDArray[np.float64]:
    out = np.zeros(count)
    row = firsts(block)
    out[block[row]] = turns[row]
    return out


def _kinds(
    member: Member,
    blocks: MemberBlocks,
    block: NDArray[np.int64],
    turns: NDArray[np.float64],
    pair: NDArray[np.int64],
    lag: NDArray[np.int64],
) -> StretchNumbers:
    """Number equal blocks alike: their rows, times from the first, and the reading behind."""
    count = blocks.first.size - 1
    row = np.arange(block.size) + block
    reading = blocks.first[1:] + np.arange(count)
    what, item, at, phase, wait, late = np.zeros((6, block.size + count), np.int64)
    begin = _begins(blocks)
    shape = np.where(
        blocks.what == WINDOW,
        _of(member.windows.shape, blocks.row),
        _of(member.drives.shape, blocks.row),
    )
    what[row], item[row] = blocks.what + 4 * (pair >= 0), shape
    at[row], phase[row], late[row] = blocks.start_ns - begin[block], phase_word(turns), lag
    what[reading] = READING
    lit = np.append(member.lit_ns, UNTIL_THE_END)
    at[reading] = np.where(lit == UNTIL_THE_END, 0, lit - begin)
    wait[reading] = begin - blocks.since_ns
    return number_stretches(
        blocks.first[:-1] + np.arange(count), [what, item, at, phase, wait, late]
    )


def _of(values: NDArray[np.int64], row: NDArray[np.int64]) -> NDArray[np.int64]:
    if not values.size:
        return np.zeros(row.size, np.int64)
    return np.asarray(values[np.minimum(row, values.size - 1)])


def _begins(blocks: MemberBlocks) -> NDArray[np.int64]:
    """Return when the first row of each block begins; without any, when the block does."""
    first = blocks.first[:-1]
    if not blocks.start_ns.size:
        return blocks.since_ns
    at = blocks.start_ns[np.minimum(first, blocks.start_ns.size - 1)]
    return np.where(blocks.first[1:] > first, at, blocks.since_ns)


def draws_of(
    members: tuple[Member, Member],
    blocks: tuple[MemberBlocks, MemberBlocks],
    pairs: WindowPairs,
    phases: tuple[Phased, Phased],
) -> Draws:
    """Return what is drawn, in an order in which each block comes behind those before it.

    Raises NotSimulated where a block shares photons with two of the other member.
    """
    met = np.stack([blocks[end].block_of_window[pairs.row[:, end]] for end in (0, 1)], axis=1)
    together = np.unique(met, axis=0)
    for end in (0, 1):
        if np.unique(together[:, end]).size < len(together):
            names = members[end].qubit.name, members[1 - end].qubit.name
            raise NotSimulated(
                f"{names[0]} shares photons with {names[1]} in several shots of it and is not read "
                "between them: a state that goes on from shot to shot over two nodes is not "
                "simulated; read both in every shot"
            )
    alone = [np.setdiff1d(np.arange(members[end].lit_ns.size), together[:, end]) for end in (0, 1)]
    rows = [together]
    for end in (0, 1):
        own = np.full((alone[end].size, 2), UNREAD, np.int64)
        own[:, end] = alone[end]
        rows.append(own)
    block = np.concatenate(rows)
    when = np.stack([_when_fs(members[end], block[:, end]) for end in (0, 1)], axis=1)
    block = block[np.lexsort((block[:, 1], block[:, 0], when.min(axis=1)))]
    kind = np.stack(
        [
            np.where(block[:, end] >= 0, phases[end].kinds.kind[block[:, end]], UNREAD)
            for end in (0, 1)
        ],
        axis=1,
    )
    shared = np.all(block >= 0, axis=1)
    turns = np.where(shared, phases[1].left[block[:, 1]] - phases[0].left[block[:, 0]], 0.0)
    number, example = distinct(np.column_stack([kind, phase_word(turns)]))
    if example.size > MANY_PHASES:
        turns = np.round(turns * PHASES) / PHASES
        number, example = distinct(np.column_stack([kind, phase_word(turns)]))
    return Draws(block, number.astype(np.int64), example, turns)


def _when_fs(member: Member, block: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the instant of the reading behind each block; far ahead where there is none."""
    out = np.full(block.size, UNTIL_THE_END, np.int64)
    read = (block >= 0) & (block < member.lit_ns.size)
    out[read] = member.world_fs(member.lit_ns[block[read]])
    return out


def events_of(
    member: Member,
    blocks: MemberBlocks,
    phases: Phased,
    pairs: WindowPairs,
    block: int,
    turns: float,
) -> list[Event]:
    """Return what happens in a block; ``turns``: of all its windows that have partners."""
    found: list[Event] = []
    now = int(blocks.since_ns[block])
    for row in range(int(blocks.first[block]), int(blocks.first[block + 1])):
        start, end = int(blocks.start_ns[row]), int(blocks.end_ns[row])
        if start > now:
            found.append(Wait(start - now))
        place, phase = int(blocks.row[row]), float(phases.turns[row])
        if blocks.what[row] == DRIVE:
            found.append(Driven(int(member.drives.shape[place]), phase))
        else:
            pair = int(phases.pair[row])
            lag_fs = int(pairs.lag_fs[pair]) if pair >= 0 else 0
            shape = int(member.windows.shape[place])
            found.append(Photon(shape, phase + turns, pair, lag_fs))
        now = max(now, end)
    until = int(member.lit_ns[block]) if block < member.lit_ns.size else now
    if until > now:
        found.append(Wait(until - now))
    return found


def pair_paths(
    members: tuple[Member, Member],
    blocks: tuple[MemberBlocks, MemberBlocks],
    pairs: WindowPairs,
    phases: tuple[Phased, Phased],
    draws: Draws,
    evolution: PairEvolution,
    keys: tuple[int, tuple[int, int]],
) -> list[Paths]:
    """Return the levels of both members at all their readings, and the jumps after them.

    ``keys``: of the random numbers of shared blocks, and of each member's.
    """
    known: dict[tuple[int, int, int], NDArray[np.float64]] = {}

    def column(draw: int, levels: Sequence[int]) -> NDArray[np.float64]:
        block = draws.block[draw].tolist()
        first, second = (n if b >= 0 else 0 for n, b in zip(levels, block, strict=True))
        asked = int(draws.kind[draw]), first, second
        if asked not in known:
            turns = 0.0, float(draws.turns[draw])
            found = [
                events_of(members[e], blocks[e], phases[e], pairs, block[e], turns[e])
                if block[e] >= 0
                else []
                for e in (0, 1)
            ]
            if min(block) >= 0:
                known[asked] = evolution.together((levels[0], levels[1]), (found[0], found[1]))
            else:
                end = 0 if block[0] >= 0 else 1
                known[asked] = evolution.alone(end, levels[end], found[end])
        return known[asked]

    return walked(members, draws.block, draws.kind, column, keys)

"""Shots of a meeting: which blocks share photons, how alike they are, what is drawn.

Blocks that share photons or gates, or begin in a shared state, are evolved and drawn together; all
others by themselves. Each kind is evolved once from each set of levels that a run comes to. Phases
of a member count from its first drive; what is left is one phase of each pair of windows. Where
nearly every shot has others, they are taken in steps of 1 / :data:`PHASES` of a turn, between a few
for which all is evolved (exact for each of them: :func:`.shared_evolution.phase_grid`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

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
    GATE,
    READING,
    SHONE,
    UNTIL_THE_END,
    WINDOW,
    Member,
    MemberBlocks,
)
from podium.sim_instruments.physics.meeting.window_pairs import WindowPairs

PHASES = 64
MANY_PHASES = 64
"""More kinds of shared blocks than these have their phases rounded."""
HARMONICS = 5
"""Phases of a pair of windows that tell all others."""
MOST_TOGETHER = 4
"""Members that share a state in a draw."""
UNREAD = -1


@dataclass(frozen=True, slots=True, eq=False)
class Phased:
    """A member's rows with phases that count from its blocks' first drives."""

    turns: NDArray[np.float64]
    """Shape (n,): of drives from the first; of windows twice that taken off."""
    pair: NDArray[np.int64]
    """Shape (n,): number of each row's pair of windows, UNREAD of those without."""
    sign: NDArray[np.int64]
    """Shape (n,): 1 at the second end of its pair's link, -1 at the first."""
    kinds: StretchNumbers
    """Of the blocks."""


@dataclass(frozen=True, slots=True, eq=False)
class Draws:
    """Draws one after the other, D of them, of n members."""

    block: NDArray[np.int64]
    """Shape (D, n): of each member; UNREAD: it takes no part."""
    kind: NDArray[np.int64]
    """Shape (D,)."""
    form: NDArray[np.int64]
    """Shape (D,): number of its kind but for phases."""
    turns: NDArray[np.float64]
    """Shape (D, P): of its pairs of windows, by time; 0 behind the last."""
    pairs: NDArray[np.int64]
    """Shape (D, P): their numbers; UNREAD behind the last."""
    from_few: bool
    """Whether a few phases, for which all is evolved, tell what is found at all others: where that
    is less work than to evolve each."""


def phased(
    member: Member,
    blocks: MemberBlocks,
    pairs: WindowPairs,
    number: int,
    coherent: Sequence[int],
) -> Phased:
    """Return the phases and kinds of blocks of the member of a number.

    ``coherent``: blocks whose phases count from nothing, as they begin or end with coherences.
    """
    count = blocks.first.size - 1
    block = np.repeat(np.arange(count), np.diff(blocks.first))
    of_window, sign_of = np.full((2, member.windows.start_ns.size), UNREAD, np.int64)
    for end in (0, 1):
        mine = np.flatnonzero(pairs.member[:, end] == number)
        of_window[pairs.row[mine, end]] = mine
        sign_of[pairs.row[mine, end]] = 2 * end - 1
    is_window, is_drive = blocks.what == WINDOW, blocks.what == DRIVE
    pair, sign = np.full((2, block.size), UNREAD, np.int64)
    pair[is_window] = of_window[blocks.row[is_window]]
    sign[is_window] = sign_of[blocks.row[is_window]]
    turns = np.zeros(block.size)
    turns[is_drive] = member.drives.phase_turns[blocks.row[is_drive]]
    turns[is_window] = member.windows.phase_turns[blocks.row[is_window]]
    driven = np.flatnonzero(is_drive)
    base = np.zeros(count)
    row = firsts(block[driven])
    base[block[driven][row]] = turns[driven][row]
    base[list(coherent)] = 0.0
    turns -= np.select([is_window, is_drive], [2.0, 1.0], 0.0) * base[block]
    return Phased(turns, pair, sign, _kinds(member, blocks, block, turns, pair, pairs))


def _kinds(
    member: Member,
    blocks: MemberBlocks,
    block: NDArray[np.int64],
    turns: NDArray[np.float64],
    pair: NDArray[np.int64],
    pairs: WindowPairs,
) -> StretchNumbers:
    """Number equal blocks alike: their rows, times from the first, and the reading behind."""
    count = blocks.first.size - 1
    row = np.arange(block.size) + block
    reading = blocks.first[1:] + np.arange(count)
    what, item, at, phase, wait, late = np.zeros((6, block.size + count), np.int64)
    begin = _begins(blocks)
    is_window = blocks.what == WINDOW
    shape, link = np.zeros((2, block.size), np.int64)
    for kind, items, numbers in (
        (DRIVE, member.drives.shape, np.zeros_like(member.drives.shape)),
        (WINDOW, member.windows.shape, member.link),
        (GATE, member.gates.shape, 2 * member.gates.pair + member.gates.end),
        (SHONE, member.shone.part, np.zeros_like(member.shone.part)),
    ):
        mine = blocks.what == kind
        shape[mine], link[mine] = items[blocks.row[mine]], numbers[blocks.row[mine]]
    lag = np.zeros(block.size, np.int64)
    lag[pair >= 0] = pairs.lag_fs[pair[pair >= 0]]
    what[row], item[row] = blocks.what + 4 * (pair >= 0) + 8 * link, shape
    at[row], late[row] = blocks.start_ns - begin[block], lag
    phase[row] = np.where(is_window, 0, phase_word(turns))
    what[reading] = READING
    lit = np.append(member.lit_ns, UNTIL_THE_END)
    at[reading] = np.where(lit == UNTIL_THE_END, 0, lit - begin)
    wait[reading] = begin - blocks.since_ns
    return number_stretches(
        blocks.first[:-1] + np.arange(count), [what, item, at, phase, wait, late]
    )


def _begins(blocks: MemberBlocks) -> NDArray[np.int64]:
    """Return when the first row of each block begins; without any, when the block does."""
    first = blocks.first[:-1]
    if not blocks.start_ns.size:
        return blocks.since_ns
    at = blocks.start_ns[np.minimum(first, blocks.start_ns.size - 1)]
    return np.where(blocks.first[1:] > first, at, blocks.since_ns)


def draws_of(
    members: Sequence[Member],
    blocks: Sequence[MemberBlocks],
    pairs: WindowPairs,
    phases: Sequence[Phased],
    begun: Sequence[Sequence[int]],
    *,
    whole: bool = False,
) -> Draws:
    """Return what is drawn, in an order in which each block comes behind those before it.

    ``begun``: members that begin in a shared state, those of each together; ``whole``: what comes
    behind the last reading of each is a draw, too. Raises NotSimulated
    where a block shares photons with two of another member, and for too many that share a state.
    """
    counts = [member.lit_ns.size + 1 for member in members]
    offset = np.cumsum([0, *counts])
    group = np.arange(offset[-1])
    pair_blocks = np.zeros(pairs.row.shape, np.int64)
    for number, one in enumerate(blocks):
        at = pairs.member == number
        pair_blocks[at] = offset[number] + one.block_of_window[pairs.row[at]]
    kept = [[offset[one], offset[other]] for state in begun for one, other in pairwise(state)]
    gates = _gate_blocks(members, blocks, offset)
    edges = np.concatenate([pair_blocks, gates, np.array(kept, np.int64).reshape(-1, 2)])
    _spread(group, edges)
    special = {int(offset[member]) for state in begun for member in state}
    if whole:
        special |= {int(last) - 1 for last in offset[1:]}
    block = _rows(members, group, offset, counts, edges, special)
    when = np.stack([_when_fs(member, block[:, n]) for n, member in enumerate(members)], axis=1)
    order = np.lexsort((*block.T[::-1], when.min(axis=1)))
    block = block[order]
    first = {member for state in begun for member in state}
    own = np.array([any(row[n] == 0 for n in first) for row in block] if first else [], np.int64)
    return _numbered(block, group, offset, pairs, pair_blocks, phases, own)


def _gate_blocks(
    members: Sequence[Member], blocks: Sequence[MemberBlocks], offset: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return the blocks of both qubits of each gate, (G, 2)."""
    found = [np.zeros((0, 2), np.int64)]
    for pair in sorted({number for one in members for number in one.gates.pair.tolist()}):
        sides = [
            offset[n] + own.block_of_gate[one.gates.pair == pair]
            for n, (one, own) in enumerate(zip(members, blocks, strict=True))
            if np.any(one.gates.pair == pair)
        ]
        found.append(np.stack(sides, axis=1))
    return np.concatenate(found)


def _spread(group: NDArray[np.int64], edges: NDArray[np.int64]) -> None:
    """Give blocks that an edge joins one number, the least."""
    while edges.size:
        least = group[edges].min(axis=1)
        before = group.copy()
        np.minimum.at(group, edges[:, 0], least)
        np.minimum.at(group, edges[:, 1], least)
        if np.array_equal(before, group):
            break


def _rows(
    members: Sequence[Member],
    group: NDArray[np.int64],
    offset: NDArray[np.int64],
    counts: Sequence[int],
    edges: NDArray[np.int64],
    special: set[int],
) -> NDArray[np.int64]:
    """Return the blocks (D, n) of each draw; those that are neither shared nor read are none."""
    used = np.zeros(group.size, np.bool_)
    used[edges.reshape(-1)] = True
    used[list(special)] = True
    for number, count in enumerate(counts):
        used[offset[number] : offset[number] + count - 1] = True
    names, row = np.unique(group[used], return_inverse=True)
    block = np.full((names.size, len(members)), UNREAD, np.int64)
    taken = np.zeros((names.size, len(members)), np.int64)
    which = np.flatnonzero(used)
    member = np.searchsorted(offset, which, side="right") - 1
    np.add.at(taken, (row, member), 1)
    block[row, member] = which - offset[member]
    many = np.flatnonzero((taken > 1).any(axis=1))
    if many.size:
        first = int(np.flatnonzero(taken[many[0]] > 1)[0])
        others = [m.qubit.name for n, m in enumerate(members) if taken[many[0], n] and n != first]
        raise NotSimulated(
            f"{members[first].qubit.name} shares photons with {', '.join(others)} in several shots "
            "and one of them is not read between them: a state that goes on from shot to shot over "
            "several nodes is not simulated; read both in every shot"
        )
    if names.size and (taken > 0).sum(axis=1).max() > MOST_TOGETHER:
        raise NotSimulated(
            f"more than {MOST_TOGETHER} qubits share photons in a shot: that is not simulated"
        )
    return block


def _numbered(
    block: NDArray[np.int64],
    group: NDArray[np.int64],
    offset: NDArray[np.int64],
    pairs: WindowPairs,
    pair_blocks: NDArray[np.int64],
    phases: Sequence[Phased],
    own: NDArray[np.int64],
) -> Draws:
    """Number draws that are alike; those that begin in a shared state (``own``) are like none."""
    count = len(block)
    row_of = np.full(group.size, UNREAD, np.int64)
    for number in range(block.shape[1]):
        here = np.flatnonzero(block[:, number] >= 0)
        row_of[offset[number] + block[here, number]] = here
    row = row_of[pair_blocks[:, 0]]
    order = np.lexsort((np.arange(row.size), row))
    row = row[order]
    place = np.arange(row.size) - np.searchsorted(row, row, side="left")
    most = int(place.max(initial=-1)) + 1
    numbers = np.full((count, most), UNREAD, np.int64)
    numbers[row, place] = order
    turns = np.zeros((count, most))
    turns[row, place] = _pair_turns(pairs, phases)[order]
    forms = np.stack(
        [
            np.where(block[:, n] >= 0, one.kinds.kind[block[:, n]], UNREAD)
            for n, one in enumerate(phases)
        ],
        axis=1,
    ).astype(np.int64)
    if own.size:
        forms = np.column_stack([forms, np.where(own, np.arange(count), -1)])
    form, form_example = distinct(forms)
    words = [phase_word(turns[:, place]) for place in range(most)]
    kind, example = distinct(np.column_stack([forms, *words]))
    rounded = most > 0 and example.size > MANY_PHASES
    if rounded:
        turns = np.round(turns * PHASES) / PHASES
        words = [phase_word(turns[:, place]) for place in range(most)]
        kind, example = distinct(np.column_stack([forms, *words]))
    few = rounded and example.size > form_example.size * HARMONICS**most
    return Draws(block, kind.astype(np.int64), form.astype(np.int64), turns, numbers, few)


def _pair_turns(pairs: WindowPairs, phases: Sequence[Phased]) -> NDArray[np.float64]:
    """Return by how much the second drive of each pair of windows is ahead of the first."""
    out = pairs.turns.copy()
    for one in phases:
        met = np.flatnonzero(one.pair >= 0)
        out[one.pair[met]] += one.turns[met] * one.sign[met]
    return np.where(pairs.alone, 0.0, out)


def _when_fs(member: Member, block: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the instant of the reading behind each block; far ahead where there is none."""
    out = np.full(block.size, UNTIL_THE_END, np.int64)
    read = (block >= 0) & (block < member.lit_ns.size)
    out[read] = member.world_fs(member.lit_ns[block[read]])
    return out

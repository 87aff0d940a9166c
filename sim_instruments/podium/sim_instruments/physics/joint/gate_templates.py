"""Cuts the shapes of a block into parts in which the same is played throughout.

What overlaps is a chain. Chains that play the same drives at the same offsets, but for phases, and
any flux, share one template: a few tens of them make up a sequence of hundreds of gates.
"""

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.deduplicate import number_stretches, phase_word
from podium.sim_instruments.physics.joint.cluster_signals import GroupSteps, Played

Numbers = NDArray[np.int64]
LONGEST_LOUD_NS = 96
"""Flux pulses are cut into parts so long, or shorter ones where slow noise is larger: it turns
little in each."""
QUIET, LOUD = -1, -2
"""In the place of a shape: flux that moves levels so little that it turns their phases alone, and
all other flux. On lines with memory hardly two flux pulses are alike."""


@dataclass(frozen=True, slots=True, eq=False)
class BlockRows:
    """Shapes of a block, in the order of their starts; n of them, in C chains that do not touch."""

    member: Numbers
    is_flux: NDArray[np.bool_]
    shape: Numbers
    begin_ns: Numbers
    end_ns: Numbers
    turns: NDArray[np.float64]
    """Phase at the shape's start, against the frame of the block."""
    first: Numbers
    """Shape (C,): first row of each chain."""

    def pulses(self, steps: GroupSteps) -> int:
        """Return how many of them are more than flux that turns phases alone."""
        return int(np.sum(~steps.quiet_rows(self.member, self.is_flux, self.shape)))

    @property
    def content(self) -> bytes:
        """Return the same for the same rows, and for no others; phases count in small steps."""
        columns = (self.member, self.is_flux, self.shape, self.begin_ns, self.end_ns)
        phases = phase_word(self.turns)
        return b"".join(one.tobytes() for one in (*columns, phases, self.first))

    def from_first_drive(self, frame_hz: float) -> "BlockRows | None":
        """Return the rows from the first drive on, as a block that begins there.

        ``frame_hz``: of the block, in which phases are. None where something that begins before it
        goes on meanwhile, or nothing is driven.
        """
        driven = np.flatnonzero(~self.is_flux)
        if not driven.size:
            return None
        zero = int(self.begin_ns[driven[0]])
        low = int(np.searchsorted(self.begin_ns, zero))
        if np.any(self.end_ns[:low] > zero):
            return None
        chain = int(np.searchsorted(self.first, low, side="right")) - 1
        turns, rest = self.turns[low:].copy(), self.first[chain + 1 :] - low
        own = slice(0, int(rest[0]) if rest.size else turns.size)
        later = zero - int(self.begin_ns[self.first[chain]])
        turns[own] -= np.where(self.is_flux[low:][own], 0.0, 1e-9 * frame_hz * later)
        return BlockRows(
            self.member[low:],
            self.is_flux[low:],
            self.shape[low:],
            self.begin_ns[low:] - zero,
            self.end_ns[low:] - zero,
            turns,
            np.append(np.zeros(1, np.int64), rest),
        )


@dataclass(frozen=True, slots=True)
class PlayedRow:
    """The stretch of a chain's row that is played in a part."""

    row: int
    skip_ns: int


@dataclass(frozen=True, slots=True)
class Part:
    """Part of a chain; in it the same rows are played throughout."""

    offset_ns: int
    """From the chain's start."""
    duration_ns: int
    drives: tuple[PlayedRow, ...]
    quiet: tuple[PlayedRow, ...]
    """Of flux that turns phases alone."""
    loud: tuple[PlayedRow, ...]
    """Of all other flux."""


@dataclass(frozen=True, slots=True, eq=False)
class Template:
    """A chain but for its phases and its flux."""

    member: tuple[int, ...]
    """Of each row."""
    parts: tuple[Part, ...]
    duration_ns: int
    chains: Numbers
    """Numbers of the chains that it is of."""

    def leading_drive(self, part: Part) -> int | None:
        """Return the row of a drive in the part last before this one that has any, or behind it."""
        driven = [one for one in self.parts if one.drives]
        before = [one for one in driven if one.offset_ns < part.offset_ns]
        return (before[-1] if before else driven[0]).drives[0].row if driven else None


def templates(
    rows: BlockRows, quiet: NDArray[np.bool_], longest_ns: int, longest_loud_ns: int
) -> list[Template]:
    """Return the templates of a block's chains.

    ``quiet`` (n,): rows of quiet flux; ``longest_ns``: drives that last longer are cut evenly;
    ``longest_loud_ns``: other flux into parts so long.
    """
    sizes = np.diff(np.append(rows.first, rows.member.size))
    begins = rows.begin_ns[rows.first]
    offset = rows.begin_ns - np.repeat(begins, sizes)
    lasts = rows.end_ns - rows.begin_ns
    shape = np.where(quiet, QUIET, np.where(rows.is_flux, LOUD, rows.shape))
    columns = (rows.member, rows.is_flux.astype(np.int64), shape, offset, lasts)
    alike = number_stretches(rows.first, columns)
    order = np.argsort(alike.kind, kind="stable")
    edges = np.append(0, np.cumsum(np.bincount(alike.kind)))
    made = []
    for number, example in enumerate(alike.example.tolist()):
        own = slice(int(rows.first[example]), int(rows.first[example] + sizes[example]))
        table = tuple(zip(*(one[own].tolist() for one in columns), strict=True))
        laid = _parts(table, longest_ns, longest_loud_ns)
        made.append(Template(*laid, order[edges[number] : edges[number + 1]]))
    return made


@lru_cache(maxsize=1024)
def _parts(
    table: tuple[tuple[int, ...], ...], longest_ns: int, longest_loud_ns: int
) -> tuple[tuple[int, ...], tuple[Part, ...], int]:
    """Return the member of each row of a chain, its parts, and how long it is.

    ``table``: member, whether it is flux, shape, offset and length of each row.
    """
    members = tuple(row[0] for row in table)
    ends = [offset + lasts for _, _, _, offset, lasts in table]
    loud = [shape == LOUD for _, _, shape, _, _ in table]
    edges = {0, max(ends)}
    edges |= {row[3] for row in table} | set(ends)
    for row, is_loud in zip(table, loud, strict=True):
        if is_loud:
            edges |= set(range(row[3], row[3] + row[4], longest_loud_ns))
        elif not row[1]:
            each = -(-row[4] // -(-row[4] // longest_ns))
            edges |= set(range(row[3], row[3] + row[4], each))
    parts = []
    for begin, end in pairwise(sorted(edges)):
        there = [k for k, row in enumerate(table) if row[3] < end and ends[k] > begin]
        played = [PlayedRow(k, begin - table[k][3]) for k in there]
        parts.append(
            Part(
                begin,
                end - begin,
                tuple(one for one in played if not table[one.row][1]),
                tuple(one for one in played if table[one.row][2] == QUIET),
                tuple(one for one in played if loud[one.row]),
            )
        )
    return members, tuple(parts), max(ends)


def played_drives(rows: BlockRows, template: Template, part: Part) -> tuple[Played, ...]:
    """Return the drives of a part, at phase 0."""
    low = int(rows.first[template.chains[0]])
    return tuple(
        Played(
            template.member[one.row],
            False,
            int(rows.shape[low + one.row]),
            0,
            0.0,
            one.skip_ns,
            part.duration_ns,
        )
        for one in part.drives
    )

"""A block's shapes as the steps in which they are played: groups, each with the wait before it."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.joint.cluster_signals import (
    LONG,
    Group,
    Intervals,
    Played,
    Step,
    parted,
    shared_group,
)
from podium.sim_instruments.physics.joint.gate_templates import BlockRows


@dataclass(frozen=True, slots=True, eq=False)
class JointBlocks:
    """A run's blocks; R of them, one for each reading."""

    kind: NDArray[np.int64]
    """Shape (R,)."""
    example: NDArray[np.int64]
    """Shape (kinds,): a block of each kind."""
    first_row: NDArray[np.int64]
    """Shape (R + 1,): where each begins among the intervals."""
    since_ns: NDArray[np.int64]
    """Shape (R,): when the reading before was over; the first block begins with its pulses."""
    reading_ns: NDArray[np.int64]
    """Shape (R,)."""
    turns: NDArray[np.float64]
    """Shape (n,): phase of each interval at its start, as its block counts."""

    def rows(self, intervals: Intervals, number: int) -> tuple[int, BlockRows | None, int]:
        """Return the wait before a block's first shape, its shapes, and when it is read.

        The reading counts from the first shape; where there is none, the wait is up to it.
        """
        low, high = int(self.first_row[number]), int(self.first_row[number + 1])
        since, read = int(self.since_ns[number]), int(self.reading_ns[number])
        if low == high:
            return max(read - since, 0), None, 0
        taken = slice(low, high)
        begin = int(intervals.start_ns[low])
        first = np.searchsorted(intervals.first, [low, high])
        rows = BlockRows(
            intervals.member[taken],
            intervals.is_flux[taken],
            intervals.shape[taken],
            intervals.start_ns[taken] - begin,
            intervals.end_ns[taken] - begin,
            self.turns[taken],
            intervals.first[first[0] : first[1]] - low,
        )
        return max(begin - since, 0), rows, read - begin

    def waits_ns(self, intervals: Intervals, number: int) -> tuple[int, int]:
        """Return the waits before a block's first shape and behind its last one."""
        before, rows, read = self.rows(intervals, number)
        return before, read - int(rows.end_ns.max()) if rows is not None else 0


def block_steps(rows: BlockRows, members: int, frame_hz: float) -> list[Step]:
    """Return what follows waits, as groups that are shared where there are many."""
    chains = _chains(rows, frame_hz)
    many = sum(len(parts) for _, parts in chains) >= LONG
    found = []
    for wait_ns, parts in chains:
        for k, part in enumerate(parts):
            group, turns = shared_group(part, members, rounded=many)
            found.append(Step(0 if k else wait_ns, group, turns))
    return found


def _chains(rows: BlockRows, frame_hz: float) -> list[tuple[int, list[Group]]]:
    """Return chains of groups, each with the wait before it."""
    columns = (rows.member, rows.is_flux, rows.shape, rows.begin_ns, rows.turns, rows.end_ns)
    shapes = [
        Played(m, flux, shape, begin, turns, 0, end - begin)
        for m, flux, shape, begin, turns, end in zip(
            *(one.tolist() for one in columns), strict=True
        )
    ]
    now, chains = 0, []
    edges = rows.first.tolist()
    for edge, last in zip(edges, [*edges[1:], len(shapes)], strict=True):
        start, mine = shapes[edge].offset_ns, shapes[edge:last]
        played = tuple(replace(one, offset_ns=one.offset_ns - start) for one in mine)
        end = max(one.offset_ns + one.lasts_ns for one in mine)
        chains.append((start - now, parted(Group(end - start, played), frame_hz)))
        now = end
    return chains

"""Lays the gates of a block out as maps in a row, with turns of dressed levels between them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Numbers = NDArray[np.int64]
Complexes = NDArray[np.complex128]
WAIT = -1
"""In the place of a map: dressed levels turn and decay, and nothing else."""
NONE = -1
"""In the place of a unitary."""


@dataclass(frozen=True, slots=True, eq=False)
class Program:
    """A block of S maps, in order."""

    maps: Numbers
    turns: Array
    """Shape (S, N): of the dressed levels before each."""
    spans: Array
    """Shape (S,), ns: for which slow noise off its mean detunes them before each."""
    lasts: Array
    """Shape (S,), ns: of each map, without the wait in it."""
    phases: Array
    """Shape (S,): of the second driven member's drive against the first's, turns."""
    unitaries: Numbers
    """Shape (S,): the unitary that follows each, or :data:`NONE`."""

    turned_ns: tuple[float, ...] = ()
    """For how long slow noise turns each member in effect: see :mod:`.noise_reach`."""

    @property
    def lasts_ns(self) -> float:
        """Return how long it is."""
        return float(self.spans.sum())


@dataclass(frozen=True, slots=True, eq=False)
class Entries:
    """All parts of a block, T of them, in the order of time; N dressed levels."""

    maps: Numbers
    """Shape (T,): the map of each, or :data:`WAIT`."""
    wait_ns: Numbers
    """Shape (T,): before each."""
    lasts_ns: Numbers
    ahead: Array
    """Shape (T, N): by how many turns the drives' phases turn the levels."""
    still: Array
    """Shape (T, N): turns that flux adds meanwhile."""
    phases: Array
    """Shape (T,)."""
    unitaries: Numbers
    """Shape (T,)."""

    @classmethod
    def empty(cls, count: int, levels: int) -> "Entries":
        """Return so many waits of no length."""
        return cls(
            np.full(count, WAIT, np.int64),
            np.zeros(count, np.int64),
            np.zeros(count, np.int64),
            np.zeros((count, levels)),
            np.zeros((count, levels)),
            np.zeros(count),
            np.full(count, NONE, np.int64),
        )


@dataclass(frozen=True, slots=True, eq=False)
class GatesInOrder:
    """The parts of a block that are more than a wait, S of them."""

    maps: Numbers
    begins_ns: int
    """Of the wait before the first."""
    waits_ns: Numbers
    """Shape (S,): behind each."""
    program: Program
    """With the same maps; the wait at its begin and those between have no maps yet."""


def in_order(entries: Entries, frame_turns: Array) -> GatesInOrder:
    """Return the gates of a block with all that turns levels between them.

    ``frame_turns`` (N,): a ns, of the frame of the block against that of the maps.
    """
    gates = np.flatnonzero(entries.maps != WAIT)
    waiting = entries.maps == WAIT
    span = np.cumsum(entries.wait_ns + np.where(waiting, entries.lasts_ns, 0))
    still = np.cumsum(np.where(waiting[:, None], entries.still, 0.0), axis=0)
    before = np.diff(span[gates], prepend=0)
    lasts = entries.lasts_ns[gates].astype(np.float64)
    earlier = np.append(0.0, lasts[:-1])
    own, ahead = entries.still[gates], entries.ahead[gates]
    levels = np.zeros((1, own.shape[1]))
    turns = (earlier + before)[:, None] * frame_turns
    turns -= np.diff(still[gates], axis=0, prepend=levels)
    turns -= 0.5 * (own + np.concatenate([levels, own[:-1]]))
    turns += np.diff(ahead, axis=0, prepend=levels)
    behind = np.append(before[1:], span[-1] - span[gates[-1]] if gates.size else 0)
    program = Program(
        entries.maps[gates],
        turns,
        0.5 * earlier + before + 0.5 * lasts,
        lasts,
        entries.phases[gates],
        entries.unitaries[gates],
    )
    return GatesInOrder(entries.maps[gates], int(before[0]), behind.astype(np.int64), program)


def with_wait(program: Program, wait: int) -> Program:
    """Return a program with the map of a wait at its end."""
    return Program(
        np.append(program.maps, wait),
        np.append(program.turns, np.zeros((1, program.turns.shape[1])), axis=0),
        np.append(program.spans, 0.0),
        np.append(program.lasts, 0.0),
        np.append(program.phases, 0.0),
        np.append(program.unitaries, NONE),
    )

"""From readout to readout: which level each qubit is found in, and when it jumps meanwhile.

Shots are drawn one after another, each from the level that the last readout left behind, so a
wait that is too short, a readout that heats and two readouts in a row show in the records as
they would in a lab. Random numbers are keyed by what they are for: the numbers of reading i
of a run depend on (world, qubit, run, i) alone.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from podium.sim_instruments.physics.evolution import evolve
from podium.sim_instruments.physics.noise import philox, unit

FIRST_LEVEL = np.uint64(0xFFFFFFFFFFFFFFFF)
"""Counter of the draw of the level before the first shot."""


class Pace(NamedTuple):
    """Speed of jumps during each kind of episode: integrals of ``1 + n/n_crit``."""

    values: NDArray[np.float64]
    """Shape (sum of L * M,): for each kind the rows of its levels, ns."""
    first: NDArray[np.int64]
    """Shape (kinds,): where each kind begins."""
    entries: NDArray[np.int64]
    """Shape (kinds,): M, entries in each row."""
    stride_ns: NDArray[np.float64]
    """Shape (kinds,)."""


class Readings(NamedTuple):
    """The stretch of an episode that follows each reading, shape (S,)."""

    kind: NDArray[np.int64]
    begin_ns: NDArray[np.int64]
    end_ns: NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Paths:
    """Levels of one qubit at its readings and the jumps after them; S readings, J jumps."""

    level: NDArray[np.int64]
    """Shape (S,)."""
    jump_reading: NDArray[np.int64]
    """Shape (J,), ascending: the reading after which each jump comes."""
    jump_at: NDArray[np.int64]
    """Shape (J,): first sample of the episode that sees the new level."""
    jump_to: NDArray[np.int64]
    """Shape (J,): the new level."""


@njit(cache=True, nogil=True)
def pace_at(pace: Any, kind: int, level: int, at_ns: float) -> Any:
    """Return the integral of ``1 + n/n_crit`` until ``at_ns``, interpolated."""
    row = pace.first[kind] + level * pace.entries[kind]
    place = at_ns / pace.stride_ns[kind]
    left = min(int(place), pace.entries[kind] - 2)
    share = place - left
    return (1.0 - share) * pace.values[row + left] + share * pace.values[row + left + 1]


@njit(cache=True, nogil=True)
def pace_reached(pace: Any, kind: int, level: int, value: float) -> Any:
    """Return when the integral of ``1 + n/n_crit`` reaches ``value``."""
    row = pace.first[kind] + level * pace.entries[kind]
    low, high = 0, pace.entries[kind] - 1
    while high - low > 1:
        middle = (low + high) // 2
        if pace.values[row + middle] <= value:
            low = middle
        else:
            high = middle
    rise = pace.values[row + high] - pace.values[row + low]
    return pace.stride_ns[kind] * (low + (value - pace.values[row + low]) / rise)


@njit(cache=True, nogil=True)
def drawn(probability: Any, total: float, u: float) -> Any:
    """Return the index that ``u`` in (0, 1) picks from weights that add up to ``total``."""
    rest = u * total
    for n in range(probability.size - 1):
        rest -= probability[n]
        if rest < 0:
            return n
    return probability.size - 1


@njit(cache=True, nogil=True)
def drawn_after(rates: Any, level: int, leaving: float, u: float) -> Any:
    """Return the level that ``u`` picks where ``level`` is left, as :func:`drawn` does."""
    rest = u * leaving
    for n in range(rates.shape[0] - 1):
        rest -= rates[n, level]
        if rest < 0:
            return n
    return rates.shape[0] - 1


@njit(cache=True, nogil=True)
def wander(time_ns: Any, weight: Any, memory_ns: float, key: Any, run: Any, node_at: Any) -> None:
    """Draw the node of the slow noise before each reading, ``node_at`` (S + 1,).

    At each reading, at ``time_ns`` (S,), a new node is drawn with the probability that the noise
    has forgotten since the one before: nodes follow their weights and the memory is exponential.
    """
    word, _ = philox(key, run, FIRST_LEVEL)
    node_at[0] = drawn(weight, 1.0, unit(word))
    for i in range(time_ns.size):
        word, other = philox(key, run, np.uint64(i))
        since = float(time_ns[i] - time_ns[max(i - 1, 0)])
        node_at[i + 1] = node_at[i]
        if unit(word) > np.exp(-since / memory_ns):
            node_at[i + 1] = drawn(weight, 1.0, unit(other))


@njit(cache=True, nogil=True)
def jumps_after(
    level: int,
    kind: int,
    now: float,
    end: float,
    rates: Any,
    pace: Any,
    fraction: float,
    key: Any,
    run: Any,
    reading: int,
    u: float,
    jumps: Any,
    count: int,
) -> Any:
    """Follow a level from one time of an episode to another; return it then, and the new count.

    ``u`` in (0, 1) decides when the first jump comes. ``jumps`` (J, 3) receives reading, sample
    and level of each from row ``count`` on; those that find no room are counted, not stored.
    """
    patience = -np.log(u)
    draw = 1
    while now < end:
        leaving = rates[:, level].sum()
        if leaving <= 0.0:
            break
        so_far = pace_at(pace, kind, level, now)
        if patience > leaving * (pace_at(pace, kind, level, end) - so_far):
            break
        now = pace_reached(pace, kind, level, so_far + patience / leaving)
        word, other = philox(
            key, run, (np.uint64(reading) << np.uint64(16)) + np.uint64(draw % 65536)
        )
        draw += 1
        patience = -np.log(unit(other))
        level = drawn_after(rates, level, leaving, unit(word))
        if count < jumps.shape[0]:
            jumps[count, 0] = reading
            jumps[count, 1] = int(np.ceil(now - fraction))
            jumps[count, 2] = level
        count += 1
    return level, count


@njit(cache=True, nogil=True)
def first_level(equilibrium: Any, key: Any, run: Any) -> Any:
    """Draw the level before a run's first reading."""
    word, _ = philox(key, run, FIRST_LEVEL)
    return drawn(equilibrium, 1.0, unit(word))


@njit(cache=True, nogil=True)
def level_read(probability: Any, key: Any, run: Any, reading: int) -> Any:
    """Draw the level at a reading; return it, and what decides when the first jump comes."""
    word, other = philox(key, run, np.uint64(reading) << np.uint64(16))
    return drawn(probability, probability.sum(), unit(word)), unit(other)


@njit(cache=True, nogil=True)
def walk(
    matrices: Any,
    matrix_first: Any,
    block_kind: Any,
    first_event: Any,
    first_reading: Any,
    events: Any,
    tables: Any,
    readings: Any,
    node_at: Any,
    pace: Any,
    equilibrium: Any,
    fraction: float,
    key: Any,
    run: Any,
    level_out: Any,
    jumps: Any,
) -> int:
    """Draw levels and jumps of all readings; return how many jumps there were.

    ``matrices`` [reading of a kind of block, to, from]; without any (size 0) each block is
    evolved from the level at hand, with the slow noise at the nodes ``node_at`` (S + 1,).
    ``jumps`` (J, 3) receives reading, sample and level; when
    there are more than J, the rest is counted, not stored.
    """
    levels = equilibrium.size
    level = first_level(equilibrium, key, run)
    column = np.zeros((1, 1, levels, levels), np.complex128)
    found = np.zeros((16, levels, 1))
    probability = np.zeros(levels)
    count = 0
    for b in range(block_kind.size):
        inside = first_reading[b + 1] - first_reading[b]
        known = level
        if matrices.size == 0:
            if inside > found.shape[0]:
                found = np.zeros((2 * inside, levels, 1))
            column[:] = 0
            column[0, 0, known, known] = 1.0
            last = first_event[b + 1] if b + 1 < first_event.size else events.what.size
            evolve(events, first_event[b], last, column, tables, node_at, first_reading[b], found)
        for s in range(inside):
            i = first_reading[b] + s
            for n in range(levels):
                if matrices.size == 0:
                    probability[n] = found[s, n, 0]
                else:
                    probability[n] = matrices[matrix_first[block_kind[b]] + s, n, known]
            word, other = philox(key, run, np.uint64(i) << np.uint64(16))
            level = drawn(probability, probability.sum(), unit(word))
            level_out[i] = level
            level, count = jumps_after(
                level,
                readings.kind[i],
                float(readings.begin_ns[i]),
                float(readings.end_ns[i]),
                tables.rates,
                pace,
                fraction,
                key,
                run,
                i,
                unit(other),
                jumps,
                count,
            )
    return count

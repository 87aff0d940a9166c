"""From reading to reading: the joint level that a cluster is found in, and jumps meanwhile.

As :mod:`.walk` does for one qubit. A joint level is drawn from the populations at a reading; its
members then follow their own jumps to the end of the readout, and the levels they have come to
are where the next block begins. Random numbers of a cluster's readings have a key of their own,
those of jumps are the members'.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from podium.sim_instruments.physics.joint.cluster_point import ClusterPoint
from podium.sim_instruments.physics.joint.joint_blocks import JointBlocks, JointColumns
from podium.sim_instruments.physics.known_populations import KnownPopulations
from podium.sim_instruments.physics.noise import philox, unit
from podium.sim_instruments.physics.shots import thermal
from podium.sim_instruments.physics.walk import (
    Pace,
    Paths,
    Readings,
    drawn,
    first_level,
    jumps_after,
)


@dataclass(frozen=True, slots=True, eq=False)
class Followed:
    """A member during the readings of its cluster."""

    readings: Readings
    pace: Pace


def joint_paths(
    point: ClusterPoint,
    blocks: JointBlocks,
    columns: JointColumns,
    members: Sequence[Followed],
    fraction: float,
    keys: tuple[int, Sequence[int]],
    run: int,
) -> list[Paths]:
    """Return the levels of each member at all readings, and its jumps after them.

    ``members``: what their readouts share; ``fraction``: see :func:`.readout.flight`; ``keys``: of
    the cluster, and of each member.
    """
    basis, count = point.basis, blocks.kind.size
    sizes = [element.count for element in point.cluster.elements]
    stride = np.array([int(np.prod(sizes[m + 1 :])) for m in range(len(sizes))], np.int64)
    place = np.zeros(int(np.prod(sizes)), np.int64)
    place[basis.level @ stride] = np.arange(basis.size)
    rates = _rates_1_ns(point)
    pace, kinds = _all_paces([one.pace for one in members])
    episode = np.stack([one.readings.kind for one in members]) + kinds[:, None]
    begin = np.stack([one.readings.begin_ns for one in members]).astype(np.float64)
    end = np.stack([one.readings.end_ns for one in members]).astype(np.float64)
    member_keys = np.array([np.uint64(key) for key in keys[1]], np.uint64)
    level = _first_levels(point, member_keys, run)
    found = np.zeros((len(sizes), count), np.int64)
    jumps = np.zeros((len(sizes), 64 + count, 3), np.int64)
    jumped = np.zeros(len(sizes), np.int64)
    known = KnownPopulations(blocks.example.size, basis.size)
    reading = 0
    while True:
        reading = walk_joint(
            reading,
            blocks.kind,
            known.number,
            known.table,
            basis.level,
            place,
            stride,
            episode,
            begin,
            end,
            pace,
            rates,
            fraction,
            np.uint64(keys[0]),
            member_keys,
            np.uint64(run),
            level,
            found,
            jumps,
            jumped,
        )
        if np.any(jumped > jumps.shape[1] - 64):
            jumps = np.concatenate([jumps, np.zeros_like(jumps)], axis=1)
        if reading == count:
            break
        kind, start = int(blocks.kind[reading]), int(place[level @ stride])
        if known.number[kind, start] < 0:
            known.add(kind, start, columns.column(kind, start))
    return [
        Paths(found[m], *(np.ascontiguousarray(c) for c in jumps[m, : jumped[m]].T))
        for m in range(len(sizes))
    ]


def _rates_1_ns(point: ClusterPoint) -> NDArray[np.float64]:
    """Return the rates of all members' jumps, (M, L, L) of the most levels that one has."""
    most = max(element.count for element in point.cluster.elements)
    rates = np.zeros((len(point.cluster.elements), most, most))
    for m, element in enumerate(point.cluster.elements):
        rates[m, : element.count, : element.count] = 1e-9 * element.rates_1_s
    return rates


def _first_levels(
    point: ClusterPoint, member_keys: NDArray[np.uint64], run: int
) -> NDArray[np.int64]:
    """Draw the level of each member in equilibrium, (M,)."""
    level = np.zeros(len(point.qubits), np.int64)
    for m, (qubit, element) in enumerate(zip(point.qubits, point.cluster.elements, strict=True)):
        still = thermal(qubit)[: element.count]
        level[m] = first_level(still / still.sum(), member_keys[m], np.uint64(run))
    return level


def _all_paces(paces: Sequence[Pace]) -> tuple[Pace, NDArray[np.int64]]:
    """Return the paces of all members in one, and where the kinds of each begin."""
    sizes = [one.values.size for one in paces]
    moved = np.cumsum([0, *sizes[:-1]])
    first = [one.first + at for one, at in zip(paces, moved, strict=True)]
    kinds = np.cumsum([0, *(one.first.size for one in paces[:-1])])
    whole = Pace(
        np.concatenate([one.values for one in paces]),
        np.concatenate(first).astype(np.int64),
        np.concatenate([one.entries for one in paces]),
        np.concatenate([one.stride_ns for one in paces]),
    )
    return whole, kinds.astype(np.int64)


@njit(cache=True, nogil=True)
def walk_joint(
    reading: int,
    block_kind: Any,
    number: Any,
    table: Any,
    basis_level: Any,
    place: Any,
    stride: Any,
    episode: Any,
    begin_ns: Any,
    end_ns: Any,
    pace: Any,
    rates: Any,
    fraction: float,
    key: Any,
    member_keys: Any,
    run: Any,
    level: Any,
    found: Any,
    jumps: Any,
    jumped: Any,
) -> int:
    """Draw readings from ``reading`` on; return the first that cannot be drawn yet.

    ``number`` (kinds, D): the row of ``table`` with the populations from each joint level, -1 where
    it is not known; ``level`` (M,): of the members, also when this returns. ``jumps`` (M, J, 3) is
    left when fewer than 64 rows are free.
    """
    members = level.size
    while reading < block_kind.size:
        start = 0
        for m in range(members):
            start += level[m] * stride[m]
            if jumped[m] > jumps.shape[1] - 64:
                return reading
        row = number[block_kind[reading], place[start]]
        if row < 0:
            return reading
        word, _ = philox(key, run, np.uint64(reading) << np.uint64(16))
        state = drawn(table[row], table[row].sum(), unit(word))
        for m in range(members):
            level[m] = basis_level[state, m]
            found[m, reading] = level[m]
            _, other = philox(member_keys[m], run, np.uint64(reading) << np.uint64(16))
            level[m], jumped[m] = jumps_after(
                level[m],
                episode[m, reading],
                begin_ns[m, reading],
                end_ns[m, reading],
                rates[m],
                pace,
                fraction,
                member_keys[m],
                run,
                reading,
                unit(other),
                jumps[m],
                jumped[m],
            )
        reading += 1
    return reading

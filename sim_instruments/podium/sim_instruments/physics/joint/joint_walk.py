"""From reading to reading: the joint level that a cluster is found in, and jumps meanwhile.

As :mod:`.walk` does for one qubit. A joint level is drawn from the populations at a reading; its
members then follow their own jumps to the end of the readout, and the levels they have come to
are where the next block begins. Where members stay coherent (:mod:`.coherent_members`) it begins
with the state that the levels of the others leave; the level drawn of such a member is what its
own faint record shows, and no more. Random numbers of a cluster's readings have a key of their own,
those of jumps are the members'.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from podium.sim_instruments.physics.joint.cluster_point import ClusterPoint
from podium.sim_instruments.physics.joint.coherent_members import KeptMembers
from podium.sim_instruments.physics.joint.joint_blocks import JointBlocks, JointColumns
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
    kept: KeptMembers | None = None,
) -> list[Paths]:
    """Return the levels of each member at all readings, and its jumps after them.

    ``members``: what their readouts share; ``fraction``: see :func:`.readout.flight`; ``keys``: of
    the cluster, and of each member; ``kept``: who stays coherent behind which reading.
    """
    basis, count = point.basis, blocks.kind.size
    sizes = [element.count for element in point.cluster.elements]
    most = max(sizes)
    stride = np.array([int(np.prod(sizes[m + 1 :])) for m in range(len(sizes))], np.int64)
    place = np.zeros(int(np.prod(sizes)), np.int64)
    place[basis.level @ stride] = np.arange(basis.size)
    rates = np.zeros((len(sizes), most, most))
    for m, element in enumerate(point.cluster.elements):
        rates[m, : sizes[m], : sizes[m]] = 1e-9 * element.rates_1_s
    pace, kinds = _all_paces([one.pace for one in members])
    episode = np.stack([one.readings.kind for one in members]) + kinds[:, None]
    begin = np.stack([one.readings.begin_ns for one in members]).astype(np.float64)
    end = np.stack([one.readings.end_ns for one in members]).astype(np.float64)
    member_keys = np.array([np.uint64(key) for key in keys[1]], np.uint64)
    level = np.zeros(len(sizes), np.int64)
    for m, qubit in enumerate(point.qubits):
        still = thermal(qubit)[: sizes[m]]
        level[m] = first_level(still / still.sum(), member_keys[m], np.uint64(run))
    found = np.zeros((len(sizes), count), np.int64)
    jumps = np.zeros((len(sizes), 64 + count, 3), np.int64)
    jumped = np.zeros(len(sizes), np.int64)
    stays = np.zeros((count, len(sizes)), np.bool_) if kept is None else kept.kept
    number = np.full((blocks.example.size, basis.size), -1, np.int64)
    rows: dict[tuple[int, int], int] = {}
    """Of blocks that do not begin with a joint level."""
    table = np.zeros((64, basis.size))
    known, reading, start, row = 0, 0, -1, -1
    begun = np.zeros(1, np.int64)
    while True:
        before = reading
        reading = walk_joint(
            reading,
            row,
            blocks.kind,
            number,
            table,
            basis.level,
            place,
            stride,
            stays,
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
            begun,
            found,
            jumps,
            jumped,
        )
        if np.any(jumped > jumps.shape[1] - 64):
            jumps = np.concatenate([jumps, np.zeros_like(jumps)], axis=1)
        if reading > before:
            last, was = reading - 1, start if begun[0] < 0 else int(begun[0])
            start, row = -1, -1
            if columns.starts is not None and np.any(stays[last]):
                block = int(blocks.kind[last]), was
                start = columns.starts.behind(columns, block, last, found[:, last], level)
        if reading == count:
            break
        kind = int(blocks.kind[reading])
        if start >= 0:
            row = rows.get((kind, start), -1)
        first = start if start >= 0 else int(place[level @ stride])
        if row >= 0 or (start < 0 and number[kind, first] >= 0):
            continue
        if known == len(table):
            table = np.concatenate([table, np.zeros_like(table)])
        table[known] = columns.column(kind, first)
        if start < 0:
            number[kind, first] = known
        else:
            rows[kind, start] = row = known
        known += 1
    return [
        Paths(found[m], *(np.ascontiguousarray(c) for c in jumps[m, : jumped[m]].T))
        for m in range(len(sizes))
    ]


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
    forced: int,
    block_kind: Any,
    number: Any,
    table: Any,
    basis_level: Any,
    place: Any,
    stride: Any,
    stays: Any,
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
    begun: Any,
    found: Any,
    jumps: Any,
    jumped: Any,
) -> int:
    """Draw readings from ``reading`` on; return the first that cannot be drawn yet.

    ``number`` (kinds, D): rows of ``table`` from each joint level, -1: not known; ``forced``: that
    of the first reading, or -1. ``stays`` (R, M): who stays coherent: behind such a reading this
    returns, with the levels (M,), and in ``begun`` (1,) where the last block began, -1: as forced.
    It returns, too, when fewer than 64 rows of ``jumps`` (M, J, 3) are free.
    """
    while reading < block_kind.size:
        start = 0
        for m in range(level.size):
            start += level[m] * stride[m]
            if jumped[m] > jumps.shape[1] - 64:
                return reading
        row = forced if forced >= 0 else number[block_kind[reading], place[start]]
        if row < 0:
            return reading
        begun[0] = -1 if forced >= 0 else place[start]
        forced = -1
        word, _ = philox(key, run, np.uint64(reading) << np.uint64(16))
        state = drawn(table[row], table[row].sum(), unit(word))
        for m in range(level.size):
            level[m] = basis_level[state, m]
            found[m, reading] = level[m]
            if stays[reading, m]:
                continue
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
        if stays[reading - 1].any():
            break
    return reading

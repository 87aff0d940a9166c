"""From reading to reading: the joint level that a cluster is found in, and jumps meanwhile.

As :mod:`.walk` does for one qubit. A joint level is drawn from the populations at a reading; its
members then follow their own jumps to the end of the readout, and the levels they have come to
are where the next block begins. Where members stay coherent (:mod:`.coherent_members`) it begins
with the state that the levels of the others leave; the level drawn of such a member is what its
own faint record shows, and no more. Random numbers of a cluster's readings have a key of their own,
those of jumps are the members'.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from podium.sim_instruments.physics.deduplicate import ascending
from podium.sim_instruments.physics.joint.block_steps import JointBlocks
from podium.sim_instruments.physics.joint.cluster_point import ClusterPoint
from podium.sim_instruments.physics.joint.coherent_members import KeptMembers
from podium.sim_instruments.physics.joint.joint_blocks import JointColumns
from podium.sim_instruments.physics.joint.product_basis import ProductBasis
from podium.sim_instruments.physics.joint.trajectory_columns import TrajectoryColumns
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

LIKELY = 1.0
"""So often, at least, is a kind of blocks expected to begin from a joint level that is worked out
before it is asked for: what is asked for one by one takes four times as long as together."""
AHEAD = 64
"""Blocks to come whose kinds are worked out together."""
SEEN, FEWEST_SEEN = 256, 12
"""Of the last readings, which tell from where blocks begin; with fewer nothing is expected."""


@dataclass(frozen=True, slots=True, eq=False)
class Followed:
    """A member during the readings of its cluster."""

    readings: Readings
    pace: Pace


def joint_paths(
    point: ClusterPoint,
    blocks: JointBlocks,
    columns: JointColumns | TrajectoryColumns,
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
    place, stride = _places(basis, sizes)
    rates = _rates_1_ns(point)
    pace, episode, begin, end = _windows(members)
    member_keys = np.array([np.uint64(key) for key in keys[1]], np.uint64)
    level = _first_levels(point, member_keys, run)
    found, jumps, jumped = _nothing_found(len(sizes), count)
    stays = np.zeros((count, len(sizes)), np.bool_) if kept is None else kept.kept
    known = PopulationTable(blocks.example.size, basis.size)
    times = np.bincount(blocks.kind, minlength=blocks.example.size) * (not np.any(stays))
    reading, start, row = 0, -1, -1
    begun = np.zeros(1, np.int64)
    while True:
        before = reading
        reading = walk_joint(
            reading,
            row,
            blocks.kind,
            known.number,
            known.table,
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
            block = int(blocks.kind[reading - 1]), start if begun[0] < 0 else int(begun[0])
            start, row = _state_behind(columns, block, reading - 1, stays, found, level), -1
        if reading == count:
            break
        kind, first = int(blocks.kind[reading]), int(place[level @ stride])
        if start >= 0:
            row = known.row_of_state(kind, start, columns.column)
        elif known.number[kind, first] < 0:
            last = place[found[:, max(0, reading - SEEN) : reading].T @ stride]
            others = _likely(blocks.kind[reading:], last, times, known.number)
            known.add_each(columns.columns((kind, first), others))
    return [Paths(found[m], *_columns(jumps[m, : jumped[m]])) for m in range(len(sizes))]


def _nothing_found(
    members: int, readings: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return room for levels at readings and for jumps, and how many each member has."""
    found = np.zeros((members, readings), np.int64)
    jumps = np.zeros((members, 64 + readings, 3), np.int64)
    return found, jumps, np.zeros(members, np.int64)


def _likely(
    coming: NDArray[np.int64],
    outcomes: NDArray[np.int64],
    times: NDArray[np.int64],
    number: NDArray[np.int64],
) -> list[tuple[int, int]]:
    """Return kinds of blocks, each with a joint level that it is likely to begin from.

    ``coming``: kinds of the blocks to come; ``outcomes``: joint levels at the last readings;
    ``times`` (kinds,): how often each kind comes, 0 where nothing is to be expected; ``number``
    (kinds, D): -1 where populations are not known.
    """
    if outcomes.size < FEWEST_SEEN:
        return []
    share = np.bincount(outcomes, minlength=number.shape[1]) / outcomes.size
    kinds = ascending(coming[:AHEAD])
    wanted = (times[kinds][:, None] * share >= LIKELY) & (number[kinds] < 0)
    rows, levels = np.nonzero(wanted)
    return list(zip(kinds[rows].tolist(), levels.tolist(), strict=True))


def _state_behind(
    columns: JointColumns | TrajectoryColumns,
    block: tuple[int, int],
    reading: int,
    stays: NDArray[np.bool_],
    found: NDArray[np.int64],
    level: NDArray[np.int64],
) -> int:
    """Return the number of the state that a reading leaves; -1: of a joint level."""
    if columns.starts is None or not np.any(stays[reading]):
        return -1
    return columns.starts.behind(columns, block, reading, found[:, reading], level)


def _columns(jumps: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    return (np.ascontiguousarray(column) for column in jumps.T)


def _windows(
    members: Sequence[Followed],
) -> tuple[Pace, NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """Return the paces of all members in one, and the kind, begin and end of readings, (M, R)."""
    pace, kinds = _all_paces([one.pace for one in members])
    return (
        pace,
        np.stack([one.readings.kind for one in members]) + kinds[:, None],
        np.stack([one.readings.begin_ns for one in members]).astype(np.float64),
        np.stack([one.readings.end_ns for one in members]).astype(np.float64),
    )


def _places(
    basis: ProductBasis, sizes: Sequence[int]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the joint level at each product of levels, and the strides of the members' levels."""
    stride = np.array([int(np.prod(sizes[m + 1 :])) for m in range(len(sizes))], np.int64)
    place = np.zeros(int(np.prod(sizes)), np.int64)
    place[basis.level @ stride] = np.arange(basis.size)
    return place, stride


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

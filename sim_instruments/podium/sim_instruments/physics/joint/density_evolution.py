"""Density matrices of a cluster follow levels, exchange and drives that change in steps.

A scan is a batch: P points with one cluster, each with steps of its own. Where nothing is driven,
only those coherences between excitation numbers are worked on that a state has: populations of
product states need none at all.
"""

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.joint.elements import Cluster, Element, levels_of
from podium.sim_instruments.physics.joint.product_basis import ProductBasis, product_basis
from podium.sim_instruments.physics.joint.step_kernels import evolve_states
from podium.sim_instruments.physics.worker_threads import share_out

LARGEST = 81
"""Product states of a cluster whose density matrix is evolved; see :mod:`.jump_trajectories`."""
LONG = 1_000_000
"""Points, times steps, times the third power of product states, from which on points are worth the
way to other threads: some milliseconds."""
TURN_A_PART = 2.0
"""Largest turn, rad, of a coherence in half of a pair of parts: see :func:`pairs_for`."""


class TooLarge(ValueError):
    """A cluster has more states than a density matrix is evolved for."""


@dataclass(frozen=True, slots=True, eq=False)
class Steps:
    """S steps of equal length at each of P points; E elements, L levels, X exchanges."""

    step_ns: float
    levels_hz: NDArray[np.float64]
    """Shape (P, S, E, L): as of :class:`.elements.Element`, held in each step."""
    exchange_hz: NDArray[np.float64] | None = None
    """Shape (P, S, X): the strengths in each step; None: those of the cluster."""
    drive_hz: NDArray[np.complex128] | None = None
    """Shape (P, S, E): d in ``H/h = d a+ + conj(d) a`` in the frame; half a Rabi frequency."""


@dataclass(frozen=True, slots=True, eq=False)
class Evolved:
    """States at the end and populations on the way."""

    states: NDArray[np.complex128]
    """Shape (P, C, D, D)."""
    populations: NDArray[np.float64]
    """Shape (P, M, C, D): after the steps that were asked for."""


class Operators(NamedTuple):
    """A cluster's matrices, as the kernels want them."""

    hops: NDArray[np.int64]
    hop_size: NDArray[np.float64]
    lifts: NDArray[np.int64]
    lift_size: NDArray[np.float64]


def basis_of(cluster: Cluster) -> ProductBasis:
    """Return the product states of a cluster."""
    return product_basis(tuple(levels_of(cluster)))


@lru_cache(maxsize=64)
def operators(cluster: Cluster, basis: ProductBasis) -> Operators:
    """Return what exchanges and drives join which states."""
    counts = tuple(one.count for one in cluster.elements)
    hops, lifts = _joined_states(basis, counts, tuple((x.one, x.other) for x in cluster.exchanges))
    ladders = np.zeros((len(counts), max(counts)))
    for e, element in enumerate(cluster.elements):
        ladders[e, : counts[e] - 1] = element.ladder[: counts[e] - 1]
    ends = np.array([(x.one, x.other) for x in cluster.exchanges], np.int64).reshape(-1, 2)
    one, other = ends[hops[:, 2]].T
    lower = hops[:, 1]
    up, down = basis.level[lower, one], basis.level[lower, other] - 1
    return Operators(
        hops,
        ladders[one, up] * ladders[other, down],
        lifts,
        ladders[lifts[:, 2], basis.level[lifts[:, 1], lifts[:, 2]]],
    )


@lru_cache(maxsize=64)
def _joined_states(
    basis: ProductBasis, counts: tuple[int, ...], ends: tuple[tuple[int, int], ...]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return hops, (H, 3), and lifts, (L, 3): the upper state, the lower, and of what.

    ``counts``: levels of the elements; ``ends``: elements of each exchange.
    """
    hops: list[tuple[int, int, int]] = []
    lifts: list[tuple[int, int, int]] = []
    for state, level in enumerate(basis.level):
        for e, count in enumerate(counts):
            if level[e] + 1 < count:
                lifts.append((int(basis.with_level[e, level[e] + 1, state]), state, e))
        for x, (i, j) in enumerate(ends):
            if level[j] > 0 and level[i] + 1 < counts[i]:
                up = basis.with_level[i, level[i] + 1, state]
                hops.append((int(basis.with_level[j, level[j] - 1, up]), state, x))
    return np.array(hops, np.int64).reshape(-1, 3), np.array(lifts, np.int64).reshape(-1, 3)


def is_lossy(cluster: Cluster) -> bool:
    """Tell whether an element of a cluster jumps or loses coherence."""
    return any(np.any(one.rates_1_s) or one.dephasing_1_s for one in cluster.elements)


def pairs_for(cluster: Cluster, spread_hz: float, step_ns: float) -> int:
    """Return into how many pairs of parts a step is cut.

    ``spread_hz``: how far apart states that an exchange joins come at most. With
    :data:`TURN_A_PART` populations of a tunable coupler's CZ, T1 of 15 us, are good to 1e-6.
    """
    if not is_lossy(cluster) or not cluster.exchanges:
        return 1
    return max(1, int(np.ceil(2e-9 * np.pi * spread_hz * step_ns / 2 / TURN_A_PART)))


def evolve(
    cluster: Cluster,
    steps: Steps,
    states: NDArray[np.complex128],
    *,
    frame_hz: float = 0.0,
    saved: NDArray[np.int64] | None = None,
) -> Evolved:
    """Return what becomes of ``states`` (P or 1, C, D, D) at each point.

    All elements are in one frame that turns at ``frame_hz``. ``saved`` (M,), ascending: after how
    many steps populations are kept. Raises :class:`TooLarge` above :data:`LARGEST` states, and
    ValueError for shapes that do not fit.
    """
    basis = basis_of(cluster)
    if basis.size > LARGEST:
        raise TooLarge(
            f"a density matrix of {basis.size} states; at most {LARGEST}: evolve trajectories"
        )
    points = steps.levels_hz.shape[0]
    if states.shape[2:] != (basis.size, basis.size) or states.shape[0] not in (1, points):
        raise ValueError(
            f"states of shape {states.shape} for {points} points and {basis.size} product states"
        )
    diagonal, exchange, drive = in_frame(cluster, basis, steps, frame_hz)
    span = steps.step_ns
    pairs = pairs_for(cluster, spread_hz(cluster, steps), span)
    decays = is_lossy(cluster)
    parts = 2 * pairs if decays else 1
    fade, jumps = channels(cluster, basis, tuple(span / parts * w / 3 for w in (1, 4, 2)))
    worked = worked_pairs(basis, states, bool(np.any(drive)))
    after = np.array(np.broadcast_to(states, (points, *states.shape[1:])), np.complex128, order="C")
    kept = np.zeros(0, np.int64) if saved is None else np.asarray(saved, np.int64)
    populations = np.zeros((points, kept.size, states.shape[1], basis.size))
    moves = operators(cluster, basis)

    def some(rows: slice) -> None:
        evolve_states(
            diagonal[rows],
            exchange[rows],
            drive[rows],
            *moves,
            basis.block,
            *worked,
            basis.with_level,
            fade,
            jumps,
            decays,
            parts,
            span / parts,
            kept,
            after[rows],
            populations[rows],
        )

    share_out(some, points, worth=points * diagonal.shape[1] * basis.size**3 > LONG)
    return Evolved(mirrored(after), populations)


def part_of(steps: Steps, rows: slice | NDArray[np.int64]) -> Steps:
    """Return some rows of steps."""
    exchange = None if steps.exchange_hz is None else steps.exchange_hz[:, rows]
    drive = None if steps.drive_hz is None else steps.drive_hz[:, rows]
    return Steps(steps.step_ns, steps.levels_hz[:, rows], exchange, drive)


def detuned(steps: Steps, hz: NDArray[np.float64]) -> Steps:
    """Return steps in which the 0-1 transitions of the members are higher by ``hz`` (M,)."""
    number = np.arange(steps.levels_hz.shape[-1])
    return replace(steps, levels_hz=steps.levels_hz + hz[:, None] * number)


def shifted_hz(cluster: Cluster, basis: ProductBasis) -> NDArray[np.float64]:
    """Return what shifts between elements add to the energy of each product state, (D,), Hz."""
    found = np.zeros(basis.size)
    if cluster.joint_hz is not None:
        found += cluster.joint_hz
    for shift in cluster.shifts:
        both = (basis.level[:, shift.one] > 0) & (basis.level[:, shift.other] > 0)
        found += np.where(both, shift.energy_hz, 0.0)
    return found


def in_frame(
    cluster: Cluster, basis: ProductBasis, steps: Steps, frame_hz: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.complex128]]:
    """Return diagonal (P, S, D), exchange (P, S, X) and drive (P, S, E) in rad/ns."""
    points, count = steps.levels_hz.shape[:2]
    turn = 2e-9 * np.pi
    diagonal = np.zeros((points, count, basis.size))
    for e, element in enumerate(cluster.elements):
        own = steps.levels_hz[:, :, e, : element.count] - frame_hz * np.arange(element.count)
        diagonal += own[:, :, basis.level[:, e]]
    diagonal += shifted_hz(cluster, basis)
    if steps.exchange_hz is None:
        strengths = np.array([one.strength_hz for one in cluster.exchanges], np.float64)
        exchange = np.broadcast_to(strengths, (points, count, strengths.size))
    else:
        exchange = steps.exchange_hz
    drive = np.zeros((points, count, len(cluster.elements)), np.complex128)
    if steps.drive_hz is not None:
        drive = steps.drive_hz
    return (
        turn * diagonal,
        np.ascontiguousarray(turn * exchange, np.float64),
        np.ascontiguousarray(turn * drive, np.complex128),
    )


def spread_hz(cluster: Cluster, steps: Steps) -> float:
    """Return how far apart an exchange's two states are at most."""
    most = 0.0
    for one in cluster.exchanges:
        i, j = cluster.elements[one.one], cluster.elements[one.other]
        up = np.diff(steps.levels_hz[:, :, one.one, : i.count], axis=-1)
        down = np.diff(steps.levels_hz[:, :, one.other, : j.count], axis=-1)
        apart = max(abs(up.max() - down.min()), abs(up.min() - down.max())) if up.size else 0.0
        most = max(most, float(apart))
    return most


@lru_cache(maxsize=1024)
def channels(
    cluster: Cluster, basis: ProductBasis, spans_ns: tuple[float, ...]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the channels of decoherence over each span: (K, D, D) and (K, E, L, L)."""
    from scipy.linalg import expm  # heavy: see .relaxation

    count, most = len(cluster.elements), basis.with_level.shape[1]
    fade = np.ones((len(spans_ns), basis.size, basis.size))
    jumps = np.tile(np.eye(most), (len(spans_ns), count, 1, 1))
    for e, element in enumerate(cluster.elements):
        fading, moving = decoherence_rates(element)
        own = basis.level[:, e]
        for k, span in enumerate(spans_ns):
            fade[k] *= np.exp(-span * fading)[own[:, None], own[None, :]]
            if span:
                jumps[k, e, : element.count, : element.count] = expm(span * moving)
    return fade, jumps


def decoherence_rates(element: Element) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return how fast coherences of an element fade, and its levels' populations move, 1/ns.

    Shape (L, L) each; the diagonal of the first is 0, the second is [to, from].
    """
    rates = 1e-9 * element.rates_1_s
    leaving = rates.sum(axis=0)
    n = np.arange(element.count)
    apart = (n[:, None] - n[None, :]) ** 2 * 1e-9 * element.dephasing_1_s
    fading = apart + 0.5 * (leaving[:, None] + leaving[None, :])
    np.fill_diagonal(fading, 0.0)
    return fading, rates - np.diag(leaving)


class WorkedPairs(NamedTuple):
    """Pairs of blocks between which states have anything."""

    pairs: NDArray[np.int64]
    """Shape (P, 2): blocks a >= b."""
    by_ground: NDArray[np.int64]
    """Shape (G, 3): states i, j of such blocks with element e in its ground state, and e."""


def worked_pairs(basis: ProductBasis, states: NDArray[np.complex128], driven: bool) -> WorkedPairs:
    """Return the pairs of blocks between which the states (P, C, D, D) have anything."""
    if driven:
        return pairs_apart(basis, frozenset(range(basis.block.size - 1)))
    rows, columns = np.nonzero(np.any(states != 0, axis=(0, 1)))
    number = basis.number
    return pairs_apart(basis, frozenset(np.abs(number[rows] - number[columns]).tolist()))


@lru_cache(maxsize=256)
def pairs_apart(basis: ProductBasis, apart: frozenset[int]) -> WorkedPairs:
    """Return the pairs of blocks whose excitation numbers differ by these."""
    blocks, number = basis.block.size - 1, basis.number
    pairs = [(a, b) for a in range(blocks) for b in range(a + 1) if a - b in apart]
    worked = np.zeros((blocks, blocks), np.bool_)
    for a, b in pairs:
        worked[a, b] = True
    found = []
    for e in range(basis.level.shape[1]):
        ground = np.flatnonzero(basis.level[:, e] == 0)
        i, j = np.meshgrid(ground, ground, indexing="ij")
        here = worked[number[i], number[j]]
        found.append(np.column_stack([i[here], j[here], np.full(int(here.sum()), e)]))
    return WorkedPairs(
        np.array(pairs, np.int64).reshape(-1, 2), np.concatenate(found).astype(np.int64)
    )


def mirrored(states: NDArray[np.complex128]) -> NDArray[np.complex128]:
    """Return Hermitian states whose lower triangles are these."""
    lower = np.tril(states)
    return lower + np.conj(np.swapaxes(np.tril(states, -1), -1, -2))

"""Works out once what gates and waits do to a cluster, as maps that other runs look up.

A map is a real matrix over Hermitian matrices of the dressed states with few
excitations, packed as :func:`.group_maps.pack` does. It is that of a reference: the cluster with
0-1 transitions on a grid, every drive at phase 0. What a run has beyond that is turned around it,
or is a polynomial:

- a member's phase is a turn of its dressed levels before and back after. A phase of one member's
  drive against another's leaves harmonics, since a drive reaches the neighbour a little.
- members' detunings from the grid are turns of the dressed levels in halves before and after, and
  the first and second derivatives of what is left;
- a member's loss is a derivative.

With U the unitary of a group, and a Lindblad generator L between its parts, a map is
``U exp(sum of w U(t)+ L U(t))``: exact in the drive, and of second order in the decoherence of one
group (1e-3), whose parts commute to a few per cent.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations_with_replacement
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.joint.cluster_point import ClusterPoint
from podium.sim_instruments.physics.joint.density_evolution import Steps, channels
from podium.sim_instruments.physics.joint.elements import Cluster
from podium.sim_instruments.physics.joint.exact_wait import waited as waited_exactly
from podium.sim_instruments.physics.joint.gate_reference import (
    DETUNED_HZ,
    LOSS,
    Reference,
    Shift,
)
from podium.sim_instruments.physics.joint.group_maps import (
    GroupPropagator,
    hermitian_units,
    pack,
    propagator,
)
from podium.sim_instruments.physics.joint.product_basis import ProductBasis
from podium.sim_instruments.physics.known_values import KnownValues

Array = NDArray[np.float64]
Singles = NDArray[np.float32]
Complexes = NDArray[np.complex128]
PHASES = 8
"""Relative phases at which a group with two driven members is worked out."""
SMALL = 5e-7
"""Harmonics of a relative phase that are smaller are left out: behind 70 such groups, each at
another phase, they move populations by some 1e-7, and single precision does by 1e-6 and more."""
KEPT_BYTES = 320_000_000
"""Memory of the maps that are kept."""
TURN_A_WAIT = 0.2
"""Largest phase, rad, of the shift between two excitations in one part of a wait: coherences that
outlive a neighbour's decay err by a twelfth of its square, times the part that decays."""
MOST_PARTS = 4
"""A wait that would have more is worked out exactly: a coupler shifts its ends by megahertz."""


@dataclass(frozen=True, slots=True, eq=False)
class GateMap:
    """A group of pulses, or a wait; n packed numbers, M members. In single precision.

    Maps are kept [from, to] here.
    """

    parts: Singles
    """Shape (1 + M, n, n): the map, and for each member a loss that is larger by its own size. Of
    what is driven (1 + 2 M + M (M + 1) / 2, n, n): and the derivatives by detunings, 1/Hz, and the
    second ones by members (m, n >= m), halved for m = n, 1/Hz**2."""
    harmonics: Singles
    """Shape (H, n, n): times the cosine, the sine, the cosine of twice ... the second driven
    member's phase against the first's."""

    @classmethod
    def of(cls, parts: Array, harmonics: Array) -> "GateMap":
        """Return one of the same, [to, from]."""
        kept = (np.swapaxes(one, 1, 2).astype(np.float32, order="C") for one in (parts, harmonics))
        return cls(*kept)

    def fill(self, detuned_hz: Array, more_loss: Array, out: Singles) -> None:
        """Fill ``out`` (1 + H, n, n) with the map and its harmonics.

        For detunings and relative losses (M,) beyond those of the reference.
        """
        terms = [1.0, *more_loss.tolist()]
        if len(self.parts) > len(terms):
            each = detuned_hz.tolist()
            terms += [*each, *(a * b for a, b in combinations_with_replacement(each, 2))]
        flat = self.parts.reshape(len(terms), -1)
        np.matmul(np.array(terms, np.float32), flat, out=out[0].reshape(-1))
        out[1:] = self.harmonics

    @property
    def size_bytes(self) -> int:
        """Return how much memory it takes."""
        return self.parts.nbytes + self.harmonics.nbytes


KNOWN = KnownValues[GateMap](KEPT_BYTES, lambda one: one.size_bytes)
"""Of a reference's key, and what is played to it."""


def adjoined(unitary: Complexes, kept: int) -> Array:
    """Return U . U+ over packed Hermitian matrices of the first states."""
    own = unitary[:kept, :kept]
    return np.ascontiguousarray(pack(own @ hermitian_units(kept) @ np.conj(own.T)).T)


def packed(whole: Complexes, size: int) -> Array:
    """Return a map of matrices (N * N, N * N) over packed Hermitian ones."""
    units = hermitian_units(size).reshape(size * size, size * size).T
    after = (whole @ units).T.reshape(-1, size, size)
    return np.ascontiguousarray(pack(after).T)


def wait_parts(point: ClusterPoint, span_ns: float) -> int:
    """Return into how many parts a wait is cut, in which the levels' shift turns little."""
    return max(1, int(np.ceil(2e-9 * np.pi * point.zz_hz * span_ns / TURN_A_WAIT)))


def wait_map(reference: Reference, span_ns: int) -> GateMap:
    """Return a wait in the dressed basis."""
    point, kept = reference.point, reference.kept
    basis = point.basis
    parts = wait_parts(point, span_ns)
    units = np.zeros((kept * kept, 1, basis.size, basis.size), np.complex128)
    units[:, 0, :kept, :kept] = hermitian_units(kept)
    energies = point.energies_hz - point.frame_hz * basis.number
    apart_hz = energies[:, None] - energies[None, :]

    def waited(cluster: Cluster) -> Array:
        if parts > MOST_PARTS:
            whole = waited_exactly(units.swapaxes(0, 1), cluster, apart_hz[None], span_ns)
            return np.ascontiguousarray(pack(whole[0, :, :kept, :kept]).T)
        turn = np.exp(-2j * np.pi * ((1e-9 * span_ns / parts * apart_hz) % 1.0))
        fade, jumps = channels(cluster, basis, (0.5 * span_ns / parts,))
        states = units
        for _ in range(parts):
            states = decohered(states, basis, cluster, fade[0], jumps[0])
            states = decohered(states * turn, basis, cluster, fade[0], jumps[0])
        return np.ascontiguousarray(pack(states[:, 0, :kept, :kept]).T)

    base, lossy = waited(point.cluster), []
    for m, one in enumerate(point.cluster.elements):
        more = replace(one, rates_1_s=(1 + LOSS) * one.rates_1_s)
        elements = tuple(more if k == m else e for k, e in enumerate(point.cluster.elements))
        lossy.append((waited(replace(point.cluster, elements=elements)) - base) / LOSS)
    return GateMap.of(np.stack([base, *lossy]), _none(base))


def decohered(
    state: Complexes, basis: ProductBasis, cluster: Cluster, fade: Array, jumps: Array
) -> Complexes:
    """Return states (..., C, D, D) behind one exact channel of decoherence of each element."""
    state = state * fade
    for e, element in enumerate(cluster.elements):
        ground = np.flatnonzero(basis.level[:, e] == 0)
        index = basis.with_level[e, : element.count, ground]  # (G, L)
        rows, columns = index[:, None, :], index[None, :, :]
        own = state[:, :, rows, columns]
        state[:, :, rows, columns] = own @ jumps[e, : element.count, : element.count].T
    return state


class GroupAtReference(Protocol):
    """A group as it is played to a reference, and to clusters near it."""

    @property
    def reference(self) -> Reference:
        """Return the reference."""
        ...

    def unitary(self, shift: Shift) -> Complexes:
        """Return what it does to dressed levels, (D, D), in the frame of the reference.

        Half of the turn by which the levels are higher there is taken off each end.
        """
        ...

    def noise(self) -> Array:
        """Return what decoherence adds at the reference: see :func:`decoherence_of`."""
        ...


def group_map(
    reference: Reference,
    played_at: Callable[[float], GroupAtReference],
    driven: Sequence[int],
) -> GateMap:
    """Return a group of pulses.

    ``played_at``: it, with the phase of the second driven member's drive against the first's,
    turns; ``driven``: members, at most two.
    """
    kept, members = reference.kept, len(reference.point.qubits)
    still: Shift = (0,) * members
    here = played_at(0.0)
    noise = here.noise()
    unit, total = np.eye(kept * kept), noise.sum(axis=0)
    fades = exponential(total)
    base = adjoined(here.unitary(still), kept)
    detuned, bent = _derivatives(here, base, members)
    lossy = np.stack([base @ one @ (unit + total) for one in noise[:-1]])
    found = [base @ fades]
    number = reference.point.basis.level[:kept, driven[1]] if len(driven) == 2 else np.zeros(kept)
    for k in range(1, PHASES if len(driven) == 2 else 1):
        turned = played_at(k / PHASES)
        faded = exponential(turned.noise().sum(axis=0))
        ahead = np.exp(2j * np.pi * k / PHASES * number)
        own = adjoined(turned.unitary(still), kept) @ faded
        found.append(adjoined(np.diag(ahead), kept) @ own @ adjoined(np.diag(ahead.conj()), kept))
    mean, harmonics = _harmonics(np.stack(found))
    parts = np.concatenate([mean[None], lossy, detuned @ fades, bent @ fades])
    return GateMap.of(parts, harmonics)


def _none(one: Array) -> Array:
    """Return no harmonics of a map."""
    return np.zeros((0, *one.shape))


def exponential(total: Array) -> Array:
    """Return the exponential of a small matrix, to second order."""
    return np.asarray(np.eye(len(total)) + total + 0.5 * total @ total)


def _harmonics(found: Array) -> tuple[Array, Array]:
    """Return the mean over equal steps of a turn, and what goes with multiples of the phase."""
    whole = np.fft.rfft(found, axis=0) / len(found)
    parts: list[Array] = []
    for one in whole[1 : len(found) // 2]:
        parts += [2 * one.real, -2 * one.imag]
    while parts and max(np.abs(one).max() for one in parts[-2:]) < SMALL:
        parts = parts[:-2]
    return whole[0].real, np.stack(parts) if parts else _none(found[0])


def _derivatives(played: GroupAtReference, base: Array, members: int) -> tuple[Array, Array]:
    """Return first and second derivatives of a map by the members' detunings."""
    kept, unit = played.reference.kept, np.eye(members, dtype=int)

    def at(shift: NDArray[np.int64]) -> Array:
        return adjoined(played.unitary(tuple(shift.tolist())), kept)

    ends = [(at(one), at(-one)) for one in unit]
    first = [(high - low) / 2 for high, low in ends]
    second = [(high + low) / 2 - base for high, low in ends]
    bent = []
    for m, n in combinations_with_replacement(range(members), 2):
        if m == n:
            bent.append(second[m])
            continue
        known = base + first[m] + first[n] + second[m] + second[n]
        bent.append(at(unit[m] + unit[n]) - known)
    return np.stack(first) / DETUNED_HZ, np.stack(bent) / DETUNED_HZ**2


@dataclass(frozen=True, slots=True, eq=False)
class ExchangingGroup:
    """A group of drives of 0-1 and of flux, in which members exchange excitations."""

    reference: Reference
    duration_ns: int
    given: tuple[Steps, int, float]

    def propagator(self, shift: Shift) -> GroupPropagator:
        """Return the unitaries of all parts."""
        steps, beats, frame_hz = self.given
        point, rest = self.reference.near(shift), self.reference.point
        if point is not rest:
            levels = steps.levels_hz.copy()
            pairs = zip(point.cluster.elements, rest.cluster.elements, strict=True)
            for e, (own, other) in enumerate(pairs):
                levels[:, :, e, : own.count] += own.levels_hz - other.levels_hz
            steps = replace(steps, levels_hz=levels)
        return propagator(point.cluster, steps, beats, frame_hz)

    def noise(self) -> Array:
        """Return what decoherence adds at the reference: see :func:`decoherence_of`."""
        reference = self.reference
        prop = self.propagator((0,) * len(reference.point.qubits))
        return decoherence_of(reference.point, reference.point.vectors, prop, reference.kept)

    def unitary(self, shift: Shift) -> Complexes:
        """Return the product of all parts in the dressed basis, in the frame of the reference."""
        point, rest = self.reference.near(shift), self.reference.point
        total = np.eye(point.basis.size, dtype=np.complex128)
        for one in parts_of_time(self.propagator(shift), point.basis):
            total = one @ total
        frame_hz = self.given[2]
        turned = 1e-9 * (rest.frame_hz - frame_hz) * self.duration_ns * point.basis.number
        higher = 1e-9 * (point.energies_hz - rest.energies_hz) * self.duration_ns
        back, half = np.exp(2j * np.pi * (turned % 1.0)), np.exp(1j * np.pi * (higher % 2.0))
        dressed = point.vectors.T @ (back[:, None] * total) @ point.vectors
        return np.asarray(half[:, None] * dressed * half)


def parts_of_time(prop: GroupPropagator, basis: ProductBasis) -> list[Complexes]:
    """Return the unitary (D, D) of each part, in the order of time."""
    number = basis.number
    same = number[:, None] == number[None, :]
    cut = [
        one if drives else np.where(same, one, 0.0)
        for one, drives in zip(prop.unitaries, prop.driven, strict=False)
    ]
    return [cut[int(k)] for k in prop.which]


def decoherence_of(point: ClusterPoint, vectors: Array, prop: GroupPropagator, kept: int) -> Array:
    """Return what each member's jumps, and then all dephasing, add: (M + 1, n, n).

    ``vectors`` (D, D): [states that the propagator is of, dressed level].
    """
    basis, cluster = point.basis, point.cluster
    part_ns = prop.step_ns / prop.parts
    now, on_the_way, spans = vectors.astype(np.complex128), [], []
    count = prop.which.size
    for r, one in enumerate([None, *parts_of_time(prop, basis)]):
        now = now if one is None else one @ now
        on_the_way.append(now)
        weight = 1 if r in (0, count) else 4 if r % prop.parts % 2 else 2
        spans.append(part_ns * weight / 3)
    there = np.stack(on_the_way) * np.sqrt(np.array(spans))[:, None, None]
    back = np.conj(np.swapaxes(np.stack(on_the_way), 1, 2))[:, :kept]
    cut = there[:, :, :kept]
    found = []
    dephasing: list[Complexes] = []
    dephased = np.zeros(basis.size)
    for e, element in enumerate(cluster.elements):
        jumps = []
        own = basis.level[:, e]
        for to, of in np.argwhere(element.rates_1_s > 0):
            rows = np.flatnonzero(own == of)
            jump = back[:, :, basis.with_level[e, to, rows]] @ cut[:, rows]
            jumps.append(np.sqrt(1e-9 * element.rates_1_s[to, of]) * jump)
        leaves = 1e-9 * np.where(element.rates_1_s > 0, element.rates_1_s, 0.0).sum(axis=0)
        found.append(_generator(jumps, _lost(cut, leaves[own])))
        if element.dephasing_1_s:
            number = back @ (own[:, None] * cut)
            dephasing.append(np.sqrt(2e-9 * element.dephasing_1_s) * number)
            dephased += 2e-9 * element.dephasing_1_s * own**2
    found.append(_generator(dephasing, _lost(cut, dephased)))
    return np.stack(found)


def _lost(there: Complexes, rate_1_ns: Array) -> Complexes:
    """Return what jumps take from states, (n, n): ``there`` (R, D, n), at rates by state (D,).

    Each jump's product with its adjoint is diagonal in states, since ``there`` is of a unitary.
    """
    taken = (np.sqrt(rate_1_ns)[:, None] * there).reshape(-1, there.shape[-1])
    return np.asarray(np.conj(taken.T) @ taken)


def _generator(jumps: Sequence[Complexes], rate: Complexes) -> Array:
    """Return the Lindblad generator of jump operators, each (R, n, n), which take ``rate`` (n, n).

    Their roots of spans are part of them.
    """
    kept = len(rate)
    count = kept * kept
    if not jumps:
        return np.zeros((count, count))
    every = np.concatenate([one.reshape(-1, count) for one in jumps])
    used = np.flatnonzero(every.any(axis=0))  # without a drive, those of neighbouring numbers alone
    own = every[:, used]
    taken = np.zeros((count, count), np.complex128)
    taken[np.ix_(used, used)] = own.T @ np.conj(own)
    whole = np.swapaxes(taken.reshape(kept, kept, kept, kept), 1, 2)  # of [i, k, j, l]
    unit = np.eye(kept)
    whole = whole - 0.5 * (
        np.einsum("ik,jl->ijkl", rate, unit) + np.einsum("ik,jl->ijkl", unit, np.conj(rate))
    )
    return packed(whole.reshape(count, count), kept)

"""A cluster of a chip at its biases: bare elements for pulses, dressed levels for everything else.

Bare levels are those of each atom with its resonator; an exchange is the product of two charge
elements at rest, and follows them as flux moves the atoms. What the rotating-wave approximation
leaves out (10 kHz), neighbours outside the cluster and drift are put into the bare levels at rest:
the dressed ladder of each member, the others in 0, is that of its :class:`.QubitPoint`.

A dressed level carries the name of the product state that weighs most in it.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, pairwise

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.episodes import NotSimulated
from podium.sim_instruments.physics.fast_flux import FluxLines
from podium.sim_instruments.physics.joint.density_evolution import (
    LARGEST,
    basis_of,
    operators,
    shifted_hz,
)
from podium.sim_instruments.physics.joint.elements import Cluster, Element, Exchange, Shift
from podium.sim_instruments.physics.joint.product_basis import ProductBasis
from podium.sim_instruments.physics.known_values import KnownValues
from podium.sim_instruments.physics.operating_point import QubitPoint

LEVELS = 4
"""Of a member where no more than two are atoms, others two-level defects, so many fit, and there is
no coupler; else :data:`FEWER`."""
FEWER = 3
RESTING = 2
"""Of a coupler between fluxoniums: nothing brings it near their 0-1 transitions, and its 1-2 is
hundreds of megahertz from the 0-1 that a drive turns."""
ROUNDS = 6
"""Rounds in which bare levels are found: each takes away the shift of the one before."""
SHIFT_ROUNDS = 3
"""Rounds in which the shifts of fluxoniums and a coupler between them are found."""
RIGHT_HZ = 1e-3
"""Dressed ladders that are off by less are right: a turn in 15 minutes."""
OWN = 0.6
"""Dressed ladders are set right where so much of each level belongs to its product state."""


@dataclass(frozen=True, slots=True, eq=False)
class ClusterPoint:
    """Coupled qubits of one feedline at their biases."""

    qubits: tuple[QubitPoint, ...]
    chip: FluxLines
    biases_v: Mapping[str, float]
    cluster: Cluster
    """With the bare levels at rest."""
    energies_hz: NDArray[np.float64]
    """Shape (D,): of the dressed levels, by their names in the order of the product basis."""
    vectors: NDArray[np.float64]
    """Shape (D, D): [product state, dressed level]."""

    @property
    def basis(self) -> ProductBasis:
        """Return the product states."""
        return basis_of(self.cluster)

    @property
    def frame_hz(self) -> float:
        """Return the frequency of the frame in which states are kept between pulses."""
        elements = self.cluster.elements
        return float(sum(one.levels_hz[1] for one in elements)) / len(elements)

    def shift_hz(self, member: int, quanta: float) -> NDArray[np.float64]:
        """Return by how much flux moves the levels of a member, (L,), Hz."""
        name = self.qubits[member].name
        count = self.cluster.elements[member].count
        there = self.chip.bare_at(name, self.biases_v, quanta)[0]
        return np.asarray((there - self.chip.bare_at(name, self.biases_v, 0.0)[0])[:count])

    def growth(self, member: int, quanta: float) -> NDArray[np.float64]:
        """Return the charge of 0-1 over that at rest, shape (1,)."""
        name = self.qubits[member].name
        there, here = (
            self.chip.bare_at(name, self.biases_v, value)[1][0] for value in (quanta, 0.0)
        )
        return np.array([there / here])

    def pair_zz_hz(self, one: int, other: int) -> float:
        """Return by how much an excitation of one member shifts another, signed, Hz."""
        levels = np.eye(len(self.qubits), dtype=int)
        both = levels[one] + levels[other]
        states = (0 * both, levels[other], levels[one], both)
        energy = [self.energies_hz[self.basis.index(*row)] for row in states]
        return float(energy[3] - energy[2] - energy[1] + energy[0])

    @property
    def zz_hz(self) -> float:
        """Return the largest energy by which excitations of two members shift each other."""
        level, energy = self.basis.level, self.energies_hz
        single = np.array([self.basis.index(*row) for row in np.eye(level.shape[1], dtype=int)])
        most = 0.0
        for i in range(single.size):
            for j in range(i):
                both = self.basis.index(*(level[single[i]] + level[single[j]]))
                most = max(most, abs(float(energy[both] - energy[single[i]] - energy[single[j]])))
        return most


_KNOWN = KnownValues["ClusterPoint"](4_000_000, lambda one: one.vectors.nbytes)
"""By the very qubits and chip: a qubit that drifts is another one."""


def cluster_point(
    qubits: Sequence[QubitPoint],
    chip: FluxLines,
    biases_v: Mapping[str, float],
    largest: int = LARGEST,
) -> ClusterPoint:
    """Return coupled qubits at their biases.

    Raises NotSimulated where they have more than ``largest`` product states.
    """
    key = (tuple(qubits), chip, tuple(sorted(biases_v.items())), largest)
    return _KNOWN.find(key, lambda: _worked_out(qubits, chip, biases_v, largest))


def _worked_out(
    qubits: Sequence[QubitPoint], chip: FluxLines, biases_v: Mapping[str, float], largest: int
) -> ClusterPoint:
    sizes = [one.levels_hz.size for one in qubits]
    couplers = [one.name in chip.couplers for one in qubits]
    counts = levels_kept(sizes, couplers, any(one.drive_elements is not None for one in qubits))
    if math.prod(counts) > largest:
        names = ", ".join(qubit.name for qubit in qubits)
        raise NotSimulated(
            f"flux pulses and shared excitations couple {names}: the joint state of so many is not "
            f"simulated, at most {largest} levels are; move fewer of them in one run"
        )
    elements, charges = [], []
    for qubit, count in zip(qubits, counts, strict=True):
        levels, charge = chip.bare_at(qubit.name, biases_v, 0.0)
        charges.append(charge)
        elements.append(
            Element(
                levels_hz=np.array(levels[:count]),
                ladder=np.array(charge[: count - 1] / charge[0]),
                rates_1_s=np.array(qubit.rates_1_s[:count, :count]),
                dephasing_1_s=qubit.dephasing_1_s,
            )
        )
    exchanges = []
    for i, one in enumerate(qubits):
        strengths = {} if one.levels_hz.size <= 2 else chip.coupled_to(one.name)
        for j, other in enumerate(qubits[:i]):
            if other.name in strengths:
                g_hz = strengths[other.name] * float(charges[i][0] * charges[j][0])
                exchanges.append(Exchange(j, i, g_hz))
    exchanges = _with_counter_rotating(elements, exchanges, qubits, chip)
    exchanges += _with_defects(elements, charges, qubits, chip)
    cluster = Cluster(tuple(elements), tuple(exchanges))
    cluster, energies, vectors = _set_right(cluster, qubits)
    if any(one.drive_elements is not None for one in qubits):
        # Of several pairs each shift moves those of the others a little.
        for _ in range(1 if len(cluster.exchanges) == 1 else SHIFT_ROUNDS):
            cluster = _with_shifts(
                ClusterPoint(tuple(qubits), chip, biases_v, cluster, energies, vectors)
            )
            energies, vectors = dressed_levels(cluster)
    return ClusterPoint(tuple(qubits), chip, biases_v, cluster, energies, vectors)


def levels_kept(sizes: Sequence[int], couplers: Sequence[bool], has_fluxonium: bool) -> list[int]:
    """Return how many levels each member keeps, of so many that it has; ``couplers``: which are."""
    counts = [min(LEVELS, size) for size in sizes]
    atoms = sum(size >= FEWER for size in sizes)
    if any(couplers) or atoms > 2 or math.prod(counts) > LARGEST:
        counts = [min(FEWER, size) for size in sizes]
    if has_fluxonium:
        each = zip(counts, couplers, strict=True)
        counts = [min(RESTING, count) if is_coupler else count for count, is_coupler in each]
    return counts


def _with_defects(
    elements: Sequence[Element],
    charges: Sequence[NDArray[np.float64]],
    qubits: Sequence[QubitPoint],
    chip: FluxLines,
) -> list[Exchange]:
    """Return the exchanges of qubits with two-level defects that are members."""
    places = {one.name: place for place, one in enumerate(qubits)}
    found = []
    for place, qubit in enumerate(qubits):
        if qubit.levels_hz.size <= 2:
            continue  # a defect itself
        charge, f01_hz = float(charges[place][0]), float(elements[place].levels_hz[1])
        for one in chip.defects_of(qubit.name):
            if one.name in places:
                g_hz = one.strength_hz(charge, f01_hz) * charge
                found.append(Exchange(place, places[one.name], g_hz))
    return found


def gate_members(lines: FluxLines, ends: tuple[str, str]) -> list[str]:
    """Return the names of what a gate evolves: both ends, and couplers between them."""
    first, second = ends
    between = lines.coupled_to(first).keys() & lines.coupled_to(second).keys()
    return [first, second, *sorted(between & set(lines.couplers))]


def _with_counter_rotating(
    elements: Sequence[Element],
    exchanges: Sequence[Exchange],
    qubits: Sequence[QubitPoint],
    chip: FluxLines,
) -> list[Exchange]:
    """Return exchanges, those of qubits with what a coupler between them adds off resonance.

    Of what a coupler mediates, ``g1 g2 / 2 (1 / D1 + 1 / D2 - 1 / S1 - 1 / S2)`` with differences D
    and sums S of frequencies, the rotating-wave approximation leaves out the sums (Yan et al.,
    Phys. Rev. Applied 10, 054062 (2018), Eq. 3): a tenth, and half of a ZZ near its off point.
    ASSUMED: it is the same while flux moves them.
    """
    strength = {(one.one, one.other): one.strength_hz for one in exchanges}
    found = dict(strength)
    couplers = [m for m, one in enumerate(qubits) if one.name in chip.couplers]
    ends = [m for m in range(len(qubits)) if m not in couplers]
    for c in couplers:
        for i, j in combinations(ends, 2):
            one, other = ((min(m, c), max(m, c)) for m in (i, j))
            if one in strength and other in strength:
                sums = [elements[m].levels_hz[1] + elements[c].levels_hz[1] for m in (i, j)]
                both = strength[one] * strength[other]
                found[i, j] = found.get((i, j), 0.0) - both / 2 * (1 / sums[0] + 1 / sums[1])
    return [Exchange(i, j, float(hz)) for (i, j), hz in sorted(found.items())]


def _with_shifts(point: ClusterPoint) -> Cluster:
    """Return the cluster with what is missing of the ZZ between its members.

    Of fluxoniums a quarter is: it comes from their plasmon lines, which an exchange of one
    excitation leaves out. ASSUMED: it is the same while flux moves them.
    """
    cluster = point.cluster
    shifts = []
    known = {(one.one, one.other): one.energy_hz for one in cluster.shifts}
    for exchange in cluster.exchanges:
        ends = point.qubits[exchange.one].name, point.qubits[exchange.other].name
        here_hz = point.pair_zz_hz(exchange.one, exchange.other)
        missing_hz = point.chip.zz_hz(ends, point.biases_v) - here_hz
        missing_hz += known.get((exchange.one, exchange.other), 0.0)
        shifts.append(Shift(exchange.one, exchange.other, missing_hz))
    return replace(cluster, shifts=tuple(shifts))


def _set_right(
    cluster: Cluster, qubits: Sequence[QubitPoint]
) -> tuple[Cluster, NDArray[np.float64], NDArray[np.float64]]:
    """Return the cluster whose dressed ladders are those of its qubits, and its dressed levels."""
    basis = basis_of(cluster)
    ladders = [
        [basis.index(*(n if k == m else 0 for k in range(len(qubits)))) for n in range(one.count)]
        for m, one in enumerate(cluster.elements)
    ]
    # Levels in which several are excited may be shared: 11 beside 20, with the coupler in 2.
    alone = np.concatenate(ladders)
    exchange_hz = exchanging_hz(cluster)
    energies, vectors = _dressed(cluster, exchange_hz)
    for _ in range(ROUNDS):
        if np.min(vectors[alone, alone] ** 2) < OWN:
            break
        off_hz = [
            qubit.levels_hz[: len(ladder)] - (energies[ladder] - energies[0])
            for qubit, ladder in zip(qubits, ladders, strict=True)
        ]
        if max(np.abs(one).max() for one in off_hz) < RIGHT_HZ:
            break
        elements = tuple(
            replace(element, levels_hz=element.levels_hz + off)
            for element, off in zip(cluster.elements, off_hz, strict=True)
        )
        cluster = replace(cluster, elements=elements)
        energies, vectors = _dressed(cluster, exchange_hz)
    return cluster, energies, vectors


def dressed_levels(cluster: Cluster) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return energies (D,), Hz, and vectors (D, D) of a cluster, by the names of product states."""
    return _dressed(cluster, exchanging_hz(cluster))


def exchanging_hz(cluster: Cluster) -> NDArray[np.float64]:
    """Return what exchanges add to the Hamiltonian, (D, D), Hz: the same for all bare levels."""
    basis = basis_of(cluster)
    matrix = np.zeros((basis.size, basis.size))
    found = operators(cluster, basis)
    strength_hz = np.array([one.strength_hz for one in cluster.exchanges])
    upper, lower, number = found.hops.T
    np.add.at(matrix, (upper, lower), strength_hz[number] * found.hop_size)
    return matrix + matrix.T


def _dressed(
    cluster: Cluster, exchange_hz: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    basis = basis_of(cluster)
    bare_hz = shifted_hz(cluster, basis)
    for e, element in enumerate(cluster.elements):
        bare_hz = bare_hz + element.levels_hz[basis.level[:, e]]
    matrix = exchange_hz + np.diag(bare_hz)
    energies, vectors = bare_hz, np.eye(basis.size)
    edges = basis.block.tolist()
    for low, high in pairwise(edges):
        if high - low > 1:
            own, among = np.linalg.eigh(matrix[low:high, low:high])
            energies[low:high], vectors[low:high, low:high] = _by_name(own, among)
    return energies, vectors


def _by_name(
    energies: NDArray[np.float64], vectors: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return energies (n,) and vectors (n, n) in the order of the states that weigh most in them.

    So much of each, in sum, as can be. States are positive in their own vectors.
    """
    share = vectors**2
    columns = np.argmax(share, axis=1)
    rows = np.arange(columns.size)
    if share[rows, columns].min() <= 0.5:  # else no other order has as much
        from scipy.optimize import linear_sum_assignment  # heavy: see .relaxation

        columns = linear_sum_assignment(-share)[1]
    signs = np.sign(vectors[rows, columns])
    return energies[columns], vectors[:, columns] * np.where(signs == 0, 1.0, signs)

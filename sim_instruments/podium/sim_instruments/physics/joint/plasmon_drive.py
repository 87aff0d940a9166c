"""Drives near a plasmon or a coupler of coupled fluxoniums act on dressed levels of all of them.

An exchange of excitations knows nothing of plasmons that push each other's: the levels are those of
:mod:`..dressed_register`, corrected by what resonators do to each ladder. A drive turns those pairs
of levels that one excitation more or less parts and whose transition is within :data:`NEAR_HZ` of
its carrier, in the rotating-wave approximation; all others shift levels, to second order (Cohen-
Tannoudji, Dupont-Roc, Grynberg, Atom-Photon Interactions, complement B_I). Levels turn with the
frame's frequency for each fluxonium that is excited and with the drive's carrier for each of its
levels above 1 and each of a coupler's above 0, so that a single carrier is held in that frame;
others turn in it. A drive of a fluxonium reaches a coupler beside it through what both share.

What is left out of a far pair's population is the square of half the drive over its detuning: 3e-4
at 20 MHz of full Rabi oscillations and :data:`NEAR_HZ`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.deduplicate import distinct_rows
from podium.sim_instruments.physics.drive_line import Shape
from podium.sim_instruments.physics.episodes import NotSimulated
from podium.sim_instruments.physics.joint.cluster_point import ClusterPoint
from podium.sim_instruments.physics.joint.density_evolution import LARGEST
from podium.sim_instruments.physics.joint.elements import Cluster
from podium.sim_instruments.physics.joint.gate_maps import decoherence_of
from podium.sim_instruments.physics.joint.gate_reference import Reference, Shift
from podium.sim_instruments.physics.joint.group_maps import GroupChain, GroupPropagator
from podium.sim_instruments.physics.operating_point import QubitPoint

Complexes = NDArray[np.complex128]
NEAR_HZ = 0.6e9
"""Transitions so near to a carrier are turned by it."""
FAR_SHARE = 0.1
"""Of the detuning of any other transition: a drive as strong is refused ..."""
FAINT_TURN = 0.03
"""... that turns it by more than this, rad, if it is met: what forbids a transition is weak beside
a sweet spot, and what such a one moves, 1e-3 at most, is left out. ASSUMED."""
FILLED = 2
"""Levels that a member comes to: what drives and heat leave in those above is below 1e-3, so that a
line from there turns nothing, wherever a carrier is. ASSUMED."""
FAINT = 1e-6
"""Elements of a drive that are smaller, over its 0-1 element, are none."""
MOST_BEAT_HZ = 1e9
"""Two tones on one qubit at one time that lie farther apart are refused: one is its plasmon's."""
PARTS = 16
"""Of half a nanosecond, while a drive turns in the frame."""
LOSSES_NS = 4
"""Losses come twice in so many nanoseconds: populations are good to 1e-4 of what is lost."""
STILL_TURNS = 1e-5
"""A drive that turns less in a group is held."""


def is_plasmon(qubit: QubitPoint, carrier_hz: float) -> bool:
    """Tell whether a carrier is nearer to the plasmon of a fluxonium than to its 0-1 line.

    The transition of a coupler that is driven through it lies there, too.
    """
    return qubit.drive_elements is not None and qubit.drives_to_2(carrier_hz)


def check_plasmon(point: ClusterPoint, member: int, shape: Shape) -> bool:
    """Tell whether a shape drives the plasmon of a member; raises NotSimulated where it may not."""
    qubit = point.qubits[member]
    if qubit.drive_elements is None:
        return False
    if shape.step_ns < 1e9 / (256 * MOST_BEAT_HZ):
        raise NotSimulated(
            f"two tones more than {MOST_BEAT_HZ / 1e9:.0f} GHz apart are played to {qubit.name} at "
            "one time: a drive of its plasmon beside one of 0-1 is not simulated; play one behind "
            "the other"
        )
    if not is_plasmon(qubit, shape.carrier_hz):
        return False
    others = [
        one.name
        for one in point.qubits
        if one.drive_elements is None and one.name not in point.chip.couplers
    ]
    if others:
        raise NotSimulated(
            f"{qubit.name} is driven at {shape.carrier_hz / 1e9:.3f} GHz, near its plasmon, while "
            f"it shares a state with {', '.join(others)}, which is no fluxonium: a drive of a "
            "plasmon is simulated among fluxoniums, and couplers between them"
        )
    if point.basis.size > LARGEST:
        names = ", ".join(one.name for one in point.qubits)
        raise NotSimulated(
            f"{qubit.name} is driven at {shape.carrier_hz / 1e9:.3f} GHz, near its plasmon, in a "
            f"joint state of {names}: that is not simulated with more than {LARGEST} levels"
        )
    return True


@dataclass(frozen=True, slots=True, eq=False)
class HeldDrive:
    """One tone drives one member during a group."""

    member: int
    carrier_hz: float
    values: Complexes
    """Shape (ns,): at the source, square roots of watts, with the phase at the group's start."""


@dataclass(frozen=True, slots=True, eq=False)
class DrivenGroup:
    """A group in which a plasmon is driven."""

    duration_ns: int
    drives: tuple[HeldDrive, ...]
    moved_hz: NDArray[np.float64]
    """Shape (ns, D): by how much what is left on flux lines moves the dressed levels."""


class PlasmonLevels:
    """The dressed levels of a cluster of fluxoniums at its biases, and its drives between them."""

    def __init__(self, point: ClusterPoint) -> None:
        basis, qubits = point.basis, point.qubits
        names = [qubit.name for qubit in qubits]
        register = point.chip.dressed_drives(names, point.biases_v, basis.level)
        energy = register.energy_hz.copy()
        for m, qubit in enumerate(qubits):
            own = np.array(
                [
                    basis.index(*(n if k == m else 0 for k in range(len(qubits))))
                    for n in range(point.cluster.elements[m].count)
                ]
            )
            off_hz = qubit.levels_hz[: own.size] - energy[own]
            energy[: basis.size] += off_hz[basis.level[:, m]]
        self.point = point
        self.energy_hz = energy
        """Shape (N,): the first D by their names."""
        self.elements = register.elements
        couplers = np.array([one.name in point.chip.couplers for one in qubits])
        slow = basis.level[:, ~couplers]
        self._excited = np.sum(slow > 0, axis=1)
        self._above = np.sum(np.maximum(slow - 1, 0), axis=1)
        self._above += np.sum(basis.level[:, couplers], axis=1)

    def turning_hz(self, plasmon_hz: float) -> NDArray[np.float64]:
        """Return the frequency of the frame of each level, (D,)."""
        return np.asarray(self._excited * self.point.frame_hz + self._above * plasmon_hz)

    def halves_hz(self, member: int, carrier_hz: float) -> tuple[Complexes, NDArray[np.float64]]:
        """Return what a drive does for one square root of a watt.

        First, (D, D): the lower triangle by energy of ``H/h = conj(v) h + its adjoint``, of near
        transitions. Second, (D,): by how much all others shift levels, Hz for ``abs(v)**2``.
        """
        point, size = self.point, self.point.basis.size
        rabi = point.qubits[member].rabi_hz_per_sqrt_w
        elements = self.elements[member][:size]
        half = np.where(np.abs(elements) < FAINT, 0.0, 0.5 * rabi * elements)
        apart = self.energy_hz[:size, None] - self.energy_hz[None, :]
        number = point.basis.number
        near = np.zeros(apart.shape, np.bool_)
        near[:, :size] = (number[:, None] - number[None, :] == 1) & (
            np.abs(apart[:, :size] - carrier_hz) < NEAR_HZ
        )
        back = np.zeros_like(near)
        back[:, :size] = near[:, :size].T
        power = np.abs(half) ** 2
        against = np.where(near, np.inf, apart - carrier_hz)
        against_back = np.where(back, np.inf, apart + carrier_hz)
        with np.errstate(divide="ignore", invalid="ignore"):
            shifts = np.where(power > 0, power / against + power / against_back, 0.0)
        return np.where(near, half, 0.0)[:, :size], np.asarray(shifts.sum(axis=1))

    def refuse_strong(self, drive: HeldDrive) -> None:
        """Raise NotSimulated for a drive that would turn more than its near transitions."""
        size = self.point.basis.size
        qubit = self.point.qubits[drive.member]
        most = float(np.abs(drive.values).max(initial=0.0))
        half = 0.5 * qubit.rabi_hz_per_sqrt_w * most * np.abs(self.elements[drive.member])[:size]
        number = self.point.basis.number
        apart = self.energy_hz[:size, None] - self.energy_hz[None, :]
        far = np.abs(apart - drive.carrier_hz)
        near = (number[:, None] - number[None, :] == 1) & (far[:, :size] < NEAR_HZ)
        far[:, :size][near] = np.inf
        far[np.any(self.point.basis.level > FILLED, axis=1)] = np.inf
        turned = 2e-9 * np.pi * half * float(np.sum(np.abs(drive.values))) / max(most, 1e-300)
        ratio = float(np.max(np.where(turned > FAINT_TURN, half / np.maximum(far, 1.0), 0.0)))
        if ratio > FAR_SHARE:
            raise NotSimulated(
                f"{qubit.name} is driven at {drive.carrier_hz / 1e9:.3f} GHz so strongly that a "
                f"transition it is not meant for would be turned too (half of its Rabi frequency "
                f"is {ratio:.0%} of the detuning): that is not simulated; drive it more weakly, or "
                "nearer to its plasmon"
            )


@dataclass(frozen=True, slots=True, eq=False)
class _Played:
    """One drive of a group, ready to be put into a Hamiltonian."""

    values: Complexes
    upper: Complexes
    turns_hz: NDArray[np.float64]
    """Shape (D, D): by how much its near elements turn in the frame."""
    shift: NDArray[np.float64]


def plasmon_propagator(
    levels: PlasmonLevels, cluster: Cluster, group: DrivenGroup, node_hz: NDArray[np.float64]
) -> GroupChain:
    """Return what a group does to dressed states in the frame of :meth:`PlasmonLevels.turning_hz`.

    ``node_hz`` (M,): the slow noise of each member.
    """
    unitaries, which = _by_halves(group, *_prepared(levels, group, node_hz))
    pairs = group.duration_ns // LOSSES_NS
    links = []
    if pairs:
        links.append(_link(cluster, unitaries, which[: 2 * LOSSES_NS * pairs], LOSSES_NS))
    left = group.duration_ns - LOSSES_NS * pairs
    if left:
        links.append(_link(cluster, unitaries, which[2 * LOSSES_NS * pairs :], left))
    return GroupChain(tuple(links))


def plasmon_unitary(levels: PlasmonLevels, group: DrivenGroup) -> Complexes:
    """Return what a group does without losses and noise, (D, D), in the frame of its carrier."""
    unitaries, which = _by_halves(
        group, *_prepared(levels, group, np.zeros(len(levels.point.qubits)))
    )
    total = np.eye(unitaries.shape[1], dtype=np.complex128)
    bounds = np.flatnonzero(np.diff(which, prepend=-1, append=-1))
    for begin, end in pairwise(bounds.tolist()):
        total = np.linalg.matrix_power(unitaries[which[begin]], end - begin) @ total
    return total


def _prepared(
    levels: PlasmonLevels, group: DrivenGroup, node_hz: NDArray[np.float64]
) -> tuple[NDArray[np.float64], list[_Played]]:
    """Return the levels in the frame of a group, Hz, and its drives."""
    point = levels.point
    turning = levels.turning_hz(plasmon_carrier_hz(point, group.drives))
    rest = levels.energy_hz[: turning.size] - turning + point.basis.level @ node_hz
    played = []
    for one in group.drives:
        levels.refuse_strong(one)
        upper, shift = levels.halves_hz(one.member, one.carrier_hz)
        turns = turning[:, None] - turning[None, :] - one.carrier_hz
        turns[upper == 0.0] = 0.0
        turns[np.abs(turns) * 1e-9 * group.duration_ns < STILL_TURNS] = 0.0
        played.append(_Played(one.values, upper, turns, shift))
    return rest, played


def plasmon_carrier_hz(point: ClusterPoint, drives: Sequence[HeldDrive]) -> float:
    """Return the carrier of the first drive that is near a plasmon, Hz."""
    return next(
        one.carrier_hz for one in drives if is_plasmon(point.qubits[one.member], one.carrier_hz)
    )


def _by_halves(
    group: DrivenGroup, rest_hz: NDArray[np.float64], played: Sequence[_Played]
) -> tuple[Complexes, NDArray[np.int64]]:
    """Return unitaries (N, D, D), and which of them each half of a nanosecond has, (2 ns,)."""
    found: list[Complexes] = []
    known: dict[bytes, int] = {}
    which = np.zeros(2 * group.duration_ns, np.int64)
    every = np.column_stack([one.values[: group.duration_ns] for one in played])
    turning = np.array([np.any(one.turns_hz) for one in played])
    for s, values in enumerate(every):
        turns = np.any(turning & (values != 0))
        same = values.tobytes() + group.moved_hz[s].tobytes()
        for half in (2 * s, 2 * s + 1):
            key = same + b"%d" % half if turns else same
            if key not in known:
                known[key] = len(found)
                diagonal = rest_hz + group.moved_hz[s]
                found.append(_unitary(diagonal, played, values, 0.5 * half, PARTS if turns else 1))
            which[half] = known[key]
    return np.stack(found), which


def _unitary(
    diagonal_hz: NDArray[np.float64],
    played: Sequence[_Played],
    values: Complexes,
    begin_ns: float,
    parts: int,
) -> Complexes:
    """Return what half a nanosecond does, (D, D)."""
    step_ns = 0.5 / parts
    total = np.eye(diagonal_hz.size, dtype=np.complex128)
    middle = begin_ns + step_ns * (np.arange(parts) + 0.5)
    matrix = np.zeros((parts, diagonal_hz.size, diagonal_hz.size), np.complex128)
    for one, value in zip(played, values.tolist(), strict=True):
        if not value:
            continue
        angle = 2e-9 * np.pi * middle[:, None, None] * one.turns_hz
        mean = np.sinc(1e-9 * step_ns * one.turns_hz)
        matrix += np.conj(value) * one.upper * mean * np.exp(1j * angle)
        matrix += 0.5 * abs(value) ** 2 * np.diag(one.shift)
    matrix += np.conj(np.swapaxes(matrix, -1, -2)) + np.diag(diagonal_hz)
    energies, vectors = np.linalg.eigh(matrix)
    turned = np.exp(-2e-9j * np.pi * step_ns * energies)
    for one_vectors, one_turned in zip(vectors, turned, strict=True):
        total = (one_vectors * one_turned) @ one_vectors.conj().T @ total
    return np.asarray(total)


def _link(
    cluster: Cluster, unitaries: Complexes, which: NDArray[np.int64], pair_ns: int
) -> GroupPropagator:
    """Return halves of a nanosecond as parts, each half of ``pair_ns``."""
    pairs = which.reshape(-1, pair_ns)
    first, together = distinct_rows(pairs.T)
    rows = pairs[first]
    product = unitaries[rows[:, 0]]
    for k in range(1, pair_ns):
        product = unitaries[rows[:, k]] @ product
    number = np.asarray(together.reshape(-1), np.int64)
    driven = np.ones(len(product), np.bool_)
    whole = np.ascontiguousarray(product)
    return GroupPropagator(cluster, whole, driven, number, 2, float(pair_ns), ())


def back_of(levels: PlasmonLevels, group: DrivenGroup) -> Complexes:
    """Return the turns (D, D) from the frame of a group to that of the cluster."""
    point = levels.point
    turning = levels.turning_hz(plasmon_carrier_hz(point, group.drives))
    apart = point.frame_hz * point.basis.number - turning
    turns = 1e-9 * group.duration_ns * (apart[:, None] - apart[None, :])
    return np.asarray(np.exp(2j * np.pi * (turns % 1.0)))


@dataclass(frozen=True, slots=True, eq=False)
class PlasmonGroup:
    """A group in which a plasmon is driven, at a reference: see :mod:`.gate_maps`."""

    reference: Reference
    group: DrivenGroup

    def noise(self) -> NDArray[np.float64]:
        """Return what decoherence adds at the reference: see :func:`.gate_maps.decoherence_of`."""
        point = self.reference.point
        still = np.zeros(len(point.qubits))
        played = _by_halves(self.group, *_prepared(PlasmonLevels(point), self.group, still))
        prop = _link(point.cluster, *played, 1)
        return decoherence_of(point, np.eye(point.basis.size), prop, self.reference.kept)

    def unitary(self, shift: Shift) -> Complexes:
        """Return what it does to dressed levels, (D, D), in the frame of the reference.

        Half of the turn by which the levels are higher there is taken off each end.
        """
        point, rest = self.reference.near(shift), self.reference.point
        levels = PlasmonLevels(point)
        turning = levels.turning_hz(plasmon_carrier_hz(point, self.group.drives))
        lasts = 1e-9 * self.group.duration_ns
        back = np.exp(2j * np.pi * ((rest.frame_hz * point.basis.number - turning) * lasts % 1.0))
        half = np.exp(1j * np.pi * ((point.energies_hz - rest.energies_hz) * lasts % 2.0))
        whole = back[:, None] * plasmon_unitary(levels, self.group)
        return np.asarray(half[:, None] * whole * half)

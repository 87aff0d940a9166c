"""Plays groups of pulses, and waits, to the trajectories of a cluster, in dressed levels.

A group is parts of some ns; between them trajectories stay or jump. There are three ways:

- Flux alone: unitaries in blocks of the excitation number, by eigenvectors of what is held.
- Drives alone, and flux below :data:`.cluster_signals.STILL_HZ`: a drive turns its member and those
  that it is coupled to, in dressed levels, as if all others were in 0; shifts by the others' levels
  act in halves before and after each part. Where a drive reaches further by an amplitude of
  :data:`HANDED`, or two drives share a neighbour, the group goes the third way.
- All else: exponentials of the whole Hamiltonian, applied to each state, 0.1 ms a ns.
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.deduplicate import distinct_rows
from podium.sim_instruments.physics.joint.cluster_point import ClusterPoint
from podium.sim_instruments.physics.joint.cluster_signals import Group, GroupSteps
from podium.sim_instruments.physics.joint.density_evolution import Operators, in_frame, operators
from podium.sim_instruments.physics.joint.jump_trajectories import Ensemble
from podium.sim_instruments.physics.joint.product_basis import ProductBasis
from podium.sim_instruments.physics.joint.trajectory_kernels import (
    fill_turn,
    play_rows,
)

Complexes = NDArray[np.complex128]
Numbers = NDArray[np.float64]
PART_NS = 17
"""Jumps are between parts of a pulse that are no longer, by the trapezoidal rule."""
HANDED = 1e-4
"""Amplitude beyond a driven member's neighbours, and so of an error, that is let pass."""
HELD_KEPT = 64
"""Eigenvectors of so many held Hamiltonians are kept."""
KEPT_BYTES = 96_000_000
"""Memory of the groups that are kept."""


class Part(Protocol):
    """Part of a group."""

    def play(self, states: Complexes) -> None:
        """Take states (T, D) through it."""
        ...

    @property
    def size_bytes(self) -> int:
        """Return how much memory it takes."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class FluxPart:
    """Blocks of a unitary, transposed, with the first state of each."""

    blocks: Sequence[tuple[int, Complexes]]

    def play(self, states: Complexes) -> None:
        """Take states (T, D) through it."""
        for low, block in self.blocks:
            states[:, low : low + len(block)] = states[:, low : low + len(block)] @ block

    @property
    def size_bytes(self) -> int:
        """Return how much memory it takes."""
        return sum(block.nbytes for _, block in self.blocks)


@dataclass(frozen=True, slots=True, eq=False)
class DrivenPart:
    """Turns of driven members and their neighbours, between those of the dressed levels."""

    before: Complexes
    behind: Complexes
    """Factors (D,)."""
    turns: Sequence[tuple[NDArray[np.int64], Complexes]]
    """States (S, N) of some members, by the others' levels, and what becomes of them, (N, N)."""

    def play(self, states: Complexes) -> None:
        """Take states (T, D) through it."""
        states *= self.before
        for place, turn in self.turns:
            states[:, place] = states[:, place] @ turn
        states *= self.behind

    @property
    def size_bytes(self) -> int:
        """Return how much memory it takes."""
        return self.before.nbytes + self.behind.nbytes + sum(t.nbytes for _, t in self.turns)


@dataclass(frozen=True, slots=True, eq=False)
class Driven:
    """A member that is driven in a group, with its neighbours; N states of them."""

    place: NDArray[np.int64]
    """Shape (S, N): by the levels of all others, first with all of these in 0."""
    lift: Numbers
    """Shape (N, N): what the drive raises."""
    detuned_hz: Numbers
    """Shape (N,): energies in the frame of the carrier."""
    drive_hz: Complexes
    """Shape (steps,)."""

    def turn(self, steps: slice, step_ns: float) -> tuple[NDArray[np.int64], Complexes]:
        """Return its states, and what becomes of them in some of the steps."""
        found = np.eye(len(self.lift), dtype=np.complex128)
        there = np.tril(np.maximum(np.abs(self.lift), np.abs(self.lift.T)) > 1e-9, -1)
        upper = np.ascontiguousarray(np.argwhere(there))
        one, other = upper.T
        turn = 2e-9 * np.pi
        fill_turn(
            turn * self.detuned_hz,
            upper,
            self.lift[one, other],
            self.lift[other, one],
            turn * self.drive_hz[steps],
            step_ns,
            found,
        )
        return self.place, found


@dataclass(frozen=True, slots=True, eq=False)
class HeldPart:
    """Rows in which everything is held, between bases: dressed, bare, and dressed again."""

    rows: tuple[Numbers, Numbers, Complexes]
    operators: Operators
    row_ns: float
    vectors: Numbers
    before: Complexes
    behind: Complexes
    """Shape (D,): from the frame of the cluster to that of the rows, and back."""

    def play(self, states: Complexes) -> None:
        """Take states (T, D) through it."""
        bare = np.ascontiguousarray(states @ self.vectors.T * self.before)
        play_rows(bare, *self.rows, *self.operators, self.row_ns)
        states[:] = (bare * self.behind) @ self.vectors

    @property
    def size_bytes(self) -> int:
        """Return how much memory it takes."""
        return sum(one.nbytes for one in self.rows)


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """A group in parts, each with how long it lasts."""

    parts: Sequence[tuple[float, Part]]
    size_bytes: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "size_bytes", sum(part.size_bytes for _, part in self.parts))

    def play(self, ensemble: Ensemble) -> None:
        """Take an ensemble through it."""
        before = 0.0
        for span_ns, part in self.parts:
            ensemble.decohere(0.5 * (before + span_ns))
            ensemble.drift(0.5 * span_ns)
            part.play(ensemble.states)
            ensemble.drift(0.5 * span_ns)
            before = span_ns
        ensemble.decohere(0.5 * before)


class TrajectoryGroups:
    """Groups of one cluster in a run; what repeats is worked out once."""

    def __init__(self, point: ClusterPoint, group_steps: GroupSteps) -> None:
        self._point = point
        self._group_steps = group_steps
        self._basis: ProductBasis = point.basis
        self._operators = operators(point.cluster, point.basis)
        self._energies_hz = point.energies_hz - point.frame_hz * point.basis.number
        self._coupled = np.eye(len(point.qubits), dtype=np.bool_)
        """Shape (M, M): which members a drive of each may reach."""
        for one in point.cluster.exchanges:
            self._coupled[[one.one, one.other], [one.other, one.one]] = True
        self._lifts: dict[int, Numbers] = {}
        self._held: OrderedDict[bytes, list[tuple[Numbers, Numbers]]] = OrderedDict()
        self._known: OrderedDict[Group, Prepared] = OrderedDict()
        self._bytes = 0

    def prepared(self, group: Group) -> Prepared:
        """Return a group as parts."""
        found = self._known.get(group)
        if found is not None:
            self._known.move_to_end(group)
            return found
        if all(one.is_flux for one in group.played):
            parts = self._by_blocks(group)
        else:
            parts = self._by_members(group) or self._by_rows(group)
        found = self._known[group] = Prepared(parts)
        self._bytes += found.size_bytes
        while self._bytes > KEPT_BYTES and len(self._known) > 1:
            self._bytes -= self._known.popitem(last=False)[1].size_bytes
        return found

    def _by_blocks(self, group: Group) -> list[tuple[float, Part]]:
        """Return flux alone: one diagonalisation of each block for all ns that are alike."""
        rows, _, frame_hz = self._group_steps.steps(group)
        held = [one[0] for one in in_frame(self._point.cluster, self._basis, rows, frame_hz)[:2]]
        count = group.duration_ns
        same = np.all([np.all(one[1:] == one[:-1], axis=1) for one in held], axis=0)
        starts = np.flatnonzero(np.append(True, ~same))
        parts: list[tuple[float, Part]] = []
        for low, high in cuts(count, PART_NS):
            blocks = None
            edges = [low, *starts[(starts > low) & (starts < high)].tolist(), high]
            for begin, end in pairwise(edges):
                row = int(starts[np.searchsorted(starts, begin, side="right") - 1])
                own = self._unitary(held[0][row], held[1][row], end - begin)
                if blocks is not None:
                    own = [one @ before for one, before in zip(own, blocks, strict=True)]
                blocks = own
            assert blocks is not None
            part = self._dressed(blocks, first=low == 0, last=high == count)
            parts.append((float(high - low), part))
        return parts

    def _unitary(self, diagonal: Numbers, exchange: Numbers, span_ns: float) -> list[Complexes]:
        content = diagonal.tobytes() + exchange.tobytes()
        if content not in self._held:
            matrix = np.diag(diagonal)
            found = self._operators
            value = exchange[found.hops[:, 2]] * found.hop_size
            matrix[found.hops[:, 0], found.hops[:, 1]] += value
            matrix[found.hops[:, 1], found.hops[:, 0]] += value
            edges = pairwise(self._basis.block.tolist())
            self._held[content] = [np.linalg.eigh(matrix[a:b, a:b]) for a, b in edges]
            if len(self._held) > HELD_KEPT:
                self._held.popitem(last=False)
        return [
            (among * np.exp(-1j * span_ns * own)) @ among.T for own, among in self._held[content]
        ]

    def _dressed(self, blocks: Sequence[Complexes], *, first: bool, last: bool) -> FluxPart:
        """Return a part from dressed levels to dressed levels at a group's ends, bare inside."""
        found, vectors = [], self._point.vectors
        for (low, high), block in zip(pairwise(self._basis.block.tolist()), blocks, strict=True):
            own = vectors[low:high, low:high]
            whole = block @ own if first else block
            whole = own.T @ whole if last else whole
            found.append((low, np.ascontiguousarray(whole.T)))
        return FluxPart(found)

    def _by_members(self, group: Group) -> list[tuple[float, Part]] | None:
        """Return drives of members, with faint flux; None where that does not reach."""
        flux = Group(group.duration_ns, tuple(one for one in group.played if one.is_flux))
        turned = self._group_steps.still_turns(flux)
        found = self._group_steps.member_drives(group)
        if turned is None or found is None:
            return None
        step_ns, drives = found
        rest_hz = self._energies_hz + turned / (1e-9 * group.duration_ns)
        still_hz, back_hz = rest_hz.copy(), np.zeros(rest_hz.size)
        driven: list[Driven] = []
        near = np.zeros(len(self._point.qubits), np.bool_)
        for member, (carrier_hz, drive_hz) in drives.items():
            most_hz = float(np.abs(drive_hz).max(initial=0.0))
            away_hz = carrier_hz - self._point.frame_hz
            own = self._coupled[member]
            if np.any(near & own) or self._handed(member, away_hz, most_hz) > HANDED:
                return None
            near |= own
            place = self._places(own)
            lift = self._lift(member)[np.ix_(place[0], place[0])]
            turning = away_hz * self._basis.level[:, own].sum(axis=1)[place[0]]
            detuned_hz = still_hz[place[0]] - still_hz[place[0, 0]] - turning
            rest_hz[place] -= detuned_hz + turning
            back_hz[place] += turning
            driven.append(Driven(place, lift, detuned_hz, drive_hz))
        return driven_parts(group, step_ns, driven, rest_hz, back_hz)

    def _places(self, own: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Return the states (S, N) of some members, by the levels of the others."""
        level = self._basis.level
        _, number = distinct_rows(np.where(own, 0, level).T)
        _, inner = distinct_rows(np.where(own, level, 0).T)
        order = np.lexsort((inner, number))
        count = int(np.unique(inner).size)
        return order.reshape(-1, count)

    def _lift(self, member: int) -> Numbers:
        """Return what raises a member, (D, D), between dressed levels."""
        if member not in self._lifts:
            bare = np.zeros((self._basis.size,) * 2)
            own = self._operators.lifts[:, 2] == member
            upper, lower, _ = self._operators.lifts[own].T
            bare[upper, lower] = self._operators.lift_size[own]
            self._lifts[member] = self._point.vectors.T @ bare @ self._point.vectors
        return self._lifts[member]

    def _handed(self, member: int, away_hz: float, drive_hz: float) -> float:
        """Return the amplitude to which a drive excites what is not coupled to its member."""
        level = self._basis.level
        among = np.flatnonzero(level.max(axis=1) <= 1)
        lift = np.abs(self._lift(member)[np.ix_(among, among)])
        others = level[among][:, ~self._coupled[member]]
        within = np.all(others[:, None] == others[None], axis=2)
        apart = self._energies_hz[among]
        detuned = np.abs(apart[:, None] - apart[None, :] - away_hz)
        amplitude = np.where(within, 0.0, drive_hz * lift / np.maximum(detuned, 1.0))
        return float(amplitude.max())

    def _by_rows(self, group: Group) -> list[tuple[float, Part]]:
        """Return whatever it is as rows in which everything is held."""
        rows, _, frame_hz = self._group_steps.steps(group)
        held = [one[0] for one in in_frame(self._point.cluster, self._basis, rows, frame_hz)]
        row_ns, number = rows.step_ns, self._basis.number
        parts: list[tuple[float, Part]] = []
        for low, high in cuts(len(held[0]), PART_NS / row_ns):
            away = 1e-9 * (self._point.frame_hz - frame_hz) * row_ns
            before, behind = (
                np.exp(2j * np.pi * ((away * at * number) % 1.0)) for at in (low, high)
            )
            own = tuple(np.ascontiguousarray(one[low:high]) for one in held)
            part = HeldPart(
                (own[0], own[1], own[2]),
                self._operators,
                row_ns,
                self._point.vectors,
                np.conj(before),
                behind,
            )
            parts.append((row_ns * (high - low), part))
        return parts


def cuts(count: int, most: float) -> list[tuple[int, int]]:
    """Return so many steps in parts of nearly equal length, ``most`` steps at most, or one."""
    parts = max(1, int(np.ceil(count / most)))
    edges = np.rint(np.linspace(0, count, min(parts, count) + 1)).astype(int)
    return list(pairwise(edges.tolist()))


def driven_parts(
    group: Group, step_ns: float, driven: Sequence[Driven], rest_hz: Numbers, back_hz: Numbers
) -> list[tuple[float, Part]]:
    """Return drives in parts; ``rest_hz`` (D,): energies that are in none of them.

    ``back_hz`` (D,): what turns the frames of the drives back to that of the cluster.
    """
    count = round(group.duration_ns / step_ns)
    parts: list[tuple[float, Part]] = []
    for low, high in cuts(count, PART_NS / step_ns):
        span_ns = (high - low) * step_ns
        half = np.exp(-2j * np.pi * ((0.5e-9 * span_ns * rest_hz) % 1.0))
        behind = half
        if high == count:
            behind = half * np.exp(-2j * np.pi * ((1e-9 * group.duration_ns * back_hz) % 1.0))
        turns = [one.turn(slice(low, high), step_ns) for one in driven]
        parts.append((span_ns, DrivenPart(half, behind, turns)))
    return parts

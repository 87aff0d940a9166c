"""Plays groups of pulses, and waits, to the trajectories of a cluster, in dressed levels.

A group is parts of some ns; between them trajectories stay or jump. There are three ways:

- Flux alone: unitaries in blocks of the excitation number, by eigenvectors of what is held.
- Drives alone, and flux below :data:`.cluster_signals.STILL_HZ`: with everything but the drive
  diagonal, a drive turns its member's levels, by other angles and detunings for other levels of its
  neighbours. Exact for one driven member, but for what its drive does to the others' excitations:
  where that comes to an amplitude of :data:`HANDED`, the group goes the third way. Drives of
  several members alternate, in slices of :data:`SLICE_NS`, with the energies by which they shift
  each other.
- All else: exponentials of the whole Hamiltonian, applied to each state, 0.1 ms a ns.
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.joint.cluster_point import ClusterPoint
from podium.sim_instruments.physics.joint.cluster_signals import Group, GroupSteps
from podium.sim_instruments.physics.joint.density_evolution import Operators, in_frame, operators
from podium.sim_instruments.physics.joint.jump_trajectories import Ensemble
from podium.sim_instruments.physics.joint.product_basis import ProductBasis
from podium.sim_instruments.physics.joint.trajectory_kernels import (
    fill_turns,
    play_rows,
    turn_member,
)

Complexes = NDArray[np.complex128]
Numbers = NDArray[np.float64]
PART_NS = 12
"""Jumps are between parts of a pulse that are no longer, by the trapezoidal rule."""
SLICE_NS = 2.5
"""Of drives of several members: Strang's splitting with a shift of 0.3 MHz errs by 1e-5 of an
amplitude a slice."""
HANDED = 5e-3
"""Amplitude of a neighbour's excitation by a drive, and so of an error, that is let pass."""
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
    """Turns of driven members between those of the dressed levels."""

    still: Sequence[Complexes]
    """Factors (D,) before each slice's turns, and one behind the last."""
    turns: Sequence[Sequence[tuple[NDArray[np.int64], Complexes]]]
    """Of each slice: the states of a member by its neighbours' levels, and what becomes of them."""

    def play(self, states: Complexes) -> None:
        """Take states (T, D) through it."""
        for factor, each in zip(self.still[:-1], self.turns, strict=True):
            states *= factor
            for place, turns in each:
                turn_member(states, place, turns)
        states *= self.still[-1]

    @property
    def size_bytes(self) -> int:
        """Return how much memory it takes."""
        return sum(one.nbytes for one in self.still) + sum(
            turns.nbytes for each in self.turns for _, turns in each
        )


@dataclass(frozen=True, slots=True, eq=False)
class Driven:
    """A member that is driven in a group; S sets of its neighbours' levels."""

    place: NDArray[np.int64]
    """Shape (S, L): its states."""
    lift: Numbers
    """Shape (S, L - 1)."""
    detuned_hz: Numbers
    """Shape (S, L): of its levels from the carrier."""
    drive_hz: Complexes
    """Shape (steps,)."""

    def turns(self, steps: slice, step_ns: float) -> tuple[NDArray[np.int64], Complexes]:
        """Return its states, and what becomes of them (S, L, L), in some of the steps."""
        found = np.zeros((*self.place.shape, self.place.shape[1]), np.complex128)
        turn = 2e-9 * np.pi
        fill_turns(turn * self.detuned_hz, self.lift, turn * self.drive_hz[steps], step_ns, found)
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
        self._lifts: dict[int, Numbers] = {}
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
        matrix = np.diag(diagonal)
        found = self._operators
        value = exchange[found.hops[:, 2]] * found.hop_size
        matrix[found.hops[:, 0], found.hops[:, 1]] += value
        matrix[found.hops[:, 1], found.hops[:, 0]] += value
        blocks = []
        for low, high in pairwise(self._basis.block.tolist()):
            own, among = np.linalg.eigh(matrix[low:high, low:high])
            blocks.append((among * np.exp(-1j * span_ns * own)) @ among.T)
        return blocks

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
        driven = []
        for member, (carrier_hz, drive_hz) in drives.items():
            most_hz = float(np.abs(drive_hz).max(initial=0.0))
            away_hz = carrier_hz - self._point.frame_hz
            if self._handed(member, away_hz, most_hz) > HANDED:
                return None
            place, lift = self._elements(member)
            turning = np.arange(place.shape[1]) * away_hz
            detuned = still_hz[place] - still_hz[place[:, :1]] - turning
            if len(drives) > 1:
                detuned = np.broadcast_to(detuned[0], detuned.shape)
            rest_hz[place] -= detuned + turning
            back_hz[place] += turning
            driven.append(Driven(place, lift, detuned, drive_hz))
        return driven_parts(group, step_ns, driven, rest_hz, back_hz)

    def _elements(self, member: int) -> tuple[NDArray[np.int64], Numbers]:
        """Return a member's states and the elements of its drive, by its neighbours' levels."""
        level = self._basis.level
        count = self._point.cluster.elements[member].count
        place = self._basis.with_level[member, :count][:, level[:, member] == 0].T
        lift = self._lift(member)
        return np.ascontiguousarray(place), lift[place[:, 1:], place[:, :-1]]

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
        """Return the amplitude to which a member's drive excites others, all in 0 or 1."""
        level = self._basis.level
        among = np.flatnonzero(level.max(axis=1) <= 1)
        lift = np.abs(self._lift(member)[np.ix_(among, among)])
        own = np.eye(level.shape[1], dtype=np.int64)[member]
        raised = np.all(level[among][:, None] == level[among][None] + own, axis=2)
        apart = self._energies_hz[among]
        detuned = np.abs(apart[:, None] - apart[None, :] - away_hz)
        amplitude = np.where(raised, 0.0, drive_hz * lift / np.maximum(detuned, 1.0))
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
    finest = PART_NS if len(driven) == 1 else SLICE_NS
    parts: list[tuple[float, Part]] = []
    for low, high in cuts(count, PART_NS / step_ns):
        halves, turns = [0.0], []
        for begin, end in cuts(high - low, finest / step_ns):
            span_ns = (end - begin) * step_ns
            halves[-1] += 0.5 * span_ns
            halves.append(0.5 * span_ns)
            turns.append([one.turns(slice(low + begin, low + end), step_ns) for one in driven])
        still = [np.exp(-2j * np.pi * ((1e-9 * half * rest_hz) % 1.0)) for half in halves]
        if high == count:
            still[-1] = still[-1] * np.exp(
                -2j * np.pi * ((1e-9 * group.duration_ns * back_hz) % 1.0)
            )
        parts.append(((high - low) * step_ns, DrivenPart(still, turns)))
    return parts

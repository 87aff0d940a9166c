"""Flux pulses of a meeting that bring an end of a link together with its neighbour on the chip.

Both are evolved by the engine of :mod:`..joint` while the pulse lasts, all else of a meeting as
ever: a gate is a channel of two atoms. Between gates their shift of each other (ZZ) goes on; it is
put to the gate, from the last drive of either before it to the first one behind it.
ASSUMED: what a line has left of a pulse and moves no level by 2 MHz turns nothing, and an exchange
that a gate has left over does not see the phase of one qubit's drives against the other's.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.drive_line import Drives, drives_of
from podium.sim_instruments.physics.episodes import NotSimulated
from podium.sim_instruments.physics.fast_flux import FluxLines, FluxShift, moving
from podium.sim_instruments.physics.joint.cluster_point import ClusterPoint, cluster_point
from podium.sim_instruments.physics.joint.density_evolution import Steps
from podium.sim_instruments.physics.joint.group_maps import propagator
from podium.sim_instruments.physics.joint.joint_run import MOVED_HZ, moved_hz
from podium.sim_instruments.physics.joint.matrix_units import by_units, hermitian_operators
from podium.sim_instruments.physics.meeting.atom_maps import LEVELS, SIZE
from podium.sim_instruments.physics.operating_point import FeedlinePoint
from podium.sim_instruments.physics.short_run import later_ns
from podium.sim_instruments.physics.signals import PulseTrain

NEAR_NS = 24
"""Stretches of a pulse that are so near each other, as both halves of one, are one gate."""
ALIKE = 2e-5
"""Flux quanta by which pulses differ that share a channel: lines with memory make few twice. On a
transmon that a quarter of a quantum moves by a gigahertz it turns 80 ns by 0.01 of a turn."""
LEFT_TURNS = 0.02
"""Turns of the 0-1 transition, for each gate, that may be left out of what a line has left."""
Matrix = NDArray[np.complex128]


@dataclass(frozen=True, slots=True, eq=False)
class GateRows:
    """Gates in which one qubit takes part, n rows by time, as of its feedline's connector."""

    start_ns: NDArray[np.int64]
    end_ns: NDArray[np.int64]
    shape: NDArray[np.int64]
    """Shape (n,): which pulse of its pair."""
    pair: NDArray[np.int64]
    """Shape (n,): number of the pair."""
    end: NDArray[np.int64]
    """Shape (n,): 0 of the one that is pulsed, 1 of the other."""


def no_gates() -> GateRows:
    """Return the rows of a qubit without a gate."""
    none = np.zeros(0, np.int64)
    return GateRows(none, none, none, none, none)


@dataclass(frozen=True, slots=True, eq=False)
class GatePair:
    """Two coupled qubits, the first of which flux pulses move: G gates by time."""

    point: ClusterPoint
    start_ns: NDArray[np.int64]
    end_ns: NDArray[np.int64]
    shape: NDArray[np.int64]
    quanta: Sequence[NDArray[np.float64]]
    """Of each shape: flux of the first, (ns,)."""
    channels: dict[int, Matrix]
    """Of shapes that have been worked out."""

    @property
    def names(self) -> tuple[str, str]:
        """Return the name of the one that is pulsed, and of the other."""
        one, other = self.point.qubits
        return one.name, other.name

    def rows(self, pair: int, end: int) -> GateRows:
        """Return the gates as those of one of its ends."""
        count = self.start_ns.size
        numbers = np.full(count, pair), np.full(count, end)
        return GateRows(self.start_ns, self.end_ns, self.shape, *numbers)

    def lasts_ns(self, shape: int) -> int:
        """Return how long a pulse lasts."""
        return int(self.quanta[shape].size)

    def channel(self, shape: int) -> Matrix:
        """Return what a pulse makes of both, (81, 81), in the laboratory's frame."""
        if shape not in self.channels:
            self.channels[shape] = _channel(self.point, self.quanta[shape])
        return self.channels[shape]

    def shifted(self, span_ns: float) -> Matrix:
        """Return by what factors (9, 9) the shift of each other turns both in a time."""
        basis, energy = self.point.basis, self.point.energies_hz
        shift = np.zeros((LEVELS, LEVELS))
        for one, other in product(range(LEVELS), repeat=2):
            at = [basis.index(*pair) for pair in ((one, other), (one, 0), (0, other), (0, 0))]
            shift[one, other] = energy[at[0]] - energy[at[1]] - energy[at[2]] + energy[at[3]]
        turn = np.exp(-2e-9j * np.pi * span_ns * shift)
        found = np.einsum("ab,cd->acbd", turn, turn.conj()).reshape(SIZE, SIZE)
        return np.asarray(found, np.complex128)


@dataclass(slots=True, eq=False)
class GateMemory:
    """Keeps what has been worked out of pairs, by the name of the one that is pulsed.

    Of one run: operating points are the same in all its parts.
    """

    points: dict[str, ClusterPoint] = field(default_factory=dict)
    quanta: dict[str, list[NDArray[np.float64]]] = field(default_factory=dict)
    channels: dict[str, dict[int, Matrix]] = field(default_factory=dict)


def joined_gates(gates: Sequence[GateRows]) -> GateRows:
    """Return the gates of one qubit with several neighbours, by time."""
    parts = [no_gates(), *gates]
    start, end, shape, pair, at = (
        np.concatenate([getattr(part, name) for part in parts]).astype(np.int64)
        for name in ("start_ns", "end_ns", "shape", "pair", "end")
    )
    order = np.argsort(start, kind="stable")
    return GateRows(start[order], end[order], shape[order], pair[order], at[order])


def gate_pairs(
    feedline: FeedlinePoint,
    lines: FluxLines | None,
    pulses: Sequence[PulseTrain],
    biases_v: Mapping[str, float],
    ends: Collection[str],
    memory: GateMemory,
) -> list[GatePair]:
    """Return the pairs that flux pulses bring together, of which one is among ``ends``.

    ``pulses``: as they arrive on flux lines. Raises NotSimulated for couplers, for a qubit that has
    several neighbours, and where more than a gate is left of a pulse.
    """
    if lines is None or not pulses:
        return []
    qubits = {qubit.name: qubit for qubit in feedline.qubits}
    found = []
    for name in [*qubits, *sorted(lines.couplers)]:
        near = list(lines.coupled_to(name))
        if not {name, *near} & set(ends) or moved_hz(lines, name, pulses, biases_v) <= MOVED_HZ:
            continue
        if len(near) != 1 or name not in qubits or near[0] not in qubits:
            met = ", ".join(sorted({name, *near} & set(ends)))
            raise NotSimulated(
                f"flux pulses move {name}, which is coupled to {', '.join(near) or 'nothing'}, in "
                f"a run in which {met} shares photons over a link: that is simulated for two "
                "coupled qubits of one feedline alone"
            )
        by = moving(lines, name, pulses, biases_v)
        assert by is not None
        if name not in memory.points:
            both = [qubits[name], qubits[near[0]]]
            memory.points[name] = cluster_point(both, lines, biases_v)
        found.append(_pair(memory, name, by, later_ns(qubits[name], feedline)))
    return found


def _pair(memory: GateMemory, name: str, by: FluxShift, later: int) -> GatePair:
    point, quanta = memory.points[name], memory.quanta.setdefault(name, [])
    played = drives_of(by.trains)
    held = [shape.held() for shape in played.shapes]
    rest = by.levels(0.0)[1]
    peak = [float(np.abs(one).max(initial=0.0)) for one in held]
    moved = np.array([max(abs(by.levels(s * p)[1] - rest) for s in (-1, 1)) for p in peak])
    rows = np.flatnonzero(moved[played.shape] > MOVED_HZ)
    _check_left(point, played, moved, rows.size)
    start, end = played.start_ns[rows], played.end_ns[rows]
    apart = np.append(True, start[1:] > np.maximum.accumulate(end)[:-1] + NEAR_NS)
    first = np.flatnonzero(apart[: rows.size])  # of none where a line has pulses' rest alone
    behind = np.append(first[1:], rows.size)[: first.size]
    known: dict[tuple[tuple[int, int], ...], int] = {}
    begins, lasts, shapes = [], [], []
    for low, high in zip(first, behind, strict=True):
        here = slice(int(rows[low]), int(rows[high - 1]) + 1)  # what is quiet between, too
        begin, until = int(start[low]), int(end[low:high].max())
        key = tuple(
            zip(played.shape[here].tolist(), (played.start_ns[here] - begin).tolist(), strict=True)
        )
        if key not in known:
            known[key] = _alike(_laid(held, key, until - begin), quanta)
        begins.append(begin + later)
        lasts.append(until - begin)
        shapes.append(known[key])
    at = np.array(begins, np.int64)
    return GatePair(
        point,
        at,
        at + np.array(lasts, np.int64),
        np.array(shapes, np.int64),
        quanta,
        memory.channels.setdefault(name, {}),
    )


def _laid(
    held: Sequence[NDArray[np.float64]], rows: Sequence[tuple[int, int]], lasts_ns: int
) -> NDArray[np.float64]:
    out = np.zeros(lasts_ns)
    for shape, offset in rows:
        values = held[shape][max(0, -offset) : lasts_ns - offset]
        begin = max(0, offset)
        out[begin : begin + values.size] += values
    return out


def _alike(values: NDArray[np.float64], known: list[NDArray[np.float64]]) -> int:
    """Return the number of a pulse among those that are known; add it where none is alike."""
    for number, other in enumerate(known):
        if other.size == values.size and np.abs(other - values).max() < ALIKE:
            return number
    known.append(values)
    return len(known) - 1


def _check_left(
    point: ClusterPoint, played: Drives, moved: NDArray[np.float64], gates: int
) -> None:
    """Raise NotSimulated where what lines have left of pulses turns a qubit."""
    lasts = np.array([one.duration_ns for one in played.shapes], np.float64)
    turns = (1e-9 * lasts * moved)[played.shape]
    left = float(turns[moved[played.shape] <= MOVED_HZ].sum()) / max(gates, 1)
    if left > LEFT_TURNS:
        raise NotSimulated(
            f"what its flux line has left of pulses turns {point.qubits[0].name} by {left:.3f} "
            f"turns a gate in a run in which photons are exchanged: more than {LEFT_TURNS} is not "
            "simulated; correct the line"
        )


def _channel(point: ClusterPoint, quanta: NDArray[np.float64]) -> Matrix:
    """Return the superoperator of a pulse between dressed states of three levels each.

    Its index is nine times the first's flat element and the second's.
    """
    basis, elements = point.basis, point.cluster.elements
    levels = np.stack([e.levels_hz for e in elements])[None, None].repeat(quanta.size, axis=1)
    exchange = np.zeros((1, quanta.size, len(point.cluster.exchanges)))
    values, which = np.unique(quanta, return_inverse=True)
    shifts = np.array([point.shift_hz(0, float(one)) for one in values])
    growth = np.array([point.growth(0, float(one))[0] for one in values])
    levels[0, :, 0] += shifts[which]
    for x, one in enumerate(point.cluster.exchanges):
        exchange[0, :, x] = one.strength_hz * growth[which]
    steps = Steps(1.0, levels, exchange, np.zeros((1, quanta.size, 2), np.complex128))
    pairs = list(product(range(LEVELS), repeat=2))
    inside = point.vectors[:, [basis.index(*pair) for pair in pairs]]
    states = hermitian_operators(inside)
    played = propagator(point.cluster, steps, 1, point.frame_hz).play(states)
    moved = by_units(np.einsum("xa,cxy,yb->cab", inside, played, inside))
    number = np.array([sum(pair) for pair in pairs])
    turn = np.exp(-2e-9j * np.pi * point.frame_hz * quanta.size * number)
    parts = (moved * (turn[:, None] * turn.conj())).reshape((LEVELS,) * 8)
    # rows and columns before, then behind, each of both atoms
    whole = parts.transpose(4, 6, 5, 7, 0, 2, 1, 3).reshape(SIZE**2, SIZE**2)
    return np.ascontiguousarray(whole)

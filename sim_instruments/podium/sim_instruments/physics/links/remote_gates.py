"""Gates between two transmons whose cable's standing modes are only virtually excited.

Both qubits are detuned from the modes of a short cable, which gives them an exchange of
``sum g_a g_b / detuning``. A controlled-Z tunes one qubit so that both excitations meet its second
level; a CNOT drives the control at the target's frequency (cross resonance: Rigetti and Devoret,
Phys. Rev. B 81, 134507 (2010)). Pulses are searched as a laboratory calibrates them, without
decoherence, and played once more with it. Gates of single qubits are free and perfect.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.joint.density_evolution import (
    Steps,
    basis_of,
    evolve,
    operators,
)
from podium.sim_instruments.physics.joint.elements import Cluster, Element, Exchange, transmon
from podium.sim_instruments.physics.joint.pulse_edges import rise
from podium.sim_instruments.physics.joint.tomography import PAIRS, gate_unitary

EDGE_NS = 8
"""ASSUMED: of each raised-cosine edge of a pulse."""
EXCITATIONS = 3
"""Of the states in which pulses are searched; they are judged in all."""
LENGTHS_NS = np.arange(12, 400, 4)
AMPLITUDES = 13
DRIVES_HZ = (4e6, 60e6)
"""Half a Rabi frequency of the control, from and to; searched by ratio."""


@dataclass(frozen=True, slots=True)
class GateQubit:
    """A transmon of three levels at one end of a cable."""

    f01_hz: float
    """Without the cable."""
    anharmonicity_hz: float
    t1_s: float
    t2_s: float


@dataclass(frozen=True, slots=True)
class GateCable:
    """Two transmons and the modes of their cable that count, of two levels each."""

    qubits: tuple[GateQubit, GateQubit]
    modes_hz: tuple[float, ...]
    """Ascending neighbours: the second qubit's coupling changes its sign from one to the next."""
    coupling_hz: float
    """g / 2 pi of each qubit with each mode."""
    kappa_hz: float
    """Energy decay rate of each mode over 2 pi."""

    def cluster(self) -> Cluster:
        """Return the elements: both qubits, then the modes."""
        elements = []
        for one in self.qubits:
            dephasing = max(0.0, 1 / one.t2_s - 0.5 / one.t1_s)
            elements.append(transmon(one.f01_hz, one.anharmonicity_hz, one.t1_s, dephasing))
        rates = np.array([[0.0, 2 * np.pi * self.kappa_hz], [0.0, 0.0]])
        for hz in self.modes_hz:
            elements.append(Element(np.array([0.0, hz]), np.ones(1), rates, 0.0))
        exchanges = [
            Exchange(q, 2 + m, self.coupling_hz * (-1) ** (q * m))
            for q in (0, 1)
            for m in range(len(self.modes_hz))
        ]
        return Cluster(tuple(elements), tuple(exchanges))


@dataclass(frozen=True, slots=True)
class GatePulse:
    """A pulse of raised-cosine edges."""

    height_hz: float
    """By how much the second qubit is tuned, or half a Rabi frequency of the first one."""
    top_ns: int

    @property
    def length_ns(self) -> float:
        """Return its length with both edges."""
        return self.top_ns + 2.0 * EDGE_NS

    def samples_hz(self) -> NDArray[np.float64]:
        """Return it in steps of 1 ns."""
        edge = rise(EDGE_NS)
        return self.height_hz * np.concatenate([edge, np.ones(self.top_ns), edge[::-1]])


@dataclass(frozen=True, slots=True)
class TunedGate:
    """A pulse that was calibrated on a cable."""

    pulse: GatePulse
    frame_hz: float
    """Of the drive, or any where one qubit is tuned."""
    driven: bool
    """Whether the first qubit is driven; else the second one is tuned."""


@dataclass(frozen=True, slots=True)
class GateFigures:
    """A gate as it comes out."""

    fidelity: float
    """Average gate fidelity, decoherence included; what leaves the qubits' levels is lost."""
    coherent_fidelity: float
    """The same without decoherence."""
    length_ns: float


def controlled_z(cable: GateCable) -> TunedGate:
    """Return the best controlled-Z by tuning the second qubit."""
    first, second = cable.qubits
    # the second qubit's 1-2 transition comes to the first one's 0-1
    centre_hz = first.f01_hz - second.f01_hz - second.anharmonicity_hz
    frame_hz = first.f01_hz
    space = _space(cable, EXCITATIONS)

    def at(height_hz: float) -> NDArray[np.float64]:
        return space.at(height_hz, frame_hz, driven=False)

    def missed(block: NDArray[np.complex128]) -> NDArray[np.float64]:
        return _missed(block, gate_unitary("cz", block)) + _resting(cable)

    def grid(low_hz: float, high_hz: float) -> NDArray[np.float64]:
        return np.linspace(low_hz, high_hz, AMPLITUDES)

    reach = 8 * _exchange_hz(cable, frame_hz)  # dressed levels meet elsewhere
    pulse = _searched(at, space.dressed, missed, grid, (centre_hz - reach, centre_hz + reach))
    return TunedGate(pulse, frame_hz, driven=False)


def cross_resonance(cable: GateCable) -> TunedGate:
    """Return the best CNOT by driving the first qubit at the second one's frequency."""
    space = _space(cable, EXCITATIONS)
    energy = np.einsum("ia,ij,ja->a", space.dressed, space.matrix_hz, space.dressed)
    frame_hz = 0.5 * float(energy[1] - energy[0] + energy[3] - energy[2])

    def at(height_hz: float) -> NDArray[np.float64]:
        return space.at(height_hz, frame_hz, driven=True)

    def missed(block: NDArray[np.complex128]) -> NDArray[np.float64]:
        return _missed(block, conditional_flip(block)) + _resting(cable)

    def grid(low_hz: float, high_hz: float) -> NDArray[np.float64]:
        return np.geomspace(low_hz, high_hz, AMPLITUDES)

    pulse = _searched(at, space.dressed, missed, grid, DRIVES_HZ)
    return TunedGate(pulse, frame_hz, driven=True)


def conditional_flip(block: NDArray[np.complex128]) -> NDArray[np.complex128]:
    """Return the gate nearest to ``block`` (T, 4, 4) that is a CNOT but for gates of one qubit.

    The second qubit turns by half a turn more about some axis where the first is in its upper
    level; what the angle misses is shared by both.
    """
    low, high = (_special(block[:, k : k + 2, k : k + 2]) for k in (0, 2))
    turn = np.conj(np.swapaxes(low, 1, 2)) @ high
    sign = np.where(np.einsum("tkk->t", turn).real < 0, -1.0, 1.0)[:, None, None]
    turn, high = sign * turn, sign * high
    cosine = np.clip(np.einsum("tkk->t", turn).real / 2, -1, 1)[:, None, None]
    axis = (turn - cosine * np.eye(2)) / np.maximum(np.sqrt(1 - cosine**2), 1e-12)
    share = (np.pi / 2 - np.arccos(cosine)) / 2
    wanted = np.zeros(block.shape, np.complex128)
    for k, near in (
        (0, low @ (np.cos(share) * np.eye(2) - np.sin(share) * axis)),
        (2, high @ (np.cos(share) * np.eye(2) + np.sin(share) * axis)),
    ):
        phase = np.einsum("tab,tab->t", np.conj(near), block[:, k : k + 2, k : k + 2])
        wanted[:, k : k + 2, k : k + 2] = near * np.exp(1j * np.angle(phase))[:, None, None]
    return wanted


def _special(matrix: NDArray[np.complex128]) -> NDArray[np.complex128]:
    """Return the nearest unitary matrices (T, 2, 2) of determinant 1."""
    left, _, right = np.linalg.svd(matrix)
    found = left @ right
    return np.asarray(found / np.sqrt(np.linalg.det(found).astype(complex))[:, None, None])


def _missed(block: NDArray[np.complex128], wanted: NDArray[np.complex128]) -> NDArray[np.float64]:
    """Return the average infidelity of each of ``block`` (T, 4, 4)."""
    overlap = np.abs(np.einsum("tab,tab->t", np.conj(wanted), block)) ** 2
    kept = np.einsum("tab,tab->t", np.conj(block), block).real
    return np.asarray(1 - (overlap + kept) / 20)


def _resting(cable: GateCable) -> NDArray[np.float64]:
    """Return what decoherence at rest costs each of the lengths that are searched."""
    rate = sum(0.5 / one.t1_s + 1 / one.t2_s for one in cable.qubits)
    return np.asarray(0.4e-9 * rate * (LENGTHS_NS + 2 * EDGE_NS))


def _exchange_hz(cable: GateCable, at_hz: float) -> float:
    """Return the exchange by the modes of two qubits at one frequency."""
    signs = (-1.0) ** np.arange(len(cable.modes_hz))
    return abs(float(np.sum(signs * cable.coupling_hz**2 / (at_hz - np.array(cable.modes_hz)))))


@dataclass(frozen=True, slots=True, eq=False)
class _Space:
    """A cable's states with so many excitations at most."""

    matrix_hz: NDArray[np.float64]
    """The Hamiltonian at rest, (D, D)."""
    dressed: NDArray[np.float64]
    """The qubits' lowest levels, (D, 4)."""
    number: NDArray[np.float64]
    """Excitations, (D, D), diagonal."""
    tuned: NDArray[np.float64]
    """Levels of the second qubit, (D, D), diagonal."""
    lifted: NDArray[np.float64]
    """``a + a+`` of the first qubit, (D, D)."""

    def at(self, height_hz: float, frame_hz: float, *, driven: bool) -> NDArray[np.float64]:
        """Return the Hamiltonian of a pulse's height in a frame."""
        moved = self.lifted if driven else self.tuned
        return np.asarray(self.matrix_hz - frame_hz * self.number + height_hz * moved)


def _space(cable: GateCable, most: int) -> _Space:
    """Return the states with ``most`` excitations at most."""
    cluster = cable.cluster()
    basis = basis_of(cluster)
    kept = np.flatnonzero(basis.number <= most)
    matrix = np.diag(
        sum(one.levels_hz[basis.level[:, e]] for e, one in enumerate(cluster.elements))
    )
    lifted = np.zeros_like(matrix)
    found = operators(cluster, basis)
    for (upper, lower, x), size in zip(found.hops, found.hop_size, strict=True):
        matrix[upper, lower] += cluster.exchanges[x].strength_hz * size
        matrix[lower, upper] += cluster.exchanges[x].strength_hz * size
    for (upper, lower, e), size in zip(found.lifts, found.lift_size, strict=True):
        if e == 0:
            lifted[upper, lower] = lifted[lower, upper] = size
    here = np.ix_(kept, kept)
    return _Space(
        matrix[here],
        _dressed(cable, matrix[here], kept),
        np.diag(basis.number[kept].astype(np.float64)),
        np.diag(basis.level[kept, 1].astype(np.float64)),
        lifted[here],
    )


def _dressed(
    cable: GateCable, matrix: NDArray[np.float64], kept: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return the eigenstates nearest to the qubits' lowest levels, (D, 4)."""
    basis = basis_of(cable.cluster())
    empty = (0,) * len(cable.modes_hz)
    bare = [int(np.flatnonzero(kept == basis.index(*pair, *empty))[0]) for pair in PAIRS]
    number = basis.number[kept]
    found = np.zeros((kept.size, 4))
    for k, place in enumerate(bare):
        block = np.flatnonzero(number == number[place])
        _, vectors = np.linalg.eigh(matrix[np.ix_(block, block)])
        own = int(np.flatnonzero(block == place)[0])
        nearest = int(np.argmax(np.abs(vectors[own])))
        found[block, k] = vectors[:, nearest] * np.sign(vectors[own, nearest])
    return found


def _searched(
    at: Callable[[float], NDArray[np.float64]],
    states: NDArray[np.float64],
    missed: Callable[[NDArray[np.complex128]], NDArray[np.float64]],
    grid: Callable[[float, float], NDArray[np.float64]],
    span_hz: tuple[float, float],
) -> GatePulse:
    """Return the pulse with the least error by what it turns and by decoherence at rest."""
    low, high = span_hz
    best = (float("inf"), GatePulse(low, int(LENGTHS_NS[0])))
    for _ in range(3):
        heights = grid(low, high)
        errors = []
        for height in heights.tolist():
            ramp = np.eye(states.shape[0], dtype=np.complex128)
            for level in rise(EDGE_NS).tolist():
                ramp = _turned(at(level * height), 1.0) @ ramp
            energy, vectors = np.linalg.eigh(at(height))
            into, out = vectors.T @ ramp @ states, states.T @ ramp.T @ vectors
            phase = np.exp(-2e-9j * np.pi * LENGTHS_NS[:, None] * energy)
            errors.append(missed(np.einsum("ai,ti,ib->tab", out, phase, into)))
        table = np.array(errors)
        where, length = np.unravel_index(int(np.argmin(table)), table.shape)
        if table[where, length] < best[0]:
            best = (
                float(table[where, length]),
                GatePulse(float(heights[where]), int(LENGTHS_NS[length])),
            )
        low = float(heights[max(0, int(where) - 2)])
        high = float(heights[min(heights.size - 1, int(where) + 2)])
    return best[1]


def judged(cable: GateCable, gate: TunedGate) -> GateFigures:
    """Return what a gate is worth on a cable, which may decay otherwise than where it was tuned."""
    block = coherent(cable, gate)[None]
    wanted = conditional_flip(block) if gate.driven else gate_unitary("cz", block)
    return GateFigures(
        average_fidelity(gate_map(cable, gate), wanted[0]),
        1 - float(_missed(block, wanted)[0]),
        gate.pulse.length_ns,
    )


def coherent(cable: GateCable, gate: TunedGate) -> NDArray[np.complex128]:
    """Return what a gate makes of the dressed qubits without decoherence, (4, 4)."""
    space = _space(cable, int(basis_of(cable.cluster()).number.max()))
    state = space.dressed.astype(np.complex128)
    for height, length_ns in _held(gate.pulse):
        state = _turned(space.at(height, gate.frame_hz, driven=gate.driven), length_ns) @ state
    return np.asarray(space.dressed.T @ state)


def _held(pulse: GatePulse) -> list[tuple[float, float]]:
    """Return heights, Hz, and for how many ns each is held."""
    edge = [(float(part) * pulse.height_hz, 1.0) for part in rise(EDGE_NS)]
    return [*edge, (pulse.height_hz, float(pulse.top_ns)), *edge[::-1]]


def _turned(matrix_hz: NDArray[np.float64], length_ns: float) -> NDArray[np.complex128]:
    energy, vectors = np.linalg.eigh(matrix_hz)
    return np.asarray((vectors * np.exp(-2e-9j * np.pi * length_ns * energy)) @ vectors.T)


def gate_map(cable: GateCable, gate: TunedGate) -> NDArray[np.complex128]:
    """Return what a gate makes of |a><b| of the dressed qubits, (4, 4, 4, 4): a, b, then it."""
    cluster = cable.cluster()
    samples = gate.pulse.samples_hz()
    most = max(one.count for one in cluster.elements)
    levels = np.zeros((1, samples.size, len(cluster.elements), most))
    for e, one in enumerate(cluster.elements):
        levels[0, :, e, : one.count] = one.levels_hz
    drives = np.zeros(levels.shape[:3], np.complex128)
    if gate.driven:
        drives[0, :, 0] = samples
    else:
        levels[0, :, 1] += samples[:, None] * np.arange(most)
    steps = Steps(1.0, levels, None, drives if gate.driven else None)
    comp = _space(cable, int(basis_of(cluster).number.max())).dressed
    units = []
    for a in range(4):
        for b in range(4):
            unit = np.outer(comp[:, a], comp[:, b]).astype(np.complex128)
            units.append(unit + unit.T if a <= b else 1j * (unit.T - unit))
    after = evolve(cluster, steps, np.array(units)[None], frame_hz=gate.frame_hz).states[0]
    of = np.einsum("xa,cxy,yb->cab", comp, after, comp).reshape(4, 4, 4, 4)
    found = np.zeros((4, 4, 4, 4), np.complex128)
    for a in range(4):
        found[a, a] = of[a, a] / 2
        for b in range(a):
            found[b, a] = (of[b, a] - 1j * of[a, b]) / 2
            found[a, b] = (of[b, a] + 1j * of[a, b]) / 2
    return found


def average_fidelity(moved: NDArray[np.complex128], gate: NDArray[np.complex128]) -> float:
    """Return the average fidelity of a map of |a><b| to a gate (4, 4).

    With F the process fidelity in the qubits' levels and L lost from them it is
    ``(4 F + 1 - L) / 5`` (Wood and Gambetta, Phys. Rev. A 97, 032306 (2018)).
    """
    process = np.einsum("ca,abcd,db->", np.conj(gate), moved, gate) / 16
    kept = sum(float(moved[a, a, b, b].real) for a in range(4) for b in range(4)) / 4
    return (4 * float(process.real) + kept) / 5

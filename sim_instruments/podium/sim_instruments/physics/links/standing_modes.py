"""A short cable between two qubits: a cluster with one or several standing modes that lose photons.

Where a photon's flight is short against what moves it, a cable is no way with two ends but a few
modes (Zhong et al. 2021). Two resonators that hybridise with a cable's mode have a dark mode that
has no part in the cable (Leung et al. 2019). A qubit's excitation is handed over in two swaps, by
a half swap and a swap to make a pair, or at once (relay), with both qubits coupled.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.joint.density_evolution import Steps, basis_of, evolve
from podium.sim_instruments.physics.joint.elements import Cluster, Element, Exchange, transmon
from podium.sim_instruments.physics.joint.product_basis import ProductBasis

PARTS = 40
"""Steps that each stretch of a schedule is cut into: decoherence acts between them."""


@dataclass(frozen=True, slots=True)
class Oscillator:
    """A linear mode: of a cable, or of a chip."""

    detuning_hz: float
    """From the frequency at which the qubits are coupled."""
    kappa_hz: float
    """Its energy decay rate over 2 pi."""


@dataclass(frozen=True, slots=True)
class CableQubit:
    """A qubit at one end."""

    t1_s: float
    t2_s: float

    @property
    def dephasing_1_s(self) -> float:
        """Return what T1 leaves of T2; raises ValueError where T2 is longer than 2 T1."""
        rate = 1 / self.t2_s - 0.5 / self.t1_s
        if rate < -1e-9 / self.t2_s:
            raise ValueError(f"T2 of {self.t2_s} s with T1 of {self.t1_s} s: at most twice that")
        return max(0.0, rate)


@dataclass(frozen=True, slots=True, eq=False)
class ShortCable:
    """Two qubits and the modes between them.

    Raises ValueError where couplings do not fit the modes.
    """

    qubits: tuple[CableQubit, CableQubit]
    modes: tuple[Oscillator, ...]
    couplings_hz: NDArray[np.float64]
    """Shape (2, M): g / 2 pi of each qubit with each mode while it is switched on, signed: the
    modes of a cable with an odd number of nodes have the other sign at the far end."""

    def __post_init__(self) -> None:
        if self.couplings_hz.shape != (2, len(self.modes)):
            raise ValueError(
                f"couplings of shape {self.couplings_hz.shape}: {len(self.modes)} modes"
            )

    def cluster(self) -> Cluster:
        """Return the elements: both qubits, then the modes, two levels each.

        One excitation is evolved, so that two levels are all that a mode reaches.
        """
        elements = [transmon(0.0, 0.0, q.t1_s, q.dephasing_1_s, levels=2) for q in self.qubits]
        for mode in self.modes:
            rates = np.array([[0.0, 2 * np.pi * mode.kappa_hz], [0.0, 0.0]])
            levels = np.array([0.0, mode.detuning_hz])
            elements.append(Element(levels, np.ones(1), rates, 0.0))
        exchanges = [
            Exchange(q, 2 + m, float(self.couplings_hz[q, m]))
            for q in (0, 1)
            for m in range(len(self.modes))
        ]
        return Cluster(tuple(elements), tuple(exchanges))


@dataclass(frozen=True, slots=True)
class Stretch:
    """A time in which some of the qubits are coupled to the modes."""

    length_ns: float
    coupled: tuple[bool, bool]


def two_swaps(first_hz: float, second_hz: float) -> tuple[Stretch, ...]:
    """Return a swap of the first qubit with a mode, then of the mode with the second."""
    return Stretch(2.5e8 / first_hz, (True, False)), Stretch(2.5e8 / second_hz, (False, True))


def half_swap_and_swap(first_hz: float, second_hz: float) -> tuple[Stretch, ...]:
    """Return what makes a pair of one excitation of the first qubit."""
    return Stretch(1.25e8 / first_hz, (True, False)), Stretch(2.5e8 / second_hz, (False, True))


def relay(strength_hz: float) -> tuple[Stretch, ...]:
    """Return the transfer with both qubits coupled at once: ``1 / (2 sqrt(2) g)`` long."""
    return (Stretch(1e9 / (2 * np.sqrt(2) * strength_hz), (True, True)),)


def played(
    cable: ShortCable, schedule: Sequence[Stretch], states: NDArray[np.complex128]
) -> NDArray[np.complex128]:
    """Return the qubits' states (C, 4, 4) after a schedule, from states (C, 4, 4), modes empty.

    A pair of levels has number ``2 * first + second``; what is left in the modes is lost.
    """
    cluster = cable.cluster()
    basis = basis_of(cluster)
    empty = (0,) * len(cable.modes)
    place = np.array([basis.index(*divmod(k, 2), *empty) for k in range(4)])
    whole = np.zeros((states.shape[0], basis.size, basis.size), np.complex128)
    whole[:, place[:, None], place[None, :]] = states
    energies = np.array([element.levels_hz for element in cluster.elements])
    for stretch in schedule:
        on = np.repeat(np.array(stretch.coupled, np.float64), len(cable.modes))
        strengths = on * np.array([one.strength_hz for one in cluster.exchanges])
        steps = Steps(
            stretch.length_ns / PARTS,
            np.broadcast_to(energies, (1, PARTS, *energies.shape)).copy(),
            np.broadcast_to(strengths, (1, PARTS, strengths.size)).copy(),
        )
        whole = evolve(cluster, steps, whole[None]).states[0]
    return traced(basis, whole)


def traced(basis: ProductBasis, states: NDArray[np.complex128]) -> NDArray[np.complex128]:
    """Return what two qubits are in (C, 4, 4), the rest of a cluster's state traced out."""
    qubits = 2 * basis.level[:, 0] + basis.level[:, 1]
    rest = [tuple(row) for row in basis.level[:, 2:].tolist()]
    found = np.zeros((states.shape[0], 4, 4), np.complex128)
    for i, k in enumerate(qubits):
        for j, m in enumerate(qubits):
            if rest[i] == rest[j]:
                found[:, k, m] += states[:, i, j]
    return found


def transfer_probability(cable: ShortCable, schedule: Sequence[Stretch]) -> float:
    """Return with what probability the first qubit's excitation is in the second at the end."""
    state = np.zeros((1, 4, 4), np.complex128)
    state[0, 2, 2] = 1
    return float(played(cable, schedule, state)[0, 1, 1].real)


def process_fidelity(cable: ShortCable, schedule: Sequence[Stretch]) -> float:
    """Return the fidelity of a qubit's transfer, phases of the receiver free."""
    zero, one = np.zeros((4, 4), np.complex128), np.zeros((4, 4), np.complex128)
    both = np.zeros((4, 4), np.complex128)
    zero[0, 0], one[2, 2] = 1, 1
    both[np.ix_([0, 2], [0, 2])] = 0.5
    after = played(cable, schedule, np.array([zero, one, both]))
    received = np.einsum("cabad->cbd", after.reshape(3, 2, 2, 2, 2))
    coherence = 2 * received[2, 0, 1] - received[0, 0, 1] - received[1, 0, 1]
    straight = received[0, 0, 0] + received[1, 1, 1]
    return float((straight.real + 2 * abs(coherence)) / 4)


def bell_fidelity(cable: ShortCable, schedule: Sequence[Stretch]) -> float:
    """Return the fidelity of the pair that a schedule makes of the first qubit's excitation."""
    state = np.zeros((1, 4, 4), np.complex128)
    state[0, 2, 2] = 1
    after = played(cable, schedule, state)[0]
    return float(0.5 * (after[1, 1] + after[2, 2]).real + abs(after[1, 2]))


def normal_modes(
    oscillators: Sequence[Oscillator],
    exchange_hz: NDArray[np.float64],
    couplings_hz: NDArray[np.float64],
) -> tuple[tuple[Oscillator, ...], NDArray[np.float64]]:
    """Return the modes that coupled oscillators have in common, and couplings (2, M) with them.

    ``exchange_hz`` (M, M), symmetric; ``couplings_hz`` (2, M): of the qubits with each oscillator.
    Each mode decays with the mean of its parts; that is so where modes lie further apart than
    they are wide.
    """
    own = np.diag([one.detuning_hz for one in oscillators]) + exchange_hz
    energies, vectors = np.linalg.eigh(own)
    kappa = vectors.T**2 @ np.array([one.kappa_hz for one in oscillators])
    modes = tuple(Oscillator(float(e), float(k)) for e, k in zip(energies, kappa, strict=True))
    return modes, np.asarray(couplings_hz @ vectors)


def dark_mode_cable(
    qubits: tuple[CableQubit, CableQubit],
    sideband_hz: float,
    resonator_kappa_hz: float,
    cable_kappa_hz: float,
    hybrid_hz: float,
) -> ShortCable:
    """Return two resonators that hybridise with a cable's mode by ``hybrid_hz`` each.

    The dark mode lies at 0, the bright ones ``sqrt(2) hybrid_hz`` above and below. Each qubit is
    coupled to its own resonator by ``sideband_hz``, so to the dark mode by that over sqrt(2).
    """
    ends, middle = Oscillator(0.0, resonator_kappa_hz), Oscillator(0.0, cable_kappa_hz)
    exchange = np.zeros((3, 3))
    exchange[0, 1] = exchange[1, 0] = exchange[1, 2] = exchange[2, 1] = hybrid_hz
    own = np.array([[sideband_hz, 0.0, 0.0], [0.0, 0.0, sideband_hz]])
    modes, couplings = normal_modes((ends, middle, ends), exchange, own)
    return ShortCable(qubits, modes, couplings)

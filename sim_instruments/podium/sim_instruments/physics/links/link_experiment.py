"""The two experiments that a link is measured by: a Bell pair, and a state that is sent.

Pulses on the atoms are resonant rectangles of a stated length during which both atoms decay. A
pair state is (9, 9); a pair of levels has number ``3 * first + second``.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.links.dephasing import number_operator
from podium.sim_instruments.physics.links.link_channel import (
    LinkChannel,
    WindowResult,
    channel_of,
)
from podium.sim_instruments.physics.links.link_window import LEVELS, Atom, LinkWindow

SENT = ((0, 0), (1, 0), (2, 0))


def atom_of(
    t1_ge_s: float,
    t1_ef_s: float,
    t2_ge_s: float,
    t2_ef_s: float,
    model: object = number_operator,
) -> Atom:
    """Return an atom of measured times.

    ``model``: of :mod:`.dephasing`. What T1 leaves of the coherences' decay is pure dephasing, at
    least none.
    """
    rates = np.zeros((LEVELS, LEVELS))
    rates[0, 1], rates[1, 2] = 1 / t1_ge_s, 1 / t1_ef_s
    ge = max(0.0, 1 / t2_ge_s - 0.5 / t1_ge_s)
    ef = max(0.0, 1 / t2_ef_s - 0.5 / t1_ef_s - 0.5 / t1_ge_s)
    if not callable(model):
        raise TypeError(f"{model!r} is no model of dephasing")
    return Atom(rates, model(ge, ef))


def pulse_map(atom: Atom, lower: int, turn: float, length_ns: float) -> NDArray[np.complex128]:
    """Return (9, 9): what a pulse between levels ``lower`` and ``lower + 1`` makes of an atom.

    ``turn``: the angle of rotation, rad; 0: a wait. Element ``3 k + l`` of a flat state is k, l.
    """
    from scipy.linalg import expm  # heavy: see ..relaxation

    hamiltonian = np.zeros((LEVELS, LEVELS), np.complex128)
    hamiltonian[lower, lower + 1] = hamiltonian[lower + 1, lower] = 0.5 * turn
    one = np.eye(LEVELS)
    generator = -1j * (np.kron(hamiltonian, one) - np.kron(one, hamiltonian.T))
    rates = 1e-9 * length_ns * (atom.rates_1_s - np.diag(np.diag(atom.rates_1_s)))
    leaving = rates.sum(axis=0)
    fading = 1e-9 * length_ns * atom.dephasing_1_s * (1 - one)
    fading = fading + 0.5 * (leaving[:, None] + leaving[None, :])
    generator -= np.diag(fading.ravel())
    for to in range(LEVELS):
        for start in range(LEVELS):
            generator[(LEVELS + 1) * to, (LEVELS + 1) * start] += rates[to, start]
    return np.asarray(expm(generator))


def play(
    state: NDArray[np.complex128], first: NDArray[np.complex128], second: NDArray[np.complex128]
) -> NDArray[np.complex128]:
    """Return a pair state after a map (9, 9) of each atom."""
    cube = state.reshape((LEVELS,) * 4)  # a b a' b'
    one, other = (each.reshape((LEVELS,) * 4) for each in (first, second))
    return np.asarray(np.einsum("acxy,bdzw,xzyw->abcd", one, other, cube)).reshape(9, 9)


@dataclass(frozen=True, slots=True, eq=False)
class PairFigures:
    """Tomography of a Bell pair and of a transfer, readout apart."""

    bell_fidelity: float
    """Of the best Bell state with one excitation: phases of single qubits are free."""
    concurrence: float
    process_fidelity: float
    """Of a qubit's transfer, phases of the receiver free."""
    average_state_fidelity: float
    absorption: float
    caught: float


def figures(window: LinkWindow, pulse_ns: float) -> PairFigures:
    """Return what a window makes of a Bell pair and of a transfer, with real pulses around it.

    ``pulse_ns``: the length of each pulse on an atom. Of the window, only ``inputs`` do not count.
    """
    found = channel_of(replace(window, inputs=SENT))
    bell = bell_state(window, found.channel, pulse_ns)
    process, kept = transfer(window, found.channel, pulse_ns)
    record = found.photon
    if record is None:
        raise ValueError("the sender's f is not among the inputs")
    return PairFigures(
        bell_fidelity(bell),
        concurrence(bell),
        process,
        (2 * process + kept) / 3,
        record.absorption,
        record.caught,
    )


def bell_state(window: LinkWindow, channel: LinkChannel, pulse_ns: float) -> NDArray[np.complex128]:
    """Return the pair (9, 9): to e, half to f, photon, f to e at the other end."""
    one, other = (end.atom for end in window.ends)
    state = np.zeros((9, 9), np.complex128)
    state[0, 0] = 1
    still = pulse_map(other, 0, 0.0, pulse_ns)
    state = play(state, pulse_map(one, 0, np.pi, pulse_ns), still)
    state = play(state, pulse_map(one, 1, np.pi / 2, pulse_ns), still)
    state = channel.apply(only_sent(state))
    return play(state, pulse_map(one, 0, 0.0, pulse_ns), pulse_map(other, 1, np.pi, pulse_ns))


def only_sent(state: NDArray[np.complex128]) -> NDArray[np.complex128]:
    """Return a pair state of which the second atom is put into g, as a reset does."""
    cube = state.reshape((LEVELS,) * 4)
    found = np.zeros_like(cube)
    found[:, 0, :, 0] = np.einsum("abcb->ac", cube)
    return found.reshape(9, 9)


def transfer(window: LinkWindow, channel: LinkChannel, pulse_ns: float) -> tuple[float, float]:
    """Return the process fidelity of a qubit's transfer and what stays in the qubit's levels."""
    one, other = (end.atom for end in window.ends)
    first, last = (pulse_map(atom, 1, np.pi, pulse_ns) for atom in (one, other))
    still = [pulse_map(atom, 0, 0.0, pulse_ns) for atom in (one, other)]
    process, kept = {}, 0.0
    for i in (0, 1):
        for j in (0, 1):
            state = np.zeros((9, 9), np.complex128)
            state[LEVELS * i, LEVELS * j] = 1
            state = only_sent(play(state, first, still[1]))
            state = play(channel.apply(state), still[0], last)
            received = np.einsum("abac->bc", state.reshape((LEVELS,) * 4))
            process[i, j] = received
            if i == j:
                kept += float(received[:2, :2].trace().real) / 2
    straight = sum(float(process[i, i][i, i].real) for i in (0, 1))
    return (straight + 2 * abs(complex(process[0, 1][0, 1]))) / 4, kept


def bell_fidelity(state: NDArray[np.complex128]) -> float:
    """Return the fidelity of a pair (9, 9) with the nearest ``|eg> + exp(i p) |ge>``."""
    return float(0.5 * (state[1, 1] + state[3, 3]).real + abs(state[1, 3]))


def sent_pair(result: WindowResult) -> NDArray[np.complex128]:
    """Return the pair (9, 9) after a window that began with ``|e> + |f>`` of the sender."""
    state = np.zeros((9, 9), np.complex128)
    state[np.ix_([3, 6], [3, 6])] = 0.5
    return result.channel.apply(state)


def caught_pair(state: NDArray[np.complex128]) -> NDArray[np.complex128]:
    """Return a pair (9, 9) once f of the receiver is brought to e, and e to f."""
    order = [0, 2, 1, 3, 5, 4, 6, 8, 7]
    return np.asarray(state[np.ix_(order, order)])


def pair_fidelity(result: WindowResult) -> float:
    """Return the Bell fidelity of ``|e> + |f>`` sent; pulses on the atoms take no time."""
    return bell_fidelity(caught_pair(sent_pair(result)))


def concurrence(state: NDArray[np.complex128]) -> float:
    """Return the concurrence of what is in the two lowest levels (Wootters 1998)."""
    numbers = [0, 1, 3, 4]
    part = state[np.ix_(numbers, numbers)]
    flip = np.kron([[0, -1j], [1j, 0]], [[0, -1j], [1j, 0]])
    values = np.linalg.eigvals(part @ flip @ part.conj() @ flip)
    roots = np.sort(np.sqrt(np.clip(values.real, 0, None)))
    return float(max(0.0, 2 * roots[-1] - roots.sum()))


def largest_chsh(state: NDArray[np.complex128]) -> float:
    """Return the largest CHSH S over all axes, of what is in the two lowest levels.

    Twice the root of the sum of the two largest eigenvalues of ``T^T T``, T the correlations of
    Paulis (Horodecki et al., Phys. Lett. A 200, 340 (1995)).
    """
    numbers = [0, 1, 3, 4]
    part = state[np.ix_(numbers, numbers)]
    paulis = [np.array(one) for one in ([[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]])]
    means = np.array([[np.trace(part @ np.kron(a, b)).real for b in paulis] for a in paulis])
    return float(2 * np.sqrt(np.sort(np.linalg.eigvalsh(means.T @ means))[1:].sum()))

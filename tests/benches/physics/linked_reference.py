"""Density matrices of two qubits of two nodes, step by step.

Written apart from the world: quarters of a nanosecond in the frame in which the levels stand still,
each a unitary between two halves of the atom's own Liouvillian, and the bench's channel in between.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import expm
from tests.benches.physics.linked_nodes import (
    PULSE_NS,
    SIDEBAND_NS,
    Gate,
    sideband_hz,
    superoperator,
)
from tests.benches.physics.small_chip import hann, pi_amplitude

from podium.sim_instruments.physics.operating_point import QubitPoint

Matrix = NDArray[np.complex128]
FINE = 2


def liouvillian(one: QubitPoint, hamiltonian: Matrix) -> Matrix:
    """1/ns, on flat density matrices."""
    eye = np.eye(3)
    out = -1j * (np.kron(hamiltonian, eye) - np.kron(eye, hamiltonian.T))
    n = np.arange(3)
    jumps = [(float(one.rates_1_s[i, j]), i, j) for i in range(3) for j in range(3)]
    operators = [np.sqrt(2e-9 * one.dephasing_1_s) * np.diag(n).astype(complex)]
    for rate, i, j in jumps:
        if rate > 0:
            jump = np.zeros((3, 3), complex)
            jump[i, j] = np.sqrt(1e-9 * rate)
            operators.append(jump)
    for c in operators:
        square = c.conj().T @ c
        out += np.kron(c, c.conj()) - 0.5 * (np.kron(square, eye) + np.kron(eye, square.T))
    return out


def driven(one: QubitPoint, gate: Gate, late_ns: float) -> Matrix:
    """What a pulse does; its carrier never stops, and time counts ``late_ns`` later."""
    carrier = float(one.levels_hz[1])
    step = 1.0
    if gate.what == "ef":
        carrier, step = float(one.levels_hz[2] - one.levels_hz[1]), float(one.ladder[1])
    envelope = hann(PULSE_NS)
    amplitude = gate.angle * pi_amplitude(one, envelope) / step
    held = np.repeat(envelope, FINE)
    now = gate.at_ns + (np.arange(held.size) + 0.5) / FINE  # of the run: oscillators start at 0
    h = np.zeros((held.size, 3, 3), complex)
    for level in (0, 1):
        gap = float(one.levels_hz[level + 1] - one.levels_hz[level])
        turns = gap * 1e-9 * (now + late_ns) - carrier * 1e-9 * now - gate.turns
        size = np.pi * 1e-9 * one.rabi_hz_per_sqrt_w * float(one.ladder[level])
        h[:, level + 1, level] = size * amplitude * held * np.exp(2j * np.pi * turns)
    values, vectors = np.linalg.eigh(h + h.conj().transpose(0, 2, 1))
    turned = vectors * np.exp(-1j * values / FINE)[:, None, :]
    unitary = turned @ vectors.conj().transpose(0, 2, 1)
    half = wait(one, 0.5 / FINE)
    out = np.eye(9, dtype=complex)
    for u in unitary:
        out = half @ np.kron(u, u.conj()) @ half @ out
    return out


def wait(one: QubitPoint, span_ns: float) -> Matrix:
    return np.asarray(expm(liouvillian(one, np.zeros((3, 3), complex)) * span_ns))


def joint_state(
    pair: tuple[QubitPoint, QubitPoint],
    gates: tuple[Sequence[Gate], Sequence[Gate]],
    until_ns: tuple[float, float],
    caught: float,
    late_ns: float = 0.0,
) -> Matrix:
    """Density matrix (first flat, second flat) at the readings, from both in g.

    ``late_ns``: by how much the second node's run starts later. One photon at most.
    """
    state = np.zeros((9, 9), complex)
    state[0, 0] = 1.0
    late = 0.0, late_ns
    rest = [list(one) for one in gates]
    now = [float(one[0].at_ns) for one in gates]
    while any(rest):
        for end in (0, 1):
            while rest[end] and rest[end][0].what != "sideband":
                gate = rest[end].pop(0)
                one = pair[end]
                change = driven(one, gate, late[end]) @ wait(one, gate.at_ns - now[end])
                now[end] = gate.at_ns + PULSE_NS
                state = change @ state if end == 0 else state @ change.T
        photons = [one.pop(0) if one else None for one in rest]
        if photons[0] is None or photons[1] is None:
            continue
        for end, gate in enumerate(photons):
            assert gate is not None
            change = wait(pair[end], gate.at_ns - now[end])
            state = change @ state if end == 0 else state @ change.T
            now[end] = gate.at_ns + SIDEBAND_NS
        state = shared(pair, (photons[0], photons[1]), state, caught, late_ns)
    for end in (0, 1):
        change = wait(pair[end], until_ns[end] - now[end])
        state = change @ state if end == 0 else state @ change.T
    return state


def shared(
    pair: tuple[QubitPoint, QubitPoint],
    photons: tuple[Gate, Gate],
    state: Matrix,
    caught: float,
    late_ns: float,
) -> Matrix:
    """The bench's channel between drives whose phases count at the starts of their pulses.

    In the frame in which levels stand still g of f0-g1 turns with the energy of f and against the
    drive; the photon's resonator keeps no phase of its own.
    """
    units = []
    for one, gate, late in zip(pair, photons, (0.0, late_ns), strict=True):
        drive = sideband_hz(one) * gate.at_ns * 1e-9 + gate.turns
        turns = float(one.levels_hz[2]) * (gate.at_ns + late) * 1e-9 - drive
        turns -= 8.4 * (gate.at_ns + late)
        u = np.array([1.0, 1.0, np.exp(2j * np.pi * turns)])
        units.append(np.outer(u, u.conj()).reshape(-1))
    unit = np.outer(*units)
    channel = superoperator(caught, SIDEBAND_NS, SIDEBAND_NS)
    return np.asarray(unit * (channel @ (unit.conj() * state).reshape(-1)).reshape(9, 9))


def populations(state: Matrix) -> NDArray[np.float64]:
    """(3, 3): of both atoms."""
    return np.asarray(state[::4, ::4].real)

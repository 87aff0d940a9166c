"""Works out a CNOT that is teleported over a pair, gate by gate, on density matrices.

Four qubits: control c with its half a of the pair at one node, b with the target t at the other
(Eisert et al., Phys. Rev. A 62, 052317 (2000)):

    CNOT c -> a; read a along Z; X on b if it was 1
    CNOT b -> t; read b along X; Z on c if it was 1

While a result is on its way the qubits that wait decay. The process is applied to halves of two
Bell states, one for c and one for t, so that its fidelity is an overlap. No pulse is played: gates
are unitaries with a depolarising error, readouts give the wrong result with a chance.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np

from podium.control.parameters.noisy_register import Matrix, NoisyRegister, ReadoutErrors, X, Z

C, A, B, T = 1, 2, 3, 4
"""Beside them the references of c (0) and of t (5)."""
I2: Matrix = np.eye(2, dtype=np.complex128)
H = (X + Z) / np.sqrt(2.0)
CNOT = np.array([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 1], [0, 0, 1, 0]], dtype=np.complex128)


@dataclass(frozen=True, slots=True)
class LocalGates:
    """Holds the local gates of both nodes."""

    gate_error: float = 0.0
    """Process infidelity of a local CNOT: it depolarises both its qubits."""
    readout_error: float = 0.0
    """Chance that a readout gives the wrong result."""
    latency_s: float = 0.0
    """From a readout's beginning until the other node has acted on it, each of both times."""
    t1_s: float = float("inf")
    t2_s: float = float("inf")


def werner_pair(fidelity: float) -> Matrix:
    """Return a Werner pair of a and b, (|00> + |11>)/sqrt 2 with its fidelity."""
    bell = np.array([1, 0, 0, 1], dtype=np.complex128) / np.sqrt(2.0)
    ideal = np.outer(bell, bell)
    weight = (4.0 * fidelity - 1.0) / 3.0
    return np.asarray(weight * ideal + (1.0 - weight) * np.eye(4) / 4.0, dtype=np.complex128)


def teleported_process_fidelity(pair: Matrix, gates: LocalGates) -> float:
    """Return the process fidelity with CNOT. ``pair``: shape (4, 4), qubits a and b."""
    wrong = ReadoutErrors(gates.readout_error, gates.readout_error)
    register = NoisyRegister(_start(pair)).gate(CNOT, C, gates.gate_error)
    register = _waited(register, (C, B, T), gates).read_and_act(A, {1: [(X, B)]}, wrong)
    register = register.gate(CNOT, B, gates.gate_error).gate(H, B)
    register = _waited(register, (C, T), gates).read_and_act(B, {1: [(Z, C)]}, wrong)
    return _overlap(register.rho)


@cache
def _bell() -> Matrix:
    vector = np.array([1, 0, 0, 1], dtype=np.complex128) / np.sqrt(2.0)
    return np.outer(vector, vector)


def _start(pair: Matrix) -> Matrix:
    return np.asarray(np.kron(np.kron(_bell(), pair), _bell()), dtype=np.complex128)


def _waited(register: NoisyRegister, qubits: tuple[int, ...], gates: LocalGates) -> NoisyRegister:
    gone = -np.expm1(-gates.latency_s / gates.t1_s)
    flip = (1.0 - np.exp(-gates.latency_s * (1.0 / gates.t2_s - 0.5 / gates.t1_s))) / 2.0
    for qubit in qubits:
        register = register.waited(qubit, float(gone), float(flip))
    return register


def _overlap(rho: Matrix) -> float:
    """Return the overlap of what is left of c and t with CNOT of both Bell states."""
    tensor = rho.reshape((2,) * 12)
    rest = np.einsum("cdabtuefabvw->cdtuefvw", tensor).reshape(16, 16)
    bells = np.kron([1, 0, 0, 1], [1, 0, 0, 1]) / 2.0
    ideal = np.kron(np.kron(I2, CNOT), I2) @ bells
    return float((ideal.conj() @ rest @ ideal).real)

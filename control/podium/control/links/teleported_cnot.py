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
from numpy.typing import NDArray

Matrix = NDArray[np.complex128]
QUBITS = 6
"""Reference of c, c, a, b, t, reference of t."""
C, A, B, T = 1, 2, 3, 4
I2: Matrix = np.eye(2, dtype=np.complex128)
X = np.array([[0, 1], [1, 0]], dtype=np.complex128)
Z = np.diag([1.0, -1.0]).astype(np.complex128)
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
    rho = _start(pair)
    rho = _gate(rho, C, A, gates.gate_error)
    rho = _waited(rho, (C, B, T), gates)
    rho = _read_and_act(rho, A, B, X, gates.readout_error)
    rho = _gate(rho, B, T, gates.gate_error)
    rho = _conjugated(rho, _on(H, B))
    rho = _waited(rho, (C, T), gates)
    rho = _read_and_act(rho, B, C, Z, gates.readout_error)
    return _overlap(rho)


@cache
def _bell() -> Matrix:
    vector = np.array([1, 0, 0, 1], dtype=np.complex128) / np.sqrt(2.0)
    return np.outer(vector, vector)


def _start(pair: Matrix) -> Matrix:
    return np.asarray(np.kron(np.kron(_bell(), pair), _bell()), dtype=np.complex128)


def _on(operator: Matrix, qubit: int) -> Matrix:
    full = np.kron(np.kron(np.eye(2**qubit), operator), np.eye(2 ** (QUBITS - 1 - qubit)))
    return np.asarray(full, dtype=np.complex128)


def _conjugated(rho: Matrix, operator: Matrix) -> Matrix:
    return operator @ rho @ operator.conj().T


def _gate(rho: Matrix, control: int, target: int, error: float) -> Matrix:
    """Apply a CNOT to two neighbours, and depolarise them."""
    full = np.kron(np.kron(np.eye(2**control), CNOT), np.eye(2 ** (QUBITS - 2 - control)))
    done = _conjugated(rho, np.asarray(full, dtype=np.complex128))
    if error == 0.0:
        return done
    lost = error * 16.0 / 15.0  # of the depolarising channel that keeps 1/16 of what it mixes
    tensor = done.reshape((2**control, 4, 2 ** (QUBITS - 2 - control)) * 2)
    mixed = np.einsum("aibcid,jk->ajbckd", tensor, np.eye(4) / 4.0).reshape(done.shape)
    return np.asarray((1.0 - lost) * done + lost * mixed, dtype=np.complex128)


def _waited(rho: Matrix, qubits: tuple[int, ...], gates: LocalGates) -> Matrix:
    if gates.latency_s == 0.0:
        return rho
    gone = -np.expm1(-gates.latency_s / gates.t1_s)
    flip = (1.0 - np.exp(-gates.latency_s * (1.0 / gates.t2_s - 0.5 / gates.t1_s))) / 2.0
    for qubit in qubits:
        kept = _on(np.diag([1.0, np.sqrt(1.0 - gone)]).astype(np.complex128), qubit)
        fallen = _on(np.sqrt(gone) * np.array([[0, 1], [0, 0]], dtype=np.complex128), qubit)
        rho = _conjugated(rho, kept) + _conjugated(rho, fallen)
        rho = (1.0 - flip) * rho + flip * _conjugated(rho, _on(Z, qubit))
    return rho


def _read_and_act(rho: Matrix, read: int, act: int, pauli: Matrix, error: float) -> Matrix:
    """Read a qubit along Z; apply ``pauli`` to another one where the result is 1."""
    found = np.zeros_like(rho)
    for bit in range(2):
        seen = _conjugated(rho, _on(np.diag([1.0 - bit, bit]).astype(np.complex128), read))
        acted = _conjugated(seen, _on(pauli, act))
        right, wrong = (acted, seen) if bit else (seen, acted)
        found = found + (1.0 - error) * right + error * wrong
    return found


def _overlap(rho: Matrix) -> float:
    """Return the overlap of what is left of c and t with CNOT of both Bell states."""
    tensor = rho.reshape((2,) * (2 * QUBITS))
    rest = np.einsum("cdabtuefabvw->cdtuefvw", tensor).reshape(16, 16)
    bells = np.kron([1, 0, 0, 1], [1, 0, 0, 1]) / 2.0
    ideal = np.kron(np.kron(I2, CNOT), I2) @ bells
    return float((ideal.conj() @ rest @ ideal).real)

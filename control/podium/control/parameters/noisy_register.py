"""Works out what gates, waits and readouts with errors do to a few qubits' density matrix.

The first qubit is the highest bit. Gates are unitaries with a depolarising error, readouts give the
wrong result with a chance. No pulse is played.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.complex128]
Acts = Mapping[int, Sequence[tuple[Matrix, int]]]
"""By result, what is applied then, and from which qubit on."""
X: Matrix = np.array([[0, 1], [1, 0]], dtype=np.complex128)
Z: Matrix = np.diag([1.0, -1.0]).astype(np.complex128)


@dataclass(frozen=True, slots=True)
class ReadoutErrors:
    """Holds the chances that a readout gives the wrong result."""

    false_one: float
    """Of 0."""
    false_zero: float
    """Of 1."""


@dataclass(frozen=True, slots=True, eq=False)
class NoisyRegister:
    """Holds a few qubits, and what has happened to them."""

    rho: Matrix
    """Shape (2 ** qubits, 2 ** qubits)."""

    @property
    def qubits(self) -> int:
        """Return how many there are."""
        return int(self.rho.shape[0]).bit_length() - 1

    def on(self, operator: Matrix, first: int) -> Matrix:
        """Return an operator of one qubit, or of neighbours from ``first`` on, as one of all."""
        behind = self.qubits - first - (int(operator.shape[0]).bit_length() - 1)
        full = np.kron(np.kron(np.eye(2**first), operator), np.eye(2**behind))
        return np.asarray(full, dtype=np.complex128)

    def gate(self, operator: Matrix, first: int, error: float = 0.0) -> "NoisyRegister":
        """Apply a gate, and depolarise its qubits; ``error``: its process infidelity."""
        full, size = self.on(operator, first), int(operator.shape[0])
        done = full @ self.rho @ full.conj().T
        if error == 0.0:
            return NoisyRegister(done)
        lost = error * size**2 / (size**2 - 1)  # the mixed state has a part of what was meant
        tensor = done.reshape((2**first, size, self.rho.shape[0] // size // 2**first) * 2)
        mixed = np.einsum("aibcid,jk->ajbckd", tensor, np.eye(size) / size).reshape(done.shape)
        return NoisyRegister(np.asarray((1.0 - lost) * done + lost * mixed, np.complex128))

    def waited(self, qubit: int, gone: float, flip: float) -> "NoisyRegister":
        """Let 1 decay with a chance ``gone``, and then Z happen with a chance ``flip``."""
        kept = self.on(np.diag([1.0, np.sqrt(1.0 - gone)]).astype(np.complex128), qubit)
        fallen = self.on(np.sqrt(gone) * np.array([[0, 1], [0, 0]], dtype=np.complex128), qubit)
        rho = kept @ self.rho @ kept.conj().T + fallen @ self.rho @ fallen.conj().T
        turned = self.on(Z, qubit)
        rho = (1.0 - flip) * rho + flip * (turned @ rho @ turned.conj().T)
        return NoisyRegister(np.asarray(rho, dtype=np.complex128))

    def read_and_act(self, read: int, acts: Acts, errors: ReadoutErrors) -> "NoisyRegister":
        """Read a qubit along Z, and act on what was told."""
        found = np.zeros_like(self.rho)
        for bit, wrong in ((0, errors.false_one), (1, errors.false_zero)):
            at = self.on(np.diag([1.0 - bit, bit]).astype(np.complex128), read)
            for result, chance in ((bit, 1.0 - wrong), (1 - bit, wrong)):
                done = at
                for operator, first in acts.get(result, ()):
                    done = self.on(operator, first) @ done
                found = found + chance * (done @ self.rho @ done.conj().T)
        return NoisyRegister(np.asarray(found, dtype=np.complex128))

    def populations(self) -> NDArray[np.float64]:
        """Return the chances of all outcomes along Z, (2 ** qubits,)."""
        return np.asarray(np.diag(self.rho).real, dtype=np.float64)

"""Foretells Grover's search over two nodes from its parts, each measured by itself.

The circuit is worked out on the density matrix of four qubits: control c, both halves a and b of a
pair, target t. A pair is a Werner pair of the fidelity that tomography has found, gates depolarise
by their error, waits take what T1 and T2 say, results are wrong as often as readouts have been
found to be, and then turn what they should not. Any error of a pair or of a result leads to another
entry, so that two of them may undo each other: that is in it, and makes more of poor pairs than a
product would.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp

import numpy as np
from numpy.typing import NDArray

from podium.control.parameters.noisy_register import (
    Acts,
    Matrix,
    NoisyRegister,
    ReadoutErrors,
    X,
    Z,
)

Array = NDArray[np.float64]
C, A, B, T = range(4)
CZ: Matrix = np.diag([1, 1, 1, -1]).astype(np.complex128)
I2: Matrix = np.eye(2, dtype=np.complex128)
DATA, HALVES = (C, T), (A, B)


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """Says for how long a qubit keeps what it holds, s."""

    t1_s: float
    echo_s: float
    """T2 of an echo: of fast noise and decay."""
    ramsey_s: float
    """T2 of a Ramsey scan: the slow noise that an echo takes out is in it."""

    def kept(self, span_s: float) -> tuple[float, float]:
        """Return what a wait leaves of 1, and of a coherence.

        Slow noise is the same for a shot: its part falls as a Gaussian, and is 1 / e of all at
        ``ramsey_s``.
        """
        slow = max(0.0, 1 - self.ramsey_s / self.echo_s) * (span_s / self.ramsey_s) ** 2
        return exp(-span_s / self.t1_s), exp(-span_s / self.echo_s - slow)


@dataclass(frozen=True, slots=True)
class SearchParts:
    """Holds the parts of a search; of two of a kind, the first node's first."""

    pair: float
    """Fidelity."""
    stray: float
    """What the pair's coherence keeps where its phase strays from start to start."""
    gates: tuple[float, float]
    """Process infidelities of the local controlled Zs."""
    halves: tuple[ReadoutErrors, ReadoutErrors]
    data: tuple[ReadoutErrors, ReadoutErrors]
    excited: tuple[float, float]
    """Of the data qubits before they are read and flipped: what is in 1."""
    lifetimes: tuple[Lifetimes, Lifetimes]
    """Of the data qubits."""
    beside: tuple[float, float]
    """What the data qubits' coherence keeps of a readout of the half beside them."""
    halves_t1_s: tuple[float, float]
    reset_s: tuple[float, float]
    """From the middle of a data qubit's first readout to its first pulse."""
    waits_s: tuple[float, float]
    """Of the data qubits in the first round, and in the second, in which the pair is made first."""
    flips_s: tuple[float, float]
    """From the middle of a half's readout to its flip."""
    gate_waits_s: tuple[float, float]
    """Of each round's wait, what is behind the gate."""


def half_turn(up: bool) -> Matrix:
    """Return half pi about Y, from 0 to the equator (``up``), or back."""
    sign = 1 if up else -1
    turned = np.array([[1, -sign], [sign, 1]], np.complex128)
    return np.asarray(turned / np.sqrt(2), np.complex128)


def foretold(parts: SearchParts) -> Array:
    """Return the chances (4, 4) of all outcomes by marked entry, data qubits' readouts perfect."""
    begun = _begun(parts)
    return np.stack([_searched(begun, entry, parts) for entry in range(4)])


def seen(chances: Array, parts: SearchParts) -> Array:
    """Return chances (4, 4) with the data qubits' readouts as they are."""
    return np.asarray(chances @ told_of(parts.data).T)


def told_of(errors: Sequence[ReadoutErrors]) -> Array:
    """Return the chances (4, 4) to be told an outcome (row) of another that is (column)."""
    one, other = (
        np.array([[1 - e.false_one, e.false_zero], [e.false_one, 1 - e.false_zero]]) for e in errors
    )
    return np.kron(one, other)


def _begun(parts: SearchParts) -> NoisyRegister:
    """Return the register behind the data qubits' reset: halves in 0."""
    one = [np.diag([1 - p, p]).astype(np.complex128) for p in parts.excited]
    rho = np.kron(np.kron(one[0], np.diag([1, 0, 0, 0])), one[1]).astype(np.complex128)
    register = NoisyRegister(rho)
    for place, qubit in enumerate(DATA):
        register = register.read_and_act(qubit, {1: [(X, qubit)]}, parts.data[place])
        register = _waited(register, qubit, parts.lifetimes[place], parts.reset_s[place])
    return register


def _searched(register: NoisyRegister, entry: int, parts: SearchParts) -> Array:
    """Return the chances of all outcomes, an entry marked."""
    partners = (not entry & 1, not entry & 2)
    for qubit in DATA:
        register = register.gate(half_turn(True), qubit)
    for number in range(2):
        register = _controlled_z(register, number, parts)
        for qubit, turned in zip(DATA, partners, strict=True):
            if number == 0 and turned:
                register = register.gate(Z, qubit)
            register = register.gate(half_turn(False), qubit)
    return np.asarray(register.populations().reshape(2, 4, 2).sum(axis=1).reshape(4))


def _controlled_z(register: NoisyRegister, number: int, parts: SearchParts) -> NoisyRegister:
    """Let a teleported controlled Z pass: a pair, gates, readouts, waits and what results turn."""
    behind_s = parts.gate_waits_s[number]
    for place, qubit in enumerate(DATA):
        before_s = parts.waits_s[number] - behind_s
        register = _waited(register, qubit, parts.lifetimes[place], before_s)
    register = _paired(register, parts)
    hadamard = half_turn(False) @ Z
    register = register.gate(hadamard, A).gate(CZ, C, parts.gates[0]).gate(hadamard, A)
    register = register.gate(CZ, B, parts.gates[1]).gate(hadamard, B)
    for place, qubit in enumerate(DATA):
        register = _waited(register, qubit, parts.lifetimes[place], behind_s)
        register = register.waited(qubit, 0.0, (1 - parts.beside[place]) / 2)
    # pairs are |01> + |10>: where a is found in 0, b is what c is not
    for_a: Acts = {0: [(Z, T)], 1: [(X, A)]}
    for_b: Acts = {1: [(Z, C), (X, B)]}
    for place, (half, turned) in enumerate(((A, for_a), (B, for_b))):
        # what decays between the readout and the flip is flipped to 1
        gone = 1 - exp(-parts.flips_s[place] / parts.halves_t1_s[place])
        register = register.read_and_act(half, turned, parts.halves[place])
        register = _lifted(register, half, gone / 2)
    return register


def _lifted(register: NoisyRegister, qubit: int, chance: float) -> NoisyRegister:
    """Flip a qubit with a chance."""
    flipped = register.gate(X, qubit).rho
    return NoisyRegister(np.asarray((1 - chance) * register.rho + chance * flipped, np.complex128))


def _paired(register: NoisyRegister, parts: SearchParts) -> NoisyRegister:
    """Make a pair of two halves that are in 0; where one of them is not, nothing comes of it."""
    weight = (4 * parts.pair - 1) / 3
    ket = np.array([0, 1, 1, 0]) / np.sqrt(2)
    ideal = np.outer(ket, ket) * np.where(np.eye(4) > 0, 1.0, parts.stray)
    pair = weight * ideal + (1 - weight) * np.eye(4) / 4
    tensor = register.rho.reshape((2, 4, 2) * 2)
    good = tensor[:, 0, :, :, 0, :]
    rest = np.einsum("aibcid->abcd", tensor) - good
    made = np.einsum("abcd,ij->aibcjd", good, pair)
    made = made + np.einsum("abcd,ij->aibcjd", rest, np.eye(4) / 4)
    return NoisyRegister(np.asarray(made.reshape(16, 16), dtype=np.complex128))


def _waited(register: NoisyRegister, qubit: int, lives: Lifetimes, span_s: float) -> NoisyRegister:
    """Let a qubit wait."""
    left, coherent = lives.kept(span_s)
    flip = (1 - coherent / np.sqrt(left)) / 2
    return register.waited(qubit, 1 - left, float(max(0.0, flip)))

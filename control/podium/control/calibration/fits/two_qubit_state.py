"""Finds the state of two qubits from counts in nine settings, by maximum likelihood."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
ComplexArray = NDArray[np.complex128]

AXES = ("x", "y", "z")
SETTINGS = tuple((first, second) for first in AXES for second in AXES)
"""What is measured of the first and of the second qubit."""
READ_TURNS = {"x": -0.25, "y": 0.0, "z": 0.0}
"""Phase of the half pi pulse before the readout, by what is measured; of z there is none."""
ROUNDS = 400
SETTLED = 1e-6
RESAMPLED = 30
"""Data sets drawn from the state found: their scatter is the sigma."""
I2, X, Y, Z = (
    np.array(one, np.complex128)
    for one in ([[1, 0], [0, 1]], [[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]])
)
PAULIS = {"I": I2, "X": X, "Y": Y, "Z": Z}
CZ = np.diag([1, 1, 1, -1]).astype(np.complex128)
ISWAP = np.array([[1, 0, 0, 0], [0, 0, 1j, 0], [0, 1j, 0, 0], [0, 0, 0, 1]], np.complex128)


def ideal_gate(name: str) -> ComplexArray:
    """Return the matrix of an edge's gate as it should be; a CNOT is played as a CZ."""
    return ISWAP if name == "iswap" else CZ


def turned(angle: float, phase_turns: float) -> ComplexArray:
    """Return the matrix of a turn by ``angle`` (rad) about ``cos X + sin Y`` of a phase."""
    at = 2 * np.pi * phase_turns
    axis = np.cos(at) * X + np.sin(at) * Y
    return np.asarray(np.cos(angle / 2) * I2 - 1j * np.sin(angle / 2) * axis)


def read_rotation(axis: str, ahead_turns: float = 0.0) -> ComplexArray:
    """Return what is played before the readout along an axis.

    ``ahead_turns``: by which the state turns ahead of its drive's frame.
    """
    return I2 if axis == "z" else turned(np.pi / 2, READ_TURNS[axis] - ahead_turns)


def both(first: ComplexArray, second: ComplexArray) -> ComplexArray:
    """Return the matrix of one gate on each: states in the order 00, 01, 10, 11."""
    return np.asarray(np.kron(first, second), np.complex128)


@dataclass(frozen=True, slots=True, eq=False)
class Confusion:
    """Holds the probabilities that a readout takes 0 and 1 of each qubit for the other."""

    false_excited: tuple[float, float]
    false_ground: tuple[float, float]

    def matrix(self) -> Array:
        """Return P(told | was), shape (4, 4), in the order 00, 01, 10, 11."""
        pairs = zip(self.false_excited, self.false_ground, strict=True)
        return reduce(np.kron, [np.array([[1 - e, g], [e, 1 - g]]) for e, g in pairs])


def effects(rotations: list[ComplexArray], confusion: Array) -> ComplexArray:
    """Return what each outcome of each setting measures, shape (settings, 4, 4, 4).

    ``rotations``: played before the readout in each setting; ``confusion``: P(told | was).
    """
    projectors = np.stack([[u.conj().T[:, [k]] @ u[[k], :] for k in range(4)] for u in rotations])
    return np.asarray(np.einsum("ot,stab->soab", confusion, projectors))


def pair_counts(
    first: NDArray[np.bool_], second: NDArray[np.bool_], kept: NDArray[np.bool_] | None = None
) -> Array:
    """Return counts of 00, 01, 10, 11 in each setting, (settings, 4), of shots read as 1.

    All are of shape (shots, settings); only what is ``kept`` counts.
    """
    outcome = 2 * first.astype(int) + second
    every = np.broadcast_to(True if kept is None else kept, outcome.shape)
    counts = [
        np.bincount(row[those], minlength=4) for row, those in zip(outcome.T, every.T, strict=True)
    ]
    return np.stack(counts).astype(float)


def likeliest(counts: Array, measured: ComplexArray) -> ComplexArray:
    """Return the density matrix (4, 4) under which ``counts``, (settings, 4), are likeliest.

    ``measured``: as of :func:`effects`.
    """
    return np.asarray(likeliest_states(counts[None], measured)[0])


def likeliest_states(
    counts: Array, measured: ComplexArray, start: ComplexArray | None = None
) -> ComplexArray:
    """Return the density matrix, (sets, 4, 4), of each of several data sets (sets, settings, 4).

    Hradil's iteration, diluted by none: Phys. Rev. A 55, R1561 (1997).
    """
    mixed = np.eye(4, dtype=np.complex128) / 4
    begin = mixed if start is None else 0.99 * start + 0.01 * mixed

    def with_trace(states: ComplexArray) -> ComplexArray:
        trace = np.trace(states, axis1=1, axis2=2).real
        return np.asarray(states / trace[:, None, None])

    return likeliest_of(counts, measured, begin, ROUNDS, with_trace)


def likeliest_of(
    counts: Array,
    measured: ComplexArray,
    begin: ComplexArray,
    rounds: int,
    scaled: Callable[[ComplexArray], ComplexArray],
) -> ComplexArray:
    """Return where ``R found R``, scaled, no longer moves, for each of several data sets.

    ``R`` is what is measured, by how much oftener than ``found`` (d, d) says. ``counts``: (sets,
    settings, outcomes), ``measured``: (settings, outcomes, d, d). A data set that has settled is
    left alone.
    """
    told, number = packed(measured), counts.reshape(len(counts), -1)
    number = number / number.sum(axis=1, keepdims=True)
    found = np.repeat(begin[None], len(counts), axis=0)
    moving = np.arange(len(counts))
    for _ in range(rounds):
        now = found[moving]
        chance = np.maximum(packed(now) @ told.T, 1e-12)
        ratio = unpacked((number[moving] / chance) @ told)
        after = scaled(ratio @ now @ ratio)
        moved = np.abs(after - now).max(axis=(1, 2))
        found[moving] = after
        moving = moving[moved >= SETTLED]
        if not moving.size:
            break
    return np.asarray((found + adjoint(found)) / 2)


def packed(hermitian: ComplexArray) -> Array:
    """Return one row of d^2 numbers for each of Hermitian matrices (..., d, d).

    The sum of real and imaginary parts: the product of two rows is the trace of the matrices'.
    """
    return np.asarray((hermitian.real + hermitian.imag).reshape(-1, hermitian.shape[-1] ** 2))


def unpacked(rows: Array) -> ComplexArray:
    """Return the Hermitian matrices, (rows, d, d), whose rows :func:`packed` gives."""
    d = round(rows.shape[1] ** 0.5)
    square = rows.reshape(-1, d, d)
    over = square.transpose(0, 2, 1)
    return np.asarray((square + over) / 2 + 0.5j * (square - over))


def adjoint(matrices: ComplexArray) -> ComplexArray:
    """Return the adjoint of each of (..., d, d)."""
    return np.asarray(np.swapaxes(matrices, -1, -2).conj())


def fidelity(state: ComplexArray, wanted: ComplexArray) -> float:
    """Return <wanted| state |wanted>; ``wanted``: shape (4,)."""
    return float((wanted.conj() @ state @ wanted).real)


def concurrence(state: ComplexArray) -> float:
    """Return Wootters' concurrence, Phys. Rev. Lett. 80, 2245 (1998)."""
    flip = both(Y, Y)
    values = np.linalg.eigvals(state @ flip @ state.conj() @ flip)
    roots = np.sort(np.sqrt(np.maximum(values.real, 0.0)))[::-1]
    return float(max(0.0, roots[0] - roots[1:].sum()))


def largest_chsh(state: ComplexArray) -> float:
    """Return the largest CHSH S over all axes of both readouts, at most 2 sqrt(2).

    Twice the root of the sum of the two largest eigenvalues of ``T^T T``, T the 3 x 3 means of
    pairs of Paulis: Horodecki et al., Phys. Lett. A 200, 340 (1995).
    """
    means = np.array([[np.trace(state @ both(a, b)).real for b in (X, Y, Z)] for a in (X, Y, Z)])
    return float(2 * np.sqrt(np.sort(np.linalg.eigvalsh(means.T @ means))[1:].sum()))


def pauli_means(state: ComplexArray) -> dict[str, float]:
    """Return the mean of each pair of Paulis but II, by name (``XY``)."""
    return {
        a + b: float(np.trace(state @ both(PAULIS[a], PAULIS[b])).real)
        for a in "IXYZ"
        for b in "IXYZ"
        if a + b != "II"
    }


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """A state, with how far it may be trusted."""

    state: ComplexArray
    fidelity: float
    fidelity_sigma: float
    concurrence: float
    concurrence_sigma: float
    chsh_s: float
    """Of :func:`largest_chsh`."""
    chsh_sigma: float


def tomography(counts: Array, measured: ComplexArray, wanted: ComplexArray, seed: int = 0) -> Found:
    """Return the likeliest state, its fidelity with ``wanted`` (4,), and sigmas by resampling.

    A concurrence is the root of what may be nothing, as ``2 sqrt(p00 p11)``: by how much it is
    lower or higher in what is drawn from the state found is in its sigma, and is not taken out.
    """
    state = likeliest(counts, measured)
    rng = np.random.default_rng(seed)
    chance = np.maximum(np.einsum("soab,ba->so", measured, state).real, 0.0)
    chance /= chance.sum(axis=1, keepdims=True)
    shots = counts.sum(axis=1).astype(np.int64)
    again = [
        np.stack([rng.multinomial(n, p) for n, p in zip(shots, chance, strict=True)])
        for _ in range(RESAMPLED)
    ]
    drawn = [
        (fidelity(one, wanted), concurrence(one), largest_chsh(one))
        for one in likeliest_states(np.array(again, float), measured, state)
    ]
    spread = np.std(np.array(drawn), axis=0, ddof=1)
    entangled = concurrence(state)
    return Found(
        state,
        fidelity(state, wanted),
        float(spread[0]),
        entangled,
        float(np.hypot(spread[1], np.mean([one[1] for one in drawn]) - entangled)),
        largest_chsh(state),
        float(spread[2]),
    )

"""Finds what becomes of one qubit or of two on their way, from counts, by maximum likelihood.

A process of d levels is its Choi matrix (d^2, d^2), ``sum |i><j| (x) E(|i><j|)``: the input's part
first; its trace is d. An outcome of effect M has the chance ``trace(choi (rho.T (x) M))`` for the
input rho.
"""

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.fits.two_qubit_state import (
    AXES,
    I2,
    adjoint,
    likeliest_of,
    turned,
)

Array = NDArray[np.float64]
ComplexArray = NDArray[np.complex128]

INPUTS = ((0.0, 0.0), (1.0, 0.0), (0.5, 0.0), (0.5, 0.25), (0.5, 0.5), (0.5, 0.75))
"""Pulses that prepare an input from 0: share of a pi pulse, and the phase of its axis in turns."""
SETTINGS = tuple(product(INPUTS, AXES))
"""Each input, measured along each axis."""
ROUNDS = 400
"""Of the search for the likeliest process of one qubit; of two, four times as many."""
RESAMPLED = 16
"""Data sets drawn from the process found of two qubits: their scatter is the sigma."""
HELD = 1e4
"""Weight of what goes in and comes out, in the inversion that tells sigmas: it is exact."""


def inputs_of(settings: tuple[tuple[tuple[float, float], str], ...] = SETTINGS) -> ComplexArray:
    """Return the density matrix that ideal pulses prepare in each setting, (settings, 2, 2)."""
    kets = [turned(np.pi * share, turns)[:, 0] for (share, turns), _ in settings]
    return np.stack([np.outer(ket, ket.conj()) for ket in kets])


def of_unitary(gate: ComplexArray = I2) -> ComplexArray:
    """Return the vector (d^2,) whose product with itself is the Choi matrix of a unitary (d, d)."""
    return np.asarray(gate.T.reshape(-1), np.complex128)


def outcomes(inputs: ComplexArray, rotations: list[ComplexArray], confusion: Array) -> ComplexArray:
    """Return what each outcome of each setting measures of a Choi matrix, (settings, d, d^2, d^2).

    ``rotations``: played before the readout in each setting; ``confusion``: P(told | was), (d, d).
    """
    found = []
    for rho, u in zip(inputs, rotations, strict=True):
        pure = [u.conj().T[:, [k]] @ u[[k], :] for k in range(len(confusion))]
        mixed = [
            sum(share * one for share, one in zip(row, pure, strict=True)) for row in confusion
        ]
        found.append([np.kron(rho.T, one) for one in mixed])
    return np.asarray(found)


def likeliest_process(counts: Array, measured: ComplexArray) -> ComplexArray:
    """Return the Choi matrix under which ``counts``, (settings, d), are likeliest.

    ``measured``: as of :func:`outcomes`.
    """
    return np.asarray(likeliest_processes(counts[None], measured)[0])


def likeliest_processes(
    counts: Array, measured: ComplexArray, start: ComplexArray | None = None
) -> ComplexArray:
    """Return the Choi matrix, (sets, d^2, d^2), of each of several data sets (sets, settings, d).

    Each step keeps what goes in: Fiurášek and Hradil, Phys. Rev. A 63, 020101 (2001).
    """
    d, size = measured.shape[1], measured.shape[-1]
    mixed = np.eye(size, dtype=np.complex128) / d
    begin = mixed if start is None else 0.99 * start + 0.01 * mixed
    rounds = ROUNDS if d == 2 else 4 * ROUNDS
    return likeliest_of(counts, measured, begin, rounds, lambda choi: _all_goes_in(choi, d))


def _all_goes_in(choi: ComplexArray, d: int) -> ComplexArray:
    """Return Choi matrices, (sets, d^2, d^2), with their inputs stretched until all comes out."""
    went_in = np.einsum("niaja->nij", choi.reshape(-1, d, d, d, d))
    values, vectors = np.linalg.eigh(went_in)
    scaled = vectors / np.sqrt(np.maximum(values, 1e-300))[:, None, :]
    root = scaled @ adjoint(vectors)
    for _ in range(2):  # from the left, and once more of the adjoint: from the right
        choi = adjoint((root @ choi.reshape(-1, d, d**3)).reshape(choi.shape))
    return choi


def process_fidelity(choi: ComplexArray, gate: ComplexArray = I2) -> float:
    """Return the fidelity with a unitary (d, d); left out: with the way that changes nothing."""
    ideal = of_unitary(gate)
    return float((ideal.conj() @ choi @ ideal).real / len(gate) ** 2)


def average_fidelity(process: float, levels: int = 2) -> float:
    """Return the fidelity of a pure state that went the way, averaged over all of them.

    Horodecki et al., Phys. Rev. A 60, 1888 (1999): ``(d F + 1) / (d + 1)`` of a process fidelity F.
    """
    return (levels * process + 1) / (levels + 1)


@dataclass(frozen=True, slots=True, eq=False)
class FoundProcess:
    """A process, with how far it may be trusted."""

    choi: ComplexArray
    fidelity: float
    fidelity_sigma: float


def process_tomography(
    counts: Array, measured: ComplexArray, gate: ComplexArray = I2
) -> FoundProcess:
    """Return the likeliest process, its fidelity with a unitary, and the sigma of its counts.

    The sigma of one qubit's is that of the same data by linear inversion in which all that goes in
    comes out, to which the likeliest process comes near where no chance is at its bound. Two have
    more chances at their bounds: theirs is the scatter of data drawn anew.
    """
    choi = likeliest_process(counts, measured)
    chance = np.maximum(np.einsum("soab,ba->so", measured, choi).real, 0.0)
    chance /= chance.sum(axis=1, keepdims=True)
    if len(gate) > len(I2):
        rng = np.random.default_rng(0)
        shots = counts.sum(axis=1).astype(np.int64)
        drawn = np.array([rng.multinomial(shots, chance) for _ in range(RESAMPLED)])
        again = likeliest_processes(drawn.astype(np.float64), measured, choi)
        sigma = float(np.std([process_fidelity(one, gate) for one in again], ddof=1))
        return FoundProcess(choi, process_fidelity(choi, gate), sigma)
    weight = _weights(measured, gate)
    mean = (weight * chance).sum(axis=1)
    scatter = (weight**2 * chance).sum(axis=1) - mean**2
    sigma = float(np.sqrt(np.sum(scatter / counts.sum(axis=1))))
    return FoundProcess(choi, process_fidelity(choi, gate), sigma)


def _weights(measured: ComplexArray, gate: ComplexArray) -> Array:
    """Return how much each frequency, (settings, d), adds to the fidelity by linear inversion."""
    size, levels = measured.shape[-1] ** 2, np.eye(len(gate))
    rows = measured.reshape(-1, size)
    went_in = [
        np.kron(np.outer(one, other), levels).reshape(size)
        for one, other in product(levels, repeat=2)
    ]
    solved = np.linalg.pinv(np.concatenate([rows, HELD * np.array(went_in)]))
    ideal = of_unitary(gate)
    wanted = np.outer(ideal.conj(), ideal).reshape(size) / len(gate) ** 2
    return np.asarray((wanted @ solved)[: len(rows)].real.reshape(measured.shape[:2]))

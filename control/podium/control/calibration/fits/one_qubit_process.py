"""Finds what becomes of a qubit on its way, from counts, by maximum likelihood.

A process is its Choi matrix (4, 4), ``sum |i><j| (x) E(|i><j|)``: the input's part first; its trace
is 2. An outcome of effect M has the chance ``trace(choi (rho.T (x) M))`` for the input rho.
"""

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.fits.two_qubit_state import AXES, I2, turned

Array = NDArray[np.float64]
ComplexArray = NDArray[np.complex128]

INPUTS = ((0.0, 0.0), (1.0, 0.0), (0.5, 0.0), (0.5, 0.25), (0.5, 0.5), (0.5, 0.75))
"""Pulses that prepare an input from 0: share of a pi pulse, and the phase of its axis in turns."""
SETTINGS = tuple(product(INPUTS, AXES))
"""Each input, measured along each axis."""
ROUNDS = 400
SETTLED = 1e-6
HELD = 1e4
"""Weight of what goes in and comes out, in the inversion that tells sigmas: it is exact."""
IDENTITY = np.array([1, 0, 0, 1], np.complex128)
"""Of the way that changes nothing: its Choi matrix is the product of this with itself."""


def inputs_of(settings: tuple[tuple[tuple[float, float], str], ...] = SETTINGS) -> ComplexArray:
    """Return the density matrix that ideal pulses prepare in each setting, (settings, 2, 2)."""
    kets = [turned(np.pi * share, turns)[:, 0] for (share, turns), _ in settings]
    return np.stack([np.outer(ket, ket.conj()) for ket in kets])


def outcomes(inputs: ComplexArray, rotations: list[ComplexArray], confusion: Array) -> ComplexArray:
    """Return what each outcome of each setting measures of a Choi matrix, (settings, 2, 4, 4).

    ``rotations``: played before the readout in each setting; ``confusion``: P(told | was), (2, 2).
    """
    found = []
    for rho, u in zip(inputs, rotations, strict=True):
        pure = [u.conj().T[:, [k]] @ u[[k], :] for k in (0, 1)]
        found.append([np.kron(rho.T, row[0] * pure[0] + row[1] * pure[1]) for row in confusion])
    return np.asarray(found)


def likeliest_process(
    counts: Array, measured: ComplexArray, start: ComplexArray | None = None
) -> ComplexArray:
    """Return the Choi matrix under which ``counts``, (settings, 2), are likeliest.

    ``measured``: as of :func:`outcomes`. Each step keeps what goes in: Fiurášek and Hradil, Phys.
    Rev. A 63, 020101 (2001).
    """
    flat, number = measured.reshape(-1, 16), counts.ravel() / counts.sum()
    choi = np.eye(4, dtype=np.complex128) / 2
    choi = choi if start is None else 0.99 * start + 0.01 * choi
    for _ in range(ROUNDS):
        chance = np.maximum((flat @ choi.T.reshape(-1)).real, 1e-12)
        ratio = ((number / chance) @ flat).reshape(4, 4)
        after = ratio @ choi @ ratio
        went_in = np.einsum("iaja->ij", after.reshape(2, 2, 2, 2))
        values, vectors = np.linalg.eigh(went_in)
        root = (vectors / np.sqrt(np.maximum(values, 1e-300))) @ vectors.conj().T
        whole = np.kron(root, I2)
        after = whole @ after @ whole
        moved = float(np.abs(after - choi).max())
        choi = after
        if moved < SETTLED:
            break
    return np.asarray((choi + choi.conj().T) / 2)


def process_fidelity(choi: ComplexArray) -> float:
    """Return the fidelity with the way that changes nothing."""
    return float((IDENTITY.conj() @ choi @ IDENTITY).real / 4)


def average_fidelity(process: float) -> float:
    """Return the fidelity of a pure state that went the way, averaged over all of them.

    Horodecki et al., Phys. Rev. A 60, 1888 (1999): ``(2 F + 1) / 3`` of a process fidelity F.
    """
    return (2 * process + 1) / 3


@dataclass(frozen=True, slots=True, eq=False)
class FoundProcess:
    """A process, with how far it may be trusted."""

    choi: ComplexArray
    fidelity: float
    fidelity_sigma: float


def process_tomography(counts: Array, measured: ComplexArray) -> FoundProcess:
    """Return the likeliest process, its fidelity, and the sigma of its counts.

    The sigma is that of the same data by linear inversion in which all that goes in comes out, to
    which the likeliest process comes near where no chance is at its bound.
    """
    choi = likeliest_process(counts, measured)
    chance = np.maximum(np.einsum("soab,ba->so", measured, choi).real, 0.0)
    chance /= chance.sum(axis=1, keepdims=True)
    weight = _weights(measured)
    mean = (weight * chance).sum(axis=1)
    scatter = (weight**2 * chance).sum(axis=1) - mean**2
    sigma = float(np.sqrt(np.sum(scatter / counts.sum(axis=1))))
    return FoundProcess(choi, process_fidelity(choi), sigma)


def _weights(measured: ComplexArray) -> Array:
    """Return how much each frequency, (settings, 2), adds to the fidelity by linear inversion."""
    rows = measured.reshape(-1, 16)
    went_in = [
        np.kron(np.outer(I2[i], I2[j]), I2).reshape(16) for i, j in product(range(2), repeat=2)
    ]
    solved = np.linalg.pinv(np.concatenate([rows, HELD * np.array(went_in)]))
    wanted = np.outer(IDENTITY, IDENTITY).T.reshape(16) / 4
    return np.asarray((wanted @ solved)[: len(rows)].real.reshape(measured.shape[:2]))

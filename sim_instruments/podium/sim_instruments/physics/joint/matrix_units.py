"""Finds the map of all |a><b| of some states by that of Hermitian operators."""

from itertools import product

import numpy as np
from numpy.typing import NDArray


def hermitian_operators(states: NDArray[np.float64]) -> NDArray[np.complex128]:
    """Return Hermitian operators from which all |a><b| of n ``states`` (D, n) are made.

    Shape (n * n, D, D).
    """
    found = []
    for a, b in product(range(states.shape[1]), repeat=2):
        one = np.outer(states[:, a], states[:, b]).astype(np.complex128)
        found.append(one + one.T if a <= b else 1j * (one.T - one))
    return np.array(found)


def by_units(played: NDArray[np.complex128]) -> NDArray[np.complex128]:
    """Return what becomes of |a><b|, (n, n, n, n), from that of :func:`hermitian_operators`.

    ``played`` (n * n, n, n): elements between the states. Axes: a, b, and rows and columns.
    """
    count = played.shape[-1]
    of = played.reshape((count,) * 4)
    out = np.zeros((count,) * 4, np.complex128)
    for a in range(count):
        out[a, a] = of[a, a] / 2
        for b in range(a):
            out[b, a] = (of[b, a] - 1j * of[a, b]) / 2
            out[a, b] = (of[b, a] + 1j * of[a, b]) / 2
    return out

"""Any artificial atom gives the rest of the world its lowest levels and two operators."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class BareLevels:
    """The lowest levels of a circuit by itself at one flux, and its operators between them."""

    energy_hz: NDArray[np.float64]
    """Shape (K,), above the ground state, Hz."""
    charge: NDArray[np.float64]
    """Shape (K, K), real: the Cooper-pair number. Where it is antisymmetric, the operator is
    -1j times it: so it is in a basis of real functions of the phase."""
    by_flux_hz: NDArray[np.float64]
    """Shape (K, K), symmetric: dH / d flux, Hz for a flux quantum."""


class Atom(Protocol):
    """A circuit that a resonator reads."""

    def bare(self, flux: float, count: int) -> BareLevels:
        """Return its lowest ``count`` levels at ``flux``, in flux quanta from its sweet spot."""
        ...


def is_antisymmetric(charge: NDArray[np.float64]) -> bool:
    """Tell in which of its two forms a charge operator is (see :class:`BareLevels`)."""
    return bool(np.trace(charge @ charge) < 0)


def drive_elements(charge: NDArray[np.float64]) -> NDArray[np.complex128]:
    """Return what a drive moves, (L, L), Hermitian, over its 0-1 element.

    ``charge``: antisymmetric (:class:`BareLevels`). Level n is turned by n quarters and
    gets a sign, such that all elements between neighbours are positive.
    """
    count = charge.shape[0]
    sign = np.ones(count)
    for n in range(1, count):
        sign[n] = sign[n - 1] * (1.0 if charge[n, n - 1] < 0 else -1.0)
    quarter = (-1j) ** np.arange(count) * sign
    moved = -1j * quarter[:, None] * charge * quarter.conj()[None, :]
    return np.asarray(moved / moved[1, 0].real)

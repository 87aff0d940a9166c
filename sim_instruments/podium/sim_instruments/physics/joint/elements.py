"""A cluster: elements with a few levels each, and the exchange between them.

In the rotating-wave approximation the Hamiltonian of a cluster over h is, in Hz,

    H = sum over elements of E_n |n><n|  +  sum over exchanges of g (a_i+ a_j + a_j+ a_i)

where ``a`` lowers an element's level by one with the matrix elements of its ladder (sqrt(n) of a
linear oscillator). A tunable coupler is an element as any other, only that nothing reads it; what
couples elements that are not neighbours is an exchange between them. Without a drive H conserves
the sum of all levels.

Beside it stands what two elements shift each other by that no exchange of one excitation tells: of
fluxoniums, whose plasmon lines push each other's, a part of their ZZ.

Decoherence belongs to the elements: incoherent jumps between its levels, each with a Lindblad
operator ``|to><from|`` of its own (coherences are not handed down: levels of an anharmonic element
do not emit alike), and white dephasing at ``dephasing * (n - m)**2``.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Element:
    """One element of a cluster: a transmon, or a coupler."""

    levels_hz: NDArray[np.float64]
    """Shape (L,): energies over h without the exchange, above its ground state."""
    ladder: NDArray[np.float64]
    """Shape (L-1,): <n|a|n+1>; the first is 1."""
    rates_1_s: NDArray[np.float64]
    """Shape (L, L), [to, from]: jumps; the diagonal is zero."""
    dephasing_1_s: float

    @property
    def count(self) -> int:
        """Return how many levels it has."""
        return int(self.levels_hz.size)


@dataclass(frozen=True, slots=True)
class Exchange:
    """The exchange of one excitation between two elements."""

    one: int
    other: int
    strength_hz: float
    """g, signed: of the transitions 0-1 at rest."""


@dataclass(frozen=True, slots=True)
class Shift:
    """The energy of two elements being excited both, whatever their levels, beside the exchange."""

    one: int
    other: int
    energy_hz: float


@dataclass(frozen=True, slots=True, eq=False)
class Cluster:
    """Elements that share one state. Raises ValueError where an exchange names none of them."""

    elements: tuple[Element, ...]
    exchanges: tuple[Exchange, ...]
    shifts: tuple[Shift, ...] = ()
    joint_hz: NDArray[np.float64] | None = None
    """Shape (D,): by how much the energy of each product state is more than the sum of its levels,
    where these are dressed levels; None: by nothing."""

    def __post_init__(self) -> None:
        for exchange in self.exchanges:
            ends = exchange.one, exchange.other
            if exchange.one == exchange.other or not all(
                0 <= end < len(self.elements) for end in ends
            ):
                raise ValueError(
                    f"an exchange joins two different of {len(self.elements)} elements, not {ends}"
                )


def transmon(
    f01_hz: float,
    anharmonicity_hz: float,
    t1_s: float = np.inf,
    dephasing_1_s: float = 0.0,
    levels: int = 3,
) -> Element:
    """Return a weakly anharmonic oscillator that decays from n at ``n / t1_s``."""
    n = np.arange(levels)
    return Element(
        levels_hz=duffing(np.array(f01_hz), anharmonicity_hz, levels),
        ladder=np.sqrt(n[1:]),
        rates_1_s=np.diag(n[1:] / t1_s, 1),
        dephasing_1_s=dephasing_1_s,
    )


def duffing(
    f01_hz: NDArray[np.float64], anharmonicity_hz: float, levels: int = 3
) -> NDArray[np.float64]:
    """Return levels ``n f01 + anharmonicity n (n - 1) / 2``, shape (..., levels), Hz."""
    n = np.arange(levels)
    return np.asarray(f01_hz[..., None] * n + 0.5 * anharmonicity_hz * n * (n - 1))


def levels_of(cluster: Cluster) -> Sequence[int]:
    """Return how many levels each element has."""
    return [element.count for element in cluster.elements]

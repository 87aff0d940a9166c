"""A register: atoms that fixed couplings hold together, and the static spectrum that they share.

``H = sum of the pairs (atom with its resonator) + sum of c n_i n_j`` over h, diagonalised whole,
without the rotating-wave approximation, once for each atom: its own pair with all states that the
world knows, the others with three levels and no photon.

Static means: levels, lines and pulls are those of the coupled register with the neighbours in
their ground states. Excitations do not hop in time. Where an excited state belongs to several
atoms (:attr:`.resonator.Dressed.alone` well below 1) a drive is refused, not played wrongly.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.levels import is_antisymmetric
from podium.sim_instruments.physics.resonator import Dressed, Pair

NEIGHBOUR_LEVELS = 3
LARGEST = 5
"""Atoms of a register: 8 * 3**4 = 648 states take 0.2 s for each atom at each new bias."""

Couplings = Mapping[tuple[int, int], float]
"""By two atoms: what multiplies the product of their Cooper-pair numbers, Hz, signed."""


class NoRegister(ValueError):
    """These atoms cannot be simulated as one register: the message says why."""


def check_register(antisymmetric: Sequence[bool]) -> None:
    """Raise :class:`NoRegister` where a register is too large, or of two kinds of atoms."""
    if len(antisymmetric) > LARGEST:
        raise NoRegister(
            f"a register of {len(antisymmetric)} coupled qubits is too large to be simulated: "
            f"at most {LARGEST}"
        )
    if len(set(antisymmetric)) > 1:
        raise NoRegister("a register couples transmons, or fluxoniums, not both")


def coupled(pairs: Sequence[Pair], couplings: Couplings) -> tuple[Dressed, ...]:
    """Return each atom of a register as it stands among the others."""
    check_register([is_antisymmetric(pair.charge) for pair in pairs])
    return tuple(_among(pairs, couplings, own) for own in range(len(pairs)))


def _among(pairs: Sequence[Pair], couplings: Couplings, own: int) -> Dressed:
    sizes = [2 * p.levels if i == own else NEIGHBOUR_LEVELS for i, p in enumerate(pairs)]
    sign = -1.0 if is_antisymmetric(pairs[own].charge) else 1.0  # (-1j)**2 of the two charges
    matrix = np.zeros((int(np.prod(sizes)),) * 2)
    for i, pair in enumerate(pairs):
        matrix += _within(sizes, {i: np.diag(pair.energy_hz[: sizes[i]])})
    for (i, j), strength_hz in couplings.items():
        charges = {k: pairs[k].charge[: sizes[k], : sizes[k]] for k in (i, j)}
        matrix += sign * strength_hz * _within(sizes, charges)
    from scipy.linalg import eigh  # heavy: see .relaxation

    energy, vectors = eigh(matrix)
    # the own pair in each of its states, everybody else in 0
    stride = int(np.prod(sizes[own + 1 :]))
    weight = vectors[stride * np.arange(sizes[own])] ** 2
    state = np.argmax(weight, axis=1)
    count = pairs[own].levels
    kept = vectors[:, state[:count]]
    here = {own: pairs[own].charge}
    moved = {own: pairs[own].by_flux_hz}
    slope = kept.T @ _within(sizes, moved) @ kept
    vacuum, photon = energy[state[:count]], energy[state[count:]]
    return Dressed(
        levels_hz=vacuum - vacuum[0],
        resonator_hz=photon - vacuum,
        charges=np.abs(kept.T @ _within(sizes, here) @ kept),
        slope_hz=float(slope[1, 1] - slope[0, 0]),
        coupling_01_hz=pairs[own].coupling_01_hz,
        n_crit=pairs[own].n_crit,
        alone=float(weight[1, state[1]]),
    )


def _within(
    sizes: Sequence[int], operators: Mapping[int, NDArray[np.float64]]
) -> NDArray[np.float64]:
    """Return the product of operators of single atoms in the space of all."""
    product: NDArray[np.float64] = np.eye(1)
    for i, size in enumerate(sizes):
        product = np.asarray(np.kron(product, operators.get(i, np.eye(size))), np.float64)
    return product

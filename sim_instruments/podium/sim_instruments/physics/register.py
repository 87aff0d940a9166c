"""A register: atoms that fixed couplings hold together, and the static spectrum that they share.

``H = sum of the pairs (atom with its resonator) + sum of c n_i n_j`` over h, diagonalised whole,
without the rotating-wave approximation, once for each atom: its own pair with all states that the
world knows, the others with three levels and no photon.

Static means: levels, lines and pulls are those of the coupled register with the neighbours in
their ground states. Excitations do not hop in time. Where an excited state belongs to several
atoms (:attr:`.resonator.Dressed.alone` well below 1) a drive is refused, not played wrongly.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.levels import Atom, is_antisymmetric
from podium.sim_instruments.physics.resonator import Dressed, Pair

NEIGHBOUR_LEVELS = 3
"""Of a transmon. A fluxonium has all that its pair knows: what it does to others comes from its
plasmon lines, 0-3 among them."""
FAINT = 1e-2
"""Charge elements of a transmon between levels of one parity, of the largest: an offset charge
leaves them, and no more is dropped where a register has both kinds."""
SHIFTING_LEVELS = 7
"""Of an atom, for what two excitations shift each other by: with four, a third of the ZZ of
fluxoniums beside a transmon is missing."""
LARGEST = 5
"""Atoms of a register: 8 * 3**4 = 648 states take 0.2 s for each atom at each new bias."""

Couplings = Mapping[tuple[int, int], float]
"""By two atoms: what multiplies the product of their Cooper-pair numbers, Hz, signed."""


class NoRegister(ValueError):
    """These atoms cannot be simulated as one register: the message says why."""


def check_register(antisymmetric: Sequence[bool]) -> None:
    """Raise :class:`NoRegister` where a register is too large; ``antisymmetric``: fluxoniums."""
    if len(antisymmetric) > LARGEST:
        raise NoRegister(
            f"a register of {len(antisymmetric)} coupled qubits is too large to be simulated: "
            f"at most {LARGEST}"
        )


def coupled(pairs: Sequence[Pair], couplings: Couplings) -> tuple[Dressed, ...]:
    """Return each atom of a register as it stands among the others."""
    pairs = in_one_form(pairs)
    return tuple(_among(pairs, couplings, own) for own in range(len(pairs)))


def shift_hz(
    atoms: Sequence[tuple[Atom, float]], couplings: Couplings, ends: tuple[int, int]
) -> float:
    """Return by how much excitations of two atoms of a register shift each other, signed, Hz.

    ``atoms``: each with its flux, in flux quanta from its sweet spot; without their resonators,
    with :data:`SHIFTING_LEVELS` each. All others are in 0. A level takes the name of the product
    state that weighs most in it.
    """
    pairs = in_one_form([_without_resonator(*atom) for atom in atoms])
    sizes = [pair.levels for pair in pairs]
    from scipy.linalg import eigh  # heavy: see .relaxation

    energy, vectors = eigh(_matrix(pairs, couplings, sizes))
    found = {}
    for first, second in ((0, 0), (0, 1), (1, 0), (1, 1)):
        levels = [0] * len(pairs)
        levels[ends[0]], levels[ends[1]] = first, second
        place = int(np.ravel_multi_index(levels, sizes))
        found[first, second] = float(energy[np.argmax(vectors[place] ** 2)])
    return found[1, 1] - found[1, 0] - found[0, 1] + found[0, 0]


def _without_resonator(atom: Atom, flux: float) -> Pair:
    """Return a pair whose resonator is not there: its states with a photon mean nothing."""
    bare = atom.bare(flux, SHIFTING_LEVELS)
    none = np.zeros_like(bare.charge)
    return Pair(
        energy_hz=np.tile(bare.energy_hz - bare.energy_hz[0], 2),
        charge=np.block([[bare.charge, none], [none, bare.charge]]),
        by_flux_hz=np.block([[bare.by_flux_hz, none], [none, bare.by_flux_hz]]),
        coupling_01_hz=0.0,
        n_crit=float("inf"),
    )


def in_one_form(pairs: Sequence[Pair]) -> tuple[Pair, ...]:
    """Return pairs whose charges have one form (:class:`.levels.BareLevels`).

    Beside fluxoniums a transmon's states of odd parity are turned by 1j: its charge, which
    changes the parity, is then -1j times a real antisymmetric matrix as well. Raises
    :class:`NoRegister` for more than :data:`LARGEST`, and where there is no parity.
    """
    fluxoniums = [is_antisymmetric(pair.charge) for pair in pairs]
    check_register(fluxoniums)
    if not any(fluxoniums):
        return tuple(pairs)
    return tuple(
        pair if is_fluxonium else replace(pair, charge=turned_charge(pair.charge))
        for pair, is_fluxonium in zip(pairs, fluxoniums, strict=True)
    )


def turned_charge(charge: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the antisymmetric form of a symmetric charge operator, of states with a parity.

    One that is antisymmetric stays. Raises :class:`NoRegister` where there is no parity.
    """
    if is_antisymmetric(charge):
        return charge
    strong = np.abs(charge) > FAINT * np.abs(charge).max()
    odd = np.full(charge.shape[0], -1)
    for first in range(odd.size):
        if odd[first] >= 0:
            continue
        odd[first], found = 0, [first]
        for state in found:
            new = np.flatnonzero(strong[state] & (odd < 0))
            odd[new] = 1 - odd[state]
            found.extend(new.tolist())
    if np.any(strong & (odd[:, None] == odd[None, :])):
        raise NoRegister(
            "a transmon beside a fluxonium has levels without a parity: its offset charge counts, "
            "and such a register is not simulated; a larger EJ / EC has a parity"
        )
    return np.asarray(np.where(odd[:, None] == odd[None, :], 0.0, charge * (2 * odd[:, None] - 1)))


def _matrix(
    pairs: Sequence[Pair], couplings: Couplings, sizes: Sequence[int]
) -> NDArray[np.float64]:
    """Return the Hamiltonian of a register over h, Hz, with so many states of each pair."""
    sign = -1.0 if is_antisymmetric(pairs[0].charge) else 1.0  # (-1j)**2 of the two charges
    matrix = np.zeros((int(np.prod(sizes)),) * 2)
    for i, pair in enumerate(pairs):
        matrix += within(sizes, {i: np.diag(pair.energy_hz[: sizes[i]])})
    for (i, j), strength_hz in couplings.items():
        charges = {k: pairs[k].charge[: sizes[k], : sizes[k]] for k in (i, j)}
        matrix += sign * strength_hz * within(sizes, charges)
    return matrix


def _among(pairs: Sequence[Pair], couplings: Couplings, own: int) -> Dressed:
    fewest = NEIGHBOUR_LEVELS
    if is_antisymmetric(pairs[0].charge):
        fewest = pairs[0].levels
    sizes = [2 * p.levels if i == own else fewest for i, p in enumerate(pairs)]
    matrix = _matrix(pairs, couplings, sizes)
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
    slope = kept.T @ within(sizes, moved) @ kept
    charge = kept.T @ within(sizes, here) @ kept
    vacuum, photon = energy[state[:count]], energy[state[count:]]
    return Dressed(
        levels_hz=vacuum - vacuum[0],
        resonator_hz=photon - vacuum,
        charges=np.abs(charge),
        slope_hz=float(slope[1, 1] - slope[0, 0]),
        coupling_01_hz=pairs[own].coupling_01_hz,
        n_crit=pairs[own].n_crit,
        level_n_crit=pairs[own].level_n_crit,
        alone=float(weight[1, state[1]]),
        signed=charge if is_antisymmetric(charge) else None,
    )


def within(sizes: Sequence[int], operators: Mapping[int, NDArray[Any]]) -> NDArray[Any]:
    """Return the product of operators of single atoms in the space of all."""
    product: NDArray[Any] = np.eye(1)
    for i, size in enumerate(sizes):
        product = np.kron(product, operators.get(i, np.eye(size)))
    return product

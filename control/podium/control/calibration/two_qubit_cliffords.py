"""Defines the 11,520 two-qubit Cliffords: pulses of each, products, inverses, random sequences.

An element is layers of one single-qubit Clifford on each qubit, with a gate between layers, a CZ or
an iSWAP: 576 elements have none, 5,184 one, 5,184 two and 576 three, 1.5 on average (Corcoles et
al., Phys. Rev. A 87, 030301(R) (2013); Barends et al., Nature 508, 500 (2014), supplement). An
iSWAP is a CZ, a SWAP and turns about Z: two make a CNOT, and three a SWAP. Nothing is computed
before the first use.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from itertools import product

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.fits.two_qubit_state import PAULIS, both, ideal_gate, turned

SignArray = NDArray[np.int8]
PlaceArray = NDArray[np.intp]

GROUP = 11_520
"""Elements, global phases left out."""
QUARTERS = range(4)


@dataclass(frozen=True, slots=True)
class Turn:
    """A single-qubit Clifford: a virtual Z, at most one pulse about X, a virtual Z."""

    before: int
    """Quarter turns about Z, before the pulse."""
    pulse: int
    """Quarter turns about X: 0 (no pulse), 1 or 2."""
    after: int
    """Quarter turns about Z, after the pulse."""


TURNS: tuple[Turn, ...] = (
    *(Turn(0, 0, after) for after in QUARTERS),
    *(Turn(before, 1, after) for before in QUARTERS for after in QUARTERS),
    *(Turn(0, 2, after) for after in QUARTERS),
)
"""All 24 of one qubit."""
IDLE = TURNS.index(Turn(0, 0, 0))
FLIP = TURNS.index(Turn(0, 2, 0))
HADAMARD = TURNS.index(Turn(1, 1, 1))
HALF = TURNS.index(Turn(0, 1, 0))
QUARTER_Z = TURNS.index(Turn(0, 0, 1))
PAULI_TURNS = (IDLE, FLIP, TURNS.index(Turn(0, 2, 2)), TURNS.index(Turn(0, 0, 2)))
"""I, X, Y and Z, but for phases."""
AXES = (IDLE, HALF, TURNS.index(Turn(1, 1, 0)))
"""Bring Z, Y and X of a qubit to Z. Before one gate no more is needed: turns about Z, and flips,
pass through it as single-qubit gates."""
AXES_OF_TWO = (IDLE, QUARTER_Z, TURNS.index(Turn(0, 1, 1)))
"""Bring X, Y and Z of a qubit to X: turns about X pass through CZ, Hadamards and CZ."""

Layer = tuple[int, int]
"""Places in :data:`TURNS`: of the first and of the second qubit."""
Layers = tuple[Layer, ...]
"""In the order of time; a gate lies between each two."""


@dataclass(frozen=True, slots=True)
class Native:
    """A gate of which Cliffords are made, and the layers of those with two and with three."""

    gate: str
    """``cz`` or ``iswap``: see :func:`.two_qubit_state.ideal_gate`."""
    before_two: tuple[tuple[int, ...], tuple[int, ...]]
    """What comes before two gates, on the first and on the second qubit."""
    between_two: Layer
    three: Layers
    """Before each of three."""


OF_CZ = Native(
    "cz",
    (AXES_OF_TWO, AXES_OF_TWO),
    (HADAMARD, HADAMARD),
    ((IDLE, IDLE), (HADAMARD, HADAMARD), (HADAMARD, HADAMARD)),
)
OF_ISWAP = Native(
    "iswap",
    ((IDLE, QUARTER_Z, HALF), AXES),
    (IDLE, HALF),
    ((IDLE, IDLE), (IDLE, HALF), (HALF, IDLE)),
)
"""Found by trying all: none needs fewer pulses."""


@dataclass(frozen=True, slots=True, eq=False)
class Tableaux:
    """Maps Paulis by Cliffords: U P U^-1 is again one, with a sign.

    A pair of Paulis has the number 4 a + b, with I, X, Y, Z = 0, 1, 2, 3 on the first and on the
    second qubit.
    """

    images: PlaceArray
    """Shape (..., 16)."""
    signs: SignArray
    """Shape (..., 16): 1 or -1."""

    def after(self, first: "Tableaux") -> "Tableaux":
        """Return the product: ``first``, then these; shapes are broadcast."""
        shape = np.broadcast_shapes(self.images.shape, first.images.shape)
        places = np.broadcast_to(first.images, shape)
        images = np.take_along_axis(np.broadcast_to(self.images, shape), places, axis=-1)
        signs = np.take_along_axis(np.broadcast_to(self.signs, shape), places, axis=-1)
        return Tableaux(images, np.asarray(first.signs * signs, np.int8))

    def inverse(self) -> "Tableaux":
        """Return the inverse of each."""
        images = np.argsort(self.images, axis=-1)
        return Tableaux(images, np.take_along_axis(self.signs, images, axis=-1))

    def keys(self) -> PlaceArray:
        """Return a number of 20 bits for each, other for other Cliffords: images of XI, ZI, IX, IZ.

        Shape (...).
        """
        generators = [4, 12, 1, 3]
        bits = self.images[..., generators] + 16 * (self.signs[..., generators] < 0)
        return np.asarray(bits @ (32 ** np.arange(4)))

    def __getitem__(self, place: int | Layer | PlaceArray) -> "Tableaux":
        """Return those at a place of the leading axes."""
        return Tableaux(self.images[place], self.signs[place])


def unitary_of(turn: Turn) -> NDArray[np.complex128]:
    """Return a single-qubit Clifford, shape (2, 2)."""
    x, z = turned(np.pi / 2, 0.0), np.diag([1, 1j])
    before, pulse, after = (
        np.linalg.matrix_power(one, power)
        for one, power in ((z, turn.before), (x, turn.pulse), (z, turn.after))
    )
    return np.asarray(after @ pulse @ before)


def tableau_of(unitary: NDArray[np.complex128]) -> Tableaux:
    """Return the tableau of a Clifford of one qubit (2, 2) or of two (4, 4).

    Raises ValueError for a matrix that is none.
    """
    single = list(PAULIS.values())
    size = len(unitary)
    paulis = single if size == 2 else [both(a, b) for a in single for b in single]
    turned_ones = [unitary @ one @ unitary.conj().T for one in paulis]
    parts = np.array([[np.trace(p @ one).real / size for p in paulis] for one in turned_ones])
    images = np.argmax(np.abs(parts), axis=1)
    values = np.take_along_axis(parts, images[:, None], axis=1)[:, 0]
    if not np.allclose(np.abs(values), 1):
        raise ValueError("no Clifford: it does not make Paulis of Paulis")
    return Tableaux(images, np.sign(values).astype(np.int8))


def _on_both(first: Tableaux, second: Tableaux) -> Tableaux:
    """Return products of one-qubit tableaux, shape (n, m, 16), from (n, 4) and (m, 4)."""
    images = 4 * first.images[:, None, :, None] + second.images[None, :, None, :]
    signs = first.signs[:, None, :, None] * second.signs[None, :, None, :]
    shape = (*images.shape[:2], 16)
    return Tableaux(images.reshape(shape), signs.reshape(shape))


@cache
def _layers_of_two() -> Tableaux:
    """Return all pairs of single-qubit Cliffords, shape (24, 24, 16)."""
    one = [tableau_of(unitary_of(turn)) for turn in TURNS]
    singles = Tableaux(np.stack([t.images for t in one]), np.stack([t.signs for t in one]))
    return _on_both(singles, singles)


@cache
def gate_tableau(native: Native) -> Tableaux:
    """Return the tableau of the gate, shape (16,)."""
    return tableau_of(ideal_gate(native.gate))


def tableau_of_layers(layers: Layers, native: Native = OF_CZ) -> Tableaux:
    """Return the tableau of layers with a gate between each two, shape (16,)."""
    pairs = _layers_of_two()
    whole = pairs[layers[0]]
    for layer in layers[1:]:
        whole = pairs[layer].after(gate_tableau(native).after(whole))
    return whole


@dataclass(frozen=True, slots=True, eq=False)
class Cliffords:
    """All elements, by their number from 0 to :data:`GROUP` - 1."""

    layers: tuple[Layers, ...]
    tableaux: Tableaux
    """Shape (11520, 16)."""
    order: PlaceArray
    """Elements sorted by :meth:`Tableaux.keys`."""
    sorted_keys: PlaceArray

    def find(self, tableau: Tableaux) -> PlaceArray:
        """Return which elements tableaux are of, shape as their leading axes."""
        return np.asarray(self.order[np.searchsorted(self.sorted_keys, tableau.keys())])


def _pairs(first: Iterable[int], second: Iterable[int]) -> list[Layer]:
    """Return all layers of these places of the first and of the second qubit."""
    return list(product(first, second))


@cache
def cliffords(native: Native = OF_CZ) -> Cliffords:
    """Return the group; made at the first call, in some 20 ms."""
    count = range(len(TURNS))
    every = _pairs(count, count)
    layers: list[Layers] = []
    layers += [(last,) for last in every]
    layers += [(first, last) for first in _pairs(AXES, AXES) for last in every]
    layers += [
        (first, native.between_two, last) for first in _pairs(*native.before_two) for last in every
    ]
    layers += [(*native.three, last) for last in every]
    pairs, starts = _layers_of_two(), list(dict.fromkeys(one[:-1] for one in layers))
    images, signs = [], []
    local = Tableaux(pairs.images.reshape(-1, 16), pairs.signs.reshape(-1, 16))
    for start in starts:  # in the order of the list above: each is followed by every last layer
        whole = local
        if start:
            whole = local.after(gate_tableau(native).after(tableau_of_layers(start, native)))
        images.append(whole.images)
        signs.append(whole.signs)
    tableaux = Tableaux(np.concatenate(images), np.concatenate(signs))
    keys = tableaux.keys()
    order = np.argsort(keys)
    return Cliffords(tuple(layers), tableaux, order, keys[order])


@dataclass(frozen=True, slots=True)
class Sequence:
    """Random Cliffords, the last of which brings 00 to a basis state."""

    native: Native
    elements: tuple[int, ...]
    """Places in :func:`cliffords`: the drawn ones and the recovery."""
    target: int
    """0, 1, 2 or 3: the basis state 00, 01, 10 or 11 that an ideal sequence ends in."""
    interleaved: bool
    """A gate follows each Clifford but the recovery."""
    paulis: tuple[Layer, ...]
    """Of each element: what both qubits are turned by before its first gate, and back behind its
    last one."""

    @property
    def layers(self) -> tuple[Layers, ...]:
        """Return the layers of each element, with its Paulis."""
        both = zip(self.elements, self.paulis, strict=True)
        return tuple(_twirled(self.native, one, pauli) for one, pauli in both)


def _twirled(native: Native, element: int, pauli: Layer) -> Layers:
    """Return layers that make an element, with a Pauli behind the first of them.

    A gate's error would meet that of the gate before it with the same few turns between them, as
    first layers have only nine kinds: coherent errors of an interleaved gate then add to those of
    the Clifford behind it, or cancel. Paulis let them do either as often.
    """
    group = cliffords(native)
    layers = group.layers[element]
    if len(layers) == 1:
        return layers
    pairs = _layers_of_two()
    first = _local(group, pairs[pauli].after(pairs[layers[0]]))
    before_last = tableau_of_layers((first, *layers[1:-1], (IDLE, IDLE)), native)
    last = _local(group, group.tableaux[element].after(before_last.inverse()))
    return first, *layers[1:-1], last


def _local(group: Cliffords, tableau: Tableaux) -> Layer:
    """Return the layer of an element without gates."""
    (layer,) = group.layers[int(group.find(tableau))]
    return layer


def draw(
    length: int, seed: tuple[int, ...], interleaved: bool = False, native: Native = OF_CZ
) -> Sequence:
    """Draw ``length`` Cliffords and a target, both evenly, and append the recovery.

    ``seed``: the same one gives the same Cliffords and target, interleaved or not.
    """
    rng = np.random.default_rng(seed)
    group = cliffords(native)
    drawn = rng.integers(GROUP, size=length)
    target = int(rng.integers(4))
    whole = _layers_of_two()[IDLE, IDLE]
    for one in drawn:
        whole = group.tableaux[int(one)].after(whole)
        if interleaved:
            whole = gate_tableau(native).after(whole)
    flips = _layers_of_two()[FLIP if target & 2 else IDLE, FLIP if target & 1 else IDLE]
    recovery = int(group.find(flips.after(whole.inverse())))
    turned = rng.integers(len(PAULI_TURNS), size=(length + 1, 2))
    paulis = tuple((PAULI_TURNS[a], PAULI_TURNS[b]) for a, b in turned.tolist())
    return Sequence(native, (*map(int, drawn), recovery), target, interleaved, paulis)

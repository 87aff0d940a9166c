"""Finds how near a CNOT of two nodes comes to the ideal one, from shots of a teleported gate.

The process fidelity of a Clifford gate U is the mean, over the 16 products P of two Pauli matrices,
of what it makes of P along U P U+ (Flammia and Liu, Phys. Rev. Lett. 106, 230501 (2011)). Inputs
are all products of eigenstates of X, Y and Z: each pair of axes tells up to three of the products
at once, as what is measured behind the gate is one pair of axes as well.

The pair's phase is another one after each start. It turns what is found along X and Y of the
control, as the axis does along which its far half is read: that goes round in four steps.
"""

from dataclasses import dataclass
from functools import cache
from itertools import product

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.fits.two_qubit_state import AXES, PAULIS

Array = NDArray[np.float64]
CNOT = np.array([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 1], [0, 0, 1, 0]], np.complex128)
"""The control first."""
ROUND = 4
"""Axes of the equator along which the far half of the control's copy is read."""
SIGNS = (1, -1)
INPUT_AXES = tuple((first, second) for first in AXES for second in AXES)


@dataclass(frozen=True, slots=True)
class CnotSetting:
    """Tells what is prepared and read of control and target, and the axis of the copy's reading."""

    prepared: tuple[str, str]
    """Axes of the inputs."""
    signs: tuple[int, int]
    """Which eigenstates they are."""
    read: tuple[str, str]
    turn: float
    """Of the copy's axis, turns."""


@dataclass(frozen=True, slots=True)
class Image:
    """Holds what an ideal CNOT makes of a product of two Paulis."""

    word: str
    sign: int


@cache
def image_of(word: str) -> Image:
    """Return what an ideal CNOT makes of a product of Paulis, as ``XI``."""
    made = CNOT @ np.kron(PAULIS[word[0]], PAULIS[word[1]]) @ CNOT.conj().T
    for pair in product("IXYZ", repeat=2):
        overlap = np.trace(made @ np.kron(PAULIS[pair[0]], PAULIS[pair[1]])).real / 4
        if abs(overlap) > 0.5:
            return Image("".join(pair), int(np.sign(overlap)))
    raise AssertionError("a CNOT makes a product of Paulis of each")


def read_axes(prepared: tuple[str, str]) -> tuple[str, str]:
    """Return the axes behind the gate that tell what it makes of inputs along ``prepared``."""
    first, second = (one.upper() for one in prepared)
    images = [image_of(word).word for word in (first + second, first + "I", "I" + second)]
    read = [
        next((word[place] for word in images if word[place] != "I"), "Z").lower()
        for place in (0, 1)
    ]
    return read[0], read[1]


SETTINGS = tuple(
    CnotSetting(axes, signs, read_axes(axes), turn / ROUND)
    for axes in INPUT_AXES
    for signs in ((one, other) for one in SIGNS for other in SIGNS)
    for turn in range(ROUND)
)


@dataclass(frozen=True, slots=True, eq=False)
class FoundCnot:
    """A teleported CNOT, with its copy's axis where it fits the pair's phase."""

    fidelity: float
    """Of the process."""
    sigma: float
    turns: float
    """Of the axis that fits."""
    kept: dict[str, float]
    """By product of Paulis that goes in: how much of it comes out as it should."""


def teleported_cnot_of(
    seen: NDArray[np.bool_], errors: tuple[tuple[float, float], tuple[float, float]]
) -> FoundCnot:
    """Return what shots tell.

    ``seen`` (2, shots, settings): control and target read as 1, the results of the pair put to
    use; ``errors`` of each: how often 0 is read as 1 and 1 as 0, taken out.
    """
    mean = np.empty((2, *seen.shape[1:]))
    for place, (up, down) in enumerate(errors):
        mean[place] = (1 - 2.0 * seen[place] - (down - up)) / (1 - up - down)
    found: dict[str, list[tuple[int, Array]]] = {}
    for together, axes in enumerate(INPUT_AXES):
        rows = [n for n, one in enumerate(SETTINGS) if one.prepared == axes]
        for inside in ((True, True), (True, False), (False, True)):
            word = "".join(a.upper() if own else "I" for a, own in zip(axes, inside, strict=True))
            image, told = image_of(word), read_axes(axes)
            if any(a not in ("I", b.upper()) for a, b in zip(image.word, told, strict=True)):
                continue
            read = [
                mean[place][:, rows] if image.word[place] != "I" else np.ones((1, len(rows)))
                for place in (0, 1)
            ]
            sign = np.array([_sign(SETTINGS[n], inside) for n in rows]) * image.sign
            each = (read[0] * read[1] * sign).reshape(-1, ROUND)
            found.setdefault(word, []).append((together, each))
    return _overall(found)


def _sign(setting: CnotSetting, inside: tuple[bool, bool]) -> int:
    """Return the eigenvalue of the product of Paulis that went in."""
    return int(np.prod([s for s, own in zip(setting.signs, inside, strict=True) if own]))


def _overall(found: dict[str, list[tuple[int, Array]]]) -> FoundCnot:
    """Return the process fidelity; ``found``: by product, the shots (n, turns) of its inputs.

    The number beside them is that of their axes: up to three products are told by the same shots,
    which differ from their means alike.
    """
    by_turn = {
        w: np.mean([one.mean(axis=0) for _, one in each], axis=0) for w, each in found.items()
    }
    turned = [word for word in found if image_of(word).word[0] in "XY"]
    around = np.arange(ROUND) / ROUND
    whole = sum(complex(by_turn[word] @ np.exp(2j * np.pi * around)) for word in turned)
    turns = float(np.angle(whole) / (2 * np.pi))
    fits = 2 * np.cos(2 * np.pi * (around - turns))
    weight = {word: (fits if word in turned else np.ones(ROUND)) / ROUND for word in found}
    kept = {word: float(by_turn[word] @ weight[word]) for word in found}
    shots: dict[int, Array] = {}
    for word, each in found.items():
        for together, one in each:
            share = one * weight[word] / len(each)
            shots[together] = shots[together] + share if together in shots else share
    variance = sum(float(one.var(axis=0).sum()) / len(one) for one in shots.values())
    sigma = float(np.sqrt(variance)) / 16
    return FoundCnot((1 + sum(kept.values())) / 16, sigma, turns % 1.0, kept)

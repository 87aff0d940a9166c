"""A fluxonium by itself: a small junction, shunted by a large inductance and a capacitance.

Manucharyan et al., Science 326, 113 (2009): ``H = 4 EC n**2 - EJ cos(phi - 2 pi flux) +
EL phi**2 / 2``. In the basis of the oscillator that EC and EL make, cosine and sine are taken
through the eigenvectors of phi (Gauss-Hermite quadrature). Energies are divided by h (Hz), fluxes
by the flux quantum.

That is done at three fluxes, the anchors. Moved along by the flux, the circuit is that of the
anchor nearest by and ``EL phi`` times the distance: a small change, of which a few tens of states
hold all that it makes of the lowest levels (a reduced basis, checked by its residuals).
"""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.levels import BareLevels

LARGEST, GROWTH = 800, 1.25
"""Oscillator levels at most, and by how many times more where the circuit's reach further up."""
TAIL, TAIL_LEVELS = 3e-7, 4
"""The lowest levels' amplitudes in so many of the highest oscillator levels are below this."""
ANCHOR_STEP = 0.25
"""Flux quanta between anchors: they are at 0, 1/4 and 1/2 from the sweet spot."""
SPARE_LEVELS = 2
"""Levels beyond those asked for that a reduced basis holds whole: some cross between anchors."""
ORDERS = 4
"""Orders of perturbation theory in the distance from an anchor that span a reduced basis."""
FAINT = (3e-9, 3e-10, 3e-11, 0.0)
"""A reduced basis leaves out what weighs less at its ends; where a residual is too large, less."""
RESIDUAL = 3e-6
"""Of a reduced basis at its ends, over the oscillator's quantum: energies err by its square."""
SWEET_SPOT = 0.5
"""Flux, in flux quanta, at which f01 is least and has no slope."""


@dataclass(frozen=True, slots=True)
class Fluxonium:
    """The circuit's constants."""

    charging_hz: float
    """EC / h, with EC = e**2 / 2C."""
    josephson_hz: float
    """EJ / h, of the small junction."""
    inductive_hz: float
    """EL / h, with EL = (flux quantum / 2 pi)**2 / L."""

    def __post_init__(self) -> None:
        if not min(self.charging_hz, self.josephson_hz, self.inductive_hz) > 0:
            raise ValueError(
                "a fluxonium needs EC > 0, EJ > 0 and EL > 0, not "
                f"EC {self.charging_hz!r} Hz, EJ {self.josephson_hz!r} Hz, "
                f"EL {self.inductive_hz!r} Hz"
            )

    @property
    def quantum_hz(self) -> float:
        """The frequency of the oscillator that EC and EL make."""
        return math.sqrt(8 * self.charging_hz * self.inductive_hz)

    def bare(self, flux: float, count: int) -> BareLevels:
        """Diagonalise at ``flux``, in flux quanta from the sweet spot at half a flux quantum.

        A flux of the other sign turns phi around, a whole flux quantum changes nothing. Energies
        err by less than 0.1 Hz. Raises ``ValueError`` where EC is too small for
        :data:`LARGEST` oscillator levels.
        """
        within = flux - round(flux)
        place = round(abs(within) / ANCHOR_STEP)
        distance = 2 * math.pi * (abs(within) - place * ANCHOR_STEP)
        sign = -1.0 if within < 0 else 1.0
        if distance == 0:
            anchor = _anchor(self, place, count)
            levels_hz = anchor.levels_hz
            charge, by_flux_hz = anchor.operators(anchor.states[:, :count])
        else:
            basis = _reduced(self, place, count)
            levels_hz, states = np.linalg.eigh(
                basis.matrix_hz + distance * self.inductive_hz * basis.phase
            )
            kept = states[:, :count]
            charge, by_flux_hz = kept.T @ basis.operators @ kept
        return BareLevels(levels_hz[:count] - levels_hz[0], sign * charge, sign * by_flux_hz)

    def half_sines(self, flux: float, count: int) -> NDArray[np.float64]:
        """Return elements of the sine of half of the small junction's phase, (count, count), >= 0.

        In the oscillator's levels at that flux: a reduced basis has no such operator.
        """
        within = abs(flux - round(flux))
        size = _anchor(self, 0, count).levels_hz.size
        found = _diagonalised(self, within / ANCHOR_STEP, size)
        in_place = found.vectors.T @ found.states[:, :count]
        return np.asarray(np.abs(in_place.T @ (np.sin(found.shifted / 2)[:, None] * in_place)))


@dataclass(frozen=True, slots=True, eq=False)
class _Oscillator:
    """So many levels of an oscillator, whose phi has a width of 1."""

    raising: NDArray[np.float64]
    phase: NDArray[np.float64]
    place: NDArray[np.float64]
    """Shape (size,): eigenvalues of phi."""
    vectors: NDArray[np.float64]
    """Their eigenvectors, in columns."""


@lru_cache(maxsize=16)
def _oscillator(size: int) -> _Oscillator:
    raising = np.diag(np.sqrt(np.arange(1.0, size)), 1)
    phase = (raising + raising.T) / math.sqrt(2)
    return _Oscillator(raising, phase, *np.linalg.eigh(phase))


@dataclass(frozen=True, slots=True, eq=False)
class _Anchor:
    """A circuit at one flux: all of its levels, of which the lowest have converged."""

    levels_hz: NDArray[np.float64]
    states: NDArray[np.float64]
    """In columns, in the oscillator's levels."""
    phase: NDArray[np.float64]
    """phi between the oscillator's levels."""
    charge: NDArray[np.float64]
    """The Cooper-pair number there, real and antisymmetric."""
    vectors: NDArray[np.float64]
    """Eigenvectors of phi, in columns."""
    shifted: NDArray[np.float64]
    """The phase across the small junction at each of them."""
    slope_hz: NDArray[np.float64]
    """dH / d flux between them, which is diagonal."""

    def operators(self, kept: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return charge and dH / d flux between states that are columns of ``kept``."""
        in_place = self.vectors.T @ kept
        return np.stack(
            [kept.T @ self.charge @ kept, in_place.T @ (self.slope_hz[:, None] * in_place)]
        )


@lru_cache(maxsize=64)
def _anchor(circuit: Fluxonium, place: int, count: int) -> _Anchor:
    """Diagonalise at an anchor, with as many oscillator levels as the lowest ``count`` need."""
    if place:
        size = _anchor(circuit, 0, count).levels_hz.size
    else:  # found by trial: most need no more
        ratio = circuit.josephson_hz / circuit.inductive_hz
        size = math.ceil(42 + 1.5 * count + min(2.5 * ratio, LARGEST / 4))
    while size <= LARGEST:
        anchor = _diagonalised(circuit, place, size)
        if np.abs(anchor.states[-TAIL_LEVELS:, :count]).max() < TAIL:
            return anchor
        size = math.ceil(GROWTH * size)
    raise ValueError(
        f"{count} levels of {circuit} reach beyond {LARGEST} levels of its oscillator; with a "
        "larger EC, or a smaller EJ / EL, they do not"
    )


def _diagonalised(circuit: Fluxonium, place: float, size: int) -> _Anchor:
    """Diagonalise so many anchor steps from the sweet spot."""
    oscillator = _oscillator(size)
    width = (8 * circuit.charging_hz / circuit.inductive_hz) ** 0.25
    shifted = width * oscillator.place - 2 * math.pi * (SWEET_SPOT + place * ANCHOR_STEP)
    vectors = oscillator.vectors
    matrix = np.diag(circuit.quantum_hz * (np.arange(size) + 0.5))
    matrix -= circuit.josephson_hz * (vectors * np.cos(shifted)) @ vectors.T
    if 2 * place * ANCHOR_STEP % 1:
        levels_hz, states = np.linalg.eigh(matrix)
    else:  # levels have a parity, by turns
        levels_hz, states = np.zeros(size), np.zeros((size, size))
        for odd in (0, 1):
            half = slice(odd, None, 2)
            levels_hz[half], states[half, half] = np.linalg.eigh(matrix[half, half])
    return _Anchor(
        levels_hz=levels_hz,
        states=states,
        phase=width * oscillator.phase,
        charge=(oscillator.raising - oscillator.raising.T) / (math.sqrt(2) * width),
        vectors=vectors,
        shifted=shifted,
        slope_hz=-2 * math.pi * circuit.josephson_hz * np.sin(shifted),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Reduced:
    """Few states about an anchor, which hold the lowest levels at all fluxes nearest to it."""

    matrix_hz: NDArray[np.float64]
    """Shape (D, D): the Hamiltonian at the anchor."""
    phase: NDArray[np.float64]
    """Shape (D, D): phi."""
    operators: NDArray[np.float64]
    """Shape (2, D, D): charge and dH / d flux; neither changes with the distance."""


@lru_cache(maxsize=256)
def _reduced(circuit: Fluxonium, place: int, count: int) -> _Reduced:
    """Span what the lowest levels become up to half a step from an anchor, and check it."""
    anchor = _anchor(circuit, place, count)
    moved_hz = (
        math.pi
        * ANCHOR_STEP
        * circuit.inductive_hz
        * (anchor.states.T @ (anchor.phase @ anchor.states))
    )
    whole = count + SPARE_LEVELS
    apart_hz = np.abs(anchor.levels_hz[:, None] - anchor.levels_hz[:whole])
    apart_hz = np.maximum(apart_hz, circuit.quantum_hz)  # only where the vectors point matters
    orders = [np.eye(anchor.levels_hz.size, whole)]
    for _ in range(ORDERS):
        further = moved_hz @ orders[-1] / apart_hz
        further[:whole] = 0
        orders.append(further)
    from scipy.linalg import qr  # heavy: see .relaxation

    spanned, weight, _ = qr(np.hstack(orders), mode="economic", pivoting=True, check_finite=False)
    for faint in FAINT:
        basis = spanned[:, np.abs(np.diag(weight)) > faint]
        if _residual_hz(anchor.levels_hz, moved_hz, basis, count) < RESIDUAL * circuit.quantum_hz:
            break
    else:
        basis = np.eye(anchor.levels_hz.size)
    kept = anchor.states @ basis
    return _Reduced(
        matrix_hz=basis.T @ (anchor.levels_hz[:, None] * basis),
        phase=kept.T @ (anchor.phase @ kept),
        operators=anchor.operators(kept),
    )


def _residual_hz(
    levels_hz: NDArray[np.float64],
    moved_hz: NDArray[np.float64],
    basis: NDArray[np.float64],
    count: int,
) -> float:
    """Return by how much the levels found in a basis fail to be levels, at both of its ends."""
    worst_hz = 0.0
    for side in (1.0, -1.0):
        moved = levels_hz[:, None] * basis + side * moved_hz @ basis
        found_hz, states = np.linalg.eigh(basis.T @ moved)
        missed = moved @ states[:, :count] - basis @ states[:, :count] * found_hz[:count]
        worst_hz = max(worst_hz, float(np.linalg.norm(missed, axis=0).max()))
    return worst_hz

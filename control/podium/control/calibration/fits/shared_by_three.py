"""Finds the fidelity of entangled states over a hub, of any phase, from counts.

A GHZ state is ``|110> + exp(i phase) |001>``: the population of both, and the coherence between
them. Half pi on all three about axes of the phases t, t and -t makes the product of all outcomes go
with that coherence three times in a turn of t; all other coherences make it go once, or not at all
(Leibfried et al., Nature 438, 639 (2005); Monz et al., Phys. Rev. Lett. 106, 130506 (2011)).

Where the middle one is always read along one axis of its equator, the others share a pair whose
sign its outcome tells: the product of all three goes twice in a turn of t.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
PHASES = 16
"""Steps of a turn; seven tell the third harmonic from the first."""


@dataclass(frozen=True, slots=True, eq=False)
class SharedForm:
    """Which state is looked for."""

    numbers: tuple[int, ...]
    """Outcomes without a turn that belong to it; the first qubit has the highest bit."""
    signs: tuple[int, int, int]
    """How often each qubit's axis goes round in a turn."""

    @property
    def harmonic(self) -> int:
        """Return how often the product goes round in a turn."""
        return sum(abs(one) for one in self.signs)


GHZ = SharedForm((0b110, 0b001), (1, 1, -1))
SWAPPED = SharedForm((0b100, 0b110, 0b001, 0b011), (1, 0, -1))
"""A pair of the outer two, the middle one read along an axis of its equator."""


@dataclass(frozen=True, slots=True, eq=False)
class FoundShared:
    """The fidelity with the nearest state of a form, and its parts."""

    population: float
    """In the kets of the form."""
    coherence: float
    """Twice the size of the coherence; 1 for the state itself."""
    fidelity: float
    sigma: float
    products: Array
    """Means of the product of all three outcomes (+1, -1), shape (PHASES,)."""


def shared_of(
    ones: NDArray[np.bool_], confusions: list[Array], form: SharedForm = GHZ
) -> FoundShared:
    """Return what shots tell, errors of the readouts taken out by inversion.

    ``ones`` (3, shots, 1 + PHASES): read as 1, without a turn and about each axis; ``confusions``:
    P(told | was) of each, (2, 2).
    """
    shots, settings = ones.shape[1:]
    inverse = [np.linalg.inv(one) for one in confusions]
    number = 4 * ones[0].astype(np.intp) + 2 * ones[1] + ones[2]
    told = np.stack([np.bincount(number[:, k], minlength=8) for k in range(settings)]) / shots
    whole = np.kron(np.kron(inverse[0], inverse[1]), inverse[2])
    was = told @ whole.T
    signs = np.array([(-1) ** one.bit_count() for one in range(8)])
    products = was[1:] @ signs
    wave = np.exp(2j * np.pi * form.harmonic * np.arange(PHASES) / PHASES)
    amplitude = 2 / PHASES * np.sum(products * wave)
    along = amplitude / max(abs(amplitude), 1e-12)
    # by parts: how much each shot adds to the fidelity, and its scatter
    weights = np.zeros((settings, 8))
    weights[0] = 0.5 * whole[list(form.numbers)].sum(axis=0)
    share = np.real(wave * np.conj(along)) / PHASES
    weights[1:] = share[:, None] * (signs @ whole)[None, :]
    mean = (weights * told).sum(axis=1)
    variance = (weights**2 * told).sum(axis=1) - mean**2
    population = float(was[0, list(form.numbers)].sum())
    fidelity = 0.5 * (population + abs(amplitude))
    sigma = float(np.sqrt(np.sum(np.maximum(variance, 0.0)) / shots))
    return FoundShared(population, float(abs(amplitude)), float(fidelity), sigma, products)

"""A fluxonium's spectrum over a flux quantum, beside scqubits: 101 fluxes, six levels.

Both sides are measured in one run, in processor time: ours of a circuit not met before, theirs by
``get_spectrum_vs_paramvals`` at its own cutoff.
"""

import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.fluxonium import SWEET_SPOT, Fluxonium

CIRCUIT = Fluxonium(charging_hz=1.572e9, josephson_hz=2.086e9, inductive_hz=0.537e9)
"""Bao et al., Phys. Rev. Lett. 129, 010502 (2022), qubit B."""
FLUXES = np.linspace(0.0, 1.0, 101)
"""Flux quanta."""
LEVELS = 6
CUTOFF = 110
"""scqubits' default."""


@dataclass(frozen=True, slots=True)
class Spectra:
    """Processor times of both sides, and how far their levels are apart."""

    ours_s: float
    again_s: float
    """Ours, of a circuit that has been met before."""
    theirs_s: float
    apart_ghz: float


def measured() -> Spectra:
    """Measure both sides, the shortest of a few times."""
    again_s, found_hz = shortest(10, lambda _: ours(CIRCUIT))
    ours_s, _ = shortest(10, lambda n: ours(others(n + 1)))
    theirs_s, levels_ghz = shortest(2, lambda _: theirs())
    apart = np.abs(found_hz / 1e9 - (levels_ghz - levels_ghz[:, :1]))
    return Spectra(ours_s, again_s, theirs_s, float(apart.max()))


def others(number: int) -> Fluxonium:
    """Return a circuit some Hz beside ours: nothing is known of it."""
    return replace(CIRCUIT, josephson_hz=CIRCUIT.josephson_hz + number)


def ours(circuit: Fluxonium) -> NDArray[np.float64]:
    """Return levels above the ground state, (fluxes, levels), Hz; operators are found as well."""
    places = FLUXES - SWEET_SPOT
    return np.stack([circuit.bare(float(flux), LEVELS).energy_hz for flux in places])


def theirs() -> NDArray[np.float64]:
    """Return scqubits' energies, (fluxes, levels), GHz."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from scqubits import settings
        from scqubits.core.fluxonium import Fluxonium as Circuit

        settings.PROGRESSBAR_DISABLED = True
        circuit = Circuit(
            EJ=CIRCUIT.josephson_hz / 1e9,
            EC=CIRCUIT.charging_hz / 1e9,
            EL=CIRCUIT.inductive_hz / 1e9,
            flux=0.5,
            cutoff=CUTOFF,
        )
        found = circuit.get_spectrum_vs_paramvals("flux", FLUXES, evals_count=LEVELS, num_cpus=1)
    return np.asarray(found.energy_table)


def shortest(
    count: int, task: Callable[[int], NDArray[np.float64]]
) -> tuple[float, NDArray[np.float64]]:
    """Return the shortest processor time of a task that is given its number, and its result."""
    least = np.inf
    for number in range(count):
        begin = time.process_time()
        result = task(number)
        least = min(least, time.process_time() - begin)
    return least, result

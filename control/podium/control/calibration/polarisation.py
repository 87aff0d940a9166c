"""Says how much of its signal heat leaves a qubit, and how many shots make up for it."""

from collections.abc import Iterable

import numpy as np

from podium.control.calibration.bench import Bench
from podium.control.facility.facility import Qubit

PLANCK_BY_BOLTZMANN_K_S = 4.799243e-11
"""h / k, of CODATA's exact constants, kelvin seconds."""
USUAL_K = 0.03
"""ASSUMED, where no thermal population was measured: what qubits feel in a fridge of 10 mK."""
HOT = 0.9
"""A qubit at rest whose polarisation is less begins nothing well: it is reset by flips."""
MOST = 16.0
"""So many times the shots at most."""


def polarisation(bench: Bench, qubit: Qubit) -> float:
    """Return by how much more often the qubit at rest is in 0 than in 1, of all times.

    All that a pi pulse changes is smaller by this. A fluxonium's is tanh(h f01 / 2 k T), until it
    is measured; that of a transmon, of a percent or two less than 1, counts as 1.
    """
    if qubit.kind != "fluxonium":
        return 1.0
    thermal = bench.record.get(f"{qubit.name}.thermal_population")
    if thermal is not None:
        return float(np.clip(1 - 2 * thermal.value, 1 / np.sqrt(MOST), 1.0))
    expected = PLANCK_BY_BOLTZMANN_K_S * bench.guess(qubit, "f01") / (2 * USUAL_K)
    return float(np.clip(np.tanh(expected), 1 / np.sqrt(MOST), 1.0))


def is_hot(bench: Bench, qubit: Qubit) -> bool:
    """Tell whether heat leaves a fluxonium in 1 too often for a wait to bring it to 0."""
    return polarisation(bench, qubit) < HOT


def shots_for(bench: Bench, qubits: Iterable[Qubit], shots: float) -> int:
    """Return how many shots tell of these qubits at rest what ``shots`` tell of cold ones."""
    return bench.shots(round(shots / min(polarisation(bench, q) for q in qubits) ** 2))

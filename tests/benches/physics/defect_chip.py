"""The two uncoupled transmons of the bench, one with a two-level defect below its sweet spot."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy.linalg import expm
from scipy.optimize import brentq
from tests.benches.physics.chip import FEEDLINE, MATRIX, QUBITS
from tests.benches.physics.coupled_chip import LINES

from podium.sim_instruments.physics.chip import Chip
from podium.sim_instruments.physics.defects import Defect
from podium.sim_instruments.physics.world import World

NAME = "node_a.q0"
DEFECT = Defect(f"{NAME}.tls1", 5.6e9, 2e6, 1e-6, 0.5e-6)


def chip_with(*defects: Defect) -> Chip:
    """Put defects beside q0."""
    qubits = [replace(QUBITS[0], defects=defects), QUBITS[1]]
    return Chip(qubits, [FEEDLINE], MATRIX, np.zeros(2))


CHIP = chip_with(DEFECT)
SPOTS = CHIP.sweet_spots_v()


def world() -> World:
    return World(CHIP.at, 3, LINES, CHIP)


def quanta_where(f01_hz: float) -> float:
    """Flux quanta that bring q0 to a frequency."""

    def apart(quanta: float) -> float:
        return float(CHIP.bare_at(NAME, SPOTS, quanta)[0][1]) - f01_hz

    return float(brentq(apart, 0.0, 0.3))


def master(
    hamiltonian_hz: np.ndarray, jumps: Sequence[tuple[np.ndarray, float]], spans_ns: Sequence[float]
) -> list[np.ndarray]:
    """Return the maps of a master equation of Lindblad's form over these spans, row by row.

    ``jumps``: operators with their rates, 1/s.
    """
    one = np.eye(len(hamiltonian_hz))
    rate = -2j * np.pi * (np.kron(hamiltonian_hz, one) - np.kron(one, hamiltonian_hz.T))
    for operator, rate_1_s in jumps:
        both = operator.T @ operator
        rate += rate_1_s * (
            np.kron(operator, operator) - 0.5 * (np.kron(both, one) + np.kron(one, both.T))
        )
    return [expm(1e-9 * span_ns * rate) for span_ns in spans_ns]

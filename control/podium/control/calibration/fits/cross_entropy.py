"""Finds how much of the ideal state is left behind random circuits of two qubits.

Cross-entropy benchmarking: Boixo et al., Nature Physics 14, 595 (2018); as here, by least squares
over each circuit's outcomes: Arute et al., Nature 574, 505 (2019), supplement IV.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.fits.two_qubit_state import both, turned

Array = NDArray[np.float64]
ComplexArray = NDArray[np.complex128]
STATES = 4
PHASES = 8
"""Axes of the half pi pulses lie in the plane, so many of them, evenly."""
SPECKLED = 0.1
"""Circuits whose ideal chances differ from a quarter by less, in sum of squares, tell little."""
TRIES = 50


@dataclass(frozen=True, slots=True, eq=False)
class Circuit:
    """Layers of half pi pulses on both ends, a gate between each two."""

    phases: NDArray[np.int64]
    """Of the pulses' axes in units of 1 / :data:`PHASES` turn, shape (cycles + 1, 2)."""

    @property
    def turns(self) -> Array:
        """Return the same in turns."""
        return self.phases / PHASES

    def chances(self, gate: ComplexArray) -> Array:
        """Return the chances of 00, 01, 10, 11 by ideal pulses and this gate, (4, 4)."""
        state = np.zeros(STATES, np.complex128)
        state[0] = 1.0
        for number, (first, second) in enumerate(self.turns.tolist()):
            if number:
                state = gate @ state
            state = _halves(first, second) @ state
        return np.asarray(np.abs(state) ** 2, np.float64)


@cache
def _halves(first_turns: float, second_turns: float) -> ComplexArray:
    """Return a half pi pulse on each end, (4, 4), of which there are few: by phases, in turns."""
    return both(*(turned(np.pi / 2, turns) for turns in (first_turns, second_turns)))


def draw_circuit(cycles: int, gate: ComplexArray, seed: tuple[int, ...]) -> Circuit:
    """Draw a circuit whose ideal outcomes are not all alike.

    No end's axis is the same twice in a row.
    """
    rng = np.random.default_rng(seed)
    for _ in range(TRIES):
        steps = rng.integers(1, PHASES, size=(cycles + 1, 2))
        circuit = Circuit(np.cumsum(steps, axis=0) % PHASES)
        if np.sum((circuit.chances(gate) - 1 / STATES) ** 2) > SPECKLED:
            break
    return circuit


def ideal_left(counts: Array, chances: Array, confusion: Array) -> tuple[float, float]:
    """Return the share of a circuit's ideal state that its counts (4,) tell of, and its variance.

    The rest is taken as the even mixture. ``chances``: ideal, (4,); ``confusion``: P(told | was).
    """
    even = np.full(STATES, 1 / STATES)
    told, shots = counts / counts.sum(), float(counts.sum())
    weight = confusion @ (chances - even)
    weight = weight / (weight @ weight)
    share = float(weight @ (told - confusion @ even))
    variance = float(weight**2 @ told - (weight @ told) ** 2) / shots
    return share, max(variance, 0.25 / shots**2)

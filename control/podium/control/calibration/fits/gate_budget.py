"""Works out what phases, decoherence and leakage make of a CZ's average fidelity.

All are the first order of the average infidelity to the ideal gate, of small errors: a term each,
which add up.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import hypot
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from podium.control.parameters.entry import Measured

Array = NDArray[np.float64]
STATES = 4
SWAP_COSTS = 0.4
PHASES = np.array([[0.0, 0.0, 0.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [1.0, 1.0, 1.0]])
"""Of 00, 01, 10 and 11, by phases of the first end, of the second, and the conditional one."""


class Valued(Protocol):
    """A value with its sigma: just measured, or of the store."""

    @property
    def value(self) -> float:
        """In SI units."""
        ...

    @property
    def sigma(self) -> float:
        """One standard deviation."""
        ...


def phase_form() -> Array:
    """Return Q, (3, 3): phases x (rad) cost an average infidelity of x Q x.

    ``1 - (|Tr U|^2 + 4) / 20`` (Pedersen et al., Phys. Lett. A 367, 47 (2007)) of a diagonal U.
    """
    own = STATES * PHASES.T @ PHASES
    together = np.outer(PHASES.sum(axis=0), PHASES.sum(axis=0))
    return np.asarray((own - together) / (STATES * (STATES + 1)))


@dataclass(frozen=True, slots=True, eq=False)
class PhaseErrors:
    """By how much one gate turns phases too far."""

    turns: Array
    """Of the first end, of the second, both with the other end in 0, and the conditional one."""
    sigma: Array

    def infidelity(self) -> Measured:
        """Return what they cost, less what their noise alone would seem to; may be negative."""
        form = (2 * np.pi) ** 2 * phase_form()
        covariance = np.diag(self.sigma**2)
        value = float(self.turns @ form @ self.turns - np.trace(form @ covariance))
        spread = form @ covariance @ form
        noise = 2 * float(np.trace(spread @ covariance))
        # of the true phases it would be 4 x spread x + noise; those measured have noise themselves
        variance = 4 * float(self.turns @ spread @ self.turns) - noise
        return Measured(value, float(np.sqrt(max(variance, noise))), "1")


def phase_errors(off: Array, sigma: Array) -> PhaseErrors:
    """Return the phase errors of one gate from Ramsey on each end, the other in 0 and in 1.

    ``off``, ``sigma``: (2, 2), turns that the end (first index) is turned too far with the other
    end in 0 and in 1. Both ends see the conditional phase: it is their weighted mean.
    """
    seen, variance = off[:, 1] - off[:, 0], (sigma**2).sum(axis=1)
    weights = 1 / variance
    both = float(seen @ weights / weights.sum())
    return PhaseErrors(
        np.array([off[0, 0], off[1, 0], both]),
        np.array([sigma[0, 0], sigma[1, 0], float(weights.sum() ** -0.5)]),
    )


def decoherence(duration_s: float, t1: Sequence[Valued], t2: Sequence[Valued]) -> Measured:
    """Return the error by decoherence of idle qubits: ``2/5 t (1 / (2 T1) + 1 / T2)`` each.

    As of two qubits at rest, in first order of t over T1 and T2 (Abad et al., Phys. Rev. Lett. 129,
    150504 (2022), with 1 / Tphi = 1 / T2 - 1 / (2 T1)).
    """
    factor, value, sigma = 0.4 * duration_s, 0.0, 0.0
    for one, weight in [(one, 0.5) for one in t1] + [(one, 1.0) for one in t2]:
        value += factor * weight / one.value
        sigma = hypot(sigma, factor * weight * one.sigma / one.value**2)
    return Measured(value, sigma, "1")


def leaked(lost: float, idle: float, sigma: float, gates: int) -> Measured:
    """Return what leakage costs: a quarter of what all four states together lose in a gate.

    ``lost``, ``idle``: what has left 1 behind ``gates`` gates, and behind as long a wait, summed
    over the states.
    """
    return Measured((lost - idle) / gates / STATES, sigma / gates / STATES, "1")


def swapped(gained: float, idle: float, sigma: float, gates: int) -> Measured:
    """Return what passing between 01 and 10 costs: two fifths of what passes in a gate, p.

    ``1 - (|Tr U|^2 + 4) / 20`` (Pedersen et al., Phys. Lett. A 367, 47 (2007)) with ``Tr U = 2 + 2
    sqrt(1 - p)``. ``gained``, ``idle``: what has passed behind ``gates`` gates, and behind none.
    """
    return Measured(SWAP_COSTS * (gained - idle) / gates, SWAP_COSTS * sigma / gates, "1")


def total(parts: tuple[Measured, ...]) -> Measured:
    """Return the sum of the parts, whose errors do not depend on each other."""
    return Measured(sum(one.value for one in parts), hypot(*(one.sigma for one in parts)), "1")

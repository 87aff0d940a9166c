"""The constants of a flux line: how what is played on it differs from what arrives."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

ALIKE = 1e-9
"""Time constants that differ by less than this part are moved apart by it."""


@dataclass(frozen=True, slots=True)
class LineResponse:
    """The response of one flux line."""

    exponentials: tuple[tuple[float, float], ...] = ()
    """(a, tau in ns) of each."""
    high_pass_ns: float = np.inf
    """Time constant of the bias tee; infinite: none."""
    delay_ns: float = 0.0
    """How much later a pulse arrives than a drive that is sent with it; may be below 0."""
    reflection: tuple[float, float] = (0.0, 0.0)
    """Part of the signal that arrives once more, and how much later, ns."""

    def steady(self) -> float:
        """Return what is left of a step in the end."""
        return 1.0 if np.isinf(self.high_pass_ns) else 0.0

    def modes(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return amplitudes and time constants, ns, of the exponentials in the step response."""
        size = np.array([a for a, _ in self.exponentials], np.float64)
        tau = np.array([tau for _, tau in self.exponentials], np.float64)
        if np.isinf(self.high_pass_ns):
            return size, tau
        through = self.high_pass_ns
        tau = np.where(np.abs(tau / through - 1) < ALIKE, tau * (1 + 2 * ALIKE), tau)
        # [1 + sum of a s/(s + 1/tau)] / (s + 1/T) in partial fractions
        own = size * through / (through - tau)
        rest = 1 - float(np.sum(size * tau / (through - tau)))
        return np.append(own, rest), np.append(tau, through)

"""Bounds what is left of a pair's fidelity while its two qubits wait.

A waiting qubit decays with T1 towards its ground state and loses phase with T2. In the Heisenberg
picture ``X -> f X``, ``Y -> f Y``, ``Z -> g Z + h`` with ``f = exp(-t/T2)``, ``g = exp(-t/T1)``,
``h = (1 - g) <Z>_equilibrium``. The Bell state's projector A(t) keeps of itself

    lambda = (1 -+ h_a h_b + g_a g_b + 2 f_a f_b)/4

(- for odd Bell states, + for even ones) and is mixed with its partner of opposite phase by
``c = |g_a h_b +- h_a g_b|/4``. For any state of fidelity F,
``<A> >= lambda F - 2 c sqrt(F (1-F))``. The worse of both signs is taken, and the ground state
for equilibrium: a warmer one costs less.
"""

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Memory:
    """Holds the coherence times of a station's qubits, the shortest ones."""

    t1_s: float
    t2_s: float

    def __post_init__(self) -> None:
        """Refuse times that no qubit has."""
        if not 0.0 < self.t2_s <= 2.0 * self.t1_s:
            raise ValueError(f"0 < T2 <= 2 T1; got T1 {self.t1_s} s, T2 {self.t2_s} s")

    @property
    def longest_s(self) -> float:
        """A pair is given up after so long, whatever is asked of it: half of T1 or T2."""
        return min(self.t1_s, self.t2_s) / 2.0


def stored_bound(fidelity: float, ends: tuple[Memory, Memory], seconds: float) -> float:
    """Return the least fidelity after ``seconds`` of waiting; it falls with time and T1, T2."""
    a, b = ends
    g_a, g_b = math.exp(-seconds / a.t1_s), math.exp(-seconds / b.t1_s)
    coherence = math.exp(-seconds / a.t2_s - seconds / b.t2_s)
    kept = (1.0 - (1.0 - g_a) * (1.0 - g_b) + g_a * g_b + 2.0 * coherence) / 4.0
    mixed = (g_a * (1.0 - g_b) + g_b * (1.0 - g_a)) / 4.0
    lost = 2.0 * mixed * math.sqrt(max(0.0, fidelity * (1.0 - fidelity)))
    return max(0.0, kept * fidelity - lost)


def time_above(fidelity: float, ends: tuple[Memory, Memory], wanted: float) -> float:
    """Return for how many seconds the bound stays at or above ``wanted``; 0: not even now."""
    low, high = 0.0, min(one.longest_s for one in ends)
    if stored_bound(fidelity, ends, low) < wanted:
        return 0.0
    if stored_bound(fidelity, ends, high) >= wanted:
        return high
    for _ in range(60):
        middle = (low + high) / 2.0
        if stored_bound(fidelity, ends, middle) >= wanted:
            low = middle
        else:
            high = middle
    return low

"""Computes what becomes of the fidelity of entangled pairs: swapping, checks, fusion, gates.

Fidelity is the overlap with the Bell state that a pair is said to be. A Werner pair is that Bell
state with chance F and each of the three others with chance ``z = (1 - F)/3``; any pair is made one
by the same random Clifford at both ends, which is part of a check here (Bennett et al., Phys. Rev.
Lett. 76, 722 (1996), "BBPSSW").

Functions that end in ``_bound`` hold for any state whose fidelity is at least that, and for local
operations that fail with at most a chance ``error``, whatever they then do.
"""

import math
from collections.abc import Sequence
from functools import reduce


def werner_weight(fidelity: float) -> float:
    """Return the weight w of the Bell state beside white noise: ``F = (1 + 3 w)/4``."""
    return (4.0 * fidelity - 1.0) / 3.0


def swapped(fidelities: Sequence[float]) -> float:
    """Return the fidelity of Werner pairs in a row after perfect swaps between them."""
    return (1.0 + 3.0 * math.prod(werner_weight(one) for one in fidelities)) / 4.0


def swap_bound(left: float, right: float, error: float = 0.0) -> float:
    """Return the least fidelity after a swap.

    The swap's result is the sum over Bell states k of ``p_k q_k``, the chances of both pairs to be
    in it, for any states (coherences between Bell states drop out in the mean over the four
    results); the least is ``p_0 q_0``.
    """
    return left * right * (1.0 - error)


def purified(first: float, second: float) -> tuple[float, float]:
    """Return fidelity and chance of BBPSSW: two Werner pairs, of which the first is kept."""
    z, y = (1.0 - first) / 3.0, (1.0 - second) / 3.0
    good = first * second + z * y
    passed = (first + z) * (second + y) + 4.0 * z * y
    return good / passed, passed


def checked(fidelity: float, kept: int) -> tuple[float, float]:
    """Return fidelity of each kept pair, and chance, where one pair checks ``kept`` others.

    All are Werner pairs of the same fidelity. At both ends the kept pairs' qubits control a NOT on
    that of the sacrificed pair, which is then measured: an odd number of flips among all is seen.
    Its phase error comes back to every kept pair. With one kept pair this is BBPSSW; with more it
    costs less and finds less.
    """
    z = (1.0 - fidelity) / 3.0
    still = fidelity + z - 2.0 * z  # of one pair: even minus odd, for sums over even numbers
    passed = (1.0 + still ** (kept + 1)) / 2.0
    others = kept - 1
    even, odd = (1.0 + still**others) / 2.0, (1.0 - still**others) / 2.0
    right = even * fidelity + odd * z  # the sacrificed pair without a phase error
    wrong = even * z + odd * z  # with one, which undoes that of the kept pair
    return (fidelity * right + z * wrong) / passed, passed


def check_bound(fidelity: float, kept: int, error: float = 0.0) -> float:
    """Return the least fidelity of each kept pair after a check that has passed.

    ``fidelity``: the least one among the pairs, above 1/2; they must not share an origin. What
    passes by an operation that failed is taken for lost.
    """
    after, chance = checked(fidelity, kept)
    good = (1.0 - error) * chance
    return good * after / (good + error)


def fused(fidelities: Sequence[float]) -> float:
    """Return the fidelity of the GHZ state of n parties that n - 1 Werner pairs are fused to.

    For equal pairs ``[(F + z)^(n-1) + (F - z)^(n-1)]/2``.
    """
    flips = math.prod(one + (1.0 - one) / 3.0 for one in fidelities)
    phases = math.prod(one - (1.0 - one) / 3.0 for one in fidelities)
    return (flips + phases) / 2.0


def teleported_gate(fidelity: float, readout_error: float = 0.0, gate_error: float = 0.0) -> float:
    """Return the process fidelity of a CNOT that is teleported over a Werner pair.

    ``readout_error``: chance that one of the two readouts is wrong, each: it applies a Pauli too
    many, which an error of the pair may undo. ``gate_error``: depolarising chance of all local
    gates together, to first order.
    """
    e, z = readout_error, (1.0 - fidelity) / 3.0
    process = fidelity * (1.0 - e) ** 2 + z * (2.0 * e * (1.0 - e) + e**2)
    return process * (1.0 - gate_error)


def average_fidelity(process: float, qubits: int = 2) -> float:
    """Return the average state fidelity of a process: ``(d F + 1)/(d + 1)``."""
    size = 2.0**qubits
    return (size * process + 1.0) / (size + 1.0)


def swap_bounds(fidelities: Sequence[float], error: float = 0.0) -> float:
    """Return the least fidelity after the swaps between pairs in a row."""
    return reduce(lambda left, right: swap_bound(left, right, error), fidelities)

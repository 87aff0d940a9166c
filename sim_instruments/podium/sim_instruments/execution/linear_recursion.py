"""Carries the state of linear filters over any number of steps with the same input.

Between two changes of what comes in such filters are a recursion with a constant: one matrix takes
(states, sum, input) over a step, and its powers over 2, 4, 8 ... steps.
"""

from typing import Any, Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

STILL: Final = 0.125
"""A leap is so long that the output moves by no more than this, in steps of the converter."""
GROWTH: Final = 4.0
"""Bound on what later stages make of a change: of what a stage's state moves, its gain leaves."""
ROUNDED: Final = 1e-8
"""Bound on what numbers of 64 bits lose of a word on the way through the filters."""


def doubled(one: NDArray[np.float64], leaps: int) -> NDArray[np.float64]:
    """Return the matrices of 1, 2, 4 ... steps, (leaps, size, size), from that of one."""
    powers = [one]
    for _ in range(leaps - 1):
        powers.append(powers[-1] @ powers[-1])
    return np.array(powers)


@njit(cache=True, nogil=True)
def carry(state: Any, steps: int, powers: Any) -> None:
    """Carry a state over so many steps in which what comes in stays the same.

    ``state`` (size,), its last number the input, is changed; ``powers``: of :func:`doubled`.
    """
    if not steps:
        return
    size = len(state)
    fresh = np.empty(size - 1)
    power = 0
    while steps:
        if steps & 1:
            for row in range(size - 1):
                total = 0.0
                for column in range(size):
                    total += powers[power, row, column] * state[column]
                fresh[row] = total
            state[: size - 1] = fresh
        steps >>= 1
        power += 1

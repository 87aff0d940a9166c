"""Searches for the least value of a function by a simplex that moves towards it.

J. A. Nelder and R. Mead, Computer Journal 7, 308 (1965), with the shares that SciPy has, step for
step: its optimisers take a fifth of a second to import, more than the search for a readout.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def least_near(
    function: Callable[[Array], float],
    simplex: Array,
    *,
    places_within: float,
    values_within: float,
    most: int,
) -> Array:
    """Return where a function is least near a simplex (p + 1, p).

    It ends where corners are within these of the best one, in places and in values, or behind
    ``most`` values.
    """
    corners = np.array(simplex, np.float64)
    values = np.array([function(one) for one in corners])
    count = len(values)
    while True:
        order = np.argsort(values, kind="stable")
        corners, values = corners[order], values[order]
        near = np.abs(corners[1:] - corners[0]).max() <= places_within
        if (near and np.abs(values[1:] - values[0]).max() <= values_within) or count >= most:
            return np.asarray(corners[0])
        middle = corners[:-1].mean(axis=0)

        def along(share: float, middle: Array = middle, worst: Array = corners[-1]) -> Array:
            return np.asarray(middle + share * (middle - worst))

        place = along(1.0)
        value = function(place)
        count += 1
        if value < values[0]:
            further = along(2.0)
            beyond = function(further)
            count += 1
            if beyond < value:
                place, value = further, beyond
        elif value >= values[-2]:
            outside = value < values[-1]
            nearer = along(0.5 if outside else -0.5)
            between = function(nearer)
            count += 1
            if between <= value if outside else between < values[-1]:
                place, value = nearer, between
            else:  # all come nearer to the best one
                corners[1:] = corners[0] + 0.5 * (corners[1:] - corners[0])
                values[1:] = [function(one) for one in corners[1:]]
                count += len(values) - 1
                continue
        corners[-1], values[-1] = place, value

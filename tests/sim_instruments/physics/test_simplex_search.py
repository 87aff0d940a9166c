"""SciPy's search is the referee: it takes the same steps."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import minimize

from podium.sim_instruments.physics.simplex_search import least_near

Array = NDArray[np.float64]


def rosenbrock(place: Array) -> float:
    return float(np.sum(100 * (place[1:] - place[:-1] ** 2) ** 2 + (1 - place[:-1]) ** 2))


def rugged(place: Array) -> float:
    """Has hollows that are smaller than the simplex, which comes nearer to its best corner then."""
    return float(np.sum(np.abs(place - 0.3) + np.sin(40 * place)))


def bowl(place: Array) -> float:
    return float(np.sum((place - 0.7) ** 4) + 0.1 * np.sum(place))


class Noting:
    """A function that notes where it was asked for."""

    def __init__(self, function: Callable[[Array], float]) -> None:
        self.function = function
        self.asked: list[Array] = []

    def __call__(self, place: Array) -> float:
        self.asked.append(place.copy())
        return self.function(place)


@pytest.mark.parametrize("function", [rosenbrock, rugged, bowl])
@pytest.mark.parametrize("most", [30, 150, 600])
def test_it_asks_for_the_values_that_scipy_asks_for(
    function: Callable[[Array], float], most: int
) -> None:
    random = np.random.default_rng(3)
    for size in (2, 4):
        begin = random.normal(size=size)
        simplex = np.vstack([begin, begin + np.diag(random.uniform(0.1, 1, size))])
        ours, theirs = Noting(function), Noting(function)
        found = least_near(ours, simplex, places_within=1e-3, values_within=1e-6, most=most)
        options = {"initial_simplex": simplex, "xatol": 1e-3, "fatol": 1e-6, "maxfev": most}
        wanted = minimize(theirs, begin, method="Nelder-Mead", options=options)
        same = min(len(ours.asked), len(theirs.asked))
        assert np.allclose(ours.asked[:same], theirs.asked[:same], rtol=0, atol=1e-9)
        assert abs(len(ours.asked) - len(theirs.asked)) <= size, "SciPy cuts its last step off"
        assert function(found) <= wanted.fun + 1e-12

"""The shortest of several wall times of one computation."""

import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray


def best_of(
    count: int, task: Callable[[], NDArray[np.float64]]
) -> tuple[float, NDArray[np.float64]]:
    """Return the shortest of ``count`` times in seconds, and the result."""
    shortest = np.inf
    for _ in range(count):
        begin = time.perf_counter()
        result = task()
        shortest = min(shortest, time.perf_counter() - begin)
    return shortest, result

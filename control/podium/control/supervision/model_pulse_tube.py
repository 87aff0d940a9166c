"""Cooling power of a PT415, from its published capacity map.

Green et al., IOP Conf. Ser.: Mater. Sci. Eng. 101 (2015) 012002: lines of one power at the first
stage. They are laid on a grid once, coarser than the map is known.
"""

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

_LINES: tuple[tuple[float, tuple[float, ...], tuple[float, ...], tuple[float, ...]], ...] = (
    (0, (31.4, 42.3, 41.7, 41.7, 41.7, 42.3), (2.5, 33.5, 76, 145, 248, 292),
     (0, 25, 50, 75, 100, 125)),
    (50, (49.9, 57.4, 59, 59, 60.7, 62.3), (2.5, 36, 79, 145, 225, 310),
     (0, 25, 50, 75, 100, 125)),
    (100, (75.3, 85, 89.4, 100, 116, 123), (3.4, 40, 80, 134, 201, 282),
     (0, 25, 50, 75, 100, 125)),
    (150, (114, 141, 153, 155, 163, 175), (5, 51, 97, 152, 222, 315),
     (0, 25, 50, 75, 100, 125)),
    (200, (216, 219, 237, 246.5, 251), (41, 83, 150, 232, 320), (0, 25, 50, 75, 100)),
    (250, (287, 296, 304, 308), (70, 131, 204, 285), (0, 25, 50, 75)),
)  # fmt: skip
"""By power at the first stage, W: temperatures of both stages, K, and the second's power, W."""
_FIRST = np.linspace(np.log(20.0), np.log(330.0), 40)
_SECOND = np.linspace(np.log(1.8), np.log(330.0), 60)
_PER_FIRST, _PER_SECOND = 1 / (_FIRST[1] - _FIRST[0]), 1 / (_SECOND[1] - _SECOND[0])


def _on_line(second_k: float, line: int) -> tuple[float, float]:
    _, firsts, seconds, powers = _LINES[line]
    if second_k < seconds[0]:
        slope = (powers[1] - powers[0]) / (seconds[1] - seconds[0])
        return firsts[0], (second_k - seconds[0]) * slope
    if second_k > seconds[-1]:
        slope = (powers[-1] - powers[-2]) / (seconds[-1] - seconds[-2])
        return firsts[-1], powers[-1] + (second_k - seconds[-1]) * slope
    return float(np.interp(second_k, seconds, firsts)), float(np.interp(second_k, seconds, powers))


@cache
def _grid() -> Array:
    """Return both powers on the grid: shape (2, first times second)."""
    found = np.zeros((2, len(_FIRST), len(_SECOND)))
    loads = np.array([line[0] for line in _LINES], dtype=float)
    for j, second in enumerate(np.exp(_SECOND)):
        at = np.array([_on_line(float(second), i) for i in range(len(_LINES))])
        kelvin = np.maximum.accumulate(at[:, 0] + 1e-6 * loads)
        for i, first in enumerate(np.exp(_FIRST)):
            k = int(np.clip(np.searchsorted(kelvin, first), 1, len(loads) - 1))
            part = (first - kelvin[k - 1]) / (kelvin[k] - kelvin[k - 1])
            within = min(1.0, max(0.0, part))
            found[0, i, j] = loads[k - 1] + part * (loads[k] - loads[k - 1])
            found[1, i, j] = at[k - 1, 1] + within * (at[k, 1] - at[k - 1, 1])
    return found.reshape(2, -1)


def cooling_powers(first_k: Array, second_k: Array) -> tuple[Array, Array]:
    """Return what both stages of one PT415 cool by, W; negative: it would warm them."""
    grid = _grid()
    x = (np.log(first_k) - _FIRST[0]) * _PER_FIRST
    y = (np.log(second_k) - _SECOND[0]) * _PER_SECOND
    x = np.minimum(np.maximum(x, 0.0), len(_FIRST) - 1.001)
    y = np.minimum(np.maximum(y, 0.0), len(_SECOND) - 1.001)
    i, j = x.astype(int), y.astype(int)
    x, y = x - i, y - j
    corner = i * len(_SECOND) + j
    low = grid.take(corner, 1) * (1 - y) + grid.take(corner + 1, 1) * y
    corner += len(_SECOND)
    high = grid.take(corner, 1) * (1 - y) + grid.take(corner + 1, 1) * y
    powers = low * (1 - x) + high * x
    return powers[0], powers[1]

"""Cooling power of a two-stage pulse tube from room temperature to 3 K.

The map of a Cryomech PT415 is that of Green et al., IOP Conf. Ser.: Mater. Sci. Eng. 101 (2015)
012002: lines of one power at the first stage, on which the second stage's rises from 0 W.
"""

import math
from functools import cache

_LINES: tuple[tuple[float, tuple[tuple[float, float, float], ...]], ...] = (
    (
        0.0,
        ((31.4, 2.5, 0), (42.3, 33.5, 25), (41.7, 76, 50), (41.7, 145, 75), (41.7, 248, 100),
         (42.3, 292, 125)),
    ),
    (
        50.0,
        ((49.9, 2.5, 0), (57.4, 36, 25), (59, 79, 50), (59, 145, 75), (60.7, 225, 100),
         (62.3, 310, 125)),
    ),
    (
        100.0,
        ((75.3, 3.4, 0), (85, 40, 25), (89.4, 80, 50), (100, 134, 75), (116, 201, 100),
         (123, 282, 125)),
    ),
    (
        150.0,
        ((114, 5, 0), (141, 51, 25), (153, 97, 50), (155, 152, 75), (163, 222, 100),
         (175, 315, 125)),
    ),
    (
        200.0,
        ((216, 41, 0), (219, 83, 25), (237, 150, 50), (246.5, 232, 75), (251, 320, 100)),
    ),
    (250.0, ((287, 70, 0), (296, 131, 25), (304, 204, 50), (308, 285, 75))),
)  # fmt: skip
"""By power at the first stage, W: temperatures of both stages, K, and power at the second, W."""

_COLD1, _COLD2, _HOT = 15.0, 1.8, 330.0
_COUNT1, _COUNT2 = 48, 72
_STEP1 = math.log(_HOT / _COLD1) / (_COUNT1 - 1)
_STEP2 = math.log(_HOT / _COLD2) / (_COUNT2 - 1)
_LOG1, _LOG2 = math.log(_COLD1), math.log(_COLD2)


def _on_line(points: tuple[tuple[float, float, float], ...], second_k: float) -> tuple[float, ...]:
    """Return the first stage's temperature and the second's power where the second is so warm.

    Beyond the points the power goes on linearly, the temperature stays.
    """
    index = 1
    while index < len(points) - 1 and second_k > points[index][1]:
        index += 1
    (one1, one2, low), (other1, other2, high) = points[index - 1], points[index]
    part = (second_k - one2) / (other2 - one2)
    return one1 + min(1.0, max(0.0, part)) * (other1 - one1), low + part * (high - low)


def map_powers(first_k: float, second_k: float) -> tuple[float, float]:
    """Return what both stages of one PT415 cool by at these temperatures, W, of the map itself."""
    found = [(power, *_on_line(points, second_k)) for power, points in _LINES]
    index = 1
    while index < len(found) - 1 and first_k > found[index][1]:
        index += 1
    (one, one_k, one_w), (other, other_k, other_w) = found[index - 1], found[index]
    part = (first_k - one_k) / (other_k - one_k)
    return one + part * (other - one), one_w + min(1.0, max(0.0, part)) * (other_w - one_w)


@cache
def _table() -> tuple[list[float], list[float]]:
    first, second = [], []
    for i in range(_COUNT1):
        for j in range(_COUNT2):
            powers = map_powers(_COLD1 * math.exp(i * _STEP1), _COLD2 * math.exp(j * _STEP2))
            first.append(powers[0])
            second.append(powers[1])
    return first, second


def cooling_powers(first_k: float, second_k: float) -> tuple[float, float]:
    """Return what both stages of one PT415 cool by, W; negative: it would heat them.

    Between the nodes of a table, whose steps are 7 % in temperature, it is bilinear.
    """
    first, second = _table()
    x = min(_COUNT1 - 1.0, max(0.0, (math.log(first_k) - _LOG1) / _STEP1))
    y = min(_COUNT2 - 1.0, max(0.0, (math.log(second_k) - _LOG2) / _STEP2))
    i, j = min(int(x), _COUNT1 - 2), min(int(y), _COUNT2 - 2)
    x, y = x - i, y - j
    at = i * _COUNT2 + j
    a, b, c, d = (1 - x) * (1 - y), (1 - x) * y, x * (1 - y), x * y
    up = at + _COUNT2
    return (
        a * first[at] + b * first[at + 1] + c * first[up] + d * first[up + 1],
        a * second[at] + b * second[at + 1] + c * second[up] + d * second[up + 1],
    )

"""Measures how the work of a parser grows with the length of what it reads.

A slow machine makes every measurement longer and none shorter, so of several the shortest counts,
and a parser is only refused when it has had many chances. Measured is the processor time of this
thread: what other processes do is not in it.
"""

import gc
import math
import time
from collections.abc import Callable
from typing import Final

from tests.hostile.families import Family

SIZES: Final = (1024, 2048, 4096, 8192)
LARGER: Final = 8
"""Where the longest text takes less than :data:`LEAST_S`, all of them are made longer by this."""
LEAST_S: Final = 1e-3
"""Below this a measurement says nothing."""
EXPONENT_MAX: Final = 1.6
"""Linear is 1, n log n in these sizes 1.15, quadratic 2."""
ROUNDS: Final = 8
HOPELESS_S: Final = 1.0
"""Where one text takes so long, nothing is measured again: no disturbance takes as long."""


def growth(read: Callable[[bytes], object], family: Family) -> float:
    """Return the exponent of time over length; 0 where even long texts take no time.

    Most texts are dismissed after two readings of theirs: the long one takes no time, or not more
    than its length asks for.
    """
    for sizes in (SIZES, tuple(size * LARGER for size in SIZES)):
        short_s, long_s = _times(read, family, (sizes[0], sizes[-1]))
        if long_s < LEAST_S:
            continue
        if long_s <= short_s * (sizes[-1] / sizes[0]) ** EXPONENT_MAX and short_s > LEAST_S / 20:
            return math.log(long_s / short_s) / math.log(sizes[-1] / sizes[0])
        times = _times(read, family, sizes)
        for _ in range(ROUNDS):
            if _exponent(sizes, times) <= EXPONENT_MAX or times[-1] > HOPELESS_S:
                break
            times = list(map(min, times, _times(read, family, sizes)))
        return _exponent(sizes, times)
    return 0.0


def _times(read: Callable[[bytes], object], family: Family, sizes: tuple[int, ...]) -> list[float]:
    texts = [family.text(size) for size in sizes]
    collects = gc.isenabled()
    gc.disable()
    try:
        found = []
        for text in texts:
            begun = time.thread_time()
            read(text)
            found.append(max(time.thread_time() - begun, 1e-9))
        return found
    finally:
        if collects:
            gc.enable()


def _exponent(sizes: tuple[int, ...], times: list[float]) -> float:
    """Return the slope of the least-squares line through logarithms of time and size."""
    x = [math.log(size) for size in sizes]
    y = [math.log(time_s) for time_s in times]
    mean_x, mean_y = sum(x) / len(x), sum(y) / len(y)
    above = sum((a - mean_x) * (b - mean_y) for a, b in zip(x, y, strict=True))
    return above / sum((a - mean_x) ** 2 for a in x)

"""Chooses the size of batches, so that somebody who looks sees news soon."""

import math

FIRST_SHARE = 0.25
"""The first batch lasts at most this share of the time that a batch shall take."""
FIRST_OF_ALL = 1 / 16
"""Nor is it more of the whole than this, or one repetition: its speed is not known yet."""
GROWTH = 4
"""A batch is at most so many times as large as the one before."""


class BatchSize:
    """Learns from the wall times of batches: a fixed part each, and so much for each point."""

    def __init__(self, batch_s: float, point_s: float, points: int, shots: int) -> None:
        """``point_s``: computed duration of one shot of one of the ``points``."""
        self._batch_s = batch_s
        self._point_s = point_s
        self._first = max(points, int(FIRST_OF_ALL * points * shots))
        self._last: tuple[int, float] | None = None
        self._before: tuple[int, float] | None = None

    def took(self, size: int, wall_s: float) -> None:
        """Note how long a batch of ``size`` shots (of all its points together) took."""
        if self._last is not None and self._last[0] != size:
            self._before = self._last
        self._last = size, wall_s

    def size(self) -> int:
        """Return how many shots (of all points together) the next batch should have.

        From the last two batches of different sizes, so that one that was slow by chance is soon
        forgotten. Where the smaller of them took no less time, all of it counts as fixed: on a
        machine that is busy, batches would shrink for ever while each takes equally long.
        """
        if self._last is None:
            lasting = FIRST_SHARE * self._batch_s / max(self._point_s, 1e-9)
            return max(1, int(min(lasting, self._first)))
        size, wall_s = self._last
        each_s, fixed_s = wall_s / size, 0.0
        if self._before is not None:
            slope_s = (wall_s - self._before[1]) / (size - self._before[0])
            each_s = min(each_s, max(slope_s, 0.0))
            fixed_s = wall_s - each_s * size
        # Where the fixed part alone takes too long, a batch takes twice that.
        left_s = max(self._batch_s - fixed_s, fixed_s)
        return max(1, int(min(GROWTH * size, left_s / max(each_s, 1e-12))))


def power_of_two(number: int) -> int:
    """Return the largest power of two that is not above ``number`` (at least 1).

    Few sizes recur, and what was compiled and uploaded once is used again.
    """
    return 1 << max(0, int(math.log2(max(1, number))))

"""Learns the lead between FIRE and the start from earlier runs.

A lead that is too short makes starts fail; one that is too long only costs time. So it rises at
once after a late start and falls slowly.
"""

import math
from bisect import bisect_left, insort
from collections import deque
from functools import lru_cache

from podium.firmware_interfaces.exact_time import FS_PER_MS

DEFAULT_FS = 25 * FS_PER_MS
"""Deliveries over loopback on two cores: p99 1.8-3.8 ms, at most 12.7 ms (measured)."""
SHORTEST_FS = 5 * FS_PER_MS
LONGEST_FS = 1_000 * FS_PER_MS
"""A network slower than this is no network for starts: such a start is reported as late."""
QUANTILE = 0.999
"""This share of the starts shall be in time."""
CONFIDENCE = 0.95
"""That the quantile lies below what is taken for it."""
WINDOW = 10_000
"""So many deliveries are remembered."""
HALVED_AFTER = 1_000
"""The part above what is needed now is halved in so many starts."""
AFTER_LATE = 2
"""A late start multiplies the lead by at least this."""
ALLOWANCE = 1.25
"""Over the quantile, and over the way of one answer. ASSUMED: what changes in a network within one
window."""


class LeadTime:
    """Says how long before the start FIRE is to be sent. Knows no clock; receives what happened.

    ``margin_fs`` comes on top: what an agent needs between taking FIRE and the start.
    """

    def __init__(self, margin_fs: int = 0) -> None:
        self.margin_fs = margin_fs
        self._recent: deque[int] = deque()
        self._sorted: list[int] = []
        self._lead_fs = float(max(DEFAULT_FS, SHORTEST_FS + margin_fs))

    @property
    def lead_fs(self) -> int:
        """The lead to use for the next start, fs."""
        return math.ceil(self._lead_fs)

    def taken(self, delivery_fs: int) -> None:
        """Note that FIRE was taken ``delivery_fs`` after the clock was read for it."""
        self._note(delivery_fs)
        needed_fs = self._needed_fs()
        kept = 0.5 ** (1 / HALVED_AFTER)
        above_fs = self._lead_fs - needed_fs
        self._lead_fs = needed_fs + max(0.0, above_fs * kept)

    def late(self, delivery_fs: int) -> None:
        """Note that FIRE came ``delivery_fs`` after the clock was read for it: too late."""
        self._note(delivery_fs)
        asked_fs = max(AFTER_LATE * self._lead_fs, ALLOWANCE * delivery_fs + self.margin_fs)
        self._lead_fs = min(asked_fs, LONGEST_FS)

    def _note(self, delivery_fs: int) -> None:
        if delivery_fs < 0:
            raise ValueError(f"a delivery lasts at least 0 fs, got {delivery_fs}")
        self._recent.append(delivery_fs)
        insort(self._sorted, delivery_fs)
        if len(self._recent) > WINDOW:
            del self._sorted[bisect_left(self._sorted, self._recent.popleft())]

    def _needed_fs(self) -> float:
        """Return what the deliveries of the window ask for."""
        count = len(self._sorted)
        above = rank_above(count)
        if above is None:  # too few to lower it
            highest_fs = ALLOWANCE * self._sorted[-1] + self.margin_fs
            asked_fs = max(float(DEFAULT_FS), SHORTEST_FS + self.margin_fs, highest_fs)
        else:
            quantile_fs = ALLOWANCE * self._sorted[count - above]
            asked_fs = max(quantile_fs, float(SHORTEST_FS)) + self.margin_fs
        return min(asked_fs, LONGEST_FS)


@lru_cache(maxsize=2 * WINDOW)
def rank_above(count: int) -> int | None:
    """Return k so that the k-th largest of ``count`` lies above the quantile, or None: none does.

    "Above" with the confidence of :data:`CONFIDENCE`: fewer than k of ``count`` exceed the
    quantile with that probability; how many do is binomial. The first k exists from 2,995 on,
    as 0.999 ** 2995 < 0.05.
    """
    # Confidence that the k-th largest is above: P(at least k exceed the quantile).
    below, found = 0.0, None
    term = QUANTILE**count
    for exceeding in range(count + 1):
        below += term
        if 1 - below < CONFIDENCE:
            break
        found = exceeding + 1
        term *= (count - exceeding) / (exceeding + 1) * (1 - QUANTILE) / QUANTILE
    return found

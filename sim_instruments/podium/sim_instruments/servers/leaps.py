"""When world time may leap, and how far.

A leap is allowed only over a span in which no message from outside could change
anything: no twin is armed for a start that has not happened, none still computes, and
some running program has an end to leap to.
"""

from collections.abc import Iterable

from podium.sim_instruments.twins.twin import Horizon


def leap_target_fs(horizons: Iterable[Horizon], now_fs: int) -> int | None:
    """Return the moment to which world time may leap now, or None."""
    seen = tuple(horizons)
    if any(horizon.armed or horizon.computing for horizon in seen):
        return None
    ends = [h.busy_until_fs for h in seen if h.busy_until_fs is not None]
    ahead = [end_fs for end_fs in ends if end_fs > now_fs]
    return min(ahead, default=None)

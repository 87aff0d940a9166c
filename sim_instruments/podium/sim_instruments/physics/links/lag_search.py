"""Finds the lag at which a figure of a link is largest."""

from collections.abc import Callable


def best_lag_fs(figure: Callable[[int], float], low: int, high: int, within: int) -> int:
    """Return the lag between ``low`` and ``high`` at which ``figure`` has its one maximum, fs.

    By thirds, until it lies ``within`` so much.
    """
    while high - low > within:
        left, right = low + (high - low) // 3, high - (high - low) // 3
        if figure(left) < figure(right):
            low = left
        else:
            high = right
    return (low + high) // 2

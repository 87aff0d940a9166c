"""Edges of pulses, in steps of a nanosecond."""

import numpy as np
from numpy.typing import NDArray


def rise(count: int) -> NDArray[np.float64]:
    """Return a raised-cosine edge of so many ns."""
    return np.asarray(np.sin(0.5 * np.pi * (np.arange(count) + 0.5) / max(count, 1)) ** 2)

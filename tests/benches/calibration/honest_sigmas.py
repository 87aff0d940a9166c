"""Judges whether errors scatter as the sigmas say."""

from collections.abc import Mapping

import numpy as np
from scipy import stats

FALSE_ALARM = 1e-6
"""Of each bound, were its seed drawn anew."""


def band(count: int) -> tuple[float, float]:
    """Return within what the standard deviation of ``count`` unit normals lies: chi-square.

    0.76 ... 1.25 for 200, 0.86 ... 1.14 for 600.
    """
    chi2 = stats.chi2(count - 1)
    lowest, highest = chi2.ppf(FALSE_ALARM / 2), chi2.isf(FALSE_ALARM / 2)
    return float(np.sqrt(lowest / (count - 1))), float(np.sqrt(highest / (count - 1)))


def assert_honest(found: Mapping[str, np.ndarray]) -> None:
    for name, values in found.items():
        lowest, highest = band(len(values))
        mean_max = float(stats.norm.isf(FALSE_ALARM / 2)) / np.sqrt(len(values))
        scatter, mean = float(np.std(values, ddof=1)), float(np.mean(values))
        assert lowest < scatter < highest, f"{name}: scatters by {scatter:.3f} of its sigma"
        assert abs(mean) < mean_max, f"{name}: off by {mean:.3f} sigma on average"

"""Computes pulls' statistics, and windows that honest sigmas keep and a guess does not.

A pull is (value - truth) / sigma. With honest sigmas pulls are normal with mean 0 and standard
deviation 1, the sum of n squares is chi-squared with n degrees of freedom, and the number beyond
three sigma is binomial with p = 0.0027.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import sqrt

import numpy as np
from numpy.typing import ArrayLike, NDArray

BEYOND_3 = 0.0026997960632601866
"""Share of a normal distribution beyond three sigma, to both sides."""
SIGMA_OF_SPREAD = 0.2
"""A sigma is at most this share of the quantity's spread: more would say little."""
RMS = (0.8, 1.25)
IN_3 = 0.985
WORST = 5.0
FULL = 100
"""From so many pulls on, :data:`RMS` and :data:`IN_3` are the limits. Of fewer, chance alone would
break them often: there the limits are those that chance breaks once in 1 / :data:`CHANCE`."""
CHANCE = 1e-3
WORLD_CHANCE = 1e-6
"""An honest bring-up of one world breaks one of its windows so often."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits for the pulls of one quantity."""

    rms: tuple[float, float]
    beyond_3: int
    """At most so many are beyond 3 sigma."""
    worst: float
    """None is beyond, sigma."""


@dataclass(frozen=True, slots=True)
class PullStatistics:
    """Describes the distribution of pulls about zero."""

    count: int
    rms: float
    """About zero, not about their mean: a constant offset is an error too. NaN of none."""
    mean: float
    beyond_3: int
    worst: float
    """The pull that is furthest from zero, signed."""

    @property
    def in_3(self) -> float:
        """Share within 3 sigma."""
        return 1 - self.beyond_3 / self.count if self.count else 0.0


def statistics(pulls: ArrayLike) -> PullStatistics:
    """Return the statistics of finite ``pulls``, shape (n,); the others are left out."""
    listed: NDArray[np.float64] = np.asarray(pulls, dtype=np.float64)
    listed = listed[np.isfinite(listed)]
    if not len(listed):
        return PullStatistics(0, np.nan, np.nan, 0, np.nan)
    return PullStatistics(
        len(listed),
        float(np.sqrt(np.mean(listed**2))),
        float(np.mean(listed)),
        int(np.sum(np.abs(listed) > 3)),
        float(listed[np.argmax(np.abs(listed))]),
    )


@lru_cache
def chance_limits(count: int, chance: float) -> Limits:
    """Return limits each of which ``count`` honest pulls break with probability ``chance``."""
    from scipy.stats import binom, chi2, norm

    low, high = chi2.ppf(chance / 2, count), chi2.isf(chance / 2, count)
    return Limits(
        (sqrt(low / count), sqrt(high / count)),
        int(binom.isf(chance, count, BEYOND_3)),
        float(norm.isf(chance / (2 * count))),
    )


def campaign_limits(count: int) -> Limits:
    """Return the limits for ``count`` pulls of one quantity of a campaign."""
    if count >= FULL:
        # A share, compared in whole pulls: 118.2 of 120 are 119.
        return Limits(RMS, int((1 - IN_3) * count + 1e-9), WORST)
    by_chance = chance_limits(max(1, count), CHANCE)
    return Limits(
        (min(RMS[0], by_chance.rms[0]), max(RMS[1], by_chance.rms[1])), by_chance.beyond_3, WORST
    )


def broken_limits(found: PullStatistics, limits: Limits) -> tuple[str, ...]:
    """Return what the pulls break, a phrase for each limit; empty: they keep all."""
    if not found.count:
        return ("nothing was found",)
    low, high = limits.rms
    said = []
    if not low <= found.rms <= high:
        why = "sigmas are too large" if found.rms < low else "sigmas are too small"
        said.append(f"rms pull {found.rms:.2f}, not {low:.2f} to {high:.2f}: {why}")
    if found.beyond_3 > limits.beyond_3:
        said.append(
            f"{found.beyond_3} of {found.count} beyond 3 sigma, at most {limits.beyond_3} may be"
        )
    if abs(found.worst) > limits.worst:
        said.append(f"one pull of {found.worst:+.1f}, none may be beyond {limits.worst:.1f}")
    return tuple(said)


def broken_sigmas(sigmas: Sequence[float], spread: float) -> tuple[str, ...]:
    """Return the complaint about sigmas larger than a fifth of the ``spread``; empty: none is."""
    wide = sum(not 0 < sigma <= SIGMA_OF_SPREAD * spread for sigma in sigmas)
    if not wide:
        return ()
    worst = max(sigmas) / spread if spread > 0 else np.inf
    return (
        f"{wide} of {len(sigmas)} sigmas above {SIGMA_OF_SPREAD:g} of the spread, "
        f"the largest {worst:.3g} of it",
    )


@lru_cache
def campaign_false_alarm(count: int) -> float:
    """Return how often ``count`` honest pulls of one quantity break :func:`campaign_limits`.

    At most: the chances of the three limits added up.
    """
    from scipy.stats import binom, chi2, norm

    limits = campaign_limits(count)
    low, high = (count * edge**2 for edge in limits.rms)
    return float(
        chi2.cdf(low, count)
        + chi2.sf(high, count)
        + binom.sf(limits.beyond_3, count, BEYOND_3)
        + 2 * count * norm.sf(limits.worst)
    )

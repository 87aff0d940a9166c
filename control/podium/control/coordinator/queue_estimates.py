"""Estimates how long work takes, from its compiled duration and from what such work has taken."""

import math
from dataclasses import dataclass

from podium.control.bus.queue import Kind

USUAL_S: dict[Kind, float] = {
    "run": 2.0,
    "stream": 20.0,
    "fire": 0.02,
    "bias": 5.0,
    "mixers": 20.0,
    "manual": 0.3,
}
"""Wall time of work of which nothing is known yet. ASSUMED."""
UNSURE = 1.0
"""Share of an estimate that is its sigma, where nothing is known; of what is known, at least:"""
SURE = 0.1
WEIGHT = 0.3
"""Of the latest among what such work has taken."""
NAMES_MAX = 1000
"""So many kinds of work are remembered; what was taken longest ago is forgotten first."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """Wall time of work, s, with its standard deviation, and the time that instruments play."""

    lasts_s: float
    sigma_s: float
    laboratory_s: float
    """0: not known."""


@dataclass(frozen=True, slots=True)
class _Past:
    """Holds moving means of the times that works of one name have taken."""

    took_s: float
    variance_s2: float
    laboratory_s: float


class DurationEstimates:
    """Learns from what has ended."""

    def __init__(self) -> None:
        self._past: dict[tuple[Kind, str], _Past] = {}

    def of(self, kind: Kind, name: str, laboratory_s: float = 0.0) -> Estimate:
        """Return what work of a name takes; ``laboratory_s`` as compiled, 0: not known.

        Where such work was compiled to another duration before, the wall time goes with it.
        """
        past = self._past.get((kind, name))
        if past is None:
            lasts_s = max(USUAL_S[kind], laboratory_s)
            return Estimate(lasts_s, UNSURE * lasts_s, laboratory_s)
        longer = 1.0
        if laboratory_s and past.laboratory_s:
            longer = laboratory_s / past.laboratory_s
        lasts_s = past.took_s * longer
        sigma_s = math.sqrt(past.variance_s2) * longer
        return Estimate(lasts_s, max(sigma_s, SURE * lasts_s), laboratory_s or past.laboratory_s)

    def took(self, kind: Kind, name: str, took_s: float, laboratory_s: float = 0.0) -> None:
        """Note what work has taken, wall time."""
        past = self._past.pop((kind, name), None)
        if past is None:
            now = _Past(took_s, (0.3 * took_s) ** 2, laboratory_s)  # ASSUMED: one says little
        else:
            off_s = took_s - past.took_s
            now = _Past(
                past.took_s + WEIGHT * off_s,
                (1 - WEIGHT) * (past.variance_s2 + WEIGHT * off_s**2),
                laboratory_s or past.laboratory_s,
            )
        self._past[kind, name] = now
        while len(self._past) > NAMES_MAX:
            del self._past[next(iter(self._past))]

    def knows(self, kind: Kind, name: str) -> bool:
        """Return whether such work has ended before."""
        return (kind, name) in self._past

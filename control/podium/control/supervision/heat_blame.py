"""Finds extra heat in what the filter estimates, since when, and whose playing explains it.

What a real fridge takes up differs from what the model assumes by a constant: it is learned over
half a day, and what comes up besides is extra. The playing of a node explains it if both go up
and down together.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import exp
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
LEARNED_S = 12 * 3600.0
SETTLES_S = 2 * 3600.0
"""After a disturbance, before which nothing is judged."""
SIGMAS = 6.0
LEAST = (0.10, 0.15, 0.12, 0.3, 0.12)
"""Of a stage's usual heat, what counts at least."""
LASTS_S = 180.0
SCALE = 0.25
"""1 sigma of an amount of heat by calibrations and conductances, in it."""
FOLLOWS_S = 600.0
"""How far the filter's estimate is behind. # ASSUMED: two time constants of a mixing chamber."""
TOGETHER_S = 6 * 3600.0
EXPLAINS = 0.6
"""Correlation from which on a node's playing explains heat."""


@dataclass(frozen=True, slots=True)
class ExtraHeat:
    """Heat at a stage that is not usual."""

    stage: int
    watts: float
    sigma: float
    since_s: float
    node: str


@dataclass(slots=True)
class HeatBlame:
    """What heat is usual, and how it goes with the nodes' playing."""

    usual: Array = field(default_factory=lambda: np.zeros(5))
    age_s: float = 0.0
    quiet_s: float = 0.0
    """How long nothing disturbs."""
    since: dict[int, float] = field(default_factory=dict)
    duty: dict[str, float] = field(default_factory=dict)
    """Of nodes, behind as the estimate is."""
    together: dict[str, Array] = field(default_factory=dict)
    """By node: means of duty, heat (5), duty^2, heat^2 (5), duty times heat (5)."""
    together_s: float = 0.0

    def copy(self) -> "HeatBlame":
        """Return one that goes its own way."""
        return replace(
            self,
            usual=self.usual.copy(),
            since=dict(self.since),
            duty=dict(self.duty),
            together={name: one.copy() for name, one in self.together.items()},
        )

    def step(
        self,
        heat: Array,
        sigma: Array,
        usual_w: Array,
        playing: Mapping[str, float],
        disturbed: bool,
        now_s: float,
        for_s: float,
    ) -> tuple[ExtraHeat, ...]:
        """Take an estimate, ``for_s`` after the last, and return what is extra."""
        if disturbed:
            self.quiet_s = 0.0
            self.since.clear()
            return ()
        self.quiet_s += for_s
        if self.quiet_s < SETTLES_S:
            return ()
        self._correlate(heat, playing, for_s)
        if self.age_s < SETTLES_S:
            self.age_s += for_s
            self.usual += (heat - self.usual) * min(1.0, for_s / self.age_s)
            return ()
        beyond = (heat - self.usual) / np.maximum(SIGMAS * sigma, np.array(LEAST) * usual_w)
        found = []
        most = max(1.0, float(np.max(beyond)))
        for stage in range(5):
            if beyond[stage] < 1.0:
                self.since.pop(stage, None)
                continue
            since = self.since.setdefault(stage, now_s)
            if now_s - since >= LASTS_S and beyond[stage] > 0.5 * most:
                watts = float(heat[stage] - self.usual[stage])
                spread = float(np.hypot(sigma[stage], SCALE * watts))
                found.append(ExtraHeat(stage, watts, spread, since, self._node(stage)))
        self.age_s += for_s
        part = for_s / min(LEARNED_S, self.age_s)
        slow = np.where(beyond < 1.0, part, 0.05 * part)
        self.usual += slow * (heat - self.usual)
        return tuple(found)

    def _correlate(self, heat: Array, playing: Mapping[str, float], for_s: float) -> None:
        self.together_s += for_s
        part = min(1.0, for_s / min(TOGETHER_S, self.together_s))
        for node, share in playing.items():
            duty = self.duty.get(node, share)
            duty += (share - duty) * (1.0 - exp(-for_s / FOLLOWS_S))
            self.duty[node] = duty
            row = np.concatenate([[duty], heat, [duty * duty], heat * heat, duty * heat])
            kept = self.together.get(node)
            self.together[node] = row if kept is None else kept + part * (row - kept)

    def _node(self, stage: int) -> str:
        best, found = EXPLAINS, ""
        for node, row in self.together.items():
            duty, heat, duties = row[0], row[1 + stage], row[6]
            heats, both = row[7 + stage], row[12 + stage]
            spread = (max(duties - duty * duty, 0.0) * max(heats - heat * heat, 0.0)) ** 0.5
            if duties - duty * duty < 1e-4 or spread <= 0.0:
                continue
            together = float((both - duty * heat) / spread)
            if together > best:
                best, found = together, node
        return found

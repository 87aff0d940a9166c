"""Finds extra heat in what the filter estimates, since when, and whose playing explains it.

What a real fridge takes up differs from what the model assumes by a constant: it is learned over
half a day, and what comes up besides is extra. The playing of a node explains it if both go up
and down together.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
LEARNED_S = 12 * 3600.0
SETTLES_S = 2 * 3600.0
"""After a disturbance, before which nothing is judged."""
SIGMAS = 6.0
LEAST = (0.10, 0.15, 0.12, 0.6, 0.12)
"""Of a stage's usual heat, what counts at least."""
LASTS_S = 180.0
SCALE = 0.25
"""1 sigma of an amount of heat by calibrations and conductances, in it."""
KEPT = 0.6
"""Of that, down to where heat that was found is still told."""
FALLEN, RISEN = 0.6, 0.8
"""Of its peak, where heat counts as ended, and as begun again."""
CONSEQUENCE = 0.1
"""Less than this part of a warmer stage's extra heat is a consequence of it."""
FOLLOWS_S = 1500.0
"""How far the filter's estimate is behind at most. # ASSUMED: four time constants of a mixing
chamber."""
CHANGE = 0.3
"""Of a node's share of the time: a greater change is a beginning or an end."""
EXPLAINS, LEAST_HITS = 0.7, 2
"""Part of the heat's beginnings and ends that come with a node's, and how many at least."""
FORGETS = 0.9
"""What an older one counts, with each new one."""


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
    """Usual heat of the stages, and how often extra heat came with a node's playing."""

    usual: Array = field(default_factory=lambda: np.zeros(5))
    age_s: float = 0.0
    quiet_s: float = 0.0
    """How long nothing disturbs."""
    since: dict[int, float] = field(default_factory=dict)
    shares: dict[str, float] = field(default_factory=dict)
    """Of nodes, when they last began or ended."""
    changed: dict[str, tuple[float, bool]] = field(default_factory=dict)
    """By node: when it last began (True) or ended, s."""
    peaks: dict[int, float] = field(default_factory=dict)
    """By stage that has extra heat: the greatest so far, W."""
    fallen: set[int] = field(default_factory=set)
    """Stages whose heat has fallen from its peak."""
    hits: dict[tuple[int, str], tuple[float, float]] = field(default_factory=dict)
    """By stage and node: changes of heat that came with the node's, and all."""
    came: set[tuple[int, str]] = field(default_factory=set)
    """Stages and nodes where the heat that stands came as the node began to play."""
    outlasted: dict[tuple[int, str], float] = field(default_factory=dict)
    """By stage and node: the node's last end that heat has outlasted, s."""

    def copy(self) -> "HeatBlame":
        """Return one that goes its own way."""
        return replace(
            self,
            usual=self.usual.copy(),
            since=dict(self.since),
            shares=dict(self.shares),
            changed=dict(self.changed),
            hits=dict(self.hits),
            peaks=dict(self.peaks),
            fallen=set(self.fallen),
            came=set(self.came),
            outlasted=dict(self.outlasted),
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
        self._note_changes(playing, now_s)
        if disturbed:
            if self.quiet_s > 0.0:
                self.age_s = 0.0  # afterwards it may be otherwise: learned anew
            self.quiet_s = 0.0
            self.since.clear()
            self.peaks.clear()
            self.fallen.clear()
            return ()
        self.quiet_s += for_s
        if self.quiet_s < SETTLES_S:
            return ()
        if self.age_s < SETTLES_S:
            self.age_s += for_s
            self.usual = self.usual + (heat - self.usual) * min(1.0, for_s / self.age_s)
            return ()
        beyond = (heat - self.usual) / np.maximum(SIGMAS * sigma, np.array(LEAST) * usual_w)
        found = []
        for stage in range(5):
            watts = float(heat[stage] - self.usual[stage])
            if beyond[stage] < (KEPT if stage in self.since else 1.0):
                self.since.pop(stage, None)
                if self.peaks.pop(stage, None) is not None and stage not in self.fallen:
                    self._score(stage, False, now_s)
                self.fallen.discard(stage)
                continue
            since = self.since.setdefault(stage, now_s)
            self._follow(stage, watts, now_s)
            if now_s - since >= LASTS_S:
                spread = float(np.hypot(sigma[stage], SCALE * watts))
                found.append(ExtraHeat(stage, watts, spread, since, self._node(stage)))
        self.age_s += for_s
        part = for_s / min(LEARNED_S, self.age_s)
        slow = np.where(beyond < KEPT, part, 0.05 * part)
        self.usual = self.usual + slow * (heat - self.usual)
        return tuple(one for one in found if not _follows(one, found))

    def _follow(self, stage: int, watts: float, now_s: float) -> None:
        """Note that a stage's heat has begun, or fallen from its peak, or risen to it again."""
        peak = self.peaks.get(stage)
        if peak is None or (stage in self.fallen and watts > RISEN * peak):
            self._score(stage, True, now_s)
            self.fallen.discard(stage)
        elif stage not in self.fallen and watts < FALLEN * peak:
            self._score(stage, False, now_s)
            self.fallen.add(stage)
        self.peaks[stage] = max(watts, peak or 0.0)
        if stage not in self.fallen:
            self._note_outlasted(stage, now_s)

    def _note_changes(self, playing: Mapping[str, float], now_s: float) -> None:
        for node, share in playing.items():
            before = self.shares.setdefault(node, share)
            if abs(share - before) > CHANGE:
                self.shares[node], self.changed[node] = share, (now_s, share > before)

    def _score(self, stage: int, begins: bool, now_s: float) -> None:
        """Note for each node whether heat that begins or ends came with its playing."""
        for node in self.shares:
            at_s, began = self.changed.get(node, (-1e9, begins))
            hit = began == begins and now_s - at_s <= FOLLOWS_S
            hits, all_ = self.hits.get((stage, node), (0.0, 0.0))
            self.hits[stage, node] = FORGETS * hits + hit, FORGETS * all_ + 1.0
            if begins:
                (self.came.add if hit else self.came.discard)((stage, node))

    def _note_outlasted(self, stage: int, now_s: float) -> None:
        """Note nodes that ended a while ago while a stage's heat went on: it is not theirs."""
        for node, (at_s, began) in self.changed.items():
            known = self.outlasted.get((stage, node)) == at_s
            if began or known or at_s < self.since[stage] or now_s - at_s <= FOLLOWS_S:
                continue
            self.outlasted[stage, node] = at_s
            self.came.discard((stage, node))
            hits, all_ = self.hits.get((stage, node), (0.0, 0.0))
            self.hits[stage, node] = FORGETS * hits, FORGETS * all_ + 1.0

    def _node(self, stage: int) -> str:
        """Return the node whose playing explains a stage's heat best; empty: none's does."""
        best, found = EXPLAINS, ""
        for (at, node), (hits, all_) in self.hits.items():
            if at != stage or (at, node) not in self.came:
                continue
            if hits > LEAST_HITS * FORGETS and hits / all_ > best:
                best, found = hits / all_, node
        return found


def _follows(one: ExtraHeat, found: list[ExtraHeat]) -> bool:
    """Tell whether extra heat is a consequence of more of it at a warmer stage."""
    return any(other.stage < one.stage and one.watts < CONSEQUENCE * other.watts for other in found)

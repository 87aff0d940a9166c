"""Scores a play: which conditions were met, what it cost, and how many points are left."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from podium.sim_instruments.scenarios.scenario import Condition, Cost, Scenario


@dataclass(frozen=True, slots=True)
class Look:
    """The truth at one time of a play."""

    at_s: float
    """From its begin."""
    state: dict[str, float]
    """By the names of :func:`..servers.world_state.world_state`."""


@dataclass(frozen=True, slots=True)
class PlayEvent:
    """One thing that was done to the simulation."""

    at_s: float
    clock: str
    """Time of day in the story."""
    by: str
    """``scenario`` or ``solution``."""
    what: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """One condition, and whether it was met."""

    what: str
    met: bool
    points: int


@dataclass(frozen=True, slots=True)
class SafeguardVerdict:
    """One thing that must not happen, and whether it did."""

    what: str
    held: bool
    points: int
    """Lost where it did not hold."""


@dataclass(frozen=True, slots=True)
class CostCharged:
    """One cost of a play."""

    what: str
    amount: float
    """In the state's SI unit, or minutes."""
    points: float


@dataclass(frozen=True, slots=True)
class Score:
    """The result of one play."""

    name: str
    mastered: bool
    points: float
    of: int
    events: tuple[PlayEvent, ...]
    conditions: tuple[Verdict, ...]
    safeguards: tuple[SafeguardVerdict, ...]
    costs: tuple[CostCharged, ...]

    def as_json(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        return asdict(self)


def score(scenario: Scenario, looks: Sequence[Look], events: Sequence[PlayEvent]) -> Score:
    """Score a play by what its looks saw of the truth.

    It is mastered when all conditions are met and all safeguards held. Points: those of the
    conditions met, less those of broken safeguards and the costs, and never below 0.
    """
    verdicts = tuple(
        Verdict(one.what, _met(one, scenario.lasts, looks), one.points) for one in scenario.mastered
    )
    safeguards = tuple(
        SafeguardVerdict(
            one.what,
            all(one.beyond(look.state[one.state]) == 0.0 for look in looks),
            one.points,
        )
        for one in scenario.must_hold
    )
    costs = tuple(_charged(one, looks) for one in scenario.costs)
    earned = sum(one.points for one in verdicts if one.met)
    lost = sum(one.points for one in safeguards if not one.held)
    left = max(0.0, earned - lost - sum(one.points for one in costs))
    mastered = all(one.met for one in verdicts) and all(one.held for one in safeguards)
    return Score(
        scenario.name,
        mastered,
        round(left, 1),
        scenario.of,
        tuple(events),
        verdicts,
        safeguards,
        costs,
    )


def _met(condition: Condition, lasts_s: float, looks: Sequence[Look]) -> bool:
    until = lasts_s if condition.until is None else condition.until
    kept = [
        condition.beyond(look.state[condition.state]) == 0.0
        for look in looks
        if condition.since <= look.at_s <= until
    ]
    if not kept:
        return False
    match condition.when:
        case "always":
            return all(kept)
        case "reached":
            return any(kept)
        case "at_end":
            return kept[-1]


def _charged(cost: Cost, looks: Sequence[Look]) -> CostCharged:
    beyond = [cost.beyond(look.state[cost.state]) for look in looks]
    if cost.counts == "most":
        amount = max(beyond, default=0.0)
    else:
        spans = zip(looks, looks[1:], beyond[1:], strict=False)
        amount = sum(after.at_s - before.at_s for before, after, over in spans if over > 0.0) / 60.0
    points = min(float(cost.no_more_than), cost.points * amount / cost.per)
    return CostCharged(cost.what, amount, round(points, 1))

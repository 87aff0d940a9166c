"""Holds what a demo of the cold side has shown: base temperature, alarm, recovery."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class StepTaken:
    """One step of a procedure."""

    procedure: str
    name: str
    state: str
    took_s: float | None
    """Of the facility's time; None: it did not begin or has not ended."""


@dataclass(frozen=True, slots=True)
class CountdownSeen:
    """A countdown as it stood when it was first seen."""

    event: str
    words: str
    at_s: float
    low_s: float
    high_s: float


@dataclass(slots=True)
class ColdStory:
    """Holds the events of the story. Durations in s of the facility's time, unless of the wall."""

    facility: str
    fridge: str
    seed: int
    rate: int
    cold_below_k: float
    start_k: float | None = None
    base_k: float | None = None
    """Coldest good reading of the mixing chamber after the cooldown."""
    cooldown_s: float | None = None
    cooldown_wall_s: float | None = None
    alarm: str = ""
    """Name of the alarm that led after the trip."""
    alarm_what: str = ""
    alarm_after_s: float | None = None
    """From the trip to the alarm."""
    followers: tuple[str, ...] = ()
    countdowns: tuple[CountdownSeen, ...] = ()
    warmest_k: float | None = None
    """Warmest good reading of the mixing chamber after the trip."""
    recovered: bool = False
    recovery_s: float | None = None
    """From the trip until the mixing chamber was cold again."""
    steps: list[StepTaken] = field(default_factory=list)
    trouble: list[str] = field(default_factory=list)
    wall_s: float = 0.0

    @property
    def good(self) -> bool:
        """Return whether it was cold, the trip was noticed, and it is cold again."""
        cold = self.base_k is not None and self.base_k < self.cold_below_k
        return cold and bool(self.alarm) and self.recovered and not self.trouble


def summary(story: ColdStory) -> dict[str, Any]:
    """Return the story for ``summary.json``."""
    return {
        "facility": story.facility,
        "fridge": story.fridge,
        "seed": story.seed,
        "rate": story.rate,
        "good": story.good,
        "start_k": story.start_k,
        "base_k": story.base_k,
        "cooldown_s": story.cooldown_s,
        "cooldown_wall_s": story.cooldown_wall_s,
        "alarm": {
            "name": story.alarm,
            "what": story.alarm_what,
            "after_s": story.alarm_after_s,
            "followers": list(story.followers),
        },
        "countdowns": {
            one.event: {"at_s": one.at_s, "low_s": one.low_s, "high_s": one.high_s}
            for one in story.countdowns
        },
        "warmest_k": story.warmest_k,
        "recovered": story.recovered,
        "recovery_s": story.recovery_s,
        "steps": [
            {
                "procedure": one.procedure,
                "name": one.name,
                "state": one.state,
                "took_s": one.took_s,
            }
            for one in story.steps
        ],
        "trouble": story.trouble,
        "wall_s": round(story.wall_s, 1),
    }

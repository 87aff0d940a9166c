"""Examines the conditions of alarm rules: do they hold, and by which reading. Pure."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from podium.control.records.latest_readings import FridgeView, Latest
from podium.control.supervision.alarm_rules import (
    Condition,
    Contradiction,
    Limit,
    NoValue,
    OwnFailure,
    Rate,
    Silence,
)
from podium.firmware_interfaces.exact_time import FS_PER_S

SAMPLES = 32
"""Of a signal, so many are kept over the time that its slope is taken over."""
FRESH = ("good", "out_of_range")
"""An instrument that says of a channel that it has no valid value does answer."""


@dataclass(frozen=True, slots=True)
class Found:
    """A condition as it was found."""

    holds: bool | None = None
    """None: nothing is known of it, for want of a good reading."""
    value: float | None = None
    limit: float | None = None
    unit: str = ""
    reading: str = ""
    words: str = ""
    """Follows what the rule says: ``: 12.3 K, limit 6 K``."""


@dataclass(frozen=True, slots=True)
class Rated:
    """The last readings of a signal, thinned, for its slope."""

    samples: tuple[tuple[float, float], ...] = ()
    """TAI in s and value, oldest first."""

    def add(self, rate: Rate, view: FridgeView | None) -> "Rated":
        """Return it with the signal's latest good reading."""
        latest = None if view is None else view.signals.get(rate.signal)
        if latest is None or latest.good is None or latest.tai is None:
            return self
        at_s = latest.tai[0] + latest.tai[1] / FS_PER_S
        kept = self.samples
        if kept and at_s < kept[-1][0]:
            kept = ()  # the clock was set back
        if kept and at_s - kept[-1][0] < rate.over_s / SAMPLES:
            return self
        within = [one for one in kept if at_s - one[0] <= rate.over_s]
        before = kept[len(kept) - len(within) - 1 : len(kept) - len(within)]
        return Rated((*before, *within, (at_s, latest.good)))

    def slope(self, rate: Rate) -> float | None:
        """Return the change per s over the rule's time; None: not known for as long."""
        if not self.samples:
            return None
        last_s, last = self.samples[-1]
        for at_s, value in reversed(self.samples):
            if last_s - at_s >= rate.over_s:
                return (last - value) / (last_s - at_s)
        return None


def examine(
    condition: Condition,
    fridge: str,
    view: FridgeView | None,
    fresh: Collection[str],
    active: bool,
    rated: Rated | None,
    contradictions: Mapping[tuple[str, str], Found] = MappingProxyType({}),
    failures: Mapping[str, str] = MappingProxyType({}),
) -> Found:
    """Return whether a condition holds.

    ``fresh``: instruments that tell fresh readings; ``active``: whether its alarm is on (deadband).
    """
    match condition:
        case Limit(signal, unit, _, limit):
            latest = None if view is None else view.signals.get(signal)
            if latest is None or latest.good is None:
                name, below = ("", None) if latest is None else (latest.name, latest.below)
                under = below is not None and not condition.holds(below, active)
                not_so = False if under and condition.side == "above" else None
                return Found(not_so, None, limit, unit, name)
            value = latest.good
            words = f": {value:.4g} {unit}, limit {limit:.4g} {unit}"
            if unit == "1":
                words = ""
            holds = condition.holds(value, active)
            return Found(holds, value, limit, unit, latest.name, words)
        case Rate(signal, unit, _, limit):
            latest = None if view is None else view.signals.get(signal)
            slope = None if rated is None else rated.slope(condition)
            if latest is None or latest.good is None or slope is None:
                return Found(None, None, limit, f"{unit}/s")
            words = f": {slope:.4g} {unit}/s, limit {limit:.4g} {unit}/s"
            holds = condition.holds(slope, active)
            return Found(holds, slope, limit, f"{unit}/s", latest.name, words)
        case Silence(instruments):
            return Found(not any(one in fresh for one in instruments))
        case NoValue(signal):
            latest = None if view is None else view.signals.get(signal)
            if latest is not None and latest.good is not None:
                return Found(False, latest.good, None, latest.unit, latest.name)
            why = "" if latest is None or not latest.problem else f": {latest.problem}"
            return Found(True, reading="" if latest is None else latest.name, words=why)
        case Contradiction(subject):
            return contradictions.get((fridge, subject), Found(False))
        case OwnFailure(part):
            broken = failures.get(part)
            return Found(broken is not None, words="" if broken is None else f": {broken}")


def fresh_instruments(readings: Iterable[Latest]) -> frozenset[str]:
    """Return the instruments of which something fresh is known."""
    return frozenset(one.name.partition(".")[0] for one in readings if one.quality in FRESH)

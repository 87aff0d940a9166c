"""Defines alarm rules: what is watched, when that is an alarm, and what a person then does.

The terms are those of ANSI/ISA-18.2-2016: deadband, on-delay, off-delay, latching, priority,
suppression by design. A rule is a frozen value; :mod:`alarm_states` steps it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from podium.control.bus.cold import AlarmKind, Priority

PRIORITIES: tuple[Priority, ...] = ("low", "medium", "high", "critical")
"""From the least to the most urgent."""
NO_FRIDGE = "supervisor"
"""Stands in names in place of a fridge, for alarms of the supervision itself."""


@dataclass(frozen=True, slots=True)
class Limit:
    """A signal is beyond a limit. Without a good reading nothing is known of it."""

    signal: str
    """As :mod:`podium.firmware_interfaces.fridge_signals` names it."""
    unit: str
    side: Literal["above", "below"]
    limit: float
    """SI. Reaching it is not beyond it."""
    deadband: float = 0.0
    """An alarm ends only when the signal is so far on the good side of the limit, SI."""

    def holds(self, value: float, active: bool) -> bool:
        """Tell whether a good value is beyond the limit, or not yet back if ``active``."""
        back = self.deadband if active else 0.0
        if self.side == "above":
            return value > self.limit - back
        return value < self.limit + back


@dataclass(frozen=True, slots=True)
class Rate:
    """A signal rises (``above``) or falls (``below``) faster than a limit, over a while."""

    signal: str
    unit: str
    """Of the signal."""
    side: Literal["above", "below"]
    limit: float
    """SI per s; negative for what falls."""
    over_s: float
    """The slope is taken between readings so far apart, in the facility's time."""
    deadband: float = 0.0
    """SI per s."""

    def holds(self, slope: float, active: bool) -> bool:
        """Tell whether a slope is beyond the limit, or not yet back if ``active``."""
        return Limit(self.signal, self.unit, self.side, self.limit, self.deadband).holds(
            slope, active
        )


@dataclass(frozen=True, slots=True)
class Silence:
    """None of these instruments tells a fresh reading."""

    instruments: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NoValue:
    """A signal that should be known has no good reading."""

    signal: str


@dataclass(frozen=True, slots=True)
class Contradiction:
    """The plant's physics contradicts what is read, as the observer says."""

    subject: str
    """What it is about, as the observer names it: a signal, ``corridor``."""


@dataclass(frozen=True, slots=True)
class OwnFailure:
    """A part of the supervision does not work: the recorder, the store of alarms."""

    part: str


Condition = Limit | Rate | Silence | NoValue | Contradiction | OwnFailure

KINDS: Mapping[type, AlarmKind] = {
    Limit: "limit",
    Rate: "rate",
    Silence: "staleness",
    NoValue: "staleness",
    Contradiction: "model",
    OwnFailure: "staleness",
}


@dataclass(frozen=True, slots=True)
class Arming:
    """Suppresses a rule by design while its fridge is not in the state that the rule is about.

    It is armed once ``arms`` holds. It is disarmed once ``disarms`` holds and ``arms`` does not,
    but never before its alarm has been acknowledged. Where nothing is remembered it begins armed,
    unless ``disarms`` holds: a fridge that is found warming up is an alarm.
    """

    arms: Limit
    disarms: Limit


@dataclass(frozen=True, slots=True)
class AlarmRule:
    """One alarm."""

    name: str
    """``fridge_a.second_stage_warm``: unique in the facility."""
    fridge: str
    """Empty: of none."""
    condition: Condition
    priority: Priority
    what: str
    """What is wrong, without the value: ``4 K plate is warm``."""
    cause: str
    """What usually brings it about."""
    to_do: str
    """What a person does."""
    on_delay_s: float = 0.0
    """The condition must hold so long; for silence by the wall's clock, else in the facility's
    time."""
    off_delay_s: float = 0.0
    """The condition must be gone so long, likewise."""
    latching: bool = False
    """It stays until a person resets it."""
    arming: Arming | None = None
    caused_by: tuple[str, ...] = ()
    """Names of the alarms that bring this one about: it is their follower while they are on."""

    @property
    def kind(self) -> AlarmKind:
        """The kind of its condition."""
        return KINDS[type(self.condition)]

    @property
    def by_wall(self) -> bool:
        """Return whether its delays pass by the wall's clock."""
        return isinstance(self.condition, Silence | NoValue | OwnFailure)

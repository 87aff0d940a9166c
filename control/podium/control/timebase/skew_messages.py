"""Defines messages about skews, asked of the coordinator."""

from collections.abc import Mapping
from dataclasses import dataclass

from podium.control.timebase.skew import Skew, SkewMeasured
from podium.control.timebase.start_setting import SkewsMeasured, StartKept, StartSetting


@dataclass(frozen=True, slots=True)
class RecordSkews:
    """Take one measurement into the ledger, all of it or nothing. Ends with ``Done``."""

    ticket: str
    """Chosen by who asks, never used twice; a repeated one records nothing more."""
    found: SkewsMeasured
    anew: bool
    """Forget what was known of these pairs."""
    by: str
    """Who asks."""


@dataclass(frozen=True, slots=True)
class AskSkews:
    """Asks for all known skews. Ends with ``SkewsKnown``."""


@dataclass(frozen=True, slots=True)
class SkewKnown:
    """Describes the known skew of one pair of controllers."""

    now: Skew
    """As it would be now had no epoch moved since: with a sigma that has grown."""
    measured: SkewMeasured
    """The latest measurement."""
    problem: str
    """Why it does not hold any longer; empty: nothing is known against it."""
    unheard: str = ""
    """Why it is not known whether it holds; empty: it is known."""

    @property
    def holds(self) -> bool:
        """Return whether it is known to hold."""
        return not (self.problem or self.unheard)

    @property
    def age_fs(self) -> int:
        """Return the time since it was measured, fs of the facility's clock."""
        return self.now.at - self.measured.at


@dataclass(frozen=True, slots=True)
class SkewsKnown:
    """The skew ledger as it is now."""

    skews: tuple[SkewKnown, ...]
    starts: Mapping[str, StartKept]
    """By controller: what was found last of its start."""


@dataclass(frozen=True, slots=True)
class AskStartSettings:
    """Asks how controllers of these nodes' markers would be started. Ends in ``StartSettings``."""

    nodes: tuple[str, ...]
    """Empty: all that have a marker."""
    corrected: bool
    """Take measured skews out; refused where they are not known, or do not hold."""


@dataclass(frozen=True, slots=True)
class StartSettings:
    """Carries the start settings of controllers."""

    settings: Mapping[str, StartSetting]
    """By controller; one that is left out is started as its wiring says."""

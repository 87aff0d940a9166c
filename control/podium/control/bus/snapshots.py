"""Defines messages about the settings of all instruments."""

import json
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TakeSnapshot:
    """Asks for the settings of all instruments; changes none. Answered by ``PartSnapshot``."""


@dataclass(frozen=True, slots=True)
class Measured:
    """Carries a quantity that an instrument has measured by itself."""

    value: float
    unit: str


@dataclass(frozen=True, slots=True)
class InstrumentSnapshot:
    """Carries one instrument's settings, as last read."""

    instrument: str
    model: str
    identity: str
    settings_json: str
    """As an object whose keys are sorted: many, seldom other ones, and with every run."""
    readings: Mapping[str, Measured]
    """By channel."""
    tai_s: float
    """When it was read, by the facility's clock; 0: no clock told."""
    problem: str
    """Why it could not be read now; empty: it is as told. What was read before is kept."""

    @property
    def settings(self) -> Mapping[str, object]:
        """The settings by name."""
        found: Mapping[str, object] = json.loads(self.settings_json)
        return found


@dataclass(frozen=True, slots=True)
class PartSnapshot:
    """All instruments of one agent."""

    instruments: tuple[InstrumentSnapshot, ...]


@dataclass(frozen=True, slots=True)
class FacilitySnapshot:
    """All instruments of a facility."""

    instruments: tuple[InstrumentSnapshot, ...]

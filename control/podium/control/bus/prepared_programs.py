"""Defines messages about programs that agents hold prepared, and what they bring back."""

from collections.abc import Mapping
from dataclasses import dataclass

from podium.control.bus.direct_fires import FiresGranted
from podium.control.bus.messages import Roundings, RunId
from podium.control.bus.snapshots import FacilitySnapshot


@dataclass(frozen=True, slots=True)
class HoldProgram:
    """Asked of an agent: compile a program and hold it. Nothing is touched."""

    program: str
    """JSON of the program."""


@dataclass(frozen=True, slots=True)
class ProgramHeld:
    """Answers ``HoldProgram``."""

    program_hash: str
    life: int
    """Of the agent: another life holds nothing."""
    epochs: Mapping[str, int]
    """Of the clock domains that take part, as they are now."""
    duration_fs: int
    quantised: Roundings
    """What was rounded of the values that it was prepared with."""


@dataclass(frozen=True, slots=True, eq=False)
class ProgramPrepared:
    """Describes a program that can be fired."""

    id: str
    """Under which the coordinator knows it, while it lives."""
    program_hash: str
    facility_hash: str
    epochs: Mapping[str, int]
    """It is fired under these alone."""
    duration_fs: int
    quantised: Roundings
    """As in ``ProgramHeld``."""
    snapshot: FacilitySnapshot
    """How all instruments were set when it was prepared."""


@dataclass(frozen=True, slots=True, eq=False)
class ProgramFired:
    """Carries the data of one fire."""

    run: RunId
    data: bytes
    """A ``FireData``, as its agent has sent it."""
    granted: FiresGranted | None = None
    """Fires that may follow without the coordinator; None: none."""

"""Defines calibrated parameters: values with sigmas, by name, and their record."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Measured:
    """A value and one standard deviation of its error, in ``unit`` (Hz, s, V or 1)."""

    value: float
    sigma: float
    unit: str


@dataclass(frozen=True, slots=True)
class ParameterEntry:
    """A parameter as the store keeps it: what, how well, and where it comes from."""

    name: str
    """``owner.element.quantity``, e.g. ``node_a.q0.f01``."""
    value: float
    sigma: float
    unit: str
    run: str
    """Id of the run whose data gave it."""
    routine: str
    tai_s: float
    """When it was measured, TAI since 1970-01-01, s."""
    epoch: int
    """Of its owner's clocks at that time, see ``facility/owner_clocks.py``."""
    who: str = ""
    """The person who set it by hand; empty for what a routine has measured."""
    why: str = ""
    """Their reason."""
    put_tai_s: float | None = field(default=None, compare=False)
    """When it was put into the store, where that is not when it was measured; TAI, s."""


class NotMeasured(LookupError):
    """A parameter is needed that no routine has found yet. Run the routine named first."""

    def __init__(self, message: str, name: str) -> None:
        super().__init__(message, name)
        self.name = name
        """The full name of the parameter."""

    def __str__(self) -> str:
        return str(self.args[0])


class ParameterRecord(Protocol):
    """Keeps parameters; the newest of a name counts."""

    def get(self, name: str) -> ParameterEntry | None:
        """Return the newest entry of that name, or None."""
        ...

    def put(self, entries: Iterable[ParameterEntry]) -> None:
        """Keep all of them or, on an error, none."""
        ...

    def all(self, path: str = "") -> dict[str, ParameterEntry]:
        """Return the newest entry of each name at or below ``path`` (all without one)."""
        ...


class BadEntry(ValueError):
    """An entry that no store keeps. Nothing of what was put with it has been kept."""


def checked(entries: Iterable[ParameterEntry]) -> tuple[ParameterEntry, ...]:
    """Return the entries if all of them can be kept; raises :class:`BadEntry` otherwise."""
    found = tuple(entries)
    for entry in found:
        said = f"{entry.name!r} = {entry.value} ± {entry.sigma} {entry.unit} of {entry.routine}"
        if entry.name.count(".") < 1 or not all(entry.name.split(".")):
            raise BadEntry(f"{said}: a parameter is named owner.element.quantity")
        if not math.isfinite(entry.value):
            raise BadEntry(f"{said}: the value must be a finite number")
        if not (math.isfinite(entry.sigma) and entry.sigma > 0):
            raise BadEntry(f"{said}: sigma must be a finite number above zero")
        if bool(entry.who) != bool(entry.why):
            raise BadEntry(f"{said}: what is set by hand carries who and why")
    return found

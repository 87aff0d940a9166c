"""Defines messages about findings: damage to what a facility keeps on disk."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that a person has to look at. It stays until somebody has."""

    id: str
    """The same for the same words."""
    what: str
    """The file, what is wrong with it, and what to do."""
    at_s: float
    """When it was found first, Unix time."""


@dataclass(frozen=True, slots=True)
class FindingsNews:
    """All findings at which nobody has looked, published by the coordinator."""

    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class FindingSeen:
    """Somebody has looked at a finding. Answered with ``Done``; refused if there is none."""

    finding: str
    """Its id."""
    by: str = ""
    """Who has."""

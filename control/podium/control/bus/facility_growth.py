"""Defines messages and keys for a facility file that has grown."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class GrowTo:
    """Take over the facility file, which has only grown.

    To the coordinator, who asks the agents in turn; the page hears of it when it is done.
    """

    facility_hash: str
    """Of the file as it is meant: whoever reads another one refuses."""


@dataclass(frozen=True, slots=True)
class FacilityGrown:
    """It was taken over."""

    not_by: tuple[str, ...] = ()
    """Agents that have not, with the reason: they are used again once they have read it."""


def coordinator_grow_key(facility: str) -> str:
    """Return where the coordinator is asked."""
    return f"podium/{facility}/grow"


def agent_grow_key(facility: str, agent: str) -> str:
    """Return where an agent is asked."""
    return f"podium/{facility}/grow/{agent}"


def grown_key(facility: str) -> str:
    """Return where it is published that the facility has grown."""
    return f"podium/{facility}/grown"

"""Defines messages of a procedure: a calibration, a measurement of skews.

A procedure is several runs that one client asks for, one after the other. The client says where it
is; the coordinator publishes that, and stops the procedure when somebody asks for it.
"""

from dataclasses import dataclass

SILENT_S = 60.0
"""A procedure of which nothing was heard for so long, and no run is on, is no longer shown: its
client has ended without a word. ASSUMED: no fit between two runs takes longer."""


@dataclass(frozen=True, slots=True)
class ProcedureStep:
    """A client's word about its procedure. Answered with ``Done``; refused once it was stopped."""

    procedure: str
    """Its id, chosen by who asks, never used twice."""
    title: str
    """``calibration of node_a``."""
    nodes: tuple[str, ...]
    step: int
    """Counts from 1; 0: before the first."""
    steps: int
    """How many there are, as far as is known."""
    doing: str
    """What this step does: ``rabi``."""
    state: str = "on"
    """``on``, ``done`` or ``failed``."""
    error: str = ""
    """Why it failed."""
    by: str = ""
    """Who asks."""


@dataclass(frozen=True, slots=True)
class ProcedureNews:
    """Reports a procedure's progress, published by the coordinator."""

    said: ProcedureStep
    """The latest that its client has said."""
    state: str
    """``on``, ``done``, ``failed`` or ``stopped``."""
    at_s: float
    """When it began, by the host's clock, Unix time."""
    heard_s: float
    """When its client spoke last, Unix time."""
    stopped: str = ""
    """Why it was stopped."""
    stopped_by: str = ""

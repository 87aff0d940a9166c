"""Defines an entry of the coordinator's request log: who asked for what, in order."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LoggedRequest:
    """One thing that touches instruments: a run, a bias move, a write by hand, a release."""

    number: int
    """Counts them since the coordinator started; on one agent they come one after the other."""
    what: str
    """``run 17-00003 rabi``, ``bias node_a.q0.flux to 0.1 V``, ``set lo_q2 power to -5``."""
    by: str
    """Who asked."""
    at_s: float
    """When it began, by the host's clock, Unix time."""
    took_s: float
    """Wall time from begin to end; 0 while it is on."""
    state: str
    """``on``, ``done``, ``failed`` or ``stopped``."""
    error: str
    """Why it failed, or was stopped."""

"""The guards of the machines: each has to decide something, at least once, in an exploration."""

from tests.explorer.decisions_of_agents import OF_AGENTS
from tests.explorer.decisions_of_coordinators import OF_COORDINATORS

OF_THE_WHOLE = ("journal taken", "goes on with the journal")
GUARDS = (*OF_AGENTS, *OF_COORDINATORS, *OF_THE_WHOLE)
ELSEWHERE = ("unverified refused",)
"""Decided in a scenario of its own alone."""

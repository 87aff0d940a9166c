"""Defines what routines work on: qubits, edges between two of them, links and their ends."""

from collections.abc import Mapping
from typing import Protocol

from podium.control.facility.edges import Edge
from podium.control.facility.facility import Estimate, Link
from podium.control.facility.links import Relay


class Target(Protocol):
    """A qubit, an edge, a link or its end: parameters are stored under its name."""

    @property
    def name(self) -> str:
        """Its full name, e.g. ``node_a.q0`` or ``node_a.q0_q1``."""
        ...

    @property
    def element(self) -> str:
        """Its name within the node."""
        ...

    @property
    def design(self) -> Mapping[str, Estimate]:
        """Return the values that the facility file expects, by quantity."""
        ...


def captures_of(target: Target) -> tuple[str, ...]:
    """Return whose captures the data of a target are: an edge's or a link's are of its ends."""
    if isinstance(target, Link | Relay):
        return tuple(end.qubit for end in target.transfer)
    return target.ends if isinstance(target, Edge) else (target.element,)

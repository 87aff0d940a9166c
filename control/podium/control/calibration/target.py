"""Defines what routines work on: qubits, and edges between two of them."""

from collections.abc import Mapping
from typing import Protocol

from podium.control.facility.edges import Edge
from podium.control.facility.facility import Estimate


class Target(Protocol):
    """A qubit or an edge: parameters are stored under its name."""

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
        """What the facility file expects, by quantity."""
        ...


def captures_of(target: Target) -> tuple[str, ...]:
    """Return whose captures the data of a target are: an edge's are those of its ends."""
    return target.ends if isinstance(target, Edge) else (target.element,)

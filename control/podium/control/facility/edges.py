"""Defines couplers and edges of a node as frozen values."""

from dataclasses import dataclass, field
from typing import Literal, get_args

from podium.control.facility.estimate import Estimate
from podium.control.facility.frozen_map import FrozenMap

Gate = Literal["cz", "iswap", "cnot"]
"""Two-qubit gates that an edge may have; a CNOT is played by cross-resonance."""
GATES: tuple[Gate, ...] = get_args(Gate)
PlayedGate = Literal[
    "cz", "coupler cz", "carrier cz", "plasmon cz", "iswap", "carrier iswap", "cnot"
]
"""The same by how they are played: a CZ by flux on one of its ends, which brings levels together,
or on its coupler, which makes the ends shift each other, or by a carrier on the flux of a coupler,
or by a drive of the plasmon of one of two fluxoniums; an iSWAP by flux on one of its ends, which
brings it to the other, or by a carrier on the flux of a coupler."""
PLAYED_GATES: tuple[PlayedGate, ...] = get_args(PlayedGate)


@dataclass(frozen=True, slots=True)
class Coupler:
    """A tunable coupler, as designed: flux sets it, nothing reads it."""

    node: str
    element: str
    """Its name within the node, e.g. ``c01``."""
    kind: Literal["transmon"]
    design: FrozenMap[str, Estimate]
    """By quantity: f01, anharmonicity, asymmetry, flux_period, flux_offset, t1."""

    @property
    def name(self) -> str:
        """Its full name, e.g. ``node_a.c01``."""
        return f"{self.node}.{self.element}"

    @property
    def flux_port(self) -> str:
        """E.g. ``node_a.c01.flux``."""
        return f"{self.name}.flux"


@dataclass(frozen=True, slots=True)
class Edge:
    """Two qubits of a node between which a gate is played."""

    node: str
    element: str
    """Its name within the node, e.g. ``q0_q1``."""
    ends: tuple[str, str]
    """The qubits' names within the node: the first and the second."""
    gate: Gate
    coupler: str | None
    """The tunable coupler's name within the node; None: they are coupled for good."""
    pulsed: str
    """The element whose flux the gate pulses, by its name within the node; of a CNOT its control,
    the first end, which is driven."""
    design: FrozenMap[str, Estimate] = field(default_factory=FrozenMap)
    """By quantity: exchange, exchange_first, exchange_second, off_point, gate_duration."""
    driven: str | None = None
    """The end whose plasmon the gate drives, by its name within the node, which is ``pulsed``
    then; None: the gate is played by flux, or is a CNOT."""
    carrier: bool = False
    """True of a CZ by a carrier on the flux of its coupler."""

    @property
    def name(self) -> str:
        """Its full name, e.g. ``node_a.q0_q1``."""
        return f"{self.node}.{self.element}"

    @property
    def played(self) -> PlayedGate:
        """Its gate by how it is played."""
        if self.driven is not None:
            return "plasmon cz"
        if self.carrier and self.gate == "cz":
            return "carrier cz"
        if self.pulsed == self.coupler and self.gate == "cz":
            return "coupler cz"
        if self.pulsed == self.coupler and self.gate == "iswap":
            return "carrier iswap"
        return self.gate

    @property
    def flux_port(self) -> str:
        """The port of the flux that a gate by flux pulses, e.g. ``node_a.q0.flux``."""
        return f"{self.node}.{self.pulsed}.flux"

    @property
    def gate_port(self) -> str:
        """The port that the gate's pulse is played on: of a flux, or ``node_a.q0.plasmon``."""
        return self.flux_port if self.driven is None else f"{self.node}.{self.driven}.plasmon"

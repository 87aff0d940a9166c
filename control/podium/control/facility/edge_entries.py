"""Defines couplers and edges of a node, as the facility file writes them."""

from typing import Literal

from podium.control.facility.edges import Gate
from podium.control.facility.quantity_entries import (
    FileEntry,
    FrequencyEstimate,
    PlainEstimate,
    TimeEstimate,
    VoltageEstimate,
)


class CouplerDesign(FileEntry):
    """Holds the design values of a tunable coupler, as known before it is cold."""

    f01: FrequencyEstimate
    """0-1 transition at the sweet spot."""
    anharmonicity: FrequencyEstimate | None = None
    """f12 - f01, below zero."""
    asymmetry: PlainEstimate | None = None
    """Of the SQUID, (EJ1 - EJ2) / (EJ1 + EJ2), from 0 to below 1."""
    flux_period: VoltageEstimate | None = None
    """At the source, for one flux quantum."""
    flux_offset: VoltageEstimate | None = None
    """Of the sweet spot nearest to 0 V."""
    t1: TimeEstimate | None = None
    """At the sweet spot."""


class CouplerEntry(FileEntry):
    """One tunable coupler: an element with a flux line that no feedline reads."""

    kind: Literal["transmon"] = "transmon"
    """Which circuit it is."""
    design: CouplerDesign
    """What is known of it before it is cold."""


class EdgeEntry(FileEntry):
    """Two qubits of a node between which a gate is played."""

    ends: list[str]
    """Two different qubits of the node: the first and the second."""
    gate: Gate = "cz"
    """The gate that is calibrated there."""
    coupler: str | None = None
    """The tunable coupler between them; left out where they are coupled for good."""
    pulsed: str | None = None
    """Whose flux the gate pulses: one of the ends, or the coupler."""
    driven: str | None = None
    """Of a CZ by a microwave drive: the end whose plasmon it drives, a fluxonium."""
    carrier: bool = False
    """Whether a gate on a coupler's flux is played by a carrier; an iSWAP there always is."""
    exchange: FrequencyEstimate | None = None
    """Direct rate of exchange over 2 pi, both at their sweet spots, signed."""
    exchange_first: FrequencyEstimate | None = None
    """Rate of exchange of the first end with the coupler, over 2 pi, signed."""
    exchange_second: FrequencyEstimate | None = None
    """Rate of exchange of the second end with the coupler, over 2 pi, signed."""
    off_point: VoltageEstimate | None = None
    """Bias of the coupler at which the two do not shift each other."""
    gate_duration: TimeEstimate | None = None
    """Of the gate's flux pulse."""


EDGE_UNITS: dict[str, str] = {
    "exchange": "Hz",
    "exchange_first": "Hz",
    "exchange_second": "Hz",
    "off_point": "V",
    "gate_duration": "s",
}
"""The unit in which each design value of an edge is held."""

COUPLER_UNITS: dict[str, str] = {
    "f01": "Hz",
    "anharmonicity": "Hz",
    "t1": "s",
    "flux_period": "V",
    "flux_offset": "V",
    "asymmetry": "1",
}
"""The unit in which each design value of a coupler is held."""

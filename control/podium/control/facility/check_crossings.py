"""Checks that no gate drags its qubit through the levels of a neighbour."""

import math
from collections.abc import Iterator

from podium.control.facility.check_edges import meeting_points, pulsed_of
from podium.control.facility.designs import TransmonEntry
from podium.control.facility.edge_entries import EdgeEntry
from podium.control.facility.file_contents import Complaints, FileContents, NodeContents
from podium.control.facility.problems import KeyPath
from podium.firmware_interfaces.quantity import format_quantity
from podium.firmware_interfaces.qubit_defaults import ANHARMONICITY_HZ

RISE_S = 1e-9
"""Of a flux pulse's edge. ASSUMED: about a sample of an output of 1 GSa/s."""
PASSAGES = 4
"""Of a net-zero pulse: there and back, twice."""
MOST = 2e-3
"""Of an excitation that a gate may leave with a neighbour: as much as good gates err."""
NEAR = 3.0
"""A neighbour's levels that lie so many rates of exchange below the gate's are crossed as well."""


def check_crossings(parsed: FileContents, complaints: Complaints) -> None:
    """Check the edges of every node by the design's middle values."""
    for name, node in parsed.nodes.items():
        if node is None:
            continue
        for element, edge in node.edges.items():
            if edge is not None:
                _check_edge(("nodes", name, "edges", element), edge, node, complaints)


def transferred(exchange_hz: float, hz_per_s: float) -> float:
    """Return what of an excitation goes over where levels are swept past each other once.

    Landau and Zener: ``1 - exp(-4 pi^2 g^2 / rate)``, g half of the gap in Hz.
    """
    return -math.expm1(-4 * math.pi**2 * exchange_hz**2 / hz_per_s)


def _check_edge(path: KeyPath, edge: EdgeEntry, node: NodeContents, complaints: Complaints) -> None:
    pulsed = pulsed_of(edge, node)
    own = None if pulsed is None else node.qubits.get(pulsed)
    partner = next((node.qubits.get(end) for end in edge.ends if end != pulsed), None)
    if pulsed is None or not isinstance(own, TransmonEntry):
        return  # a coupler's pulse moves the qubits little; what is wrong in itself is reported
    if not isinstance(partner, TransmonEntry):
        return
    top_hz = own.design.f01.value
    below = [f for f in _meetings(edge.gate, own, partner) if f < top_hz]
    if not below:
        return  # reported
    down_hz = max(below)
    for through, neighbour, exchange_hz in _neighbours(pulsed, edge, node):
        other = node.qubits.get(neighbour)
        if not isinstance(other, TransmonEntry):
            continue
        crossed = [
            (hz, growth)
            for hz, growth in _levels(own, other)
            if down_hz - NEAR * growth * abs(exchange_hz) < hz < top_hz
        ]
        speed = (top_hz - down_hz) / RISE_S
        lost = sum(PASSAGES * transferred(growth * exchange_hz, speed) for _, growth in crossed)
        if lost < MOST:
            continue
        at = format_quantity(crossed[0][0], "Hz")
        complaints.at(
            path,
            f"{edge.gate!r} brings {pulsed!r} from {format_quantity(top_hz, 'Hz')} down to "
            f"{format_quantity(down_hz, 'Hz')}, and on the way, at {at}, past {neighbour!r}, which "
            f"{through!r} couples to it by {format_quantity(abs(exchange_hz), 'Hz')}: each gate "
            f"would leave some {min(lost, 1.0) * 100:.1g} % of an excitation there; give "
            f"{neighbour!r} an f01 out of that way, or couple them through a coupler",
            at_key=True,
        )


def _meetings(gate: str, own: TransmonEntry, partner: TransmonEntry) -> Iterator[float]:
    return meeting_points(gate, partner.design.f01.value, _bend(own), _bend(partner))


def _levels(own: TransmonEntry, other: TransmonEntry) -> Iterator[tuple[float, float]]:
    """Yield where levels with one and with two excitations cross: f01 of the pulsed one, Hz.

    With each by how much more than the exchange they repel each other.
    """
    yield other.design.f01.value, 1.0
    for hz in meeting_points("cz", other.design.f01.value, _bend(own), _bend(other)):
        yield hz, math.sqrt(2)


def _bend(qubit: TransmonEntry) -> float:
    found = qubit.design.anharmonicity
    return ANHARMONICITY_HZ if found is None else found.value


def _neighbours(
    pulsed: str, edge: EdgeEntry, node: NodeContents
) -> Iterator[tuple[str, str, float]]:
    """Yield what couples the pulsed qubit to others for good: its name, the other one, Hz."""
    fixed = [
        (name, one.ends, one.exchange)
        for name, one in node.edges.items()
        if one is not None and one is not edge and one.coupler is None
    ]
    fixed += [(name, one.ends, one.exchange) for name, one in node.couplings.items() if one]
    for name, ends, exchange in fixed:
        if exchange is not None and pulsed in ends:
            for end in ends:
                if end != pulsed and end not in edge.ends:
                    yield name, end, exchange.value

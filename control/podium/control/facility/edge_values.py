"""Makes couplers and edges of a node from what the facility file says of them."""

import math
from collections.abc import Mapping

from podium.control.facility.design_values import estimate
from podium.control.facility.edge_entries import COUPLER_UNITS, EDGE_UNITS, CouplerEntry, EdgeEntry
from podium.control.facility.edges import Coupler, Edge, Gate
from podium.control.facility.estimate import Estimate
from podium.control.facility.file_contents import NodeContents
from podium.control.facility.frozen_map import FrozenMap
from podium.firmware_interfaces.qubit_defaults import typical_design, usual_spread

MEDIATED_S, MEDIATED_SPREAD_S = 50e-9, 20e-9
"""ASSUMED: duration of a gate through a coupler of which the file says none."""


def couplers_of(
    node: str, contents: NodeContents, limits_v: Mapping[str, float]
) -> FrozenMap[str, Coupler]:
    """Return the couplers of a node, by name; ``limits_v``: of its biases, by their elements."""
    return FrozenMap(
        {
            element: _coupler(node, element, entry, limits_v.get(element))
            for element, entry in contents.couplers.items()
            if entry is not None
        }
    )


def edges_of(
    node: str, contents: NodeContents, designs: Mapping[str, Mapping[str, Estimate]]
) -> FrozenMap[str, Edge]:
    """Return the edges of a node, by name; ``designs`` of its qubits, by their names."""
    return FrozenMap(
        {
            element: _edge(node, element, entry, designs)
            for element, entry in contents.edges.items()
            if entry is not None
        }
    )


def _coupler(node: str, element: str, entry: CouplerEntry, limit_v: float | None) -> Coupler:
    """Return a coupler; what the file leaves out has a typical value."""
    design = entry.design
    written = {name: one for name in COUPLER_UNITS if (one := getattr(design, name)) is not None}
    known = {
        name: estimate(one, COUPLER_UNITS[name], usual_spread(name, one.value))
        for name, one in written.items()
    }
    plain = {name: one.value for name, one in written.items()}
    for name, typical in typical_design(entry.kind, plain, None, limit_v).items():
        if name in COUPLER_UNITS:
            unit = COUPLER_UNITS[name]
            known[name] = Estimate(typical.value, typical.spread, unit, typical.source, True, True)
    return Coupler(node, element, entry.kind, FrozenMap(known))


def _edge(
    node: str, element: str, entry: EdgeEntry, designs: Mapping[str, Mapping[str, Estimate]]
) -> Edge:
    first, second = entry.ends
    known = {
        name: estimate(one, unit)
        for name, unit in EDGE_UNITS.items()
        if (one := getattr(entry, name)) is not None
    }
    pulsed = entry.driven or entry.pulsed or entry.coupler or _higher_end((first, second), designs)
    if entry.gate == "cnot":
        pulsed = first
    if "gate_duration" not in known and entry.gate != "cnot" and entry.driven is None:
        known["gate_duration"] = _expected_duration(entry.gate, known.get("exchange"))
    ends, design = (first, second), FrozenMap(known)
    return Edge(
        node,
        element,
        ends,
        entry.gate,
        entry.coupler,
        pulsed,
        design,
        entry.driven,
        entry.carrier,
    )


def _higher_end(ends: tuple[str, str], designs: Mapping[str, Mapping[str, Estimate]]) -> str:
    """Return the end that flux brings to the other: the one with the higher f01 by design."""
    first, second = ends
    return second if designs[second]["f01"].value > designs[first]["f01"].value else first


def _expected_duration(gate: Gate, exchange: Estimate | None) -> Estimate:
    """Return how long the exchange takes.

    A CZ is one whole swap of 11 and 20 and back, ``1 / (2 sqrt(2) g)``, an iSWAP half a period of
    01 and 10, ``1 / (4 g)``: Strauch et al., Phys. Rev. Lett. 91, 167005 (2003).
    """
    if exchange is None or exchange.value == 0:
        return Estimate(MEDIATED_S, MEDIATED_SPREAD_S, "s", "typical of couplers", True, True)
    rate_hz = abs(exchange.value)
    times = 2 * math.sqrt(2) if gate == "cz" else 4.0
    lasts_s = 1 / (times * rate_hz)
    spread_s = lasts_s * exchange.spread / rate_hz
    return Estimate(lasts_s, spread_s, "s", "its exchange", exchange.assumed, True)

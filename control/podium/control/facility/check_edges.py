"""Checks couplers and edges: what they name exists, is biased, and can play the gate."""

from collections.abc import Iterator, Mapping

from podium.control.facility import schema
from podium.control.facility.designs import FluxoniumEntry, TransmonEntry
from podium.control.facility.edge_entries import CouplerEntry, EdgeEntry
from podium.control.facility.file_contents import Complaints, FileContents, NodeContents
from podium.control.facility.problems import KeyPath, suggest
from podium.control.facility.transmon import transmon_hz
from podium.firmware_interfaces.quantity import format_quantity
from podium.firmware_interfaces.qubit_defaults import ANHARMONICITY_HZ, PERIOD_OVER_LIMIT

ENDS = 2
COLLISION = 5
"""Rates of exchange that the target of a CNOT lies from the transitions of its control, at least.
ASSUMED: a drive as strong as the routine wants it leaves the control alone there."""
OF_A_COUPLER = ("exchange_first", "exchange_second", "off_point")
"""Design values of an edge that say something of its coupler."""


def check_edges(parsed: FileContents, complaints: Complaints) -> None:
    """Check couplers and edges of every node."""
    for name, node in parsed.nodes.items():
        if node is None:
            continue
        for element, coupler in node.couplers.items():
            if coupler is not None:
                _check_coupler(name, element, coupler, node, parsed, complaints)
        _check_node(name, node, parsed, complaints)


def _check_coupler(
    name: str,
    element: str,
    coupler: CouplerEntry,
    node: NodeContents,
    parsed: FileContents,
    complaints: Complaints,
) -> None:
    path: KeyPath = ("nodes", name, "couplers", element)
    port = f"{name}.{element}.flux"
    if port not in parsed.wiring:
        message = (
            f"nothing biases {element!r}: {port!r} is not wired; add it under 'wiring', or call "
            "what couples for good a coupling"
        )
        complaints.at(path, message, at_key=True)
    for end in ("drive", "readout"):
        if f"{name}.{element}.{end}" in parsed.wiring:
            message = f"{element!r} is a coupler: it has a flux line alone; remove this line"
            complaints.at(("wiring", f"{name}.{element}.{end}"), message, at_key=True)
    if not any(edge is not None and edge.coupler == element for edge in node.edges.values()):
        message = f"no edge has {element!r} as its coupler; name it in one, or remove it"
        complaints.at(path, message, at_key=True)
    for key in ("f01", "t1", "flux_period"):
        value = getattr(coupler.design, key)
        if value is not None and value.value <= 0:
            complaints.at((*path, "design", key), "it must be above zero")
    anharmonicity, asymmetry = coupler.design.anharmonicity, coupler.design.asymmetry
    if anharmonicity is not None and anharmonicity.value >= 0:
        message = "a transmon's anharmonicity is below zero"
        complaints.at((*path, "design", "anharmonicity"), message)
    if asymmetry is not None and not 0 <= asymmetry.value < 1:
        message = "a SQUID's asymmetry is 0 or more and below 1"
        complaints.at((*path, "design", "asymmetry"), message)


def _check_node(
    name: str, node: NodeContents, parsed: FileContents, complaints: Complaints
) -> None:
    section: KeyPath = ("nodes", name, "edges")
    first: dict[frozenset[str], KeyPath] = {
        frozenset(coupling.ends): ("nodes", name, "couplings", element)
        for element, coupling in node.couplings.items()
        if coupling is not None
    }
    coupled: dict[str, str] = {}
    for element, edge in node.edges.items():
        if edge is None:
            continue
        path = (*section, element)
        if len(edge.ends) != ENDS or len(set(edge.ends)) != ENDS:
            message = "an edge has two different qubits at its ends: [q0, q1]"
            complaints.at((*path, "ends"), message)
            continue
        other = first.setdefault(frozenset(edge.ends), path)
        if other != path:
            what = "an edge" if other[2] == "edges" else "a coupling"
            line = parsed.source.line(other)
            message = f"{other[-1]!r} (line {line}) is already {what} of these two; remove one"
            complaints.at((*path, "ends"), message)
        if edge.coupler is not None and coupled.setdefault(edge.coupler, element) != element:
            line = parsed.source.line((*section, coupled[edge.coupler]))
            message = (
                f"{edge.coupler!r} is already the coupler of {coupled[edge.coupler]!r} "
                f"(line {line}): it couples two qubits"
            )
            complaints.at((*path, "coupler"), message)
        if _names_exist(name, edge, path, node, complaints):
            _check_values(edge, path, complaints)
            _check_pulsed(name, edge, path, node, parsed, complaints)


def _names_exist(
    name: str, edge: EdgeEntry, path: KeyPath, node: NodeContents, complaints: Complaints
) -> bool:
    """Check that ends, coupler and what is pulsed are elements of the node."""
    before = len(complaints.problems)
    for place, end in enumerate(edge.ends):
        if end not in node.qubits:
            message = f"{name} has no qubit {end!r}; {suggest(end, node.qubits)}"
            if end in node.couplers:
                message = f"{end!r} is a coupler; an edge has qubits at its ends, and a 'coupler'"
            complaints.at((*path, "ends", place), message)
    if edge.coupler is not None and edge.coupler not in node.couplers:
        right = suggest(edge.coupler, node.couplers) if node.couplers else "it has no 'couplers'"
        if edge.coupler in node.qubits:
            right = "that is a qubit, which stands under 'couplers' where nothing reads it"
        complaints.at((*path, "coupler"), f"{name} has no coupler {edge.coupler!r}; {right}")
    players = [*edge.ends, *([edge.coupler] if edge.coupler is not None else [])]
    if edge.pulsed is not None and edge.pulsed not in players:
        message = f"{edge.pulsed!r} is not of this edge; it can be {' or '.join(players)}"
        complaints.at((*path, "pulsed"), message)
    if edge.coupler is None:
        for key in OF_A_COUPLER:
            if getattr(edge, key) is not None:
                message = f"{key!r} is of a coupler, and this edge names none; add 'coupler'"
                complaints.at((*path, key), message, at_key=True)
    return len(complaints.problems) == before


def _check_values(edge: EdgeEntry, path: KeyPath, complaints: Complaints) -> None:
    if edge.coupler is None and edge.exchange is None:
        message = "what couples its qubits? give their 'exchange', or name a 'coupler'"
        complaints.at(path, message, at_key=True)
    for key in ("exchange", "exchange_first", "exchange_second"):
        value = getattr(edge, key)
        if value is not None and value.value == 0 and (key != "exchange" or edge.coupler is None):
            message = "a coupling of nothing is none; give its rate"
            complaints.at((*path, key), message)
    if edge.coupler is not None:
        for key in ("exchange_first", "exchange_second"):
            if getattr(edge, key) is None:
                message = f"{key!r} is missing: how strongly does {edge.coupler!r} couple?"
                complaints.at(path, message, at_key=True)
    if edge.gate_duration is not None and edge.gate_duration.value <= 0:
        complaints.at((*path, "gate_duration"), "it must be above zero")


def _check_pulsed(
    name: str,
    edge: EdgeEntry,
    path: KeyPath,
    node: NodeContents,
    parsed: FileContents,
    complaints: Complaints,
) -> None:
    """Check that the element whose flux the gate pulses has a line that plays pulses far enough."""
    if edge.carrier:
        _check_carrier(edge, path, complaints)
    if edge.driven is not None:
        _check_plasmon(name, edge, edge.driven, path, node, parsed, complaints)
        return
    if edge.gate == "cnot":
        _check_driven(name, edge, path, node, parsed, complaints)
        return
    pulsed = pulsed_of(edge, node)
    if pulsed is None:
        return  # an end is wrong in itself, and reported
    port = f"{name}.{pulsed}.flux"
    if port not in parsed.wiring:
        if pulsed not in node.couplers:  # of a coupler that is reported where it stands
            message = f"{edge.gate!r} is played on the flux of {pulsed!r}: {port!r} is not wired"
            complaints.at((*path, "gate"), message, at_key=True)
        return
    wiring = parsed.wiring[port]
    if not isinstance(wiring, schema.FluxEntry):
        return
    if wiring.output is None:
        message = (
            f"{edge.gate!r} of {path[-1]!r} pulses the flux of {pulsed!r}: add the 'output' that "
            "plays pulses on it, with its 'range' and 'line_attenuation'"
        )
        complaints.at(("wiring", port), message, at_key=True)
        return
    qubit = node.qubits.get(pulsed)
    if isinstance(qubit, TransmonEntry):
        other = next(end for end in edge.ends if end != pulsed)
        partner = node.qubits.get(other)
        if isinstance(partner, TransmonEntry):
            _check_reach(edge, (pulsed, qubit), (other, partner), wiring, port, path, complaints)


def _check_carrier(edge: EdgeEntry, path: KeyPath, complaints: Complaints) -> None:
    """Check that a carrier is on the flux of a coupler, and makes a gate that one can make."""
    if edge.gate == "cnot" or edge.driven is not None:
        message = "a carrier on flux makes a 'cz' or an 'iswap' through a coupler; remove 'carrier'"
        complaints.at((*path, "carrier"), message, at_key=True)
    elif edge.coupler is None or edge.pulsed not in (None, edge.coupler):
        message = (
            "a carrier is played on the flux of a coupler: "
            + ("name the 'coupler'" if edge.coupler is None else "leave 'pulsed' out")
            + ", or remove 'carrier'"
        )
        complaints.at((*path, "carrier"), message, at_key=True)


def _check_plasmon(
    name: str,
    edge: EdgeEntry,
    driven: str,
    path: KeyPath,
    node: NodeContents,
    parsed: FileContents,
    complaints: Complaints,
) -> None:
    """Check that a CZ by a drive of a plasmon is between fluxoniums, and has an output for it.

    With a coupler between them that is driven in the plasmon's place.
    """
    if driven not in edge.ends:
        message = f"{driven!r} is no end of this edge; it can be {' or '.join(edge.ends)}"
        complaints.at((*path, "driven"), message)
        return
    if edge.gate != "cz":
        message = (
            f"a drive of a plasmon makes a 'cz', not {edge.gate!r}; remove 'driven', or let the "
            "gate be 'cz'"
        )
        complaints.at((*path, "gate"), message, at_key=True)
    if edge.pulsed is not None:
        message = "a gate by a drive of a plasmon or a coupler pulses no flux; remove 'pulsed'"
        complaints.at((*path, "pulsed"), message, at_key=True)
    transmons = [end for end in edge.ends if not isinstance(node.qubits.get(end), FluxoniumEntry)]
    if transmons:
        message = f"{transmons[0]!r} is no fluxonium: only these shift each other's plasmons so"
        complaints.at((*path, "driven"), message)
        return
    port = f"{name}.{driven}.plasmon"
    if port not in parsed.wiring:
        message = (
            f"nothing drives the plasmon of {driven!r}: {port!r} is not wired; add it under "
            "'wiring', with an RF output, an 'lo' and its 'line_attenuation'"
        )
        complaints.at((*path, "driven"), message, at_key=True)


def _check_driven(
    name: str,
    edge: EdgeEntry,
    path: KeyPath,
    node: NodeContents,
    parsed: FileContents,
    complaints: Complaints,
) -> None:
    """Check that a CNOT has its control driven, beside its own lines, and nothing of flux."""
    if edge.coupler is not None:
        message = (
            "'cnot' is a drive of the first end at the frequency of the second: it is calibrated "
            "between qubits that are coupled for good, so leave 'coupler' out"
        )
        complaints.at((*path, "coupler"), message, at_key=True)
    if edge.pulsed is not None:
        message = f"'cnot' pulses no flux: it drives {edge.ends[0]!r}, its control; remove 'pulsed'"
        complaints.at((*path, "pulsed"), message, at_key=True)
    if f"{name}.{edge.ends[0]}.drive" not in parsed.wiring:
        port = f"{name}.{edge.ends[0]}.drive"
        message = f"'cnot' is played on the drive of {edge.ends[0]!r}: {port!r} is not wired"
        complaints.at((*path, "gate"), message, at_key=True)
    control, target = (node.qubits.get(end) for end in edge.ends)
    if not isinstance(control, TransmonEntry) or not isinstance(target, TransmonEntry):
        message = "'cnot' is played between transmons: their plasmons lie elsewhere in a fluxonium"
        complaints.at((*path, "gate"), message)
        return
    own, there_hz = control.design, target.design.f01.value
    bend_hz = ANHARMONICITY_HZ if own.anharmonicity is None else own.anharmonicity.value
    exchange_hz = 0.0 if edge.exchange is None else abs(edge.exchange.value)
    for what, hz in (("f01", own.f01.value), ("f12", own.f01.value + bend_hz)):
        if abs(there_hz - hz) < COLLISION * exchange_hz:
            apart = format_quantity(abs(there_hz - hz), "Hz")
            message = (
                f"{edge.ends[1]!r} is driven through {edge.ends[0]!r} at "
                f"{format_quantity(there_hz, 'Hz')}, {apart} from its {what}: that moves the "
                f"control; {format_quantity(COLLISION * exchange_hz, 'Hz')} or more are wanted"
            )
            complaints.at((*path, "ends"), message)


def pulsed_of(edge: EdgeEntry, node: NodeContents) -> str | None:
    """Return whose flux the gate of an edge pulses; None: an end is no qubit of the node."""
    if edge.gate == "cnot":
        return edge.ends[0]
    return edge.driven or edge.pulsed or edge.coupler or _higher(edge, node)


def _higher(edge: EdgeEntry, node: NodeContents) -> str | None:
    f01: dict[str, float] = {}
    for end in edge.ends:
        qubit = node.qubits.get(end)
        if qubit is None:
            return None
        f01[end] = qubit.design.f01.value if isinstance(qubit, TransmonEntry) else 0.0
    first, second = edge.ends
    return second if f01[second] > f01[first] else first


def meeting_points(
    gate: str, partner_hz: float, own_anharmonicity_hz: float, partner_anharmonicity_hz: float
) -> Iterator[float]:
    """Yield f01 of the pulsed qubit where the gate's levels meet, Hz.

    iSWAP: 01 and 10. CZ: 11 and the state with two excitations in one of the two (Strauch et al.,
    Phys. Rev. Lett. 91, 167005 (2003)).
    """
    if gate == "iswap":
        yield partner_hz
    else:
        yield partner_hz - own_anharmonicity_hz
        yield partner_hz + partner_anharmonicity_hz


def _check_reach(
    edge: EdgeEntry,
    pulsed: tuple[str, TransmonEntry],
    partner: tuple[str, TransmonEntry],
    wiring: schema.FluxEntry,
    port: str,
    path: KeyPath,
    complaints: Complaints,
) -> None:
    """Check by the design's middle values that pulses bring the two to where the gate is."""
    own, other = pulsed[1].design, partner[1].design
    bend_hz = ANHARMONICITY_HZ if own.anharmonicity is None else own.anharmonicity.value
    bends = bend_hz, ANHARMONICITY_HZ if other.anharmonicity is None else other.anharmonicity.value
    below = [f for f in meeting_points(edge.gate, other.f01.value, *bends) if f < own.f01.value]
    if not below:
        message = (
            f"flux lowers {pulsed[0]!r} from its {format_quantity(own.f01.value, 'Hz')}, which is "
            f"below where {edge.gate!r} with {partner[0]!r} is; pulse {partner[0]!r} instead"
        )
        complaints.at((*path, "gate" if edge.pulsed is None else "pulsed"), message)
        return
    if wiring.range is None or wiring.line_attenuation is None:
        return  # reported
    asymmetry = 0.0 if own.asymmetry is None else own.asymmetry.value
    period_v = PERIOD_OVER_LIMIT * wiring.limit
    if own.flux_period is not None and own.flux_period.value > 0:
        period_v = own.flux_period.value
    peak_v = wiring.range / 2 * 10 ** (-wiring.line_attenuation / 20)
    flux = min(peak_v / period_v, 0.5)
    lowest_hz = transmon_hz(own.f01.value, bend_hz, asymmetry, flux)
    if lowest_hz > max(below):
        message = (
            f"pulses of {format_quantity(peak_v, 'V')} bring {pulsed[0]!r} from "
            f"{format_quantity(own.f01.value, 'Hz')} down to {format_quantity(lowest_hz, 'Hz')}; "
            f"{edge.gate!r} with {partner[0]!r} is at {format_quantity(max(below), 'Hz')}: "
            "a larger 'range' or a smaller 'line_attenuation' would do"
        )
        complaints.at(("wiring", port, "line_attenuation"), message)


def lines_limits(parsed: FileContents, name: str) -> Mapping[str, float]:
    """Return the limits of the biases of a node's couplers, V, by their names within it."""
    return {
        port.split(".")[1]: entry.limit
        for port, entry in parsed.wiring.items()
        if isinstance(entry, schema.FluxEntry) and port.startswith(f"{name}.")
    }

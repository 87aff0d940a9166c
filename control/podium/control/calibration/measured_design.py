"""Puts what was measured in place of a facility file's design values, each with its sigma.

What is made of it is a facility file again: whoever plans, or draws simulated chips, from a design
does so from this very chip then.
"""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import replace
from math import copysign, sqrt

from podium.control.facility.designs import DESIGN_UNITS, OF_A_FLUX_LINE, QUBIT_KINDS
from podium.control.facility.edges import Edge
from podium.control.facility.facility import Facility
from podium.control.facility.part import Tree
from podium.control.parameters.entry import ParameterEntry
from podium.control.timebase.moments import told_moment

OF_THE_SWEET_SPOT = {"flux_offset": "sweet_spot"}
"""Design values that a parameter has under another name."""

Known = Mapping[str, ParameterEntry]


def measured_design(tree: Tree, facility: Facility, known: Known) -> tuple[Tree, tuple[str, ...]]:
    """Return a facility file's content with measured design values, and the names of these.

    ``tree`` is the content of ``facility``'s file; it stays as it is. A design value that was not
    measured stays, too.
    """
    made, names = deepcopy(tree), []
    found = (
        *_of_qubits(facility, known),
        *_of_couplers(facility, known),
        *_of_edges(facility, known),
    )
    for path, name, entry in found:
        where: object = made
        for key in path[:-1]:
            where = where[key] if isinstance(where, dict) else None
        if not isinstance(where, dict):
            continue  # the file has it by a short form that names no such place
        where[path[-1]] = {
            "value": _told(entry.value, entry.unit),
            "spread": _told(entry.sigma, entry.unit),
            "source": f"measured {told_moment(entry.tai_s)} by {entry.routine}",
        }
        names.append(name)
    return made, tuple(names)


def _told(value: float, unit: str) -> str:
    return repr(value) if unit == "1" else f"{value!r} {unit}"


Place = tuple[str, ...]


def _of_qubits(facility: Facility, known: Known) -> Iterator[tuple[Place, str, ParameterEntry]]:
    """Return the place of each design value, the name of its parameter, and its entry."""
    for qubit in facility.qubits().values():
        allowed = QUBIT_KINDS[qubit.kind].model_fields["design"].annotation
        for quantity in DESIGN_UNITS:
            if quantity not in getattr(allowed, "model_fields", {}):
                continue
            if quantity in OF_A_FLUX_LINE and quantity not in qubit.design:
                continue  # it has no flux line
            if quantity == "flux_offset" and qubit.kind == "fluxonium":
                continue  # its sweet spot is half a period away from there
            name = f"{qubit.name}.{OF_THE_SWEET_SPOT.get(quantity, quantity)}"
            if name in known:
                place = ("nodes", qubit.node, "qubits", qubit.element, "design", quantity)
                yield place, name, known[name]


def _of_couplers(facility: Facility, known: Known) -> Iterator[tuple[Place, str, ParameterEntry]]:
    """Return the same of couplers: where their sweet spots are."""
    for coupler in facility.couplers().values():
        name = f"{coupler.name}.{OF_THE_SWEET_SPOT['flux_offset']}"
        if name in known:
            place = ("nodes", coupler.node, "couplers", coupler.element, "design", "flux_offset")
            yield place, name, known[name]


def _of_edges(facility: Facility, known: Known) -> Iterator[tuple[Place, str, ParameterEntry]]:
    """Return the same of edges without a coupler: their direct exchange."""
    for edge in facility.edges().values():
        measured = known.get(f"{edge.name}.exchange")
        design = edge.design.get("exchange")
        if edge.coupler is None and measured is not None and design is not None:
            by = copysign(_at_rest(facility, edge, known), design.value)
            value, sigma = by * abs(measured.value), abs(by) * measured.sigma
            entry = replace(measured, value=value, sigma=sigma)
            yield ("nodes", edge.node, "edges", edge.element, "exchange"), entry.name, entry


def _at_rest(facility: Facility, edge: Edge, known: Known) -> float:
    """Return an exchange at rest over that where 11 and 20 meet.

    The charge of a transmon's transition goes with the root of its frequency, and the moved end is
    where the other's f01 less its own anharmonicity is.
    """
    qubits = facility.nodes[edge.node].qubits
    if edge.pulsed not in edge.ends or qubits[edge.pulsed].kind == "fluxonium":
        return 1.0
    (other,) = (end for end in edge.ends if end != edge.pulsed)

    def number(end: str, quantity: str) -> float | None:
        entry = known.get(f"{edge.node}.{end}.{quantity}")
        return None if entry is None else entry.value

    rest, bend = number(edge.pulsed, "f01"), number(edge.pulsed, "anharmonicity")
    meets = number(other, "f01")
    if rest is None or bend is None or meets is None or edge.gate != "cz":
        return 1.0
    return sqrt(rest / (meets - bend))

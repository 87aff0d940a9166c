"""Finds parameters by a word, and the elements that there can be new ones of."""

from argparse import Namespace
from collections.abc import Iterable, Mapping

from podium.control.commands.options.facility_file import WhichFacility, facility_in_use
from podium.control.facility.facility import Facility
from podium.control.facility.load import load_facility
from podium.control.facility.problems import FacilityError, suggest
from podium.control.parameters.entry import ParameterEntry


def below(name: str, known: Mapping[str, ParameterEntry]) -> dict[str, ParameterEntry]:
    """Return what is meant by ``name``: whole words of parameters' names, from their beginning.

    Where nothing begins with it, what has it anywhere: ``q0``, ``q0.f01``, ``f01``.
    """
    first = {full: one for full, one in known.items() if f"{full}.".startswith(f"{name}.")}
    return first or {full: one for full, one in known.items() if f".{name}." in f".{full}."}


def unknown_element(name: str, known: Iterable[str], arguments: Namespace) -> str:
    """Return why there can be no new parameter ``name``; empty: its element is known.

    ``known``: the names in the store; what else there is, the facility file says that
    ``arguments`` mean.
    """
    element = name.rpartition(".")[0]
    elements = {one.rpartition(".")[0] for one in known}
    if element in elements:
        return ""
    try:
        facility = load_facility(facility_in_use(arguments))
    except (WhichFacility, FacilityError, OSError) as error:
        return (
            f"the store has nothing of {element!r}, and whether the facility has it is not known: "
            f"{error}"
        )
    elements |= elements_of(facility)
    if element in elements:
        return ""
    return f"{facility.name} has no element {element!r}; {suggest(element, elements)}"


def elements_of(facility: Facility) -> set[str]:
    """Return all that a parameter can be of: nodes, their parts, lines, fridges, instruments."""
    nodes = facility.nodes.values()
    return {
        *facility.nodes,
        *facility.qubits(),
        *(f"{node.name}.{line}" for node in nodes for line in node.feedlines),
        *(f"{node.name}.{one}" for node in nodes for one in node.couplings),
        *facility.wiring,
        *facility.fridges,
        *facility.instruments,
    }

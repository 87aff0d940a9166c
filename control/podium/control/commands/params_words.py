"""Says what a parameter of the store is, and what a new one could be of, for the command line."""

from argparse import Namespace
from collections.abc import Iterable

from podium.control.commands.options.facility_file import facility_in_use
from podium.control.facility.facility import Facility
from podium.control.facility.facility_in_use import WhichFacility
from podium.control.facility.load import load_facility
from podium.control.facility.problems import FacilityError, suggest
from podium.control.parameters.entry import ParameterEntry
from podium.control.parameters.parameter_changes import told_origin, told_value
from podium.control.timebase.moments import told_moment


def told_entry(entry: ParameterEntry) -> str:
    """Return one line of a parameter's history."""
    when = told_moment(entry.tai_s if entry.put_tai_s is None else entry.put_tai_s)
    measured = "" if entry.put_tai_s is None else f" (measured {told_moment(entry.tai_s)})"
    return f"{when}  {told_value(entry)}  epoch {entry.epoch}, {told_origin(entry)}{measured}"


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
    """Return all that a parameter can be of: nodes, their parts, lines, instruments, links."""
    nodes = facility.nodes.values()
    return {
        *facility.nodes,
        *facility.qubits(),
        *(f"{node.name}.{line}" for node in nodes for line in node.feedlines),
        *(f"{node.name}.{one}" for node in nodes for one in node.couplings),
        *facility.couplers(),
        *facility.edges(),
        *facility.wiring,
        *facility.fridges,
        *facility.instruments,
        *facility.links,
        *(end.name for link in facility.links.values() for end in link.transfer),
    }

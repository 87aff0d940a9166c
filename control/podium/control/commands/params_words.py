"""Describes parameters and their changes in words."""

from argparse import Namespace
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from podium.control.commands.options.facility_file import WhichFacility, facility_in_use
from podium.control.commands.options.time_arguments import told_moment
from podium.control.facility.facility import Facility
from podium.control.facility.load import load_facility
from podium.control.facility.problems import FacilityError, suggest
from podium.control.parameters.entry import ParameterEntry
from podium.control.parameters.quantities import BY_NAME, alone, told


def told_value(entry: ParameterEntry) -> str:
    """Return value, sigma and unit for people."""
    return told(entry.value, entry.sigma, entry.unit, percent=_percent(entry))


def told_origin(entry: ParameterEntry) -> str:
    """Return where it comes from: the routine and its run, or who set it and why."""
    if entry.who:
        how = "put back by" if entry.put_tai_s is not None else "set by"
        return f"{how} {entry.who}: {entry.why}"
    return f"by {entry.routine}" + (f", run {entry.run}" if entry.run else "")


def told_entry(entry: ParameterEntry) -> str:
    """Return one line of a parameter's history."""
    when = told_moment(entry.tai_s if entry.put_tai_s is None else entry.put_tai_s)
    measured = "" if entry.put_tai_s is None else f" (measured {told_moment(entry.tai_s)})"
    return f"{when}  {told_value(entry)}  epoch {entry.epoch}, {told_origin(entry)}{measured}"


@dataclass(frozen=True, slots=True)
class Change:
    """One parameter that is not the same in two states; one of them may not have it."""

    name: str
    before: ParameterEntry | None
    after: ParameterEntry | None

    def __str__(self) -> str:
        match self.before, self.after:
            case None, ParameterEntry() as new:
                return f"{self.name} is new: {told_value(new)}, {told_origin(new)}"
            case ParameterEntry() as old, None:
                return f"{self.name} is not there any longer: it was {told_value(old)}"
            case ParameterEntry() as old, ParameterEntry() as new:
                return f"{self.name} {_moved(old, new)}, {told_origin(new)}"
        return f"{self.name} is in neither"


def changes(
    before: Mapping[str, ParameterEntry], after: Mapping[str, ParameterEntry]
) -> tuple[Change, ...]:
    """Return what differs in value, sigma or unit, by name in alphabetical order."""
    found = (Change(name, before.get(name), after.get(name)) for name in sorted({*before, *after}))
    return tuple(
        one
        for one in found
        if one.before is None
        or one.after is None
        or (one.before.value, one.before.sigma, one.before.unit)
        != (one.after.value, one.after.sigma, one.after.unit)
    )


def _moved(old: ParameterEntry, new: ParameterEntry) -> str:
    both = f"from {told_value(old)} to {told_value(new)}"
    if old.unit != new.unit:
        return f"is in another unit: {both}"
    step = new.value - old.value
    if step == 0:
        return f"is known {'better' if new.sigma < old.sigma else 'worse'}: {both}"
    sigma = (old.sigma**2 + new.sigma**2) ** 0.5
    # Towards and away from zero would mislead for negative quantities.
    verb = "rose" if step > 0 else "fell"
    by = alone(abs(step), new.unit, percent=_percent(new))
    return f"{verb} by {by} ({abs(step) / sigma:.1f} sigma): {both}"


def _percent(entry: ParameterEntry) -> bool:
    known = BY_NAME.get(entry.name.rpartition(".")[2])
    return known is not None and known.percent


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

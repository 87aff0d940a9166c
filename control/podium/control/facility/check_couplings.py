"""Checks couplings between qubits, and the hubs where links meet."""

from podium.control.facility.file_contents import Complaints, FileContents, NodeContents
from podium.control.facility.problems import KeyPath, suggest


def check_couplings(parsed: FileContents, complaints: Complaints) -> None:
    """Check that every coupling joins two different qubits of its node, and no two the same."""
    for name, node in parsed.nodes.items():
        if node is not None:
            _check_node(("nodes", name, "couplings"), name, node, parsed, complaints)


def _check_node(
    section: KeyPath, name: str, node: NodeContents, parsed: FileContents, complaints: Complaints
) -> None:
    first: dict[frozenset[str], str] = {}
    for coupling, entry in node.couplings.items():
        if entry is None:
            continue
        path = (*section, coupling)
        at_ends = (*path, "ends")
        if len(entry.ends) != 2 or len(set(entry.ends)) != 2:
            message = "a coupling has two different qubits at its ends: [q0, q1]"
            complaints.at(at_ends, message)
            continue
        for place, qubit in enumerate(entry.ends):
            if qubit not in node.qubits:
                message = f"{name} has no qubit {qubit!r}; {suggest(qubit, node.qubits)}"
                complaints.at((*at_ends, place), message)
        other = first.setdefault(frozenset(entry.ends), coupling)
        if other != coupling:
            line = parsed.source.line((*section, other))
            message = f"these two are already coupled by {other!r} (line {line}); remove one"
            complaints.at(at_ends, message)
        if entry.exchange.value == 0:
            message = "a coupling of nothing is none; remove it, or give its rate"
            complaints.at((*path, "exchange"), message)


def check_hubs(parsed: FileContents, complaints: Complaints) -> None:
    """Check that every hub is cooled where the file says."""
    for name, hub in parsed.hubs.items():
        if hub is None or hub.fridge is None or hub.fridge in parsed.fridges:
            continue
        message = f"there is no fridge {hub.fridge!r}; {suggest(hub.fridge, parsed.fridges)}"
        complaints.at(("hubs", name, "fridge"), message)

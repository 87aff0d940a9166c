"""Finds qubits and edges by people's names for them: ``q0``, or ``node_a.q0``."""

from collections.abc import Sequence

from podium.control.facility.edges import Edge
from podium.control.facility.facility import Facility, Qubit


class UnknownQubit(LookupError):
    """A qubit is named that the facility does not have, or that two nodes have."""

    def __str__(self) -> str:
        return str(self.args[0])


def chosen_qubits(facility: Facility, words: Sequence[str]) -> tuple[Qubit, ...]:
    """Return the qubits that ``words`` name, all of them without words; raises UnknownQubit."""
    known = facility.qubits()
    if not known:
        raise UnknownQubit(f"{facility.name} has no qubits")
    if not words:
        return tuple(known.values())
    found: dict[str, Qubit] = {}
    for word in words:
        fits = [q for name, q in known.items() if word in (name, q.element)]
        if len(fits) != 1:
            which = "more than one qubit" if fits else "no qubit"
            raise UnknownQubit(f"{which} {word!r} in {facility.name}; it has {', '.join(known)}")
        found[fits[0].name] = fits[0]
    return tuple(found.values())


def chosen_edges(facility: Facility, words: Sequence[str]) -> tuple[tuple[Edge, ...], list[str]]:
    """Return the edges among ``words`` (``q0_q1``, ``node_a.q0_q1``), and the other words.

    Raises UnknownQubit for a word that two edges have.
    """
    found: dict[str, Edge] = {}
    rest: list[str] = []
    for word in words:
        fits = [one for name, one in facility.edges().items() if word in (name, one.element)]
        if len(fits) > 1:
            names = ", ".join(one.name for one in fits)
            raise UnknownQubit(f"more than one edge {word!r} in {facility.name}: {names}")
        if fits:
            found[fits[0].name] = fits[0]
        else:
            rest.append(word)
    return tuple(found.values()), rest


def ends_of(facility: Facility, edges: Sequence[Edge]) -> tuple[Qubit, ...]:
    """Return the qubits that edges join, each once, in the facility's order."""
    names = {f"{edge.node}.{end}" for edge in edges for end in edge.ends}
    return tuple(qubit for name, qubit in facility.qubits().items() if name in names)

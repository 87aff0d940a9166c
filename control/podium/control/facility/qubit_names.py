"""Finds qubits by people's names for them: ``q0``, or ``node_a.q0`` where two have one."""

from collections.abc import Sequence

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

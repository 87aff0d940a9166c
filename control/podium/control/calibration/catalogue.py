"""Finds all routines of the house by their declarations: one file each in ``routines``."""

from collections.abc import Iterable, Iterator, Mapping
from importlib import import_module
from pkgutil import iter_modules

from podium.control.calibration import routines
from podium.control.calibration.declaration import Declaration, Routine
from podium.control.calibration.target import Target
from podium.control.facility.edges import PLAYED_GATES, Edge, PlayedGate
from podium.control.parameters.validity import Validity


def _declared() -> Iterator[Declaration]:
    """Yield the declarations of every file, in the order of their first turns."""
    found: list[Declaration] = []
    for module in iter_modules(routines.__path__, f"{routines.__name__}."):
        for one in vars(import_module(module.name)).values():
            if isinstance(one, Declaration) and one.function.__module__ == module.name:
                found.append(one)
    last = 1 + max((place for one in found for place in one.places), default=0)
    yield from sorted(found, key=lambda one: (min(one.places, default=last), one.name))


DECLARATIONS: Mapping[str, Declaration] = {one.name: one for one in _declared()}

ROUTINES: dict[str, Routine] = {name: one.function for name, one in DECLARATIONS.items()}
"""All routines by the name under which they are called and stored."""


def _turns(gate: PlayedGate | None = None) -> tuple[str, ...]:
    """Return the names of the routines for edges of a gate, or else for qubits, by their turns."""
    turns = [(place, name) for name, one in DECLARATIONS.items() for place in one.turns(gate)]
    return tuple(name for _, name in sorted(turns))


BRING_UP: tuple[str, ...] = _turns()
"""The order. Some come twice: what they found the first time was needed to find the rest. Punch-out
comes at the sweet spot: how many photons a resonator bears depends on how far away its qubit is."""

EDGE_BRING_UP: tuple[str, ...] = _turns("cz")
"""The order for edges with a CZ, whose qubits have been brought up."""

VALIDITY: Mapping[str, Validity] = {
    quantity: Validity(lifetime.lasts_s, name, lifetime.of_epoch)
    for name, one in DECLARATIONS.items()
    for quantity, lifetime in one.gives.items()
}
"""By quantity: how long it is good for, and the routine that gives it."""


def needs_of(routine: str) -> tuple[str, ...]:
    """Return what the result of a routine stands on; nothing of one that is a user's own."""
    return DECLARATIONS[routine].needs if routine in DECLARATIONS else ()


def edge_bring_up(edges: Iterable[Edge]) -> tuple[str, ...]:
    """Return the routines that bring up these edges, in their order: by their gates."""
    have = {edge.played for edge in edges}
    return tuple(name for gate in PLAYED_GATES if gate in have for name in _turns(gate))


def cannot_calibrate(routine: str, target: Target) -> str | None:
    """Say why a routine cannot work on an edge: it is for another gate. None: it can."""
    if not isinstance(target, Edge) or routine not in DECLARATIONS:
        return None
    gates = DECLARATIONS[routine].gates
    if not gates or target.played in gates:
        return None
    right = ", ".join(_turns(target.played))
    return (
        f"{routine} is for a {' or '.join(gates)}, and the gate of {target.name} is "
        f"{target.played!r}: its routines are {right}"
    )


def targets_edges(routine: str) -> bool:
    """Tell whether a routine works on edges; those that are a user's own work on qubits."""
    return routine in DECLARATIONS and DECLARATIONS[routine].targets == "edges"

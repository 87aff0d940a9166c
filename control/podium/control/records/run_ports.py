"""Names the elements that a run is about, from its ports and its attributes."""

from collections.abc import Sequence


def qubits_of(ports: Sequence[str], named: str = "") -> tuple[str, ...]:
    """Return full names of qubits: those that are named, then those whose ports are played on.

    ``ports``: ``node_a.q0.drive`` (that of a feedline, ``node_a.feedline``, names no qubit);
    ``named``: ``node_a.q0 node_a.q1``, with blanks between.
    """
    of_ports = [port.rpartition(".")[0] for port in ports if port.count(".") == 2]
    return tuple(dict.fromkeys([*named.split(), *of_ports]))

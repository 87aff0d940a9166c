"""Tells which lines carry results between nodes, and how long that takes by what was measured."""

from podium.control.facility.facility import Facility, FeedlineWiring
from podium.control.facility.timing import ResultLine
from podium.control.parameters.entry import ParameterRecord
from podium.firmware_interfaces.exact_time import FS_PER_S

FORTH, BACK = "result_latency", "result_latency_back"
"""Quantities of a link, s: from its first end's window to the second end, and the other way."""
LATE = 3.0
"""So many sigma later than what was measured, a result is waited for."""


def line_between(facility: Facility, source: str, sink: str) -> ResultLine | None:
    """Return the line that carries results of one node to another, None: there is none.

    Of several the first by name, which is the one that a program with one such result takes.
    """
    ends = tuple(_controllers(facility, node) for node in (source, sink))
    for _, line in sorted(facility.timing.result_lines.items()):
        if line.output.instrument in ends[0] and line.input.instrument in ends[1]:
            return line
    return None


def stored_latencies(facility: Facility, record: ParameterRecord) -> tuple[tuple[str, int], ...]:
    """Return by line how long behind its window a result is there, fs, of links that were measured.

    That is what :func:`.result_latency` stored of the link between its nodes, and three sigma.
    """
    found: dict[str, int] = {}
    for name, link in facility.links.items():
        ways = ((FORTH, link.ends), (BACK, link.ends[::-1]))
        for quantity, (source, sink) in ways:
            line, entry = line_between(facility, source, sink), record.get(f"{name}.{quantity}")
            if line is not None and entry is not None:
                found[line.name] = round((entry.value + LATE * entry.sigma) * FS_PER_S)
    return tuple(sorted(found.items()))


def _controllers(facility: Facility, node: str) -> set[str]:
    """Return the controllers that read a node."""
    return {
        wiring.output.instrument
        for port, wiring in facility.wiring.items()
        if isinstance(wiring, FeedlineWiring) and port.partition(".")[0] == node
    }

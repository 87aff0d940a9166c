"""Names the two-level defects that were found in the way of a gate's flux pulse."""

import re

from podium.control.calibration.bench import Bench
from podium.control.facility.edges import Edge
from podium.control.parameters.entry import ParameterEntry
from podium.control.parameters.quantities import told

DEFECT = re.compile(r"tls\d+_frequency")


def found_defects(bench: Bench, qubit: str) -> dict[str, ParameterEntry]:
    """Return the frequencies of a qubit's defects, by name, as its latest measurement has them.

    ``qubit``: its full name. Those of earlier measurements, which may have gone, are left out.
    """
    every = {
        name: entry
        for name, entry in bench.record.all(qubit).items()
        if DEFECT.fullmatch(name.rpartition(".")[2])
    }
    first = every.get(f"{qubit}.tls1_frequency")  # each measurement stores it first
    if first is None:
        return {}
    return {name: entry for name, entry in every.items() if entry.tai_s >= first.tai_s}


def defects_in_path(bench: Bench, edge: Edge) -> str:
    """Return a sentence about defects in the way of an edge's pulse; empty where none was found."""
    ends = [f"{edge.node}.{end}" for end in edge.ends if end == edge.pulsed]
    found = [entry for end in ends for entry in found_defects(bench, end).values()]
    if not found:
        return ""
    places = " and ".join(told(one.value, one.sigma, "Hz") for one in found)
    verb = "a defect at" if len(found) == 1 else "defects at"
    lies = "lies" if len(found) == 1 else "lie"
    return f"{verb} {places} {lies} in the path"

"""Divides the error of an edge's gate into the parts that are known and the rest.

Parts are those that the routine ``error_budget`` has stored. Where it has not run, decoherence is
computed from T1 and T2 of both qubits at rest, and leakage is that of interleaved benchmarking. A
gate that passes through level 2, or away from a sweet spot, loses more than qubits at rest: that
stands in the rest.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import hypot

from podium.control.calibration.fits.gate_budget import decoherence
from podium.control.calibration.routines.error_budget import PARTS
from podium.control.facility.edges import Edge
from podium.control.parameters.entry import Measured, ParameterEntry

T2 = ("t2_echo", "t2_ramsey")
"""The first that is known counts."""


@dataclass(frozen=True, slots=True)
class BudgetPart:
    """One contribution to the error of a gate."""

    name: str
    error: Measured
    """Of the average fidelity; below zero where noise was taken out, or parts exceed the whole."""


@dataclass(frozen=True, slots=True)
class EdgeBudget:
    """Lists the contributions to the error of an edge's gate."""

    whole: Measured | None
    """As interleaved benchmarking has measured it; None: it has not."""
    parts: tuple[BudgetPart, ...]
    """Those that are known, and, of a benchmarked gate, ``the rest``."""
    missing: tuple[str, ...]
    """Full names of parameters without which decoherence cannot be told."""


def edge_budget(edge: Edge, known: Mapping[str, ParameterEntry]) -> EdgeBudget:
    """Return the budget of an edge from parameters by their full names."""
    found = {name: _measured(known.get(f"{edge.name}.{name}")) for name in PARTS}
    missing: tuple[str, ...] = ()
    if found["decoherence_error"] is None:
        found["decoherence_error"], missing = _at_rest(edge, known)
    if found["leakage_error"] is None:
        found["leakage_error"] = _measured(known.get(f"{edge.name}.gate_leakage"))
    parts = [
        BudgetPart(name.removesuffix("_error"), one)
        for name, one in found.items()
        if one is not None
    ]
    whole = _measured(known.get(f"{edge.name}.gate_error"))
    if whole is not None and parts:
        rest = whole.value - sum(one.error.value for one in parts)
        sigma = hypot(whole.sigma, *(one.error.sigma for one in parts))
        parts.append(BudgetPart("the rest", Measured(rest, sigma, "1")))
    return EdgeBudget(whole, tuple(parts), missing)


def _measured(entry: ParameterEntry | None) -> Measured | None:
    return None if entry is None else Measured(entry.value, entry.sigma, entry.unit)


def _at_rest(
    edge: Edge, known: Mapping[str, ParameterEntry]
) -> tuple[Measured | None, tuple[str, ...]]:
    """Return what T1 and T2 cost while the gate lasts, or what is not known of them."""
    t1, t2, missing = [], [], []
    for end in edge.ends:
        name = f"{edge.node}.{end}"
        one = known.get(f"{name}.t1")
        other = next((known[f"{name}.{q}"] for q in T2 if f"{name}.{q}" in known), None)
        t1 += [] if one is None else [one]
        t2 += [] if other is None else [other]
        missing += [f"{name}.t1"] * (one is None) + [f"{name}.{T2[0]}"] * (other is None)
    entry, designed = known.get(f"{edge.name}.gate_duration"), edge.design.get("gate_duration")
    duration_s = entry.value if entry is not None else 0.0 if designed is None else designed.value
    missing += [f"{edge.name}.gate_duration"] * (duration_s <= 0)
    if missing or any(one.value <= 0 for one in (*t1, *t2)):
        return None, tuple(missing)
    return decoherence(duration_s, t1, t2), ()

"""Divides the error of an edge's gate into decoherence, leakage, phases, distortion and the rest.

Decoherence, to first order in the gate's duration over T1 and T2, for a gate that stays in its
four levels: ``2/5 duration (sum over both ends of 1 / T1 + 1 / Tphi)``, ``1 / Tphi = 1 / T2 -
1 / (2 T1)`` (Abad et al., Phys. Rev. Lett. 129, 150504 (2022)). A gate that passes through level 2,
or away from a sweet spot, loses more: that stands in the rest. Leakage counts in full: a
state that has left is no longer the one that was asked for.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import hypot

from podium.control.facility.edges import Edge
from podium.control.parameters.entry import ParameterEntry

SHARE_OF_RATES = 2 / 5
"""d / (2 (d + 1)) for the four levels of two qubits."""
MEASURED = {
    "leakage": ("gate_leakage", "leakage_error"),
    "phases": ("phase_error",),
    "distortion": ("distortion_error",),
}
"""Parts that routines measure, by the quantities that tell them, the better one first."""
ECHO, RAMSEY = "t2_echo", "t2_ramsey"


@dataclass(frozen=True, slots=True)
class BudgetPart:
    """One contribution to the error of a gate."""

    name: str
    error: float
    """Of the mean over all states, 1; below zero where the parts known exceed the whole."""
    sigma: float
    """One standard deviation."""


@dataclass(frozen=True, slots=True)
class EdgeBudget:
    """What is known of the error of an edge's gate."""

    whole: BudgetPart | None
    """As interleaved benchmarking has measured it; None: it has not."""
    parts: tuple[BudgetPart, ...]
    """Decoherence, leakage, phases, distortion and the rest, as far as they are known."""
    missing: tuple[str, ...]
    """Full names of parameters without which a part cannot be told."""


def edge_budget(edge: Edge, known: Mapping[str, ParameterEntry]) -> EdgeBudget:
    """Return the budget of an edge from parameters by their full names."""
    error = known.get(f"{edge.name}.gate_error")
    whole = None if error is None else BudgetPart("gate error", error.value, error.sigma)
    decoherence, missing = _decoherence(edge, known)
    parts = [] if decoherence is None else [decoherence]
    for part, quantities in MEASURED.items():
        found = [known[f"{edge.name}.{one}"] for one in quantities if f"{edge.name}.{one}" in known]
        if found:
            parts.append(BudgetPart(part, found[0].value, found[0].sigma))
    if whole is None:
        missing = (f"{edge.name}.gate_error", *missing)
    elif parts:
        rest = whole.error - sum(one.error for one in parts)
        sigma = hypot(whole.sigma, *(one.sigma for one in parts))
        parts.append(BudgetPart("the rest", rest, sigma))
    return EdgeBudget(whole, tuple(parts), missing)


def decoherence_error(duration_s: float, t1_t2_s: tuple[tuple[float, float], ...]) -> float:
    """Return the mean error of two qubits that wait so long; T1 and T2 of each, s."""
    return SHARE_OF_RATES * duration_s * sum(_rate(t1, t2) for t1, t2 in t1_t2_s)


def _rate(t1_s: float, t2_s: float) -> float:
    """Return 1 / T1 + 1 / Tphi, 1/s; T2 is at most twice T1, whatever was measured."""
    return 1 / t1_s + max(0.0, 1 / t2_s - 1 / (2 * t1_s))


def _decoherence(
    edge: Edge, known: Mapping[str, ParameterEntry]
) -> tuple[BudgetPart | None, tuple[str, ...]]:
    measured = known.get(f"{edge.name}.decoherence_error")
    if measured is not None:  # with the gate's gap and its settling
        return BudgetPart("decoherence", measured.value, measured.sigma), ()
    times, variance, missing = [], 0.0, []
    for end in edge.ends:
        name = f"{edge.node}.{end}"
        t1 = known.get(f"{name}.t1")
        t2 = known.get(f"{name}.{ECHO}") or known.get(f"{name}.{RAMSEY}")
        missing += [f"{name}.t1"] * (t1 is None) + [f"{name}.{ECHO}"] * (t2 is None)
        if t1 is None or t2 is None or t1.value <= 0 or t2.value <= 0:
            continue
        times.append((t1.value, t2.value))
        # Of 1 / (2 T1) + 1 / T2, both measured by themselves.
        variance += (t1.sigma / (2 * t1.value**2)) ** 2 + (t2.sigma / t2.value**2) ** 2
    entry, designed = known.get(f"{edge.name}.gate_duration"), edge.design.get("gate_duration")
    if entry is None and designed is None:
        missing.append(f"{edge.name}.gate_duration")
    if len(times) < len(edge.ends) or (entry is None and designed is None):
        return None, tuple(missing)
    duration_s = entry.value if entry is not None else designed.value if designed else 0.0
    sigma = SHARE_OF_RATES * duration_s * variance**0.5
    error = decoherence_error(duration_s, tuple(times))
    return BudgetPart("decoherence", error, sigma), tuple(missing)

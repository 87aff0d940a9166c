"""Reports a campaign of two-qubit gates: how many were found, and what is broken."""

from collections.abc import Sequence
from math import sqrt
from statistics import fmean, median
from typing import Any

from rich import box
from rich.table import Table

from podium.control.campaign.report import CampaignReport
from podium.control.facility.facility import Facility

FOUND_SHARE = 0.95
RESIDUAL_FLUX = 1e-3
"""Of a step, from 5 ns to 20 us after it, once a line is undone."""
ALLOWED = 1.5
"""The error of a gate, benchmarked or else the sum of its budget, may be so many times what the
world allows."""
SIGMAS = 3.0


def gate_report(results: Sequence[dict[str, Any]], facility: Facility) -> CampaignReport:
    """Return the judgement on the worlds of ``two-qubit``."""
    complaints: list[str] = []
    table = Table(title=f"Gates of {len(results)} worlds", box=box.SIMPLE_HEAD)
    for heading in (
        "seed",
        "edge",
        "gate",
        "Bell state",
        "error",
        "as played",
        "world allows",
        "residual flux",
        "varies",
    ):
        table.add_column(heading, no_wrap=True)
    found, edges = 0, 0
    fidelities, residuals, varying = list[float](), list[float](), list[float]()
    pulls = list[float]()
    """Of benchmarked errors against gates as played."""
    for one in sorted(results, key=lambda result: int(result["seed"])):
        left = [float(value) for value in one["residual_flux"].values() if value is not None]
        residuals += left
        varies = [float(v) for v in one.get("varying_flux", {}).values() if v is not None]
        varying += varies
        if one["distorted_lines"] and not left:
            complaints.append(f"seed {one['seed']}: no flux line was found")
        for name, edge in one["edges"].items():
            edges += 1
            found += bool(edge["found"])
            bell, error = edge["bell_fidelity"], _error(edge)
            if bell is not None:
                fidelities.append(float(bell["value"]))
            pulls += _pull(edge)
            said = _too_large(error, edge["cz_infidelity"])
            if said:
                complaints.append(f"seed {one['seed']}: {name}: {said}")
            table.add_row(str(one["seed"]), name, *_cells(edge, left, varies))
    if not results:
        complaints.append("no world was measured")
    if found < FOUND_SHARE * edges:
        complaints.append(f"{found} of {edges} gates found, not {FOUND_SHARE:.0%}")
    worst = max(residuals, default=None)
    if worst is not None and worst > RESIDUAL_FLUX:
        complaints.append(f"residual flux up to {worst:.1e} of a step, not {RESIDUAL_FLUX:g}")
    content = {
        "edges": edges,
        "gates_found": found,
        "bell_fidelity": median(fidelities) if fidelities else None,
        "bell_fidelity_least": min(fidelities, default=None),
        "pull_mean": fmean(pulls) if pulls else None,
        "pull_rms": sqrt(fmean(one**2 for one in pulls)) if pulls else None,
        "residual_flux": median(residuals) if residuals else None,
        "residual_flux_most": worst,
        "varying_flux": median(varying) if varying else None,
        "varying_flux_most": max(varying, default=None),
        **{
            name: median([float(one[name]) for one in results]) if results else None
            for name in ("lab_s", "cpu_s", "wall_s")
        },
        "failures": [
            f"seed {one['seed']}, {failure}" for one in results for failure in one["failures"]
        ],
        "complaints": complaints,
    }
    return CampaignReport(content, (table,), tuple(complaints))


def _error(edge: dict[str, Any]) -> dict[str, Any] | None:
    """Return the error of a gate as it was benchmarked, else the sum of its budget."""
    found: dict[str, Any] | None = edge["gate_error"] or edge["budget_error"]
    return found


def _pull(edge: dict[str, Any]) -> list[float]:
    """Return by how many sigmas the benchmarked error lies above that of the gate as played."""
    found, played = edge["gate_error"], edge.get("cz_played_infidelity")
    if found is None or played is None:
        return []
    return [(float(found["value"]) - played) / float(found["sigma"])]


def _cells(edge: dict[str, Any], left: Sequence[float], varies: Sequence[float]) -> list[str]:
    """Return an edge's row of the table."""
    bell, error = edge["bell_fidelity"], _error(edge)
    allowed = (edge.get("cz_played_infidelity"), edge["cz_infidelity"])
    return [
        "found" if edge["found"] else "[red]not found[/red]",
        "" if bell is None else f"{bell['value']:.4f} ± {bell['sigma']:.4f}",
        "" if error is None else f"{error['value']:.4f} ± {error['sigma']:.4f}",
        *("" if one is None else f"{one:.4f}" for one in allowed),
        f"{max(left):.1e}" if left else "",
        f"{max(varies):.1e}" if varies else "",
    ]


def _too_large(error: dict[str, Any] | None, allowed: float | None) -> str:
    """Return what is wrong with an error; empty: nothing, or it was not measured."""
    if error is None or allowed is None:
        return ""
    most = ALLOWED * allowed
    if float(error["value"]) - SIGMAS * float(error["sigma"]) <= most:
        return ""
    return f"an error of {error['value']:.4f}, and the world allows {allowed:.4f}"

"""Reports a campaign of links: how many share pairs, and how near they come to the best."""

from collections.abc import Sequence
from statistics import median
from typing import Any

from rich import box
from rich.table import Table

from podium.control.campaign.report import CampaignReport
from podium.control.facility.facility import Facility

GOOD_SHARE = 0.95
"""Of worlds that share a pair, and of those whose transfer is near the best."""
TRANSFER_SHARE = 0.99
"""Of the best transfer by sech photons, beside the measurement's own sigmas: loss and decay are in
both, so that this is the share of absorption."""
SIGMAS = 3.0
SHOWN = ("transfer", "bell_fidelity", "chsh_s")


def link_report(results: Sequence[dict[str, Any]], facility: Facility) -> CampaignReport:
    """Return the judgement on the worlds of ``link``."""
    table = Table(title=f"Links of {len(results)} worlds", box=box.SIMPLE_HEAD)
    table.add_column("seed", no_wrap=True)
    for quantity in SHOWN:
        table.add_column(quantity, no_wrap=True)
        table.add_column("allowed", no_wrap=True)
    complaints: list[str] = []
    ordered = sorted(results, key=lambda result: int(result["seed"]))
    for one in ordered:
        cells = [(_found(one[quantity]), _number(one[quantity]["allowed"])) for quantity in SHOWN]
        table.add_row(str(one["seed"]), *(text for pair in cells for text in pair))
    paired = [one for one in ordered if one["paired"]]
    near = [one for one in ordered if _is_near(one["transfer"])]
    if not results:
        complaints.append("no world was measured")
    if len(paired) < GOOD_SHARE * len(results):
        complaints.append(f"{len(paired)} of {len(results)} worlds share a pair")
    if len(near) < GOOD_SHARE * len(results):
        complaints.append(
            f"{len(near)} of {len(results)} transfers are {TRANSFER_SHARE:.0%} of the best, "
            f"{SIGMAS:g} sigmas allowed for"
        )
    content = {
        "worlds_paired": len(paired),
        "worlds_transfer": len(near),
        **{
            f"{quantity}_off": _median(
                [_off(one[quantity]) for one in ordered if _off(one[quantity]) is not None]
            )
            for quantity in SHOWN
        },
        **{
            name: median([float(one[name]) for one in results]) if results else None
            for name in ("lab_s", "cpu_s", "wall_s")
        },
        "failures": [
            f"seed {one['seed']}, {failure}" for one in ordered for failure in one["failures"]
        ],
        "complaints": complaints,
    }
    return CampaignReport(content, (table,), tuple(complaints))


def _off(one: dict[str, Any]) -> float | None:
    """Return by how much a figure is below what the world allows; None: one is missing."""
    if one["value"] is None or one["allowed"] is None:
        return None
    return float(one["allowed"]) - float(one["value"])


def _is_near(transfer: dict[str, Any]) -> bool:
    if transfer["value"] is None or transfer["allowed"] is None:
        return False
    best = float(transfer["value"]) + SIGMAS * float(transfer["sigma"])
    return best >= TRANSFER_SHARE * float(transfer["allowed"])


def _median(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return median(known) if known else None


def _found(one: dict[str, Any]) -> str:
    if one["value"] is None:
        return "[red]not found[/red]"
    return f"{one['value']:.4f} ± {one['sigma']:.4f}"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"

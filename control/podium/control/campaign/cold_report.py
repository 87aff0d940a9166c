"""Reports a campaign of supervised fridges: its verdicts, and what is broken."""

from collections.abc import Sequence
from typing import Any

from rich import box
from rich.table import Table

from podium.control.campaign.cold_verdicts import summed
from podium.control.campaign.report import CampaignReport
from podium.control.facility.facility import Facility

NONE_ALLOWED = ("false_trips", "false_alarms", "helium_lost", "overpressure", "stale_shown_good")
BLAME_RIGHT, IN_INTERVAL = 0.9, (0.85, 0.95)
JUDGED_FROM = 20
"""Countdowns, below which their share is no verdict."""


def cold_report(results: Sequence[dict[str, Any]], facility: Facility) -> CampaignReport:
    """Return the judgement on the worlds of ``cold``; the facility plays no part."""
    told = summed(results)
    complaints = [f"{name}: {told[name]}" for name in NONE_ALLOWED if told[name]]
    missed = told["should_act"] - told["acted_in_time"]
    if missed:
        complaints.append(f"acted_in_time: not on {missed} of {told['should_act']} faults")
    unheard = told["should_act"] - told["alarmed_in_time"]
    if unheard:
        complaints.append(f"alarmed_in_time: not on {unheard} of {told['should_act']} faults")
    if told["blame_right"] is not None and told["blame_right"] < BLAME_RIGHT:
        complaints.append(f"blame_right: {told['blame_right']:.0%}, not {BLAME_RIGHT:.0%}")
    share = told["countdown_in_interval"]
    low, high = IN_INTERVAL
    if told["countdowns"] >= JUDGED_FROM and not low <= share <= high:
        complaints.append(f"countdown_in_interval: {share:.0%}, not {low:.0%} to {high:.0%}")
    differ = told["over_sockets"] - told["same_over_sockets"]
    if differ:
        complaints.append(f"same_over_sockets: {differ} of {told['over_sockets']} verdicts differ")
    if not results:
        complaints.append("no world was supervised")
    table = Table("verdict", "value", title="supervised fridges", box=box.SIMPLE)
    for name, value in told.items():
        if name != "blame_by_fault":
            table.add_row(name, f"{value:.3g}" if isinstance(value, float) else str(value))
    by_fault = Table("fault", "named rightly", "of", box=box.SIMPLE)
    for kind, (right, count) in told["blame_by_fault"].items():
        by_fault.add_row(kind, str(right), str(count))
    return CampaignReport(told, (table, by_fault), tuple(complaints))

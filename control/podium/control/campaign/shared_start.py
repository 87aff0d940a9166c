"""Promises of nodes that start together, judged from the ``summary.json`` of a demo."""

from collections.abc import Mapping
from typing import Any

from podium.control.report.multi_node.story import SKEW_FLOOR_FS
from podium.firmware_interfaces.exact_time import FS_PER_S

SKEW_LIMIT_S = SKEW_FLOOR_FS / FS_PER_S
"""Rms of the starts after calibration, by the world."""
NOTICED_S = 1.0
"""So soon a dead agent is noticed."""
KEPT_OF_SUMMARY = ("skew", "fault")
"""What a world's record keeps of the summary."""


def broken_start(summary: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what was not kept in one world, a phrase each; empty also where nothing was tried."""
    if KEPT_OF_SUMMARY[0] not in summary:
        return ()
    said = []
    rms_s = _worst_rms_s(summary["skew"])
    if rms_s is None or rms_s >= SKEW_LIMIT_S:
        seen = "unknown" if rms_s is None else f"{rms_s * 1e12:.0f} ps rms"
        said.append(f"skew {seen}, not below {SKEW_LIMIT_S * 1e12:.0f} ps")
    fault = summary["fault"] or {}
    if not fault.get("noticed_s", float("inf")) < NOTICED_S:
        said.append(f"a dead node was not noticed in {NOTICED_S:.0f} s")
    if not (fault.get("runs_complete") and fault["runs_meanwhile"]):
        said.append("the other nodes did not go on")
    if not fault.get("started_together_again"):
        said.append("not all nodes started together again")
    return tuple(said)


def _worst_rms_s(skew: Mapping[str, Any] | None) -> float | None:
    """Return the greatest rms after calibration, by the world; None where that has not told."""
    told = [one["after"]["world"] for one in (skew or {}).get("nodes", {}).values()]
    if not told or not all(told):
        return None
    return max(float(one["rms_s"]) for one in told)

"""Judges by the reports whether a run on all its nodes was one start."""

from collections.abc import Sequence
from dataclasses import dataclass

from podium.control.runs.messages import VERIFIED, Prepared, Report
from podium.firmware_interfaces.tai import Tai

SKEW_FLOOR_FS = 100_000
"""Start skew after calibration over an epoch, one sigma: 100 ps."""
TOLERANCE_FS = 5 * SKEW_FLOOR_FS
"""A start further than this from where it belongs, beyond what the tick can tell, is wrong."""


@dataclass(frozen=True, slots=True)
class Expected:
    """Holds one node's promise of a start, and its report."""

    prepared: Prepared
    report: Report


def problems(t0: Tai, nodes: Sequence[Expected]) -> tuple[str, ...]:
    """Return why the data of a run count for nothing; empty: all nodes started together at T0."""
    several = len(nodes) > 1
    return tuple(
        f"{node.prepared.agent}: {problem}"
        for node in nodes
        for problem in _of_one(t0, node.prepared, node.report, several)
    )


def _of_one(t0: Tai, prepared: Prepared, report: Report, several: bool) -> list[str]:
    if report.ended:
        return [report.ended]
    found = []
    if report.run != prepared.run or report.program_hash != prepared.program_hash:
        found.append(
            f"it reports program {report.program_hash:.12} of run {report.run}, prepared was "
            f"{prepared.program_hash:.12} of {prepared.run}"
        )
    found += [str(moved) for moved in prepared.epochs.moved(report.epochs)]
    found += [f"{one.domain} was locked anew: epoch {one.epoch}" for one in report.relocks]
    if report.late or report.missed:
        found.append(f"{report.late} triggers were late and {report.missed} were missed")
    start = report.start
    if start is None or report.starts != 1:
        found.append(f"it started {report.starts} times instead of once")
    elif start.source not in VERIFIED:
        if several:
            found.append("start unverified: its controller gives no start tick")
    else:
        off_fs = start.at - t0 - prepared.start_offset_fs
        if abs(off_fs) > TOLERANCE_FS + start.resolution_fs // 2:
            found.append(f"it started {off_fs} fs from where its start belongs ({start.source})")
    return found

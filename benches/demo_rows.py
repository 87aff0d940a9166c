"""Measures whole demos: rows of the table."""

import os
from collections.abc import Iterator
from pathlib import Path

import lab_time
import processor_time
from table_row import Row

DEMO, CPU_RATIO = 5.0, 5.0
"""Floors (ratios)."""
AGAINST = "PODIUM_AGAINST"
"""Environment: an older checkout to compare processor times with (``--against``)."""


def demo() -> Iterator[Row]:
    """Measure the whole demo."""
    pace, failures = lab_time.demo_pace()
    told = f", {failures} failures" if failures else ""
    laboratory = f"the laboratory: {pace.lab_s:.0f} s"
    what = "podium demo --node-only, from the world to the report"
    took = f"{pace.wall_s:.0f} s{told}"
    yield Row(what, took, laboratory, pace.ratio, f"> {DEMO:g}", pace.ratio > DEMO)


def processor() -> Iterator[Row]:
    """Measure the processor time of all processes of the demos."""
    older = os.environ.get(AGAINST)
    for demo, what in (
        ("cluster", "processor time, one node on a cluster"),
        ("zi", "processor time, one node on an SHFQC"),
        ("two", "processor time, two nodes"),
    ):
        against = None if older is None else Path(older).resolve()
        ours, theirs = processor_time.side_by_side(against, demo, 1.0, 0, 1)
        largest = sorted(ours.by_process.items(), key=lambda item: -item[1])[:3]
        by_process = ", ".join(f"{who} {cpu_s:.0f} s" for who, cpu_s in largest)
        if theirs is None:
            yield Row(what, f"{ours.cpu_s:.0f} s", by_process, met=ours.found)
            continue
        ratio = theirs.cpu_s / ours.cpu_s
        peer = f"{older}: {theirs.cpu_s:.0f} s"
        asked, met = f">= {CPU_RATIO:g}", ratio >= CPU_RATIO and ours.found
        yield Row(what, f"{ours.cpu_s:.0f} s", peer, ratio, asked, met)

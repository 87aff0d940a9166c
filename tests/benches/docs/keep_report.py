"""The report of a demo, as far as pages look into it: kept as text where it can be.

``python tests/benches/docs/keep_report.py REPORT`` keeps that of a demo that has just been run: of
one node what pages look into, of two the summary.
"""

import json
import shutil
import sys
from dataclasses import asdict, replace
from pathlib import Path

from podium.control.parameters.entry import ParameterEntry
from podium.control.parameters.store import ParameterStore
from podium.control.timebase.host_clock import host_tai_s

KEPT = Path(__file__).with_name("kept_report")
KEPT_OF_TWO = Path(__file__).with_name("kept_report_of_two")
FILES = ("summary.json", "truth.json", "twin.yaml")
ENDED_S_AGO = 300.0
SHOWN = "node_a.q1.t1"
"""The parameter whose dataset the tutorial opens."""


def keep(report: Path) -> None:
    """Keep what pages need of ``report``."""
    if "nodes" in json.loads((report / "summary.json").read_text()):
        KEPT_OF_TWO.mkdir(exist_ok=True)
        shutil.copy(report / "summary.json", KEPT_OF_TWO)
        return
    shutil.rmtree(KEPT, ignore_errors=True)
    (KEPT / "datasets").mkdir(parents=True)
    for name in FILES:
        shutil.copy(report / name, KEPT / name)
    with ParameterStore(report / "parameters.sqlite") as store:
        entries = store.all()
    lines = ",\n".join(json.dumps(asdict(entry)) for entry in entries.values())
    (KEPT / "parameters.json").write_text(f"[\n{lines}\n]\n")
    data = f"{entries[SHOWN].run}.nc"
    shutil.copy(report / "datasets" / data, KEPT / "datasets" / data)


def lay_in(report: Path, *, one_node: bool = True) -> None:
    """Make a report of what was kept, as if it had ended a few minutes ago: values age."""
    if not one_node:
        shutil.copytree(KEPT_OF_TWO, report)
        return
    shutil.copytree(KEPT, report)
    entries = [
        ParameterEntry(**row) for row in json.loads((report / "parameters.json").read_text())
    ]
    later_s = host_tai_s() - ENDED_S_AGO - max(entry.tai_s for entry in entries)
    with ParameterStore(report / "parameters.sqlite") as store:
        store.put(replace(entry, tai_s=entry.tai_s + later_s) for entry in entries)


if __name__ == "__main__":
    keep(Path(sys.argv[1]))

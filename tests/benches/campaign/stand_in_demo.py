"""Stands in for ``podium demo``: the same files, no physics, honest pulls that depend on the seed.

``python stand_in_demo.py HOW REPORTS ... --seed N --report DIR``: HOW is ``well``; ``dies``,
without a report; ``dies-on-N``, on the seed N only; ``waits``, until somebody ends it. REPORTS
has what a demo of each seed leaves behind (:func:`leave_reports`): a process copies it, and need
not import what makes it.
"""

import json
import os
import shutil
import signal
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from podium.control.campaign.world_record import WorldRecord


def leave_reports(worlds: "Iterable[WorldRecord]", folder: Path) -> None:
    """Write what demos of these worlds leave behind, each in a folder named by its seed."""
    for record in worlds:
        leave_report(record, folder / str(record.seed))


def leave_report(record: "WorldRecord", folder: Path) -> None:
    """Write what a demo of this world leaves behind."""
    folder.mkdir(parents=True, exist_ok=True)
    summary = {
        "facility": record.facility,
        "seed": record.seed,
        "wall_s": record.wall_s,
        "cpu_s": record.cpu_s,
        "lab_s": record.lab_s,
        "lab_s_by_routine": dict(record.lab_s_by_routine),
        "qubits_found": dict(record.qubits),
        "parameters": {
            one.name: {"value": one.value, "sigma": one.sigma, "unit": one.unit}
            for one in record.recoveries
            if one.found
        },
        "failures": [],
    }
    truth = {one.name: {"value": one.truth, "unit": one.unit} for one in record.recoveries}
    scans = {one.name: {"value": one.value, "sigma": one.sigma} for one in record.scans}
    (folder / "truth.json").write_text(json.dumps(truth))
    (folder / "fits.json").write_text(json.dumps([{"routine": "relaxation", "measured": scans}]))
    (folder / "summary.json").write_text(json.dumps(summary))


def value(option: str) -> str:
    return sys.argv[sys.argv.index(option) + 1]


def main() -> int:
    how, reports = sys.argv[1], Path(sys.argv[2])
    seed, folder = int(value("--seed")), Path(value("--report"))
    if how in ("dies", f"dies-on-{seed}"):
        print("podium demo: OSError: no space is left", file=sys.stderr)
        return 1
    if how == "waits":
        (folder / "pid").write_text(str(os.getpid()))
        signal.pause()
    assert Path(value("--facility")).read_text().startswith("# A digital node")
    shutil.copytree(reports / str(seed), folder, dirs_exist_ok=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())

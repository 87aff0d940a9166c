"""Stands in for ``podium demo``: the same files, no physics, honest pulls that depend on the seed.

``python stand_in_demo.py HOW ... --seed N --report DIR``: HOW is ``well``; ``dies``, without a
report; ``dies-on-N``, on the seed N only; ``waits``, until it is told to end.
"""

import json
import os
import signal
import sys
from pathlib import Path

from tests.benches.campaign.synthetic_worlds import made_world

from podium.control.campaign.world_record import WorldRecord


def leave_report(record: WorldRecord, folder: Path) -> None:
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
    how, seed, folder = sys.argv[1], int(value("--seed")), Path(value("--report"))
    if how in ("dies", f"dies-on-{seed}"):
        print("podium demo: OSError: no space is left", file=sys.stderr)
        return 1
    if how == "waits":
        (folder / "pid").write_text(str(os.getpid()))
        signal.pause()
    assert Path(value("--facility")).read_text().startswith("# A digital node")
    leave_report(made_world(seed), folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())

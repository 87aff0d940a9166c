"""Runs as clients send them to the records, without a facility."""

import hashlib
import json

import numpy as np
import xarray

from podium.control.bus.records import KeepOutcome, KeepRun, RecordedValue, RunFacts
from podium.control.records.datasets import dataset_content

DAY_S = 86_400.0
NOON_S = 1_795_435_200.0
"""Unix time of some noon."""


def scan(run: str, points: int = 5, **attributes: object) -> xarray.Dataset:
    """Return the data of a run over one axis."""
    said = {"run": run, "program": "scan", "started_tai_s": 1.5, **attributes}
    volts = np.linspace(0.0, 1.0, points)
    return xarray.Dataset(
        {"q0_i": ("x", volts, {"units": "V"}), "q0_q": ("x", -volts, {"units": "V"})},
        coords={"frequency": ("x", volts * 1e9, {"units": "Hz"})},
        attrs=said,
    )


def facts(run: str, number: int = 0, **other: object) -> RunFacts:
    """Return what is said of a run that took 2 s at noon, ``number`` minutes after it."""
    begun_s = NOON_S + 60.0 * number
    plain = {
        "ticket": f"ticket-{run}-{number}",
        "run": run,
        "program": "scan",
        "state": "done",
        "by": "ann@lab (notebook)",
        "nodes": ("node_a",),
        "qubits": ("node_a.q0",),
        "asked_s": begun_s,
        "ended_s": begun_s + 2.0,
    }
    return RunFacts(**{**plain, **other})


def wanted(run: str, number: int = 0, content: bytes | None = None, **other: object) -> KeepRun:
    """Return a run with its data; ``content``: other bytes than those of a scan."""
    if content is None:
        content = dataset_content(scan(run))[0]
    digest = hashlib.sha256(content).hexdigest() if content else ""
    return KeepRun(facts(run, number, **other), content, digest)


def outcome_of(*runs: str, routine: str = "t1", name: str = "node_a.q0.t1") -> KeepOutcome:
    """Return an outcome with one value, of ``runs``."""
    value = {name: RecordedValue(3e-5, 1e-6, "s")}
    panels = json.dumps([{"element": "q0", "series": []}])
    ticket = f"outcome of {', '.join(runs)}"
    return KeepOutcome(ticket, routine, routine.title(), runs, value, {}, ("a note",), panels)

"""Fills records with runs as a laboratory leaves them: lines, maps, a failure, an outcome."""

import hashlib
import json
import time
import uuid

import numpy as np
import xarray

from podium.control.bus.progress import OutcomeNews
from podium.control.bus.records import KeepOutcome, KeepRun, RecordedValue, RunFacts
from podium.control.calibration.state import CalibrationState
from podium.control.parameters.entry import ParameterEntry
from podium.control.records.datasets import dataset_content
from podium.control.records.record_folder import RecordFolder

VOLT = {"units": "V"}


def run_name(number: int) -> str:
    return f"100-{number:05d}"


def decay(number: int, points: int = 41) -> xarray.Dataset:
    """Return a T1 measurement whose signal is ``number`` mV at its beginning."""
    delay = np.linspace(0.0, 100e-6, points)
    signal = 1e-3 * number * np.exp(-delay / 30e-6)
    state = CalibrationState(
        "t1", "node_a", ("node_a.q0",), (), 1.0, {},
        (ParameterEntry("node_a.q0.f01", 6.02e9, 100.0, "Hz", "7-00001", "ramsey", 1.8e9, 1),),
    )  # fmt: skip
    return xarray.Dataset(
        {"q0_i": ("delay", signal, VOLT), "q0_q": ("delay", 0.5 * signal, VOLT)},
        coords={"delay": ("delay", delay, {"units": "s"})},
        attrs={
            "run": run_name(number),
            "program": "relaxation",
            "calibration_state": state.to_json(),
        },
    )


def picture_of(number: int) -> xarray.Dataset:
    """Return a map over flux and frequency."""
    flux, frequency = np.linspace(-0.1, 0.1, 30), np.linspace(6.0e9, 6.1e9, 40)
    z = 1e-3 * np.exp(-((flux[:, None] * 10) ** 2) - ((frequency - 6.05e9) / 2e7) ** 2)
    over = ("flux", "frequency")
    return xarray.Dataset(
        {"q0_i": (over, z, VOLT), "q0_q": (over, z / 3, VOLT)},
        coords={
            "flux": ("flux", flux, VOLT),
            "frequency": ("frequency", frequency, {"units": "Hz"}),
        },
        attrs={"run": run_name(number), "program": "spectroscopy"},
    )


def facts(number: int, count: int, snapshot: str = "", state: str = "done") -> RunFacts:
    ended_s = time.time() - 60.0 * (count - number)
    return RunFacts(
        uuid.uuid4().hex,
        run_name(number),
        "relaxation" if number % 3 else "spectroscopy",
        state,
        "ann@desk (scan.py 7)",
        ("node_a",),
        ("node_a.q0",),
        ended_s - 2.0,
        ended_s,
        routine="t1" if number % 3 else "spectroscopy",
        error="bias_q0: the cable is off" if state == "failed" else "",
        snapshot=snapshot,
    )


def filled(records: RecordFolder, count: int = 12) -> KeepOutcome:
    """Record ``count`` runs, 1 the oldest: every third is a map, the second one has failed."""
    for number in range(1, count + 1):
        data = decay(number) if number % 3 else picture_of(number)
        settings = {"gain": number, "on": True}
        box = {"identity": "ACME", "model": "qblox_cluster", "settings": settings}
        text = json.dumps({"facility": "first_light", "instruments": {"cluster_a": box}})
        digest = hashlib.sha256(text.encode()).hexdigest()
        if number == 2:
            records.keep(KeepRun(facts(number, count, digest, "failed"), b"", "", text))
            continue
        content, hash_ = dataset_content(data)
        records.keep(KeepRun(facts(number, count, digest), content, hash_, text))
    found = outcome(run_name(count))
    records.keep_outcome(found)
    records.index.label(run_name(1), "bob", time.time(), ("paper",), (), "the dip has moved")
    return found


def outcome(run: str) -> KeepOutcome:
    x = np.linspace(0.0, 100.0, 30)
    y = np.exp(-x / 30.0)
    points = {"label": "data", "x": x.tolist(), "y": y.tolist(), "line": False}
    fit = points | {"label": "fit", "line": True}
    panel = {
        "element": "q0", "x_label": "delay (µs)", "y_label": "signal (mV)",
        "series": [points, fit], "picture": None, "marks": [["T1", 30.0]],
        "text": "T1 = 30.0 ± 0.4 µs", "failed": False, "equal_axes": False,
    }  # fmt: skip
    picture = {"x": [0.0, 1.0, 2.0], "y": [0.0, 1.0], "z": [[1, 2, 3], [4, 5, 6]],
               "z_label": "mV", "y_log": False, "best": None}  # fmt: skip
    other = panel | {"element": "q1", "series": [], "picture": picture, "text": "a map"}
    return KeepOutcome(
        "outcome", "t1", "T1 of node_a", (run,),
        {"node_a.q0.t1": RecordedValue(30e-6, 4e-7, "s")},
        {"node_a.q1": "no decay was seen"}, (), json.dumps([panel, other]),
    )  # fmt: skip


def news_of(kept: KeepOutcome) -> OutcomeNews:
    return OutcomeNews(
        1, time.time(), kept.routine, kept.title, kept.runs, kept.values, kept.failures,
        kept.notes, kept.panels_json,
    )  # fmt: skip

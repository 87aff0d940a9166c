"""Shows recorded runs: rows of a list, all that is known of one, and differences of settings."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

import numpy as np

from podium.control.bus.records import (
    RecordedRun,
    RunDescription,
    SliceFound,
    SnapshotText,
)
from podium.control.parameters.entry import ParameterEntry
from podium.control.parameters.parameter_changes import told_value
from podium.control.records import snapshots
from podium.control.web import outcome_view
from podium.control.web.recorded_data import STAR

MARKS = {
    "done": "good",
    "failed": "bad",
    "stopped": "warn",
    "refused": "warn",
    "late": "unknown",
    "given up": "unknown",
}
DIFFERENCES_MOST = 400
IN_USE_MOST = 400


@dataclass(frozen=True, slots=True)
class RecordRow:
    """One recorded run in a list."""

    run: str
    title: str
    where: str
    state: str
    mark: str
    at_s: float
    by: str
    tags: tuple[str, ...]
    starred: bool
    has_data: bool


@dataclass(frozen=True, slots=True)
class About:
    """All that is known of one run, for a person."""

    row: RecordRow
    facts: tuple[tuple[str, str], ...]
    notes: tuple[tuple[float, str, str], ...]
    values: Mapping[str, str]
    """What its routine has found, by full name."""
    failures: Mapping[str, str]
    in_use: tuple[tuple[str, str], ...]
    """Parameters that were in use: name and value."""
    line: str
    """Opens it in a notebook that has a lab."""
    line_alone: str
    """Opens it anywhere on the records' computer; empty: it has no data."""
    snapshot: str
    panels: str
    """JSON of its routine's outcome with its panels; ``null`` without."""


def row(one: RecordedRun) -> RecordRow:
    """Return a run as a row of a list."""
    return RecordRow(
        one.run,
        one.routine or one.program,
        ", ".join(one.qubits or one.nodes),
        one.state if one.state == "done" or not one.error else f"{one.state}: {one.error}",
        MARKS.get(one.state, "unknown"),
        one.started_s,
        one.by,
        tuple(tag for tag in one.tags if tag != STAR),
        STAR in one.tags,
        bool(one.file),
    )


def rows(runs: Iterable[RecordedRun]) -> dict[str, object]:
    """Return runs as rows by their ids."""
    return {one.run: row(one) for one in runs}


def plain(one: RecordedRun) -> dict[str, object]:
    """Return a run as ``podium data list --json`` has it; times are UTC, ISO 8601."""
    started = datetime.fromtimestamp(one.started_s, tz=UTC)
    return {**asdict(one), "started": started.isoformat(timespec="milliseconds")}


def described(found: RunDescription) -> dict[str, object]:
    """Return all that is known of a run in values that JSON has."""
    return {
        **plain(found.run),
        "files": [asdict(one) for one in found.files],
        "notes": [asdict(one) for one in found.notes],
        "outcome": _outcome(found),
        "in_use": json.loads(found.in_use_json) if found.in_use_json else None,
    }


def about(found: RunDescription) -> About:
    """Return all that is known of a run, for a person."""
    one, outcome = found.run, _outcome(found)
    main = next((file for file in found.files if file.name == "data"), None)
    facts = {
        "program": one.program,
        "of": one.procedure,
        "nodes": ", ".join(one.nodes),
        "qubits": ", ".join(one.qubits),
        "asked by": one.by,
        "took": "" if one.took_s is None else f"{one.took_s:.3g} s",
        "waited": "" if one.waited_s is None else f"{one.waited_s:.3g} s",
        "code": one.code_version,
        "saved with it": ", ".join(
            f"{file.name} {file.version}" for file in found.files if file.name != "data"
        ),
    }
    values = {} if outcome is None else outcome["values"]
    failures = {} if outcome is None else outcome["failures"]
    return About(
        row(one),
        tuple((name, value) for name, value in facts.items() if value),
        tuple((note.at_s, note.by, note.text) for note in found.notes),
        values if isinstance(values, Mapping) else {},
        failures if isinstance(failures, Mapping) else {},
        _in_use(found.in_use_json),
        f'data = await lab.data.load("{one.run}")',
        "" if main is None else f'xarray.open_dataset("{main.file}", engine="h5netcdf")',
        one.snapshot,
        json.dumps(outcome, separators=(",", ":")),
    )


def differences(before: SnapshotText, after: SnapshotText) -> list[str]:
    """Return what differs between two snapshots, a line each."""
    found = list(snapshots.differences(json.loads(before.text), json.loads(after.text)))
    left = len(found) - DIFFERENCES_MOST
    return found[:DIFFERENCES_MOST] + ([f"and {left} more"] if left > 0 else [])


def slice_json(found: SliceFound) -> str:
    """Return a part of a variable as JSON; what is no finite number is null."""
    values = found.values
    if values.dtype.kind == "f":
        objects = values.astype(object)
        objects[~np.isfinite(values)] = None
        plain_values = objects.tolist()
    else:
        plain_values = values.tolist()
    return json.dumps(
        {
            "run": found.run,
            "variable": found.variable,
            "axes": found.axes,
            "shape": found.shape,
            "unit": found.unit,
            "dtype": values.dtype.name,
            "values": plain_values,
        },
        separators=(",", ":"),
    )


def _outcome(found: RunDescription) -> dict[str, object] | None:
    return outcome_view.outcome(json.loads(found.outcome_json)) if found.outcome_json else None


def _in_use(text: str) -> tuple[tuple[str, str], ...]:
    """Return the parameters of a calibration state; what is no such state has none."""
    try:
        found = [ParameterEntry(**one) for one in json.loads(text or "{}").get("parameters", [])]
    except (ValueError, TypeError, AttributeError):
        return ()
    return tuple((one.name, told_value(one)) for one in found[:IN_USE_MOST])

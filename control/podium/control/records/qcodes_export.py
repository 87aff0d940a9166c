"""Writes recorded runs into a QCoDeS database, through SQLite alone: QCoDeS itself is not needed.

Tables as of its version 9 (qcodes/dataset/sqlite/initial_schema.py and db_upgrades), descriptions
of runs as of its version 3 (qcodes/dataset/descriptions/versioning). A variable is a parameter that
depends on one for each of its dimensions; both are arrays, in one row for all that lie over the
same dimensions. A run that is there already, by its GUID, is not written again.
"""

import hashlib
import io
import json
import re
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from podium.control.bus.records import RecordedRun
from podium.control.records.imported_names import name_of

if TYPE_CHECKING:
    import xarray

VERSION: Final = 9
"""``PRAGMA user_version`` of a database that QCoDeS 0.22 and later write."""
MOST_BYTES: Final = 500_000_000
"""Of one array: SQLite's default limit of a row is 10^9 bytes (SQLITE_MAX_LENGTH), and a row holds
an array with its setpoints."""
GUID = re.compile(r"qcodes-([\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12})")
"""Id of a run that came out of a QCoDeS database."""
TABLES: Final = """
CREATE TABLE experiments (exp_id INTEGER PRIMARY KEY, name TEXT, sample_name TEXT,
    start_time INTEGER, end_time INTEGER, run_counter INTEGER, format_string TEXT);
CREATE TABLE runs (run_id INTEGER PRIMARY KEY, exp_id INTEGER, name TEXT, result_table_name TEXT,
    result_counter INTEGER, run_timestamp INTEGER, completed_timestamp INTEGER, is_completed BOOL,
    parameters TEXT, guid TEXT, run_description TEXT, "snapshot" TEXT, captured_run_id,
    captured_counter, "parent_datasets" TEXT,
    FOREIGN KEY(exp_id) REFERENCES experiments(exp_id));
CREATE TABLE layouts (layout_id INTEGER PRIMARY KEY, run_id INTEGER, parameter TEXT, label TEXT,
    unit TEXT, inferred_from TEXT, FOREIGN KEY(run_id) REFERENCES runs(run_id));
CREATE TABLE dependencies (dependent INTEGER, independent INTEGER, axis_num INTEGER);
CREATE INDEX IX_runs_exp_id ON runs (exp_id DESC);
CREATE INDEX IX_runs_guid ON runs (guid DESC);
CREATE INDEX IX_runs_captured_run_id ON runs (captured_run_id DESC);
"""
METADATA: Final = ("podium_run", "podium_by", "podium_tags", "podium_attributes")
"""Columns of ``runs`` that QCoDeS shows as the metadata of a run."""


class NotExported(ValueError):
    """A database that is none of QCoDeS's version, or data that it cannot hold; nothing of the
    run was written."""


@dataclass(frozen=True, slots=True)
class _Parameter:
    name: str
    unit: str
    label: str
    values: NDArray[Any]
    """Of a setpoint along its dimension, of any other of its own shape."""
    over: tuple[str, ...] = ()
    """Names of its setpoints."""

    @property
    def plain(self) -> dict[str, str]:
        """Return its entry in the description."""
        kind = self.kind
        return {"name": self.name, "paramtype": kind, "label": self.label, "unit": self.unit}

    @property
    def kind(self) -> Literal["array", "numeric"]:
        """Of QCoDeS, and of its column."""
        return "numeric" if self.values.ndim == 0 and self.values.dtype.kind in "biuf" else "array"


@dataclass(slots=True)
class _Layout:
    """The parameters of a run: setpoints by dimension, and what lies over them."""

    setpoints: dict[str, _Parameter] = field(default_factory=dict)
    measured: list[_Parameter] = field(default_factory=list)

    def free_name(self, said: str) -> str:
        taken = {one.name for one in (*self.setpoints.values(), *self.measured)}
        name, number = name_of(said), 2
        while name in taken:
            name, number = f"{name_of(said)}_{number}", number + 1
        return name


@contextmanager
def qcodes_database(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a database to write runs into it, and make it where there is none.

    Raises :class:`NotExported` for any other file, and ``sqlite3.Error``.
    """
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        try:
            (version,) = database.execute("PRAGMA user_version").fetchone()
            found = {row[0] for row in database.execute("SELECT name FROM sqlite_master")}
        except sqlite3.DatabaseError as error:
            raise NotExported(f"{path}: {error}") from error
        if not found:
            database.executescript(f"BEGIN; {TABLES} PRAGMA user_version = {VERSION}; COMMIT;")
        elif not {"experiments", "runs", "layouts", "dependencies"} <= found:
            raise NotExported(f"{path} is a database of something else than QCoDeS")
        elif version != VERSION:
            raise NotExported(
                f"{path} is a QCoDeS database of version {version}, and runs are written into "
                f"version {VERSION}: QCoDeS upgrades an older one when it opens it"
            )
        yield database


def add_run(
    database: sqlite3.Connection,
    run: RecordedRun,
    data: "xarray.Dataset",
    facility: str = "",
    snapshot: str = "",
) -> tuple[int, bool]:
    """Write a run, whole or not at all; return its number there, and whether it is new.

    ``facility``: names the experiment, unless the data name one. ``snapshot``: JSON. Raises
    :class:`NotExported`, and ``sqlite3.Error``.
    """
    guid = guid_of(run)
    layout = _layout(data)
    database.execute("BEGIN IMMEDIATE")
    try:
        there = database.execute("SELECT run_id FROM runs WHERE guid = ?", (guid,)).fetchone()
        if there is None:
            number = _put(database, run, data, layout, guid, facility, snapshot)
        database.execute("COMMIT")
    except BaseException:
        if database.in_transaction:
            database.execute("ROLLBACK")
        raise
    return (number, True) if there is None else (int(there[0]), False)


def guid_of(run: RecordedRun) -> str:
    """Return the GUID of a run, the same each time; of one from a QCoDeS database its own.

    Eight digits of a hash in place of the sample, then the Unix time in ms, as QCoDeS has it.
    """
    if (own := GUID.fullmatch(run.run)) is not None:
        return own[1]
    sample = hashlib.sha256(f"{run.run} {run.hash}".encode()).hexdigest()[:8]
    at = f"{int(run.started_s * 1000):016x}"
    return f"{sample}-0000-0000-{at[:4]}-{at[4:]}"


def _layout(data: "xarray.Dataset") -> _Layout:
    layout = _Layout()
    used = set()
    for dim in map(str, data.sizes):
        along = [str(name) for name, one in data.coords.items() if one.dims == (dim,)]
        name = dim if dim in along else next(iter(along), "")
        if name:
            used.add(name)
            layout.setpoints[dim] = _parameter(layout, name, data[name])
        else:
            values = np.arange(data.sizes[dim])
            layout.setpoints[dim] = _Parameter(layout.free_name(dim), "", "", values)
    for name in map(str, data.variables):
        if name not in used:
            over = tuple(layout.setpoints[str(dim)].name for dim in data[name].dims)
            layout.measured.append(_parameter(layout, name, data[name], over))
    return layout


def _parameter(
    layout: _Layout, name: str, one: "xarray.DataArray", over: tuple[str, ...] = ()
) -> _Parameter:
    if one.size * max(one.dtype.itemsize, 8) > MOST_BYTES:
        raise NotExported(
            f"{name} has {one.size} values, more than a row of SQLite holds; netCDF takes them"
        )
    unit = str(one.attrs.get("units", ""))
    label = str(one.attrs.get("long_name", ""))
    return _Parameter(
        layout.free_name(name), "" if unit == "1" else unit, label, np.asarray(one.values), over
    )


def _put(
    database: sqlite3.Connection,
    run: RecordedRun,
    data: "xarray.Dataset",
    layout: _Layout,
    guid: str,
    facility: str,
    snapshot: str,
) -> int:
    experiment = str(data.attrs.get("experiment", "") or facility or "podium")
    sample = str(data.attrs.get("sample", "") or ", ".join(run.nodes) or "podium")
    exp_id, counter = _counted(database, experiment, sample, run.started_s)
    table = f"results-{exp_id}-{counter}"
    all_of_them = (*layout.setpoints.values(), *layout.measured)
    for name in METADATA:
        _metadata_column(database, name)
    (last,) = database.execute("SELECT max(run_id) FROM runs").fetchone()
    row = {
        "run_id": (last or 0) + 1,
        "exp_id": exp_id,
        "name": run.routine or run.program,
        "result_table_name": table,
        "result_counter": counter,
        "run_timestamp": run.started_s,
        "completed_timestamp": run.started_s + (run.took_s or 0.0),
        "is_completed": 1,
        "parameters": ",".join(one.name for one in all_of_them),
        "guid": guid,
        "run_description": json.dumps(_description(layout)),
        "snapshot": json.dumps({"podium": json.loads(snapshot)} if snapshot else {}),
        "captured_run_id": (last or 0) + 1,
        "captured_counter": counter,
        "parent_datasets": "[]",
        "podium_run": run.run,
        "podium_by": run.by,
        "podium_tags": ", ".join(run.tags),
        "podium_attributes": json.dumps(_plain(data.attrs)),
    }
    columns, marks = ", ".join(row), ", ".join("?" * len(row))
    database.execute(f"INSERT INTO runs ({columns}) VALUES ({marks})", tuple(row.values()))
    _put_layout(database, int(row["run_id"]), layout)
    _put_values(database, table, layout)
    return int(row["run_id"])


def _counted(database: sqlite3.Connection, name: str, sample: str, at_s: float) -> tuple[int, int]:
    """Return the number of an experiment, and of its next run."""
    found = database.execute(
        "SELECT exp_id, run_counter FROM experiments WHERE name = ? AND sample_name = ? "
        "ORDER BY exp_id DESC",
        (name, sample),
    ).fetchone()
    if found is None:
        made = database.execute(
            "INSERT INTO experiments (name, sample_name, start_time, run_counter, format_string) "
            "VALUES (?, ?, ?, 1, '{}-{}-{}')",
            (name, sample, at_s or time.time()),
        )
        return int(made.lastrowid or 0), 1
    counter = int(found[1] or 0) + 1
    database.execute("UPDATE experiments SET run_counter = ? WHERE exp_id = ?", (counter, found[0]))
    return int(found[0]), counter


def _metadata_column(database: sqlite3.Connection, name: str) -> None:
    have = {row[1] for row in database.execute("PRAGMA table_info(runs)")}
    if name not in have:
        database.execute(f"ALTER TABLE runs ADD COLUMN {name}")


def _description(layout: _Layout) -> dict[str, object]:
    """Return what QCoDeS calls a run's description, version 3."""
    all_of_them = (*layout.setpoints.values(), *layout.measured)
    return {
        "version": 3,
        "interdependencies": {
            "paramspecs": [
                {**one.plain, "inferred_from": [], "depends_on": list(one.over)}
                for one in all_of_them
            ]
        },
        "interdependencies_": {
            "parameters": {one.name: one.plain for one in all_of_them},
            "dependencies": {one.name: list(one.over) for one in layout.measured if one.over},
            "inferences": {},
            "standalones": [one.name for one in layout.measured if not one.over],
        },
        "shapes": {one.name: list(one.values.shape) for one in layout.measured if one.over},
    }


def _put_layout(database: sqlite3.Connection, run_id: int, layout: _Layout) -> None:
    numbers: dict[str, int] = {}
    for one in (*layout.setpoints.values(), *layout.measured):
        put = database.execute(
            "INSERT INTO layouts (run_id, parameter, label, unit, inferred_from) "
            "VALUES (?, ?, ?, ?, '')",
            (run_id, one.name, one.label, one.unit),
        )
        numbers[one.name] = int(put.lastrowid or 0)
    database.executemany(
        "INSERT INTO dependencies (dependent, independent, axis_num) VALUES (?, ?, ?)",
        [
            (numbers[one.name], numbers[setpoint], axis)
            for one in layout.measured
            for axis, setpoint in enumerate(one.over)
        ],
    )


def _put_values(database: sqlite3.Connection, table: str, layout: _Layout) -> None:
    all_of_them = (*layout.setpoints.values(), *layout.measured)
    columns = "".join(f', "{one.name}" {one.kind}' for one in all_of_them)
    database.execute(f'CREATE TABLE "{table}" (id INTEGER PRIMARY KEY{columns})')
    by_setpoints: dict[tuple[str, ...], list[_Parameter]] = {}
    for one in layout.measured:
        by_setpoints.setdefault(one.over, []).append(one)
    along = {one.name: one.values for one in layout.setpoints.values()}
    for over, measured in by_setpoints.items():
        grids = np.meshgrid(*(along[name] for name in over), indexing="ij") if over else []
        row = {name: _field(grid) for name, grid in zip(over, grids, strict=True)}
        row |= {one.name: _field(one.values, one.kind) for one in measured}
        if sum(len(one) for one in row.values() if isinstance(one, bytes)) > 2 * MOST_BYTES:
            raise NotExported(
                f"{', '.join(row)} take more than a row of SQLite holds; netCDF takes them"
            )
        quoted, marks = ", ".join(f'"{name}"' for name in row), ", ".join("?" * len(row))
        database.execute(f'INSERT INTO "{table}" ({quoted}) VALUES ({marks})', tuple(row.values()))


def _field(
    values: NDArray[Any], kind: Literal["array", "numeric"] = "array"
) -> bytes | float | str:
    """Return an array as the bytes of an .npy file, a number as itself; a NaN is a text there."""
    if kind == "numeric":
        number = values.item()
        return "nan" if number != number else number  # qcodes/dataset/sqlite/database.py
    out = io.BytesIO()
    np.save(out, np.atleast_1d(values), allow_pickle=False)
    return out.getvalue()


def _plain(attributes: Mapping[str, Any]) -> dict[str, object]:
    """Return attributes as JSON takes them."""
    plain: dict[str, object] = {}
    for name, value in attributes.items():
        if isinstance(value, np.ndarray | np.generic):
            plain[str(name)] = value.tolist()
        else:
            plain[str(name)] = value if isinstance(value, int | float | str) else str(value)
    return plain

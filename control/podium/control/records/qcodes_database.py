"""Reads the runs of a QCoDeS database, through SQLite alone: QCoDeS itself is not needed.

Tables as of its versions 5 to 9 (qcodes/dataset/sqlite/initial_schema.py and db_upgrades): ``runs``
names the table of each run's results, ``layouts`` its parameters, ``dependencies`` which of them
were set. An array lies in a field as the bytes of an .npy file.
"""

import io
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray

from podium.control.records.imported_names import name_of

if TYPE_CHECKING:
    import xarray

DATABASE = b"SQLite format 3\x00"


def imported_runs(path: Path) -> Iterator["xarray.Dataset"]:
    """Yield the datasets of all runs of a database, which is opened for reading only.

    ``attrs``: ``run`` (``qcodes-`` and its GUID), ``program`` (the run's name), ``sample``,
    ``experiment``, ``started_unix_s``, ``ended_unix_s``, ``source``. Raises ``sqlite3.Error`` and
    ValueError.
    """
    with path.open("rb") as file:
        if file.read(len(DATABASE)) != DATABASE:
            raise ValueError("it is no SQLite database")
    where = f"file:{quote(str(path.absolute()))}?mode=ro"
    with_log = path.with_name(f"{path.name}-wal").exists()
    database = sqlite3.connect(where if with_log else f"{where}&immutable=1", uri=True)
    try:
        tables = {row[0] for row in database.execute("SELECT name FROM sqlite_master")}
        if missing := {"runs", "layouts", "dependencies", "experiments"} - tables:
            raise ValueError(f"it is no QCoDeS database: it has no table {min(missing)!r}")
        database.row_factory = sqlite3.Row
        for run in database.execute("SELECT * FROM runs ORDER BY run_id").fetchall():
            found = _dataset(database, run, path)
            if found is not None:
                yield found
    finally:
        database.close()


def _dataset(database: sqlite3.Connection, run: sqlite3.Row, path: Path) -> "xarray.Dataset | None":
    import xarray

    layouts = {
        row["layout_id"]: row
        for row in database.execute("SELECT * FROM layouts WHERE run_id = ?", (run["run_id"],))
    }
    setpoints: dict[int, list[int]] = {}
    rows = database.execute("SELECT * FROM dependencies ORDER BY dependent, axis_num")
    for dependent, independent, _ in rows.fetchall():
        if dependent in layouts:
            setpoints.setdefault(dependent, []).append(independent)
    data = xarray.Dataset()
    for dependent, independents in setpoints.items():
        names = [layouts[one]["parameter"] for one in (*independents, dependent)]
        columns = _columns(database, str(run["result_table_name"]), names)
        units = [str(layouts[one]["unit"] or "1") for one in (*independents, dependent)]
        labels = [str(layouts[one]["label"] or "") for one in (*independents, dependent)]
        _add(data, names, columns, units, labels)
    if not setpoints:
        return None
    keys = set(run.keys())
    guid = str(run["guid"]) if "guid" in keys and run["guid"] else f"{path.stem}-{run['run_id']}"
    experiment = database.execute(
        "SELECT name, sample_name FROM experiments WHERE exp_id = ?", (run["exp_id"],)
    ).fetchone()
    began_s = float(run["run_timestamp"] or 0.0)
    data.attrs = {
        "run": f"qcodes-{guid}",
        "program": str(run["name"] or "results"),
        "experiment": "" if experiment is None else str(experiment["name"]),
        "sample": "" if experiment is None else str(experiment["sample_name"]),
        "started_unix_s": began_s,
        "ended_unix_s": float(run["completed_timestamp"] or began_s),
        "complete": int(bool(run["is_completed"])),
        "source": f"QCoDeS run {run['run_id']}, {guid}",
    }
    if "snapshot" in keys and run["snapshot"]:
        data.attrs["qcodes_snapshot"] = str(run["snapshot"])
    return data


def _columns(database: sqlite3.Connection, table: str, names: list[str]) -> list[NDArray[Any]]:
    """Return the values of parameters that were added together, each of shape (points,)."""
    quoted = ", ".join('"{}"'.format(name.replace('"', '""')) for name in names)
    last = '"{}"'.format(names[-1].replace('"', '""'))
    source = '"{}"'.format(table.replace('"', '""'))
    rows = database.execute(f"SELECT {quoted} FROM {source} WHERE {last} IS NOT NULL ORDER BY id")
    parts: list[list[NDArray[Any]]] = [[] for _ in names]
    for row in rows:
        values = [_value(one) for one in row]
        shape = np.broadcast_shapes(*(one.shape for one in values))
        for part, value in zip(parts, values, strict=True):
            part.append(np.broadcast_to(value, shape).reshape(-1))
    return [np.concatenate(part) if part else np.empty(0) for part in parts]


def _value(field: object) -> NDArray[Any]:
    if isinstance(field, bytes):
        found = np.lib.format.read_array(io.BytesIO(field), allow_pickle=False)
        # A single complex number lies there as an array of one.
        return found.reshape(()) if found.shape == (1,) and found.dtype.kind == "c" else found
    if field is None:
        return np.asarray(np.nan)
    if isinstance(field, str):
        try:
            return np.asarray(float(field))  # "nan", "inf"
        except ValueError:
            return np.asarray(field)
    return np.asarray(field)


def _add(
    data: "xarray.Dataset",
    names: list[str],
    columns: list[NDArray[Any]],
    units: list[str],
    labels: list[str],
) -> None:
    """Add a measured parameter over its setpoints: on a grid if they are one, else by points."""
    axes = [np.unique(one) for one in columns[:-1]]
    shape = tuple(one.size for one in axes)
    plain = [name_of(name) for name in names]
    size = columns[-1].size
    grid = np.meshgrid(*axes, indexing="ij") if size and np.prod(shape) == size else []
    is_grid = bool(grid) and all(
        np.array_equal(one.reshape(-1), column)
        for one, column in zip(grid, columns[:-1], strict=True)
    )
    for name, axis in zip(plain, axes, strict=False):
        if name in data.coords and not np.array_equal(data[name].values, axis):
            is_grid = False
    if is_grid:
        dims = tuple(plain[:-1])
        for name, axis, unit, label in zip(plain, axes, units, labels, strict=False):
            data.coords[name] = (name, axis, _attributes(unit, label))
        values = columns[-1].reshape(shape)
    else:
        dims = (f"point_{plain[-1]}",)
        for name, column, unit, label in zip(plain, columns[:-1], units, labels, strict=False):
            data[f"{plain[-1]}_at_{name}"] = (dims, column, _attributes(unit, label))
        values = columns[-1]
    said = _attributes(units[-1], labels[-1])
    if values.dtype.kind == "c":
        data[f"{plain[-1]}_i"] = (dims, values.real, said)
        data[f"{plain[-1]}_q"] = (dims, values.imag, said)
    else:
        data[plain[-1]] = (dims, values, said)


def _attributes(unit: str, label: str) -> dict[str, str]:
    return {"units": unit, **({"long_name": label} if label else {})}

"""Reads logs of Labber (HDF5), through h5py alone.

Labber's own library is not public. Its layout is as public readers have it: the LogFile of
labcodes, shabanipy's labber_io. ``Data/Data`` has shape (first axis, channel, all other axes, the
second axis fastest); ``Data/Channel names`` names its columns, of which a complex channel has two,
with ``Real`` and ``Imaginary`` beside the name. ``Traces/NAME`` has shape (samples, real and
imaginary, traces), its abscissa stands in ``NAME_t0dt``.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

from podium.control.records.imported_names import name_of

if TYPE_CHECKING:
    import xarray

PARTS = {"Real": "_i", "Imaginary": "_q"}
"""What stands beside a complex channel's name, and how ours end."""


def imported_log(path: Path) -> "xarray.Dataset":
    """Return the dataset of a log, opened for reading only.

    ``attrs``: as of :func:`~.qcodes_database.imported_runs`. Raises OSError and ValueError.
    """
    import xarray

    with h5py.File(path, "r") as file:
        if "Data" not in file or "Log list" not in file or "Channels" not in file:
            raise ValueError("it is no log of Labber: it has no Data, Log list or Channels")
        units = {_text(row["name"]): _text(row["unitPhys"]) for row in file["Channels"][()]}
        logged = [_text(row["channel_name"]) for row in file["Log list"][()]]
        data = xarray.Dataset()
        dims = _scalars(data, file, logged, units)
        _traces(data, file, logged, units, dims)
        if not data.data_vars:
            raise ValueError("the log is empty: nothing was measured")
        began_s = float(file.attrs.get("creation_time", 0.0))
        name = _text(file.attrs.get("log_name", "")) or path.stem
        user = file["Tags"].attrs.get("User", ()) if "Tags" in file else ()
        stamps = file["Data/Time stamp"][()] if "Time stamp" in file["Data"] else np.empty(0)
        took_s = float(np.nanmax(stamps)) if np.size(stamps) else 0.0
        data.attrs = {
            "run": f"labber-{name_of(name)}-{began_s:.0f}",
            "program": name,
            "started_unix_s": began_s,
            "ended_unix_s": began_s + max(0.0, took_s),
            "complete": int(bool(file["Data"].attrs.get("Completed", True))),
            "comment": _text(file.attrs.get("comment", "")),
            "source": f"Labber log {name}, {began_s!r}",
        }
        if np.size(user):
            data.attrs["by"] = _text(np.ravel(user)[0])
        return data


def _scalars(
    data: "xarray.Dataset", file: h5py.File, logged: list[str], units: dict[str, str]
) -> tuple[str, ...]:
    """Add what is one number a point; return the dimensions of the sweep."""
    if "Data" not in file["Data"]:
        return ("point",)
    table = np.asarray(file["Data/Data"][()], float)
    columns = [(_text(row[0]), _text(row[1])) for row in file["Data/Channel names"][()]]
    if table.ndim != 3 or table.shape[1] != len(columns):
        raise ValueError(f"Data/Data has shape {table.shape} for {len(columns)} channels")
    steps = [k for k, (name, _) in enumerate(columns) if name not in logged]
    shape = _sweep(file, table, len(steps))
    names = [name_of(columns[k][0]) for k in steps]
    swept = {k: table[:, k, :].reshape(shape, order="F") for k in steps}
    dims: tuple[str, ...] = tuple(names) if len(names) == len(shape) else ()
    is_grid = bool(dims) and all(
        np.array_equal(one, _along(np.moveaxis(one, axis, 0), shape, axis), equal_nan=True)
        for axis, one in enumerate(swept.values())
    )
    if not is_grid:
        dims = tuple(f"axis_{axis}" for axis in range(len(shape)))
    for axis, k in enumerate(steps):
        unit = {"units": units.get(columns[k][0]) or "1", "long_name": columns[k][0]}
        if is_grid:
            along = np.moveaxis(swept[k], axis, 0).reshape(shape[axis], -1)[:, 0]
            data.coords[names[axis]] = (names[axis], along, unit)
        else:
            data[names[axis]] = (dims, swept[k], unit)
    for k, (name, part) in enumerate(columns):
        if name in logged:
            unit = {"units": units.get(name) or "1", "long_name": name}
            values = table[:, k, :].reshape(shape, order="F")
            data[name_of(name) + PARTS.get(part, "")] = (dims, values, unit)
    return dims


def _sweep(file: h5py.File, table: Any, axes: int) -> tuple[int, ...]:
    """Return how many points each axis has; of a log that was stopped, what the table holds."""
    said = [int(one) for one in np.ravel(file["Data"].attrs.get("Step dimensions", ()))]
    shape = tuple(one for one in said if one > 1)
    points = table.shape[0] * table.shape[2]
    if shape and len(shape) <= max(1, axes) and int(np.prod(shape)) == points:
        return shape
    return (table.shape[0], table.shape[2]) if table.shape[2] > 1 else (table.shape[0],)


def _along(moved: Any, shape: tuple[int, ...], axis: int) -> Any:
    """Return what a swept channel would be if it depended on its own axis alone."""
    along = moved.reshape(shape[axis], -1)[:, 0]
    return np.broadcast_to(
        along.reshape([-1 if k == axis else 1 for k in range(len(shape))]), shape
    )


def _traces(
    data: "xarray.Dataset",
    file: h5py.File,
    logged: list[str],
    units: dict[str, str],
    dims: tuple[str, ...],
) -> None:
    """Add what is a trace a point: dimensions of the sweep as one, then the samples."""
    for name in logged:
        if "Traces" not in file or name not in file["Traces"]:
            continue
        trace = file["Traces"][name]
        values = np.asarray(trace[()], float)
        plain, unit = name_of(name), {"units": units.get(name) or "1", "long_name": name}
        along = (f"{plain}_trace", f"{plain}_sample")
        parts = {"": values[:, 0, :]} if values.ndim == 3 else {"": values}
        if values.ndim == 3 and bool(trace.attrs.get("complex", values.shape[1] == 2)):
            parts = {"_i": values[:, 0, :], "_q": values[:, 1, :]}
        for end, part in parts.items():
            data[f"{plain}{end}"] = (along, part.T, unit)
        if f"{name}_t0dt" in file["Traces"]:
            begin, step = np.ravel(file["Traces"][f"{name}_t0dt"][()])[:2]
            abscissa = begin + step * np.arange(values.shape[0])
            said = {"units": _text(trace.attrs.get("x, unit", "")) or "1"}
            data.coords[f"{plain}_x"] = (along[1], abscissa, said)


def _text(said: object) -> str:
    return said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)

"""Writes recorded data in other people's formats: CSV, netCDF."""

import csv
import io
import itertools
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import xarray


def csv_text(data: "xarray.Dataset") -> str:
    """Return a dataset as CSV (RFC 4180), one row for each point.

    Variables over other dimensions than the widest are repeated along those that they lack; one
    whose dimensions do not fit at all, such as a raw trace, has a block of its own after an empty
    line. Units stand behind the names: ``q0_i [V]``.
    """
    blocks: dict[tuple[str, ...], list[str]] = {}
    for name, variable in sorted(data.data_vars.items(), key=lambda one: -one[1].ndim):
        dims = tuple(map(str, variable.dims))
        fits = next((have for have in blocks if set(dims) <= set(have)), None)
        blocks.setdefault(dims if fits is None else fits, []).append(str(name))
    out = io.StringIO()
    for number, (dims, names) in enumerate(blocks.items()):
        if number:
            out.write("\r\n")
        _write_block(out, data, dims, names)
    return out.getvalue()


def _write_block(
    out: io.StringIO, data: "xarray.Dataset", dims: tuple[str, ...], names: list[str]
) -> None:
    coordinates = [
        str(name) for name, one in data.coords.items() if set(map(str, one.dims)) <= set(dims)
    ]
    bare = [dim for dim in dims if dim not in coordinates]
    writer = csv.writer(out)
    writer.writerow([*bare, *(_titled(data, name) for name in [*coordinates, *names])])
    shape = [data.sizes[dim] for dim in dims]
    columns = []
    for name in [*coordinates, *names]:
        variable = data[name]
        missing = {dim: data.sizes[dim] for dim in dims if dim not in variable.dims}
        full = variable.expand_dims(missing).transpose(*dims) if missing else variable
        columns.append(np.asarray(full.transpose(*dims).values).reshape(-1))
    positions = [dims.index(dim) for dim in bare]
    for row, index in enumerate(itertools.product(*map(range, shape))):
        values = [column[row].item() for column in columns]
        writer.writerow([*(index[k] for k in positions), *values])


def _titled(data: "xarray.Dataset", name: str) -> str:
    unit = data[name].attrs.get("units", "")
    return f"{name} [{unit}]" if unit else name


def free_place(folder: Path, name: str) -> Path:
    """Return a path in ``folder`` that is not taken: ``NAME``, else ``NAME-2`` before its end."""
    path = folder / name
    for number in itertools.count(2):
        if not path.exists():
            return path
        path = folder / f"{Path(name).stem}-{number}{Path(name).suffix}"
    raise AssertionError("counting ends nowhere")

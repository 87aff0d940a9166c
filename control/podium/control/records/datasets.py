"""Stores measured data on disk: one netCDF file for each run.

Any netCDF-4 reader opens them, ``xarray.open_dataset`` without Podium too: dimensions are
named, units stand in the attributes, numbers are real.
"""

import hashlib
import io
import re
from pathlib import Path
from typing import Literal

import numpy as np
import xarray

from podium.control.facility.atomic_files import write_durably
from podium.control.records.netcdf_content import (
    NotStorable,
    check_first_attribute,
    netcdf_content,
)
from podium.control.records.snapshots import store_beside

SUFFIX = ".nc"
RESERVED = frozenset(
    ("CLASS", "NAME", "DIMENSION_LIST", "REFERENCE_LIST", "_Netcdf4Dimid", "_Netcdf4Coordinates")
)
"""Attributes that say along what variables lie (NetCDF user's guide, appendix C)."""
_NAME = re.compile(r"[^/\0]+")
ENGINE: Literal["h5netcdf"] = "h5netcdf"


def save_dataset(data: xarray.Dataset, folder: Path) -> Path:
    """Write ``data`` as ``folder/<run>.nc`` and return where; ``attrs["run"]`` is the run's id.

    The file is there whole or not at all; the snapshot that it names is in ``folder/snapshots``
    before. Raises :class:`NotStorable`, and OSError when the disk says no.
    """
    run = str(data.attrs.get("run", ""))
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.+-]*", run):
        raise NotStorable(
            f"a dataset is filed by the id of its run; attrs['run'] is {run!r}, and should be "
            "letters, digits and - _ . +"
        )
    _check(data)
    folder.mkdir(parents=True, exist_ok=True)
    store_beside(data, folder)
    path = folder / f"{run}{SUFFIX}"
    write_dataset(data, path)
    return path


def dataset_content(data: xarray.Dataset) -> tuple[bytes, str]:
    """Return a netCDF-4 file of ``data``, and its SHA-256, hex; raises :class:`NotStorable`."""
    _check(data)
    content = netcdf_content(data)
    return content, hashlib.sha256(content).hexdigest()


def write_dataset(data: xarray.Dataset, path: Path) -> None:
    """Write ``data`` into the file ``path``, which holds all of it or what it held before.

    Raises :class:`NotStorable`, and OSError when the disk says no.
    """
    # In memory first: on a full disk the HDF5 library leaves files open that it can no longer
    # close, and the process dies of that later.
    content = netcdf_content(data)
    try:
        write_durably(path, content)
    except OSError as error:
        run = data.attrs.get("run", "?")
        raise OSError(
            error.errno,
            f"the data of run {run} could not be written: {error.strerror or error}",
            str(path),
        ) from error


def load_dataset(path: Path) -> xarray.Dataset:
    """Return the dataset in memory; the file is closed. Raises OSError."""
    check_first_attribute(path)
    return xarray.load_dataset(path, engine=ENGINE)


def content_dataset(content: bytes) -> xarray.Dataset:
    """Return the dataset of a file's content, in memory; its hash was looked at before."""
    return xarray.load_dataset(io.BytesIO(content), engine=ENGINE)


def _check(data: xarray.Dataset) -> None:
    for name in (*data.variables, *data.sizes):
        if not _NAME.fullmatch(str(name)) or name == ".":
            raise NotStorable(f"{name!r} is no name in netCDF: no '/', no byte 0, not '.', not ''")
    for of, attributes in ((None, data.attrs), *((n, v.attrs) for n, v in data.variables.items())):
        for name in attributes:
            if name in RESERVED or not str(name):
                where = "the dataset" if of is None else of
                raise NotStorable(f"attribute {name!r} of {where}: the name is netCDF's own")
    for name, variable in data.variables.items():
        if np.iscomplexobj(variable):
            raise NotStorable(
                f"{name} is complex, which netCDF is not; store {name}_i and {name}_q"
            )
        if variable.dtype.kind not in "biufU":
            raise NotStorable(f"{name} has dtype {variable.dtype}, which other readers cannot read")
        unnamed = [d for d in variable.dims if re.fullmatch(r"dim_\d+", str(d))]
        if unnamed:
            raise NotStorable(f"{name} has unnamed dimensions ({', '.join(map(str, unnamed))})")
        if variable.dtype.kind == "f" and "units" not in variable.attrs:
            raise NotStorable(f"{name} has no attrs['units']; give it one (dimensionless: '1')")

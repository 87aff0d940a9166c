"""Writes a dataset as the bytes of a netCDF-4 file.

``Dataset.to_netcdf`` goes through three libraries that look every name up again and again: 30 ms
of a processor for the data of a small run; here 0.4. What stands in the file is the same:
dimensions are dimension scales, as "The NetCDF-4 Format" says (NetCDF user's guide, appendix C),
and values are encoded by xarray's own rules (CF conventions).
"""

import io
import json
from collections.abc import Hashable
from pathlib import Path
from typing import Any

import numpy as np
import xarray
from numpy.typing import NDArray
from xarray.conventions import encode_cf_variable, encode_dataset_coordinates

from podium.control.records.hdf5_content import Hdf5Dataset, NotEncodable, hdf5_content

DIMENSION_ALONE = "This is a netCDF dimension but not a netCDF variable. {:>10}"
"""Name of the scale of a dimension that has no variable of its own."""
ATTRIBUTE_BYTES = 60_000
"""An array of more is no attribute that HDF5 takes as it is; a text in an array has 16 here."""


class NotStorable(ValueError):
    """A dataset that plain netCDF cannot hold, or that nobody could read later.

    Nothing was written. The message names the variable and what would be right.
    """


def netcdf_content(data: xarray.Dataset) -> bytes:
    """Return the content of the file that holds ``data``; raises :class:`NotStorable`.

    Attributes that netCDF has no type for (None, booleans, lists, dictionaries, very long arrays)
    are written as JSON text.
    """
    listed, attributes = encode_dataset_coordinates(data)
    variables = {name: _encoded(name, one) for name, one in listed.items()}
    numbers = {name: np.int32(k) for k, name in enumerate(data.sizes)}
    datasets = {
        str(name): _dimension_alone(size, numbers[name])
        for name, size in data.sizes.items()
        if name not in variables
    }
    for name, one in variables.items():
        datasets[str(name)] = _variable(str(name), one, numbers)
    try:
        return hdf5_content(datasets, _plain(attributes))
    except NotEncodable as error:
        raise NotStorable(str(error)) from error


def check_first_attribute(file: Path | io.BytesIO) -> None:
    """Read the attribute that h5netcdf reads first; raises what h5py raises for a damaged file.

    h5netcdf (1.8) that fails there leaves a half-made object, whose end writes a traceback.
    """
    import h5py  # heavy: who only writes files does without it

    with h5py.File(file, "r") as opened:
        opened.attrs.get("_nc3_strict")


def _encoded(name: Hashable, variable: xarray.Variable) -> xarray.Variable:
    """Return a variable as xarray would write it.

    Numbers of which nothing is said stay as they are; xarray marks what is missing among them.
    """
    if variable.dtype.kind not in "iuf" or variable.encoding:
        return encode_cf_variable(variable, name=name)
    if variable.dtype.kind == "f":
        variable.attrs.setdefault("_FillValue", variable.dtype.type(np.nan))
    return variable


def _dimension_alone(size: int, number: np.int32) -> Hdf5Dataset:
    values = np.broadcast_to(np.float32(0), (size,))
    attributes = {"_Netcdf4Dimid": np.asarray(number)}
    scale = DIMENSION_ALONE.format(size)
    return Hdf5Dataset(values, attributes, scale=scale, is_written=False)


def _variable(
    name: str, variable: xarray.Variable, numbers: dict[Hashable, np.int32]
) -> Hdf5Dataset:
    values = _typed(variable.values)
    attributes = _plain(variable.attrs)
    missing = None if values.dtype.kind == "O" else attributes.get("_FillValue")
    if name not in numbers:
        along = tuple(map(str, variable.dims))
        return Hdf5Dataset(values, attributes, along, fill_value=missing)
    attributes["_Netcdf4Dimid"] = np.asarray(numbers[name])
    if len(variable.dims) > 1:  # a scale has no scales
        attributes["_Netcdf4Coordinates"] = np.array([numbers[one] for one in variable.dims])
    return Hdf5Dataset(values, attributes, scale=name, fill_value=missing)


def _plain(attributes: dict[Any, Any]) -> dict[str, NDArray[Any]]:
    """Return attributes as netCDF has them: a text, or numbers in a row."""
    return {str(name): _plain_value(str(name), value) for name, value in attributes.items()}


def _plain_value(name: str, value: object) -> NDArray[Any]:
    if isinstance(value, str):
        return _typed(value)
    if isinstance(value, np.number | np.ndarray) or type(value) in (int, float):
        values = np.atleast_1d(_typed(value))
        if values.dtype.kind != "b" and values.size * max(16, values.itemsize) < ATTRIBUTE_BYTES:
            return values
        value = values.tolist()
    try:
        return _typed(json.dumps(value))
    except TypeError as error:
        raise NotStorable(f"attribute {name} cannot be written: {error}") from error


def _typed(value: object) -> NDArray[Any]:
    """Return an array of numbers, or of texts as objects."""
    values = np.asarray(value)
    return values.astype(object) if values.dtype.kind == "U" else values

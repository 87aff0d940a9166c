"""Writes a dataset as the bytes of a netCDF-4 file, through HDF5 itself.

``Dataset.to_netcdf`` goes through three libraries that look every name up again and again: 30 ms
of a processor for the data of a small run; h5py's objects take 4, its functions for each call of
HDF5, used here, 1. What stands in the file is the same: dimensions are dimension scales, as "The
NetCDF-4 Format" says (NetCDF user's guide, appendix C), and values are encoded by xarray's own
rules (CF conventions).
"""

import io
import json
from collections.abc import Hashable
from functools import lru_cache
from itertools import count
from pathlib import Path

import h5py
import numpy as np
import xarray
from h5py import h5a, h5d, h5ds, h5f, h5p, h5s, h5t
from xarray.conventions import encode_cf_variable, encode_dataset_coordinates

_NUMBERS = count()
DIMENSION_ALONE = "This is a netCDF dimension but not a netCDF variable. {:>10}"
"""Name of the scale of a dimension that has no variable of its own."""
IN_ORDER = h5p.CRT_ORDER_TRACKED | h5p.CRT_ORDER_INDEXED
"""NetCDF-4 lists variables and attributes in the order in which they were made."""
BLOCK_BYTES = 1 << 16
"""By so much the file grows in memory."""


def _in_memory() -> h5p.PropFAID:
    """Return the access to a file that is never on the disk, and lets go of all when closed."""
    access = h5p.create(h5p.FILE_ACCESS)
    access.set_fapl_core(BLOCK_BYTES, False)
    access.set_libver_bounds(h5f.LIBVER_EARLIEST, h5f.LIBVER_LATEST)
    access.set_fclose_degree(h5f.CLOSE_STRONG)
    return access


def _ordered(kind: h5p.PropClassID) -> h5p.PropOCID:
    """Return how a file or a dataset is made: without times, its attributes in order."""
    creation = h5p.create(kind)
    creation.set_attr_creation_order(IN_ORDER)
    creation.set_obj_track_times(False)
    return creation


def _names() -> h5p.PropLCID:
    names = h5p.create(h5p.LINK_CREATE)
    names.set_char_encoding(h5t.CSET_UTF8)
    return names


# Made once: they are the same for every file.
_ACCESS, _NAMES = _in_memory(), _names()
_FILE, _DATASET = _ordered(h5p.FILE_CREATE), _ordered(h5p.DATASET_CREATE)
_FILE.set_link_creation_order(IN_ORDER)
_TEXT = h5t.py_create(h5py.string_dtype(), logical=True)
_TEXT_IN_MEMORY = h5t.py_create(h5py.string_dtype())


class NotStorable(ValueError):
    """A dataset that plain netCDF cannot hold, or that nobody could read later.

    Nothing was written. The message names the variable and what would be right.
    """


def netcdf_content(data: xarray.Dataset) -> bytes:
    """Return the content of the file that holds ``data``; raises :class:`NotStorable`.

    Attributes that netCDF has no type for (None, booleans, lists, dictionaries) are written as
    JSON text.
    """
    listed, attributes = encode_dataset_coordinates(data)
    variables = {name: _encoded(name, one) for name, one in listed.items()}
    # Two of one name, in two threads, would be one file to the library, which refuses to begin it
    # while it is open.
    file = h5f.create(b"dataset-%d.nc" % next(_NUMBERS), h5f.ACC_TRUNC, _FILE, _ACCESS)
    try:
        scales = {
            name: _dimension_alone(file, str(name), size)
            for name, size in data.sizes.items()
            if name not in variables
        }
        datasets = {name: _variable(file, str(name), one) for name, one in variables.items()}
        for name in data.sizes:
            if name in datasets:
                scales[name] = datasets[name]
                h5ds.set_scale(scales[name], str(name).encode())
        numbers = {name: np.int32(k) for k, name in enumerate(data.sizes)}
        for name, number in numbers.items():
            _set_attribute(scales[name], "_Netcdf4Dimid", number)
        for name, dataset in datasets.items():
            along = variables[name].dims
            if name not in scales:
                for k, dimension in enumerate(along):
                    h5ds.attach_scale(dataset, scales[dimension], k)
            elif len(along) > 1:  # a scale has no scales
                _set_attribute(
                    dataset, "_Netcdf4Coordinates", np.array([numbers[n] for n in along])
                )
        root = h5py.h5o.open(file, b"/")
        for attribute, value in attributes.items():
            _set_attribute(root, str(attribute), _plain(str(attribute), value))
        h5f.flush(file)
        return bytes(file.get_file_image())
    finally:
        file.close()


def check_first_attribute(file: Path | io.BytesIO) -> None:
    """Read the attribute that h5netcdf reads first; raises what h5py raises for a damaged file.

    h5netcdf (1.8) that fails there leaves a half-made object, whose end writes a traceback.
    """
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


def _dimension_alone(file: h5f.FileID, name: str, size: int) -> h5d.DatasetID:
    space = _space((size,))
    scale = h5d.create(file, name.encode(), h5t.IEEE_F32BE, space, _DATASET, lcpl=_NAMES)
    h5ds.set_scale(scale, DIMENSION_ALONE.format(size).encode())
    return scale


def _variable(file: h5f.FileID, name: str, variable: xarray.Variable) -> h5d.DatasetID:
    values, on_disk, in_memory = _typed(variable.values)
    creation = _DATASET
    if values.dtype.kind != "O" and "_FillValue" in variable.attrs:
        missing = np.asarray(variable.attrs["_FillValue"])
        creation = _with_fill_value(missing.dtype, missing.tobytes())
    space = _space(values.shape)
    dataset = h5d.create(file, name.encode(), on_disk, space, creation, lcpl=_NAMES)
    dataset.write(h5s.ALL, h5s.ALL, values, in_memory)
    for attribute, value in variable.attrs.items():
        _set_attribute(dataset, str(attribute), _plain(str(attribute), value))
    return dataset


def _set_attribute(of: h5d.DatasetID | h5py.h5g.GroupID, name: str, value: object) -> None:
    values, on_disk, in_memory = _typed(value)
    h5a.create(of, name.encode(), on_disk, _space(values.shape)).write(values, in_memory)


def _plain(name: str, value: object) -> object:
    """Return an attribute's value as netCDF has it: a text, or numbers in a row."""
    if isinstance(value, str):
        return value
    if isinstance(value, np.number | np.ndarray) or type(value) in (int, float):
        return np.atleast_1d(np.asarray(value))
    try:
        return json.dumps(value)
    except TypeError as error:
        raise NotStorable(f"attribute {name} cannot be written: {error}") from error


def _typed(value: object) -> tuple[np.ndarray, h5t.TypeID, h5t.TypeID]:
    """Return values with their type in the file and in memory."""
    values = np.asarray(value, order="C")
    if values.dtype.kind in "UO":
        return values.astype(object), _TEXT, _TEXT_IN_MEMORY
    kind = _kind(values.dtype)
    return values, kind, kind


# To make these takes longer than to write a number.


@lru_cache
def _kind(dtype: np.dtype) -> h5t.TypeID:
    return h5t.py_create(dtype, logical=True)


@lru_cache
def _space(shape: tuple[int, ...]) -> h5s.SpaceID:
    return h5s.create_simple(shape)


@lru_cache
def _with_fill_value(dtype: np.dtype, value: bytes) -> h5p.PropDCID:
    creation = _DATASET.copy()
    creation.set_fill_value(np.frombuffer(value, dtype).reshape(()))
    return creation

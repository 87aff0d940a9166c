"""Writes a dataset as the bytes of a netCDF-4 file, through HDF5 itself.

``Dataset.to_netcdf`` goes through three libraries that look every name up again and again: 30 ms
of a processor for the data of a small run, here 5. What stands in the file is the same: dimensions
are dimension scales, as "The NetCDF-4 Format" says (NetCDF user's guide, appendix C), and values
are encoded by xarray's own rules (CF conventions).
"""

import io
from collections.abc import Iterable, Mapping
from itertools import count
from pathlib import Path

import h5py
import numpy as np
import xarray
from xarray.conventions import encode_cf_variable, encode_dataset_coordinates

_NUMBERS = count()
DIMENSION_ALONE = "This is a netCDF dimension but not a netCDF variable. {:>10}"
"""Name of the scale of a dimension that has no variable of its own."""


def netcdf_content(data: xarray.Dataset) -> bytes:
    """Return the content of the file that holds ``data``."""
    listed, attributes = encode_dataset_coordinates(data)
    variables = {name: encode_cf_variable(one, name=name) for name, one in listed.items()}
    # Created in memory alone: nothing of it is ever on the disk. Two of one name, in two threads,
    # would be one file to the library, which refuses to begin it while it is open.
    file_name = f"dataset-{next(_NUMBERS)}.nc"
    with h5py.File(file_name, "w", driver="core", backing_store=False, track_order=True) as file:
        numbers = {name: k for k, name in enumerate(data.sizes)}
        scales = {
            name: _dimension_alone(file, str(name), size)
            for name, size in data.sizes.items()
            if name not in variables
        }
        datasets = {name: _variable(file, str(name), one) for name, one in variables.items()}
        for name in set(numbers) & set(datasets):
            datasets[name].make_scale(str(name))
            scales[name] = datasets[name]
        for name, scale in scales.items():
            scale.attrs["_Netcdf4Dimid"] = np.int32(numbers[name])
        for name, dataset in datasets.items():
            _lay_along(dataset, variables[name].dims, scales, numbers, own=name in scales)
        _set_attributes(file, attributes)
        file.flush()
        return bytes(file.id.get_file_image())


def check_first_attribute(file: Path | io.BytesIO) -> None:
    """Read the attribute that h5netcdf reads first; raises what h5py raises for a damaged file.

    h5netcdf (1.8) that fails there leaves a half-made object, whose end writes a traceback.
    """
    with h5py.File(file, "r") as opened:
        opened.attrs.get("_nc3_strict")


def _dimension_alone(file: h5py.File, name: str, size: int) -> h5py.Dataset:
    scale = file.create_dataset(name, (size,), ">f4", track_order=True)
    scale.make_scale(DIMENSION_ALONE.format(size))
    return scale


def _variable(file: h5py.File, name: str, variable: xarray.Variable) -> h5py.Dataset:
    values = np.asarray(variable.values)
    text = values.dtype.kind in "UO"
    attributes = dict(variable.attrs)
    dataset = file.create_dataset(
        name,
        values.shape,
        h5py.string_dtype() if text else values.dtype,
        fillvalue=attributes.get("_FillValue"),
        data=values.astype(object) if text else values,
        track_order=True,
    )
    _set_attributes(dataset, attributes)
    return dataset


def _lay_along(
    dataset: h5py.Dataset,
    dimensions: Iterable[object],
    scales: Mapping[object, h5py.Dataset],
    numbers: Mapping[object, int],
    *,
    own: bool,
) -> None:
    """Say along which dimensions a variable lies; ``own``: it is the scale of its only one."""
    along = list(dimensions)
    if not along:
        return
    if not own:
        for k, name in enumerate(along):
            dataset.dims[k].attach_scale(scales[name])
        dataset.attrs["_Netcdf4Dimid"] = np.int32(numbers[along[0]])
    dataset.attrs["_Netcdf4Coordinates"] = np.array([numbers[n] for n in along], np.int32)


def _set_attributes(of: h5py.File | h5py.Dataset, attributes: Mapping[object, object]) -> None:
    for name, value in attributes.items():
        of.attrs[str(name)] = value if isinstance(value, str) else np.atleast_1d(np.asarray(value))

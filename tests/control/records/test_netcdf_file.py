"""h5netcdf judges what is read of a netCDF-4 file."""

from pathlib import Path

import h5netcdf
import h5py
import numpy as np
import pytest
import xarray
from tests.benches.records.recorded_runs import scan
from tests.benches.web.recorded import decay, picture_of

from podium.control.records.datasets import dataset_content
from podium.control.records.netcdf_file import NetcdfFile


def odd() -> xarray.Dataset:
    """Return a dataset with what netCDF has ways around for."""
    volt = {"units": "V", "several": np.array([1.0, 2.0])}
    return xarray.Dataset(
        {
            "plane": (("x", "shot"), np.arange(6.0).reshape(3, 2), volt),
            "alone": ((), 4.5),
            "words": ("x", np.array(["a", "bb", "c"])),
            "flags": ("x", np.array([True, False, True])),
            "same": (("x", "y"), np.ones((3, 3))),
        },
        coords={"x": [1.0, 2.0, 3.0], "late": ("shot", [7, 8]), "fridge": 0.01},
        attrs={"run": "1-1", "number": 3},
    )


@pytest.fixture(params=["ours", "xarray's", "no netCDF"])
def path(request, tmp_path: Path) -> Path:
    path = tmp_path / "one.nc"
    if request.param == "ours":
        plain = odd().drop_vars("fridge")
        plain["plane"].attrs["units"] = "V"
        for name in plain.variables:
            plain[name].attrs.setdefault("units", "1")
        path.write_bytes(dataset_content(plain)[0])
    elif request.param == "xarray's":
        odd().to_netcdf(path, engine="h5netcdf")
    else:
        with h5py.File(path, "w") as file:
            file["a"], file["b"] = np.ones((3, 2)), np.ones(3)
    return path


def same(ours: NetcdfFile, theirs: h5netcdf.File) -> None:
    assert ours.variables.keys() == theirs.variables.keys()
    assert sorted(ours.dimensions.values()) == sorted(d.size for d in theirs.dimensions.values())
    for name in ("run", "number", "program", "calibration_state"):
        assert ours.attrs.get(name, None) == theirs.attrs.get(name, None)
    for name, one in theirs.variables.items():
        mine = ours.variables[name]
        assert mine.shape == one.shape
        assert mine.dtype == one.dtype
        assert mine.attrs.get("units", "-") == one.attrs.get("units", "-")
        np.testing.assert_array_equal(mine[()], one[()])
        if not str(one.dimensions[:1]).startswith("('phony"):
            assert mine.dimensions == one.dimensions


def test_what_is_read_is_what_h5netcdf_reads(path) -> None:
    with NetcdfFile(path) as ours, h5netcdf.File(path, "r", phony_dims="sort") as theirs:
        same(ours, theirs)


@pytest.mark.parametrize("data", [scan("1-1"), decay(4), picture_of(3)])
def test_runs_are_read_as_h5netcdf_reads_them(data, tmp_path) -> None:
    path = tmp_path / "run.nc"
    path.write_bytes(dataset_content(data)[0])
    with NetcdfFile(path) as ours, h5netcdf.File(path, "r") as theirs:
        same(ours, theirs)
        assert set(ours.dimensions) == set(theirs.dimensions)


def test_axes_without_names_of_one_length_have_one_name(tmp_path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["a"], file["b"] = np.ones((3, 2)), np.ones(3)
    with NetcdfFile(tmp_path / "a.h5") as found:
        assert found.variables["a"].dimensions[0] == found.variables["b"].dimensions[0]
        assert sorted(found.dimensions.values()) == [2, 3]

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import xarray

from podium.control.records.datasets import load_dataset, save_dataset
from podium.control.records.netcdf_content import NotStorable


def rabi(run: str = "1767225637-00012") -> xarray.Dataset:
    amplitude = np.linspace(0.0, 1.0, 5)
    voltage = np.arange(15.0).reshape(3, 5)
    return xarray.Dataset(
        {
            "q0_i": (("shot", "amplitude"), voltage, {"units": "V", "out_of_range": False}),
            "q0_q": (("shot", "amplitude"), -voltage, {"units": "V"}),
        },
        {
            "q0_amplitude": ("amplitude", amplitude, {"units": "1"}),
            "q0_delay": ("amplitude", amplitude * 1e-6, {"units": "s"}),
        },
        {
            "run": run,
            "epoch": 3,
            "started_tai_s": 1767225640.25,
            "quantised": [{"what": "q0_amplitude", "step": 1 / 32768}],
            "trace": None,
        },
    )


def test_a_dataset_comes_back_as_it_was(tmp_path: Path) -> None:
    path = save_dataset(rabi(), tmp_path)
    assert path == tmp_path / "1767225637-00012.nc"
    back = load_dataset(path)
    xarray.testing.assert_equal(back, rabi())
    assert dict(back["q0_i"].sizes) == {"shot": 3, "amplitude": 5}
    assert back["q0_i"].attrs == {"units": "V", "out_of_range": "false"}
    assert back.attrs["started_tai_s"] == 1767225640.25
    assert back.attrs["quantised"] == '[{"what": "q0_amplitude", "step": 3.0517578125e-05}]'


def test_a_delay_in_seconds_stays_a_number(tmp_path: Path) -> None:
    # xarray reads some units of time as time deltas, which would lose digits.
    with xarray.open_dataset(save_dataset(rabi(), tmp_path)) as data:
        assert data["q0_delay"].dtype == np.float64
        assert data["q0_delay"].attrs["units"] == "s"


def test_datasets_open_without_podium(tmp_path: Path) -> None:
    path = save_dataset(rabi(), tmp_path)
    code = (
        "import sys, xarray\n"
        "sys.modules['podium'] = None\n"
        f"data = xarray.open_dataset({str(path)!r})\n"
        "print(data.q0_i.dims, data.q0_i.attrs['units'], float(data.q0_i.sum()))\n"
    )
    told = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert told.stdout == "('shot', 'amplitude') V 105.0\n"


def test_saving_does_not_touch_what_is_saved(tmp_path: Path) -> None:
    data = rabi()
    save_dataset(data, tmp_path)
    xarray.testing.assert_identical(data, rabi())


@pytest.mark.parametrize("run", ["", "../elsewhere", "a/b", ".hidden", "with space"])
def test_a_run_id_that_is_no_file_name_is_refused(tmp_path: Path, run: str) -> None:
    with pytest.raises(NotStorable, match="attrs\\['run'\\]"):
        save_dataset(rabi(run), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_complex_numbers_are_refused(tmp_path: Path) -> None:
    data = rabi()
    data["iq"] = data["q0_i"] + 1j * data["q0_q"]
    with pytest.raises(NotStorable, match="store iq_i and iq_q"):
        save_dataset(data, tmp_path)


def test_unnamed_dimensions_are_refused(tmp_path: Path) -> None:
    data = rabi()
    data["noise"] = xarray.DataArray(np.zeros(7), attrs={"units": "V"})
    with pytest.raises(NotStorable, match="noise has unnamed dimensions"):
        save_dataset(data, tmp_path)


def test_numbers_without_a_unit_are_refused(tmp_path: Path) -> None:
    data = rabi()
    del data["q0_q"].attrs["units"]
    with pytest.raises(NotStorable, match="q0_q has no attrs\\['units'\\]"):
        save_dataset(data, tmp_path)


@pytest.mark.parametrize(
    "data",
    [
        xarray.Dataset({"a/b": ("x", [1])}),
        xarray.Dataset({"a": ("x/y", [1])}),
        xarray.Dataset({"": ("x", [1])}),
        xarray.Dataset({".": ("x", [1])}),
        xarray.Dataset({"a": ("x", [1], {"DIMENSION_LIST": "x"})}),
        xarray.Dataset({"a": ("x", [1], {"": "x"})}),
        xarray.Dataset({"a": ("x", [1])}, attrs={"CLASS": "x"}),
    ],
)
def test_a_name_that_netcdf_cannot_hold_is_refused(data: xarray.Dataset, tmp_path: Path) -> None:
    with pytest.raises(NotStorable, match="netCDF"):
        save_dataset(data.assign_attrs(run="1"), tmp_path)
    assert not list(tmp_path.iterdir())


def test_an_attribute_that_is_no_json_is_refused(tmp_path: Path) -> None:
    data = rabi()
    data.attrs["lab"] = object()
    with pytest.raises(NotStorable, match="attribute lab"):
        save_dataset(data, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_write_that_fails_leaves_the_older_file_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = save_dataset(rabi(), tmp_path)

    def full(*_: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="no space left"):
        save_dataset(rabi().isel(shot=[0]), tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
    assert load_dataset(path).sizes["shot"] == 3

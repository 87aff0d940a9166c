"""Logs are laid out here as public readers of Labber's files have it; none of Labber's own is
public."""

from pathlib import Path

import h5py
import numpy as np
import pytest

from podium.control.records.labber_logs import imported_log

TEXT = h5py.string_dtype()


def written(path: Path, columns: list[tuple[str, str]], table, dimensions: list[int]) -> h5py.File:
    file = h5py.File(path, "w")
    file.attrs["log_name"] = "resonator vs power"
    file.attrs["creation_time"] = 1.7e9
    file.attrs["comment"] = "first cooldown"
    units = {"VNA - Power": "dBm", "VNA - Frequency": "Hz", "VNA - S21": ""}
    rows = list(units.items())
    file["Channels"] = np.array(rows, [("name", TEXT), ("unitPhys", TEXT)])
    file["Log list"] = np.array([("VNA - S21",)], [("channel_name", TEXT)])
    file["Data/Channel names"] = np.array(columns, [("name", TEXT), ("info", TEXT)])
    file["Data/Data"] = table
    file["Data/Time stamp"] = np.arange(float(len(table)))
    file["Data"].attrs["Step dimensions"] = np.array(dimensions)
    file["Data"].attrs["Completed"] = True
    file.create_group("Tags").attrs["User"] = np.array(["ben"], TEXT)
    return file


def test_a_map_has_its_axes_and_complex_values(tmp_path: Path) -> None:
    frequency, power = np.linspace(5e9, 6e9, 4), np.array([-30.0, -20.0, -10.0])
    s21 = frequency[:, None] / 1e9 + 1j * power[None, :]
    table = np.stack(
        [
            np.repeat(frequency[:, None], 3, axis=1),
            np.repeat(power[None, :], 4, axis=0),
            s21.real,
            s21.imag,
        ],
        axis=1,
    )
    columns = [("VNA - Frequency", ""), ("VNA - Power", "")]
    columns += [("VNA - S21", "Real"), ("VNA - S21", "Imaginary")]
    with written(tmp_path / "log.hdf5", columns, table, [4, 3, 1, 1]):
        pass
    data = imported_log(tmp_path / "log.hdf5")
    assert data["VNA_S21_i"].dims == ("VNA_Frequency", "VNA_Power")
    np.testing.assert_array_equal(data["VNA_S21_i"] + 1j * data["VNA_S21_q"], s21)
    np.testing.assert_array_equal(data["VNA_Power"], power)
    assert data["VNA_Power"].attrs["units"] == "dBm"
    assert (data.attrs["program"], data.attrs["by"]) == ("resonator vs power", "ben")
    assert (data.attrs["started_unix_s"], data.attrs["ended_unix_s"]) == (1.7e9, 1.7e9 + 3)


def test_traces_have_their_abscissa(tmp_path: Path) -> None:
    trace = np.arange(30.0).reshape(5, 2, 3)
    table = np.array([-30.0, -20.0, -10.0])[:, None, None]
    with written(tmp_path / "log.hdf5", [("VNA - Power", "")], table, [3]) as file:
        file["Traces/VNA - S21"] = trace
        file["Traces/VNA - S21"].attrs["complex"] = True
        file["Traces/VNA - S21"].attrs["x, unit"] = "Hz"
        file["Traces/VNA - S21_t0dt"] = np.array([[5e9, 1e6]])
    data = imported_log(tmp_path / "log.hdf5")
    np.testing.assert_array_equal(data["VNA_S21_q"], trace[:, 1, :].T)
    np.testing.assert_array_equal(data["VNA_S21_x"], 5e9 + 1e6 * np.arange(5))


def test_another_file_of_hdf5_is_refused(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "other.hdf5", "w") as file:
        file["x"] = 1.0
    with pytest.raises(ValueError, match="no log of Labber"):
        imported_log(tmp_path / "other.hdf5")

"""The judge is QCoDeS itself, which writes the database; ours reads it through SQLite alone."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from podium.control.records.qcodes_database import imported_runs

WRITER = """
import sys
import numpy as np
from qcodes.dataset import Measurement, initialise_or_create_database_at, load_or_create_experiment
initialise_or_create_database_at(sys.argv[1])
experiment = load_or_create_experiment("cooldown 7", "chip A")
def measured(name, *parameters):
    one = Measurement(exp=experiment, name=name)
    for name, unit, setpoints, kind in parameters:
        one.register_custom_parameter(name, unit=unit, setpoints=setpoints, paramtype=kind)
    return one
with measured("line", ("f", "Hz", None, "numeric"), ("s", "V", ("f",), "numeric")).run() as data:
    for k in (3, 1, 2):
        data.add_result(("f", k * 1e9), ("s", float("nan") if k == 2 else k + 0.5))
with measured("map", ("p", "dBm", None, "numeric"), ("g", "Hz", None, "array"),
              ("z", "V", ("p", "g"), "array")).run() as data:
    for k in range(3):
        data.add_result(("p", float(k)), ("g", np.arange(4.0)), ("z", np.arange(4.0) + 10 * k))
with measured("iq", ("p", "dBm", None, "numeric"), ("c", "V", ("p",), "complex")).run() as data:
    for k in range(3):
        data.add_result(("p", float(k)), ("c", k + 1j))
"""


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("qcodes")
    words = [sys.executable, "-W", "ignore", "-c", WRITER, str(folder / "lab.db")]
    home = os.environ | {"HOME": str(folder), "QCODES_USER_PATH": str(folder)}
    subprocess.run(words, check=True, env=home, stdout=subprocess.DEVNULL, cwd=folder)
    return folder / "lab.db"


def test_a_database_of_qcodes_is_read_value_by_value(database: Path) -> None:
    line, plane, iq = imported_runs(database)
    np.testing.assert_array_equal(line["s_at_f"].values, [3e9, 1e9, 2e9])
    np.testing.assert_array_equal(line["s"].values, [3.5, 1.5, np.nan])
    assert line["s"].attrs["units"] == "V"
    assert plane["z"].dims == ("p", "g")
    np.testing.assert_array_equal(plane["z"].values, 10 * np.arange(3)[:, None] + np.arange(4))
    assert (plane["p"].attrs["units"], plane["g"].attrs["units"]) == ("dBm", "Hz")
    np.testing.assert_array_equal(iq["c_i"].values + 1j * iq["c_q"].values, [1j, 1 + 1j, 2 + 1j])
    assert line.attrs["experiment"] == "cooldown 7"
    assert line.attrs["sample"] == "chip A"
    assert line.attrs["program"] == "line"
    assert line.attrs["ended_unix_s"] >= line.attrs["started_unix_s"] > 1.7e9


def test_reading_changes_nothing_beside_it(database: Path) -> None:
    before = {path.name: path.read_bytes() for path in database.parent.glob("lab.db*")}
    list(imported_runs(database))
    assert {path.name: path.read_bytes() for path in database.parent.glob("lab.db*")} == before


def test_another_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "no.db").write_bytes(b"nothing of the kind")
    with pytest.raises(ValueError, match="no SQLite database"):
        list(imported_runs(tmp_path / "no.db"))

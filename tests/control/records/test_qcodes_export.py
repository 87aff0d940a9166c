"""The judge is QCoDeS itself, which reads what ours has written through SQLite alone."""

import json
import os
import sqlite3
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import xarray
from tests.benches.records.recorded_runs import scan, wanted

from podium.control.bus.records import FindRuns, RecordedRun
from podium.control.records.qcodes_database import imported_runs
from podium.control.records.qcodes_export import NotExported, add_run, guid_of, qcodes_database
from podium.control.records.record_folder import RecordFolder

READER = """
import json, sys
from qcodes.dataset import initialise_or_create_database_at, load_by_id, load_by_guid, experiments
from qcodes.dataset import Measurement, load_or_create_experiment
initialise_or_create_database_at(sys.argv[1])
told = []
for one in experiments():
    for run in one.data_sets():
        values = {
            name: {key: [list(array.shape), array.ravel().tolist()] for key, array in tree.items()}
            for name, tree in run.get_parameter_data().items()
        }
        told.append({"run": run.run_id, "guid": run.guid, "name": run.name,
                     "exp": run.exp_name, "sample": run.sample_name, "began": run.run_timestamp_raw,
                     "ended": run.completed_timestamp_raw, "metadata": run.metadata,
                     "units": {one.name: one.unit for one in run.get_parameters()},
                     "snapshot": run.snapshot, "values": values, "done": run.completed})
plane = load_by_id(2).to_xarray_dataset()
told.append({"dims": list(plane["v"].dims), "row": plane["v"].values[1].tolist(),
             "unit": plane["v"].attrs["unit"]})
one = Measurement(exp=load_or_create_experiment("first light", "node_a"), name="theirs")
one.register_custom_parameter("x")
with one.run() as data:
    data.add_result(("x", 1.0))
print(json.dumps(told))
"""


@pytest.fixture
def run(tmp_path: Path) -> RecordedRun:
    with RecordFolder(tmp_path / "records") as records:
        records.keep(wanted("1-1", routine="t1"))
        return records.index.find(FindRuns())[0]


def plane() -> xarray.Dataset:
    return xarray.Dataset(
        {
            "v": (("gain", "shot"), np.arange(6.0).reshape(2, 3), {"units": "V", "long_name": "u"}),
            "state": (("gain", "shot"), np.arange(6).reshape(2, 3) % 2),
            "drift": ("gain", [0.5, np.nan], {"units": "Hz"}),
            "temperature": ((), 0.02, {"units": "K"}),
        },
        coords={"gain": ("gain", [0.25, 0.5], {"units": "1"})},
        attrs={"run": "1-2", "program": "plane", "numbers": np.arange(2), "complete": 1},
    )


def test_qcodes_reads_every_value_unit_and_time(tmp_path: Path, run: RecordedRun) -> None:
    path = tmp_path / "lab.db"
    settings = json.dumps({"instruments": {"cluster": {"gain": 3}}})
    with qcodes_database(path) as database:
        assert add_run(database, run, scan("1-1"), "first light", settings) == (1, True)
        other = replace(run, run="1-2", hash="", started_s=run.started_s + 5, tags=("good", "odd"))
        assert add_run(database, other, plane(), "first light") == (2, True)
        assert add_run(database, run, scan("1-1"), "first light") == (1, False), "not twice"
    words = [sys.executable, "-W", "ignore", "-c", READER, str(path)]
    home = os.environ | {"HOME": str(tmp_path), "QCODES_USER_PATH": str(tmp_path)}
    done = subprocess.run(words, check=True, env=home, stdout=subprocess.PIPE, cwd=tmp_path)
    line, of_plane, shown = json.loads(done.stdout.splitlines()[-1])
    assert (line["name"], line["exp"], line["sample"]) == ("t1", "first light", "node_a")
    assert (line["began"], line["ended"], line["done"]) == (run.started_s, run.started_s + 2, True)
    assert line["guid"] == guid_of(run)
    assert line["snapshot"] == {"podium": {"instruments": {"cluster": {"gain": 3}}}}
    assert line["metadata"]["podium_run"] == "1-1"
    assert line["units"] == {"frequency": "Hz", "q0_i": "V", "q0_q": "V"}
    volts = np.linspace(0.0, 1.0, 5)
    assert line["values"]["q0_i"] == {
        "q0_i": [[5], volts.tolist()],
        "frequency": [[5], (volts * 1e9).tolist()],
    }
    assert of_plane["metadata"]["podium_tags"] == "good, odd"
    assert json.loads(of_plane["metadata"]["podium_attributes"])["numbers"] == [0, 1]
    values = of_plane["values"]
    assert values["v"]["v"] == [[2, 3], list(range(6))]
    assert values["v"]["gain"] == [[2, 3], [0.25] * 3 + [0.5] * 3]
    assert values["v"]["shot"] == [[2, 3], [0, 1, 2] * 2]
    assert values["state"]["state"] == [[2, 3], [0, 1] * 3]
    assert values["temperature"]["temperature"] == [[1], [0.02]]
    np.testing.assert_array_equal(values["drift"]["drift"][1], [0.5, np.nan])
    assert shown == {"dims": ["gain", "shot"], "row": [3.0, 4.0, 5.0], "unit": "V"}
    # What QCoDeS has added beside it stays, and ours goes on after it.
    with qcodes_database(path) as database:
        third = replace(run, run="1-3")
        assert add_run(database, third, scan("1-3"), "first light") == (4, True)
        names = [row[0] for row in database.execute("SELECT result_table_name FROM runs")]
    assert len(set(names)) == 4


def test_what_was_written_is_imported_as_it_was(tmp_path: Path, run: RecordedRun) -> None:
    with qcodes_database(tmp_path / "lab.db") as database:
        add_run(database, run, plane())
    (back,) = imported_runs(tmp_path / "lab.db")
    np.testing.assert_array_equal(back["v"].values, plane()["v"].values)
    np.testing.assert_array_equal(back["gain"].values, [0.25, 0.5])
    assert back["v"].dims == ("gain", "shot")
    assert (back["v"].attrs["units"], back["v"].attrs["long_name"]) == ("V", "u")
    again = replace(run, run=back.attrs["run"])
    assert guid_of(again) == guid_of(run), "a run of a database goes back as itself"


def test_a_failure_leaves_nothing_half(tmp_path: Path, run: RecordedRun, monkeypatch) -> None:
    with qcodes_database(tmp_path / "lab.db") as database:
        monkeypatch.setattr("podium.control.records.qcodes_export.MOST_BYTES", 100)
        many = xarray.Dataset({"v": ("x", np.zeros(13))})
        with pytest.raises(NotExported, match="v has 13 values"):
            add_run(database, run, many)
        pair = xarray.Dataset({name: ("x", np.zeros(12)) for name in ("v", "w")})
        with pytest.raises(NotExported, match="more than a row of SQLite holds"):
            add_run(database, run, pair)
        for table in ("runs", "layouts", "experiments"):
            assert database.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)


def test_other_files_are_refused_and_stay_as_they_are(tmp_path: Path) -> None:
    other, old, text = (tmp_path / name for name in ("other.db", "old.db", "text.db"))
    text.write_bytes(b"nothing of the kind" * 100)
    with sqlite3.connect(other) as database:
        database.execute("CREATE TABLE people (name TEXT)")
    with qcodes_database(old) as database:
        database.execute("PRAGMA user_version = 5")
    for path, why in ((other, "something else"), (old, "version 5"), (text, "not a database")):
        before = path.read_bytes()
        with pytest.raises(NotExported, match=why), qcodes_database(path):
            pass
        assert path.read_bytes() == before

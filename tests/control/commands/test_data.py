"""``podium data``: records in a folder, asked as a person does."""

import json
import time
from pathlib import Path

import pytest
from tests.benches.records.recorded_runs import NOON_S, outcome_of, scan, wanted

from podium.control.bus.news import Event
from podium.control.cli import main
from podium.control.facility.state_folder import default_state_file, records_folder
from podium.control.parameters.entry import ParameterEntry
from podium.control.parameters.store import ParameterStore
from podium.control.records.datasets import load_dataset, save_dataset
from podium.control.records.reading_recorder import READINGS
from podium.control.records.reading_store import ReadingStore, Sample
from podium.control.records.record_folder import RecordFolder

EXAMPLE = Path(__file__).parents[3] / "examples" / "first_light" / "facility.yaml"


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "facility.yaml").write_text(EXAMPLE.read_text())
    return tmp_path


@pytest.fixture
def recorded(here):
    with RecordFolder(records_folder(default_state_file(here / "facility.yaml"))) as records:
        records.keep(wanted("17-00001", 1))
        records.keep(wanted("17-00002", 2, qubits=("node_a.q1",), by="ben@desk"))
        records.keep(wanted("17-00003", 3, content=b"", state="failed", error="no trigger"))
        records.keep_outcome(outcome_of("17-00001"))
        records.index.label("17-00002", "ann", NOON_S, ["good"], [], "the dip is odd")
        yield records


def data(capsys, *words: str, status: int = 0) -> str:
    capsys.readouterr()
    assert main(["data", *words]) == status
    told = capsys.readouterr()
    return told.out if status == 0 else told.err


def rows(capsys, *words: str) -> list[str]:
    return [one["run"] for one in json.loads(data(capsys, *words, "--json"))]


def test_runs_are_listed_with_all_that_a_program_needs(recorded, capsys) -> None:
    listed = json.loads(data(capsys, "list", "facility.yaml", "--json"))
    assert [one["run"] for one in listed] == ["17-00003", "17-00002", "17-00001"]
    wanted_keys = {"run", "nodes", "routine", "started", "by", "state", "file", "hash", "tags"}
    assert wanted_keys <= set(listed[0])
    one = listed[1]
    assert (one["tags"], one["nodes"], one["state"]) == (["good"], ["node_a"], "done")
    assert one["started"] == "2026-11-23T12:02:00.000Z"
    assert load_dataset(Path(one["file"])).equals(scan("17-00002"))
    assert (listed[0]["file"], listed[0]["error"]) == (None, "no trigger")
    plain = data(capsys, "list")
    assert len(plain.splitlines()) == 3
    assert "failed: no trigger" in plain


def test_each_filter_finds_its_runs(recorded, capsys) -> None:
    assert rows(capsys, "list", "--qubit", "q1") == ["17-00002"]
    assert rows(capsys, "list", "--routine", "t1") == ["17-00001"]
    assert rows(capsys, "list", "--parameter", "t1") == ["17-00001"]
    assert rows(capsys, "list", "--by", "ben") == ["17-00002"]
    assert rows(capsys, "list", "--ended", "failed") == ["17-00003"]
    assert rows(capsys, "list", "--tag", "good") == ["17-00002"]
    assert rows(capsys, "list", "--node", "node_b") == []
    assert rows(capsys, "search", "odd", "DIP") == ["17-00002"]
    assert rows(capsys, "search", "facility.yaml", "dip") == ["17-00002"]
    assert rows(capsys, "list", "--since", "2026-11-23T12:01:30Z", "--limit", "1") == ["17-00003"]
    assert rows(capsys, "list", "--until", "2026-11-23T12:01:30Z") == ["17-00001"]
    assert "names no time" not in data(capsys, "list", "--since", "fooday", status=2)


def test_a_run_is_shown_opened_labelled_and_exported(recorded, capsys, here) -> None:
    shown = data(capsys, "show", "17-00001")
    assert "found: node_a.q0.t1 = 3e-05 ± 1e-06 s" in shown
    assert json.loads(data(capsys, "show", "17-00002", "--json"))["notes"][0]["text"] == (
        "the dip is odd"
    )
    line = data(capsys, "open", "17-00001").splitlines()[-1]
    import xarray

    with eval(line, {"xarray": xarray}) as opened:
        assert opened.equals(scan("17-00001"))
    assert "#paper" in data(capsys, "tag", "17-00001", "paper", "--who", "ann")
    assert "#paper" not in data(capsys, "tag", "17-00001", "--remove", "paper")
    data(capsys, "note", "17-00001", "warm", "again")
    assert rows(capsys, "search", "again") == ["17-00001"]
    data(capsys, "export", "17-00001", "--out", str(here / "out"))
    assert (here / "out" / "17-00001.csv").read_text().startswith("x,frequency [Hz],q0_i [V]")
    data(capsys, "export", "--format", "netcdf", "--out", str(here / "out"))
    exported = here / "out" / "17-00002.nc"
    assert load_dataset(exported).equals(scan("17-00002"))


def test_runs_are_added_to_a_qcodes_database_once_the_oldest_first(recorded, capsys, here) -> None:
    told = json.loads(data(capsys, "export", "--format", "qcodes", "--json"))
    assert [(one["run"], one["run_id"], one["new"]) for one in told] == [
        ("17-00001", 1, True),
        ("17-00002", 2, True),
    ]
    words = ["export", "17-00002", "--format", "qcodes", "--out", str(here / "runs.db")]
    assert "run 2 was there before: 17-00002" in data(capsys, *words)
    (here / "runs.db").write_bytes(b"nothing of the kind" * 100)
    assert "not a database" in data(capsys, *words, status=1)


def test_prune_says_first_and_leaves_what_a_store_names(recorded, capsys, here) -> None:
    store = here / "parameters.sqlite"
    with ParameterStore(store) as parameters:
        entry = ParameterEntry("node_a.q1.t1", 3e-5, 1e-6, "s", "17-00002", "t1", 1.7e9, 1)
        parameters.put([entry])
    words = ["prune", "--above", "0", "--json"]
    told = json.loads(data(capsys, *words, "--store", str(store), "--yes"))
    assert (told["files"], sorted(told["protected"])) == ([], ["17-00001", "17-00002"])
    told = json.loads(data(capsys, *words))
    assert (len(told["files"]), told["done"]) == (1, False)
    assert Path(told["files"][0]).exists()
    told = json.loads(data(capsys, *words, "--yes"))
    assert not Path(told["files"][0]).exists()
    assert "whole" in data(capsys, "verify")
    assert "say what may go" in data(capsys, "prune", status=2)


def test_verify_finds_what_was_changed(recorded, capsys) -> None:
    told = json.loads(data(capsys, "verify", "--json"))
    assert told.pop("disk")["free_bytes"] > 0
    assert told == {"files": 2, "findings": [], "whole": True}
    recorded.path_of(recorded.index.file("17-00001", "data")).write_bytes(b"other")
    assert main(["data", "verify"]) == 1
    assert "changed: 17-00001" in capsys.readouterr().out
    assert "was changed" in data(capsys, "open", "17-00001", status=1)


def test_earlier_data_are_imported(capsys, here) -> None:
    save_dataset(scan("3-1"), here / "datasets")
    assert data(capsys, "import", "datasets") == "1 runs were taken in, 0 were there before\n"
    assert data(capsys, "import", "datasets") == "0 runs were taken in, 1 were there before\n"
    assert rows(capsys, "list") == ["3-1"]
    (here / "datasets" / "bad.nc").write_bytes(b"no")
    assert "bad.nc" in data(capsys, "import", "datasets", status=1)


def test_other_records_are_named(recorded, capsys, here) -> None:
    other = here / "other"
    with RecordFolder(other) as records:
        records.keep(wanted("5-1"))
    assert rows(capsys, "list", "--records", str(other)) == ["5-1"]
    assert "17-00001" in data(capsys, "show", "--records", str(other), "17-00001", status=2)


def test_wrong_words_are_answered_in_a_line(capsys, recorded) -> None:
    for words in (["show"], ["show", "99"], ["tag", "17-00001"], ["note", "17-00001"],
                  ["list", "--limit", "0"], ["import"]):  # fmt: skip
        said = data(capsys, *words, status=2)
        assert said.startswith("podium data: ")
        assert len(said.splitlines()) == 1


def test_where_nothing_was_recorded_it_says_so(capsys) -> None:
    assert "no run of" in data(capsys, "list", status=1)


def test_what_happened_at_four_is_told(recorded, capsys) -> None:
    lost = Event(7, NOON_S, "agent node_a", "warning", "instrument lost", {"instrument": "lo_a"})
    recorded.events.add([lost, Event(1, NOON_S + 7_200, "page", "info", "started", {})])
    told = data(capsys, "events", "facility.yaml", "--until", "2026-11-23T13:00Z")
    assert told.endswith("agent node_a      warning  instrument lost  instrument=lo_a\n")
    assert len(data(capsys, "events").splitlines()) == 2
    (one,) = json.loads(data(capsys, "events", "--level", "warning", "--json"))
    assert (one["process"], one["told"]) == ("agent node_a", {"instrument": "lo_a"})
    assert data(capsys, "events", "--words", "thunder") == "no event fits\n"
    assert "one event at least" in data(capsys, "events", "--limit", "0", status=2)


def test_readings_are_printed_and_a_channel_that_nobody_read_is_named(recorded, capsys) -> None:
    assert "podium up" in data(capsys, "readings", status=1)
    file = recorded.folder / READINGS
    store = ReadingStore(file)
    now_s = time.time()
    store.add(
        Sample("bridge.still", "K", now_s - 600 + 60 * n, 0.8 + n / 100, "good") for n in range(5)
    )
    store.close()
    assert "bridge.still" in data(capsys, "readings")
    table = data(capsys, "readings", "bridge.still").splitlines()
    assert table[0] == "bridge.still (K): mean, least and greatest"
    assert table[1].endswith("0.8  0.8  0.8")
    assert len(table) == 6
    found = json.loads(data(capsys, "readings", "bridge.still", "--points", "1", "--json"))
    assert found["bridge.still"]["least"] == [0.8]
    assert found["bridge.still"]["most"] == [pytest.approx(0.84)]
    assert "bridge.still" in data(capsys, "readings", "bridge.stil", status=2)
    old = data(capsys, "readings", "bridge.still", "--since", "2001-01-01", "--until", "2001-01-02")
    assert "nothing was read in that time" in old
    assert "one at least" in data(capsys, "readings", "--points", "0", status=2)
    file.write_bytes(b"no database at all" * 100)
    assert str(file) in data(capsys, "readings", status=1)

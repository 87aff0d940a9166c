import json
import sqlite3
from contextlib import closing

import pytest
from tests.benches.records.recorded_runs import DAY_S, NOON_S, facts, outcome_of, wanted

from podium.control.bus.records import FindRuns
from podium.control.records.record_folder import INDEX, RecordFolder
from podium.control.records.records_error import NoRun, RecordsError
from podium.control.records.run_index import RunIndex


@pytest.fixture
def records(tmp_path):
    with RecordFolder(tmp_path / "records") as folder:
        yield folder


def found(records, **asked: object) -> list[str]:
    return [one.run for one in records.index.find(FindRuns(**asked))]


def test_each_word_of_a_search_finds_its_runs_newest_first(records) -> None:
    records.keep(wanted("1-1", 1))
    records.keep(wanted("1-2", 2, qubits=("node_b.q0",), nodes=("node_b",), by="ben@desk"))
    records.keep(wanted("1-3", 3, content=b"", state="failed", error="no trigger", program="ramp"))
    records.keep(wanted("1-4", 60 * 24, routine="rabi"))
    records.keep_outcome(outcome_of("1-1", "1-4"))
    records.index.label("1-2", "ann", NOON_S, ["good", "paper"], [], "The fridge was warm")
    records.index.label("1-2", "ann", NOON_S, [], ["paper"], "")
    assert found(records) == ["1-4", "1-3", "1-2", "1-1"]
    assert found(records, limit=2) == ["1-4", "1-3"]
    assert found(records, node="node_b") == ["1-2"]
    assert found(records, qubit="node_a.q0") == ["1-4", "1-3", "1-1"]
    assert found(records, qubit="q0") == ["1-4", "1-3", "1-2", "1-1"]
    assert found(records, routine="t1") == ["1-4", "1-1"]
    assert found(records, program="ramp", state="failed") == ["1-3"]
    assert found(records, parameter="node_a.q0.t1") == ["1-4", "1-1"]
    assert found(records, parameter="t1", until_s=NOON_S + DAY_S - 1) == ["1-1"]
    assert found(records, by="ben") == ["1-2"]
    assert found(records, tag="good") == ["1-2"]
    assert found(records, tag="paper") == []
    assert found(records, words="warm fridge") == ["1-2"]
    assert found(records, words='warm" OR "cold') == []
    assert found(records, words='"') == []
    assert found(records, since_s=NOON_S + 121, until_s=NOON_S + 181) == ["1-3"]
    assert found(records, run="1-") == ["1-4", "1-3", "1-2", "1-1"]
    assert found(records, run="1-4", node="node_b") == []


def test_a_run_comes_back_as_it_was_told(records) -> None:
    one = facts("1-1", snapshot="beef", code_version="7", procedure="p-1", tai_s=2.5)
    records.keep(wanted("1-1", snapshot="beef", code_version="7", procedure="p-1", tai_s=2.5),
                 began_s=one.asked_s + 0.5)  # fmt: skip
    back = records.index.run("1-1")
    assert (back.started_s, back.waited_s, back.took_s) == (one.asked_s + 0.5, 0.5, 1.5)
    assert (back.snapshot, back.code_version, back.procedure, back.tai_s) == (
        "beef",
        "7",
        "p-1",
        2.5,
    )
    assert (back.nodes, back.qubits, back.by) == (one.nodes, one.qubits, one.by)


def test_an_outcome_stands_with_all_of_its_runs(records) -> None:
    records.keep(wanted("1-1"))
    records.keep(wanted("1-2", 1))
    records.keep_outcome(outcome_of("1-1", "1-2"))
    records.keep_outcome(outcome_of("1-1", "1-2"))
    back = records.index.outcome("1-1")
    assert back == records.index.outcome("1-2")
    assert back["values"] == {"node_a.q0.t1": [3e-5, 1e-6, "s"]}
    assert back["panels"] == [{"element": "q0", "series": []}]
    assert records.index.provenance() == {"1-2"}


def test_a_run_is_named_by_its_beginning_where_that_is_one(records) -> None:
    records.keep(wanted("17-1"))
    records.keep(wanted("17-12", 1))
    assert records.index.run("17-12").run == "17-12"
    assert records.index.run("17-1").run == "17-1"
    with pytest.raises(NoRun, match="several runs begin with '17'"):
        records.index.run("17")
    with pytest.raises(NoRun, match="no run begins with '18'"):
        records.index.run("18")


def test_a_newer_index_and_a_strange_one_are_refused_and_stay(tmp_path) -> None:
    place = tmp_path / "index.sqlite"
    RunIndex(place).close()
    with sqlite3.connect(place) as database:
        database.execute("INSERT INTO podium_records VALUES (99)")
    with pytest.raises(RecordsError, match="newer Podium"):
        RunIndex(place)
    strange = tmp_path / "strange.sqlite"
    with sqlite3.connect(strange) as database:
        database.execute("CREATE TABLE runs (mine TEXT)")
    with pytest.raises(RecordsError, match="somebody else's"):
        RunIndex(strange)
    with sqlite3.connect(strange) as database:
        assert database.execute("SELECT name FROM sqlite_master").fetchall() == [("runs",)]


def test_nothing_is_made_where_records_are_only_read(tmp_path) -> None:
    with pytest.raises(RecordsError, match="no records"):
        RunIndex(tmp_path / "none.sqlite", make=False)
    assert not list(tmp_path.iterdir())


def test_a_password_is_never_told() -> None:
    with pytest.raises(RecordsError) as told:
        RunIndex("postgresql+psycopg://ann:secret@127.0.0.1:1/none")
    assert "secret" not in str(told.value)


NONE = ("9e999", "-9e999", "'long'", "x'00ff'")


@pytest.mark.parametrize(
    ("place", "value"),
    [
        *(("files SET size", value) for value in NONE),
        *(("runs SET started_s", value) for value in (*NONE, "1e14")),
        *(("notes SET at_s", value) for value in (*NONE, "-1e14")),
    ],
)
def test_a_number_that_is_none_is_told_as_a_damaged_row(records, place: str, value: str) -> None:
    records.keep(wanted("1-1", 1))
    records.index.label("1-1", "ann", NOON_S, [], [], "warm")
    with closing(sqlite3.connect(records.folder / INDEX)) as index, index:
        index.execute(f"UPDATE {place} = {value}")
    asks = {"notes SET at_s": records.index.notes, "files SET size": records.index.files}
    ask = asks.get(place, lambda _: found(records))
    with pytest.raises(RecordsError, match="a row of theirs is damaged"):
        ask("1-1")


@pytest.mark.parametrize("column", ["routine", "title"])
def test_an_outcome_of_odd_words_can_be_told_on(records, column: str) -> None:
    records.keep(wanted("1-1", 1))
    records.keep_outcome(outcome_of("1-1"))
    with closing(sqlite3.connect(records.folder / INDEX)) as index, index:
        index.execute(f"UPDATE outcomes SET {column} = x'00ff'")
    assert json.loads(records.description("1-1").outcome_json)[column] == r"b'\x00\xff'"

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from podium.control.parameters.entry import BadEntry, ParameterEntry, ParameterRecord
from podium.control.parameters.memory_record import MemoryRecord
from podium.control.parameters.store import ParameterStore, StoreError

F01 = ParameterEntry(
    name="node_a.q0.f01",
    value=6.0301234567e9,
    sigma=123.4,
    unit="Hz",
    run="1767225637-00012",
    routine="ramsey",
    tai_s=1767225640.25,
    epoch=3,
)


class FullRecord(ParameterRecord, Protocol):
    def history(self, name: str) -> tuple[ParameterEntry, ...]: ...

    def all(self, path: str = "") -> dict[str, ParameterEntry]: ...


@pytest.fixture(params=["memory", "file", "url"])
def record(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[FullRecord]:
    if request.param == "memory":
        yield MemoryRecord()
        return
    path = tmp_path / "parameters.sqlite"
    with ParameterStore(path if request.param == "file" else f"sqlite:///{path}") as store:
        yield store


def test_a_parameter_comes_back_with_all_of_its_provenance(record: FullRecord) -> None:
    record.put([F01])
    assert record.get("node_a.q0.f01") == F01


def test_a_parameter_that_was_never_measured_is_none(record: FullRecord) -> None:
    assert record.get("node_a.q0.t1") is None
    assert record.history("node_a.q0.t1") == ()
    assert record.all() == {}


def test_the_newest_counts_and_the_older_stay(record: FullRecord) -> None:
    # Newest is what was put last, whatever the clock said: a clock may be set back.
    newer = replace(F01, value=6.03e9, tai_s=F01.tai_s - 100.0)
    other = replace(F01, name="node_a.q0.t1", value=3e-5, sigma=1e-6, unit="s")
    record.put([F01, other])
    record.put([newer])
    assert record.get(F01.name) == newer
    assert record.history(F01.name) == (F01, newer)
    assert record.all() == {F01.name: newer, other.name: other}


def test_putting_nothing_changes_nothing(record: FullRecord) -> None:
    record.put([])
    assert record.all() == {}


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        (replace(F01, sigma=0.0), "sigma must be a finite number above zero"),
        (replace(F01, sigma=float("nan")), "sigma must be"),
        (replace(F01, sigma=float("inf")), "sigma must be"),
        (replace(F01, value=float("nan")), "the value must be a finite number"),
        (replace(F01, name="f01"), "named owner.element.quantity"),
        (replace(F01, name="node_a..f01"), "named owner.element.quantity"),
    ],
)
def test_one_bad_entry_keeps_all_out(record: FullRecord, bad: ParameterEntry, says: str) -> None:
    with pytest.raises(BadEntry, match=says):
        record.put([F01, bad])
    assert record.all() == {}


def test_parameters_outlive_the_process_that_put_them(tmp_path: Path) -> None:
    path = tmp_path / "parameters.sqlite"
    with ParameterStore(path) as store:
        store.put([F01])
    with ParameterStore(path) as store:
        store.put([replace(F01, value=1.0)])
        assert [entry.value for entry in store.history(F01.name)] == [F01.value, 1.0]


def test_two_processes_may_have_the_store_open_at_once(tmp_path: Path) -> None:
    path = tmp_path / "parameters.sqlite"
    with ParameterStore(path) as one, ParameterStore(path) as two:
        one.put([F01])
        two.put([replace(F01, value=1.0)])
        newest = one.get(F01.name)
        assert newest is not None
        assert newest.value == 1.0


def test_a_failing_database_keeps_nothing_of_what_was_put(tmp_path: Path) -> None:
    path = tmp_path / "parameters.sqlite"
    with ParameterStore(path) as store:
        with sqlite3.connect(path) as connection:
            connection.execute(
                "CREATE TRIGGER full BEFORE INSERT ON parameters WHEN NEW.value = 13.0 "
                "BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END"
            )
        connection.close()
        with pytest.raises(StoreError, match="disk is full"):
            store.put([F01, replace(F01, value=13.0)])
        assert store.all() == {}


@pytest.mark.parametrize("statement", ["DELETE FROM parameters", "UPDATE parameters SET value = 0"])
def test_nobody_rewrites_what_was_measured(tmp_path: Path, statement: str) -> None:
    path = tmp_path / "parameters.sqlite"
    with ParameterStore(path) as store:
        store.put([F01])
    connection = sqlite3.connect(path)
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        connection.execute(statement)
    connection.close()


def _no_database(path: Path) -> str:
    path.write_text("this is no database, but a text of some length\n" * 50)
    return str(path)


@pytest.mark.parametrize(
    "place",
    [
        _no_database,
        lambda path: str(path / "no" / "such" / "folder.sqlite"),
        lambda path: "no_such_database://host/name",
    ],
)
def test_a_place_that_cannot_be_opened_is_named(
    tmp_path: Path, place: Callable[[Path], str]
) -> None:
    where = place(tmp_path / "notes.txt")
    with pytest.raises(StoreError, match="cannot be opened") as refused:
        ParameterStore(where)
    assert where in str(refused.value)


_floats = st.floats(allow_nan=False, allow_infinity=False)


@settings(max_examples=30, deadline=None)
@given(_floats, st.floats(min_value=1e-300, max_value=1e300), st.integers(0, 2**31 - 1))
def test_numbers_come_back_to_the_bit(value: float, sigma: float, epoch: int) -> None:
    entry = replace(F01, value=value, sigma=sigma, epoch=epoch)
    with ParameterStore(":memory:") as store:
        store.put([entry])
        assert store.get(F01.name) == entry


def test_a_newer_store_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "parameters.sqlite"
    with ParameterStore(path):
        pass
    with sqlite3.connect(path) as connection:
        connection.execute("INSERT INTO podium_store VALUES (99)")
    connection.close()
    with pytest.raises(StoreError, match=r"written by a newer Podium .version 99"):
        ParameterStore(path)


def test_tables_of_somebody_else_are_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "others.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE parameters (name TEXT, best REAL)")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(StoreError, match=r"has no .*: not a parameter store"):
        ParameterStore(path)
    assert path.read_bytes()[24:] == before[24:] or b"podium_store" not in path.read_bytes()


def test_values_below_a_name_and_values_of_then(record: FullRecord) -> None:
    later = replace(F01, value=1.0, tai_s=F01.tai_s + 10)
    record.put([F01, replace(F01, name="node_a.q01.f01"), later])
    assert list(record.all("node_a.q0")) == [F01.name]
    assert list(record.all("node_a")) == [F01.name, "node_a.q01.f01"]
    if isinstance(record, ParameterStore):
        assert record.all(F01.name, F01.tai_s + 5) == {F01.name: F01}
        assert record.all(at_tai_s=F01.tai_s - 1) == {}


@pytest.mark.parametrize("other", ["node_a.q0-1.f01", "node_a.q0 .f01", "node_a.q0/1.f01"])
def test_a_neighbour_whose_name_begins_alike_is_not_below(record: FullRecord, other: str) -> None:
    record.put([F01, replace(F01, name=other)])
    assert list(record.all("node_a.q0")) == [F01.name]


def test_the_store_of_then_holds_what_had_been_put_by_then(tmp_path: Path) -> None:
    """An old measurement that was analysed anew and put a day later was not there before."""
    anew = replace(F01, value=1.0, put_tai_s=F01.tai_s + 86_400)
    with ParameterStore(tmp_path / "parameters.sqlite") as store:
        store.put([F01])
        store.put([anew])
        assert store.all(at_tai_s=F01.tai_s + 3_600)[F01.name].value == F01.value
        assert store.all(at_tai_s=F01.tai_s + 86_400)[F01.name].value == 1.0


def test_who_and_why_go_together(record: FullRecord) -> None:
    with pytest.raises(BadEntry, match="who and why"):
        record.put([replace(F01, who="ada")])
    record.put([replace(F01, who="ada", why="a trial")])
    kept = record.get(F01.name)
    assert kept is not None
    assert (kept.who, kept.why) == ("ada", "a trial")

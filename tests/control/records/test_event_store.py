import sqlite3
from contextlib import closing
from dataclasses import replace

import pytest

from podium.control.bus.news import Event
from podium.control.records.event_store import EventStore
from podium.control.records.records_error import RecordsError

LOST = Event(7, 1_000.0, "agent node_a", "warning", "instrument lost", {"instrument": "lo_a"})
BACK = Event(8, 1_060.0, "agent node_a", "info", "instrument is back", {"instrument": "lo_a"})
DONE = Event(3, 1_030.5, "coordinator", "info", "run done", {"run": "'17-1'"})


@pytest.fixture
def store(tmp_path):
    store = EventStore(tmp_path / "events.sqlite")
    store.add([LOST, BACK])
    store.add([DONE])
    yield store
    store.close()


def test_events_come_back_oldest_first_and_once(store, tmp_path) -> None:
    store.add([LOST, DONE])
    assert store.find() == (LOST, DONE, BACK)
    store.close()
    again = EventStore(tmp_path / "events.sqlite")
    assert again.find() == (LOST, DONE, BACK)
    again.close()


def test_each_filter_finds_its_events(store) -> None:
    assert store.find(since_s=1_000.5) == (DONE, BACK)
    assert store.find(until_s=1_060.0) == (LOST, DONE)
    assert store.find(process="agent node_a", level="info") == (BACK,)
    assert store.find(words="LO_A back") == (BACK,)
    assert store.find(words="lo_a", limit=1) == (BACK,)
    assert store.find(process="%") == ()


def test_of_very_many_the_latest_are_kept(tmp_path) -> None:
    store = EventStore(tmp_path / "events.sqlite", most=10)
    for number in range(100):
        store.add([replace(DONE, number=number, at_s=float(number))])
    kept = store.find(limit=100)
    assert 10 <= len(kept) <= 21
    assert kept[-1].number == 99
    store.close()


def test_page_by_page_every_event_comes_once(tmp_path) -> None:
    store = EventStore(tmp_path / "events.sqlite")
    at_once = [replace(DONE, process=process, number=n) for process in "ab" for n in range(30)]
    store.add([*at_once, LOST, BACK])
    found: list[Event] = []
    page = store.find_before(2_000.0, limit=7)
    while page:
        found = [*page, *found]
        page = store.find_before(page[0].at_s, page[0].process, page[0].number, limit=7)
    assert found == [LOST, *at_once, BACK]
    store.close()


def test_where_nothing_was_told_nothing_is_made(tmp_path) -> None:
    store = EventStore(tmp_path / "events.sqlite")
    assert store.find() == store.find_before(1e9) == ()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE events SET told = 'x'",
        "UPDATE events SET told = '[1]'",
        "UPDATE events SET what = x'00ff', told = '3'",
        "UPDATE OR IGNORE events SET at_s = 9e99 WHERE number = 8",
        "ALTER TABLE events RENAME TO mine",
        "ALTER TABLE events DROP COLUMN what",
        "PRAGMA user_version = 7",
    ],
)
def test_a_damaged_file_is_an_error_in_words_and_stays(store, tmp_path, statement: str) -> None:
    store.close()
    path = tmp_path / "events.sqlite"
    with closing(sqlite3.connect(path)) as database:
        database.execute(statement)
        database.commit()
    damaged = EventStore(path)
    if "RENAME" in statement:
        assert damaged.find() == ()
    elif "9e99" in statement:
        assert damaged.find() == (LOST, DONE)  # later than any time that can be asked for
    else:
        with pytest.raises(RecordsError, match="events"):
            damaged.find()
    damaged.close()


def test_what_is_no_database_is_an_error_in_words(tmp_path) -> None:
    path = tmp_path / "events.sqlite"
    path.write_bytes(b"no database at all, and long enough to be looked at as one" * 20)
    store = EventStore(path)
    with pytest.raises(RecordsError, match="not a database"):
        store.find()
    with pytest.raises(RecordsError, match="not a database"):
        store.add([LOST])
    store.close()
    assert path.read_bytes().startswith(b"no database")

"""Keeps the events of a facility, which are the lines of its processes' logs, beside the runs."""

import json
import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from podium.control.bus.news import Event
from podium.control.facility.write_ahead import NewerTable, open_table
from podium.control.records.records_error import RecordsError
from podium.control.records.run_times import EARLIEST_S, LATEST_S, moment_s

VERSION = 1
"""Of the table; kept in the file as SQLite's ``user_version``."""
MOST = 1_000_000
"""So many events are kept, the latest: some 200 MB."""
LOOK_EACH = 10_000
"""After so many more, and when the file is opened, older ones are taken away."""

_TABLE = """
CREATE TABLE IF NOT EXISTS events (
    at_s REAL NOT NULL, process TEXT NOT NULL, number INTEGER NOT NULL, level TEXT NOT NULL,
    what TEXT NOT NULL, told TEXT NOT NULL, PRIMARY KEY (at_s, process, number)) WITHOUT ROWID
"""
_FORGET = """
DELETE FROM events WHERE at_s < (SELECT at_s FROM events ORDER BY at_s DESC LIMIT 1 OFFSET ?)
"""
_FIND = """
SELECT number, at_s, process, level, what, told FROM events
WHERE at_s >= ? AND at_s < ? AND ? IN ('', process) AND ? IN ('', level)
ORDER BY at_s DESC, process DESC, number DESC
"""
_FIND_BEFORE = """
SELECT number, at_s, process, level, what, told FROM events
WHERE (at_s, process, number) < (?, ?, ?)
ORDER BY at_s DESC, process DESC, number DESC LIMIT ?
"""


class EventStore:
    """Events in a file. Blocking; from any thread. Every method raises :class:`RecordsError`."""

    def __init__(self, file: Path, most: int = MOST) -> None:
        """Open nothing yet; the first event makes the file. ``most``: so many are kept."""
        self._file = file
        self._most = most
        self._here = threading.Lock()
        self._database: sqlite3.Connection | None = None
        self._until_look = 0

    def add(self, events: Iterable[Event]) -> None:
        """Keep events; those that are kept already are there once."""
        rows = [
            (one.at_s, one.process, one.number, one.level, one.what, json.dumps(dict(one.told)))
            for one in events
        ]
        with self._open() as database:
            database.execute("BEGIN IMMEDIATE")
            try:
                database.executemany("INSERT OR IGNORE INTO events VALUES (?, ?, ?, ?, ?, ?)", rows)
                self._until_look -= len(rows)
                if self._until_look < 0:
                    database.execute(_FORGET, (self._most - 1,))
                    self._until_look = min(LOOK_EACH, self._most)
                database.execute("COMMIT")
            except BaseException:
                if database.in_transaction:
                    database.execute("ROLLBACK")
                raise

    def find(
        self,
        *,
        since_s: float = EARLIEST_S,
        until_s: float = LATEST_S,
        process: str = "",
        level: str = "",
        words: str = "",
        limit: int = 20,
    ) -> tuple[Event, ...]:
        """Return the latest events that fit all that is named, oldest first.

        ``since_s``, ``until_s``: Unix time; ``level``: ``info``, ``warning`` or ``error``;
        ``words``: all of them in what happened or its circumstances, whatever their case.
        """
        if not self._file.exists():
            return ()
        wanted = words.lower().split()
        found: list[Event] = []
        with self._open() as database:
            asked = (since_s, until_s, process, level)
            for row in database.execute(_FIND, asked):
                if len(found) == limit:
                    break
                if all(word in f"{row[4]} {row[5]}".lower() for word in wanted):
                    found.append(_event(row))
        return tuple(reversed(found))

    def find_before(
        self, at_s: float, process: str = "", number: int = 0, *, limit: int = 20
    ) -> tuple[Event, ...]:
        """Return the latest events before that one, in the order in which they are kept."""
        if not self._file.exists():
            return ()
        with self._open() as database:
            rows = database.execute(_FIND_BEFORE, (at_s, process, number, limit)).fetchall()
            return tuple(_event(row) for row in reversed(rows))

    def close(self) -> None:
        """Let go of the file."""
        with self._here:
            if self._database is not None:
                self._database.close()
                self._database = None

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        with self._here:
            try:
                if self._database is None:
                    self._database = open_table(self._file, _TABLE, VERSION)
                yield self._database
            except (sqlite3.Error, OSError, NewerTable) as error:
                raise RecordsError(f"the events {self._file}: {error}") from error
            except (ValueError, TypeError, AttributeError) as error:
                raise RecordsError(
                    f"the events {self._file}: a row is damaged: {type(error).__name__}: {error}"
                ) from error


def _event(row: tuple[Any, ...]) -> Event:
    number, at_s, process, level, what, told = row
    plain = {str(name): str(one) for name, one in json.loads(told).items()}
    return Event(number, moment_s(at_s), process, level, what, plain)

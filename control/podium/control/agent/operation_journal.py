"""Stores each operation of a fridge before it is sent, and afterwards how it ended.

An operation has a token that names it alone. After a crash the same token is answered from here
if it was done, and read back before it is repeated if nobody knows.
"""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from podium.control.facility.write_ahead import NewerTable, open_table

VERSION = 1
"""Of the table; kept in the file as SQLite's ``user_version``."""
KEPT = timedelta(days=90)
"""Operations that ended before are forgotten: no procedure takes so long."""

Outcome = Literal["begun", "done", "failed"]
"""``begun``: it may have been sent, or not. ``failed``: it was not done."""

_TABLE = """
CREATE TABLE IF NOT EXISTS operations (
    token TEXT PRIMARY KEY, instrument TEXT NOT NULL, part TEXT NOT NULL, value REAL NOT NULL,
    by TEXT NOT NULL, begun TEXT NOT NULL, outcome TEXT NOT NULL, read_back REAL)
"""


class OperationJournalError(Exception):
    """The journal cannot be read or written. What was to be written down must not be done."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation, as it was asked for, and how it ended."""

    token: str
    instrument: str
    part: str
    value: float
    by: str
    outcome: Outcome = "begun"
    read_back: float | None = None

    @property
    def what(self) -> tuple[str, str, float]:
        """Return the values that it sets."""
        return self.instrument, self.part, self.value


def operations_file(ramps: Path) -> Path:
    """Return the journal of operations that lies beside a journal of ramps."""
    stem = ramps.name.removesuffix(ramps.suffix).removesuffix(".ramps")
    return ramps.with_name(f"{stem}.operations.sqlite")


class OperationJournal:
    """Operations by token. Blocking; from any thread. Close it."""

    def __init__(self, file: Path | None) -> None:
        """Open nothing yet; ``file`` is made by the first operation. None: in memory only."""
        self._file = file
        self._here = threading.Lock()
        self._database: sqlite3.Connection | None = None

    def find(self, token: str) -> Operation | None:
        """Return the operation with a token; raises :class:`OperationJournalError`."""
        if self._database is None and (self._file is None or not self._file.exists()):
            return None
        with self._open() as database:
            row = database.execute(
                "SELECT token, instrument, part, value, by, outcome, read_back FROM operations "
                "WHERE token = ?",
                (token,),
            ).fetchone()
        return None if row is None else Operation(*row)

    def begin(self, operation: Operation) -> None:
        """Write down that an operation is about to be sent; a crash does not take it away.

        One that has failed, or that nobody knows of, may begin again under its token.
        """
        now = datetime.now(UTC)
        with self._open() as database:
            database.execute(
                "INSERT OR REPLACE INTO operations (token, instrument, part, value, by, begun, "
                "outcome) VALUES (?, ?, ?, ?, ?, ?, 'begun')",
                (operation.token, *operation.what, operation.by, now.isoformat()),
            )
            old = (now - KEPT).isoformat()
            database.execute(
                "DELETE FROM operations WHERE begun < ? AND outcome != 'begun'", (old,)
            )

    def end(self, token: str, outcome: Outcome, read_back: float | None = None) -> None:
        """Write down how an operation ended."""
        with self._open() as database:
            database.execute(
                "UPDATE operations SET outcome = ?, read_back = ? WHERE token = ?",
                (outcome, read_back, token),
            )

    def close(self) -> None:
        """Let go of the file."""
        with self._here:
            if self._database is not None:
                self._database.close()
                self._database = None

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """One transaction, whole and on the disk, or not at all."""
        with self._here:
            try:
                database = self._opened()
                database.execute("BEGIN IMMEDIATE")
                try:
                    yield database
                    database.execute("COMMIT")
                except BaseException:
                    if database.in_transaction:
                        database.execute("ROLLBACK")
                    raise
            except (sqlite3.Error, OSError) as error:
                raise OperationJournalError(
                    f"the journal of operations {self._file}: {error}"
                ) from error

    def _opened(self) -> sqlite3.Connection:
        if self._database is not None:
            return self._database
        try:
            self._database = open_table(self._file, _TABLE, VERSION)
        except NewerTable as error:
            raise OperationJournalError(str(error)) from error
        return self._database

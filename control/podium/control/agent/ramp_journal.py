"""Stores each ramp before it begins, and afterwards how it ended.

An entry without an end is a ramp that was cut off, if the process that began it lives no more.
The newest entry of a bias is its last known level; the true one is read from the instrument.
"""

import fcntl
import os
import sqlite3
import threading
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from io import TextIOWrapper
from pathlib import Path
from typing import Literal

from podium.control.facility.write_ahead import NewerTable, open_table

VERSION = 1
"""Of the table; kept in the file as SQLite's ``user_version``."""

Outcome = Literal["reached", "not begun", "safe rule", "left alone"]
"""How a ramp ended: where it was to; where it began; where the safe rule says; nobody knows."""

_TABLE = """
CREATE TABLE IF NOT EXISTS ramps (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    port TEXT NOT NULL, source TEXT NOT NULL, address TEXT NOT NULL, identity TEXT NOT NULL,
    from_v REAL NOT NULL, target_v REAL NOT NULL, slew_v_per_s REAL NOT NULL,
    by TEXT NOT NULL, begun TEXT NOT NULL, owner TEXT NOT NULL,
    outcome TEXT NOT NULL DEFAULT '', end_v REAL, why TEXT NOT NULL DEFAULT '',
    ended_tai_s REAL, epoch INTEGER NOT NULL DEFAULT 0, told INTEGER NOT NULL DEFAULT 0)
"""


class JournalError(Exception):
    """The journal cannot be read or written. What was to be written down must not be done."""


@dataclass(frozen=True, slots=True)
class RampIntent:
    """Describes a ramp before it begins."""

    port: str
    source: str
    """The connector that the facility file names."""
    address: str
    identity: str
    """Of the instrument that answers there."""
    from_v: float
    target_v: float
    slew_v_per_s: float
    by: str
    """Who asked for it."""


@dataclass(frozen=True, slots=True)
class Ramp:
    """An entry: an intent, and what became of it."""

    id: int
    intent: RampIntent
    begun: str
    """UTC by this computer's clock, ISO 8601."""
    owner: str
    outcome: Outcome | Literal[""]
    """Empty: it has no end yet."""
    end_v: float | None
    """Level at its end, as read back; None: there is no end, or it was not read."""
    why: str
    ended_tai_s: float | None
    epoch: int
    told: int
    """1 once a parameter store knows of it."""


_INTENT = tuple(field.name for field in fields(RampIntent))
_REST = tuple(field.name for field in fields(Ramp) if field.name not in ("id", "intent"))


class RampJournal:
    """One owner's hand on a journal. Blocking; from any thread. Close it."""

    def __init__(self, file: Path | None) -> None:
        """Open nothing yet; ``file`` is made by the first ramp. None: kept in memory only."""
        self._file = file
        self._owner = uuid.uuid4().hex
        self._here = threading.Lock()
        self._database: sqlite3.Connection | None = None
        self._alive: TextIOWrapper | None = None

    def begin(self, intent: RampIntent) -> Ramp:
        """Write down that a ramp begins; once this returns, a crash does not take it away.

        Older entries of the bias that have ended and been reported are forgotten. Raises
        :class:`JournalError`, also while another living process ramps this bias.
        """
        begun = datetime.now(UTC).isoformat(timespec="seconds")
        with self._writing() as database:
            same = (intent.port, intent.address)
            for other in self._select("outcome = '' AND port = ? AND address = ?", *same):
                if other.owner != self._owner and self._lives(other.owner):
                    raise JournalError(
                        f"{intent.port}: {self._whose(other.owner)} ramps it to "
                        f"{other.intent.target_v} V since {other.begun}; it has one owner at a time"
                    )
            database.execute(
                "DELETE FROM ramps WHERE port = ? AND address = ? AND outcome != '' "
                "AND (told OR outcome != 'safe rule')",
                same,
            )
            names = (*_INTENT, "begun", "owner")
            values = (*(getattr(intent, name) for name in _INTENT), begun, self._owner)
            marks = ", ".join("?" * len(names))
            done = database.execute(
                f"INSERT INTO ramps ({', '.join(names)}) VALUES ({marks})", values
            )
            found = self._select("id = ?", done.lastrowid)
        return found[0]

    def end(
        self,
        ramp: Ramp,
        outcome: Outcome,
        end_v: float | None,
        why: str = "",
        ended_tai_s: float | None = None,
        epoch: int = 0,
    ) -> None:
        """Write down how a ramp ended; raises :class:`JournalError`."""
        with self._writing() as database:
            database.execute(
                "UPDATE ramps SET outcome = ?, end_v = ?, why = ?, ended_tai_s = ?, epoch = ? "
                "WHERE id = ?",
                (outcome, end_v, why, ended_tai_s, epoch, ramp.id),
            )

    def take_cut_off(self, address: str) -> tuple[Ramp, ...]:
        """Return the ramps of an instrument that have no end, and own them from now on.

        Those of another process that lives are its own affair. Raises :class:`JournalError`.
        """
        if not self._there():
            return ()
        taken = []
        with self._writing() as database:
            for ramp in self._select("outcome = '' AND address = ?", address):
                if ramp.owner != self._owner and self._lives(ramp.owner):
                    continue
                database.execute("UPDATE ramps SET owner = ? WHERE id = ?", (self._owner, ramp.id))
                taken.append(ramp)
        return tuple(taken)

    def cut_off(self, address: str) -> tuple[Ramp, ...]:
        """Return the same without owning them; raises :class:`JournalError`."""
        if not self._there():
            return ()
        with self._reading():
            found = self._select("outcome = '' AND address = ?", address)
            return tuple(
                ramp for ramp in found if ramp.owner == self._owner or not self._lives(ramp.owner)
            )

    def last(self, address: str) -> tuple[Ramp, ...]:
        """Return the newest ended ramp of each bias of an instrument: its last known level."""
        if not self._there():
            return ()
        with self._reading():
            newest = "id IN (SELECT max(id) FROM ramps WHERE outcome != '' GROUP BY port, address)"
            return self._select(f"{newest} AND address = ?", address)

    def untold(self, address: str) -> tuple[Ramp, ...]:
        """Return the ramps that ended by their safe rule and that no store knows of."""
        if not self._there():
            return ()
        with self._reading():
            return self._select("outcome = 'safe rule' AND NOT told AND address = ?", address)

    def told(self, ramp: Ramp) -> None:
        """Note that a store knows of this ramp; raises :class:`JournalError`."""
        with self._writing() as database:
            database.execute("UPDATE ramps SET told = 1 WHERE id = ?", (ramp.id,))

    def close(self) -> None:
        """Let go of the file. A ramp without an end is somebody else's to care for now."""
        with self._here:
            if self._database is not None:
                self._database.close()
                self._database = None
            if self._alive is not None:
                if self._file is not None:
                    self._lock_of(self._file, self._owner).unlink(missing_ok=True)
                self._alive.close()
                self._alive = None

    # Inside

    def _there(self) -> bool:
        return self._database is not None or (self._file is not None and self._file.exists())

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with self._here:
            try:
                yield self._opened()
            except (sqlite3.Error, OSError) as error:
                raise JournalError(self._said("cannot be read", error)) from error

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction, whole and on the disk, or not at all."""
        with self._here:
            try:
                database = self._opened()
                database.execute("BEGIN IMMEDIATE")
                try:
                    yield database
                    database.execute("COMMIT")
                except BaseException:
                    if database.in_transaction:  # a full disk has rolled back by itself
                        database.execute("ROLLBACK")
                    raise
            except (sqlite3.Error, OSError) as error:
                raise JournalError(self._said("cannot be written", error)) from error

    def _opened(self) -> sqlite3.Connection:
        if self._database is not None:
            return self._database
        if self._file is not None:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            self._stay_alive(self._file)
        try:
            self._database = open_table(self._file, _TABLE, VERSION)
        except NewerTable as error:
            raise JournalError(f"the ramp journal {error}") from error
        return self._database

    def _select(self, where: str, *values: str | int | None) -> tuple[Ramp, ...]:
        columns = ", ".join(("id", *_INTENT, *_REST))
        query = f"SELECT {columns} FROM ramps WHERE {where} ORDER BY id"
        cut = 1 + len(_INTENT)
        with closing(self._opened().execute(query, values)) as cursor:
            return tuple(
                Ramp(row[0], RampIntent(*row[1:cut]), **dict(zip(_REST, row[cut:], strict=True)))
                for row in cursor
            )

    # Who lives: each owner holds a lock on a file of its own; the kernel frees it when it dies

    def _stay_alive(self, file: Path) -> None:
        if self._alive is None:
            for left in file.parent.glob(f"{file.name}.*.owner"):
                self._lives(left.name.split(".")[-2])  # those of the dead go
            # Locked before it has its name: nobody may find it without its lock.
            draft = file.with_name(f"{file.name}.{self._owner}.new")
            alive = draft.open("w", encoding="utf-8")
            try:
                fcntl.flock(alive, fcntl.LOCK_EX | fcntl.LOCK_NB)
                alive.write(f"process {os.getpid()}")
                alive.flush()
                draft.replace(self._lock_of(file, self._owner))
            except BaseException:
                draft.unlink(missing_ok=True)
                alive.close()
                raise
            self._alive = alive

    def _lives(self, owner: str) -> bool:
        if self._file is None:
            return False
        lock = self._lock_of(self._file, owner)
        try:
            with lock.open("r", encoding="utf-8") as held:
                fcntl.flock(held, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except FileNotFoundError:
            return False
        except BlockingIOError:
            return True
        lock.unlink(missing_ok=True)  # its owner is dead: nobody holds it again
        return False

    def _whose(self, owner: str) -> str:
        if self._file is None:
            return "somebody"
        try:
            return self._lock_of(self._file, owner).read_text(encoding="utf-8")
        except OSError:
            return "another process"

    @staticmethod
    def _lock_of(file: Path, owner: str) -> Path:
        return file.with_name(f"{file.name}.{owner}.owner")

    def _said(self, what: str, error: Exception) -> str:
        said = f"the ramp journal {self._file} {what}: {error}"
        cause = str(error)
        if "full" in cause or "I/O" in cause or "No space" in cause:
            return f"{said}; what was written before is kept; free some space"
        if "not a database" in cause or "malformed" in cause:
            return f"{said}; move it away, and look at every bias before the next ramp"
        if "readonly" in cause or "unable to open" in cause or "Permission" in cause:
            return f"{said}; this user must be able to write in {self._file and self._file.parent}"
        return said

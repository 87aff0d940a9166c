"""Prepares SQLite files that several processes have open at once."""

import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

BUSY_S = 10
"""Who wants to write waits so long for another who does."""
LOOK_S = 0.01


class NewerTable(Exception):
    """A newer Podium has written the file, which stays as it is: update Podium."""


def write_ahead(execute: Callable[[str], object]) -> None:
    """Prepare a connection: readers read while somebody writes, and commits outlive a power cut.

    ``execute`` takes a statement. FULL: with less, a loss of power takes the last commits with it
    (sqlite.org/pragma.html, ``synchronous``, WAL mode). Raises ``sqlite3.OperationalError``.
    """
    execute(f"PRAGMA busy_timeout = {BUSY_S}000")
    give_up = time.monotonic() + BUSY_S
    while True:
        try:
            # SQLite itself does not wait here for others who open a new file, too.
            execute("PRAGMA journal_mode = WAL")
            break
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > give_up:
                raise
            time.sleep(LOOK_S)
    execute("PRAGMA synchronous = FULL")


def open_table(file: Path | None, table: str, version: int) -> sqlite3.Connection:
    """Open an SQLite file with one table, made by the statement ``table`` where it is not there.

    None: in memory. Transactions are the caller's, threads take turns. Its version is the file's
    ``user_version``. Raises :class:`NewerTable` for one above ``version``, ``sqlite3.Error`` and
    OSError; it is closed then.
    """
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
    database = sqlite3.connect(file or ":memory:", isolation_level=None, check_same_thread=False)
    try:
        write_ahead(database.execute)
        found = int(database.execute("PRAGMA user_version").fetchone()[0])
        if found > version:
            raise NewerTable(
                f"{file} was written by a newer Podium (version {found} of its table; this one "
                f"reads up to {version}): update Podium"
            )
        database.execute(table)
        database.execute(f"PRAGMA user_version = {version}")
    except BaseException:
        database.close()
        raise
    return database

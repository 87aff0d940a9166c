"""Prepares SQLite files that several processes have open at once."""

import sqlite3
import time
from collections.abc import Callable

BUSY_S = 10
"""Who wants to write waits so long for another who does."""
LOOK_S = 0.01


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

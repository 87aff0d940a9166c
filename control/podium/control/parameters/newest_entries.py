"""Remembers the newest entries of a SQLite file until somebody writes to it.

Routines ask for the same parameters again and again. SQLite tells at once whether any process has
written since (``PRAGMA data_version``), in a fiftieth of the time that a query by SQLAlchemy takes;
where one has, what it has added is read, not all that is known.
"""

from collections.abc import Callable
from threading import Lock

import sqlalchemy as sa

from podium.control.parameters.entry import ParameterEntry

Since = Callable[[int | None], tuple[int, tuple[ParameterEntry, ...]]]
"""Returns where a store ends, and what was put behind a position, oldest first; None: nothing."""


class NewestEntries:
    """Holds what was read of the file as it is. May be used by several threads. Close it."""

    def __init__(self, engine: sa.Engine, since: Since) -> None:
        self._engine, self._since = engine, since
        self._lock = Lock()
        self._watch: sa.PoolProxiedConnection | None = None
        """Asked for the version and for nothing else: it tells what other connections wrote."""
        self._version: int | None = None
        self._position: int | None = None
        """Where the file ended, at the latest, when what is known was read; None: nothing was."""
        self._known: dict[str, ParameterEntry | None] = {}

    def get(self, name: str, read: Callable[[str], ParameterEntry | None]) -> ParameterEntry | None:
        """Return the newest entry of that name, which is read only if it may have changed.

        Raises what ``read`` raises, and ``sqlalchemy.exc.DatabaseError`` where the file cannot be
        asked for its version.
        """
        with self._lock:
            version = self._version_now()
            if version != self._version:
                self._take_new()
                self._version = version
            if name not in self._known:
                # Read after the version: it may be newer than that, and never older.
                self._known[name] = read(name)
            return self._known[name]

    def _take_new(self) -> None:
        """Take in what was added; entries are never taken away."""
        self._position, added = self._since(self._position)
        self._known.update((one.name, one) for one in added)

    def _version_now(self) -> int:
        if self._watch is None:
            self._watch = self._engine.raw_connection()
        cursor = self._watch.cursor()
        try:
            cursor.execute("PRAGMA data_version")
            (version,) = cursor.fetchone() or (0,)
        except self._engine.dialect.loaded_dbapi.Error as error:
            raise sa.exc.DatabaseError("PRAGMA data_version", None, error) from error
        finally:
            cursor.close()
        return int(version)

    def close(self) -> None:
        """Give the connection back."""
        with self._lock:
            if self._watch is not None:
                self._watch.close()
                self._watch = None
                self._version = self._position = None
                self._known.clear()

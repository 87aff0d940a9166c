"""The parameter store: every value that was ever measured, with its provenance, in a database.

Append-only: a parameter is never changed, a newer one is put beside it. SQLite when given a
file; any database that SQLAlchemy speaks to when given its URL.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Self

import sqlalchemy as sa
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry

from podium.control.calibration.measured import Entry, checked

BUSY_S = 10
"""How long a second process waits for a write of the first."""

_TABLES = sa.MetaData()
_ENTRIES = sa.Table(
    "parameters",
    _TABLES,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("name", sa.Text, nullable=False, index=True),
    sa.Column("value", sa.Double, nullable=False),
    sa.Column("sigma", sa.Double, nullable=False),
    sa.Column("unit", sa.Text, nullable=False),
    sa.Column("run", sa.Text, nullable=False),
    sa.Column("routine", sa.Text, nullable=False),
    sa.Column("tai_s", sa.Double, nullable=False),
    sa.Column("epoch", sa.Integer, nullable=False),
    sqlite_autoincrement=True,
)
_FIELDS = tuple(column for column in _ENTRIES.columns if column.name != "id")

for _verb in ("UPDATE", "DELETE"):
    sa.event.listen(
        _ENTRIES,
        "after_create",
        sa.DDL(  # type: ignore[no-untyped-call]  # SQLAlchemy gives it no types
            f"CREATE TRIGGER parameters_no_{_verb.lower()} BEFORE {_verb} ON parameters "
            "BEGIN SELECT RAISE(ABORT, 'the parameter store is append-only'); END"
        ).execute_if(dialect="sqlite"),
    )


class StoreError(Exception):
    """The store could not be opened, read or written. What was being put has not been kept."""


class ParameterStore:
    """Keeps parameters; the newest of a name counts. Close it, or use it in a ``with``.

    ``place`` is a file (made when it is not there) or a database URL (``postgresql://...``).
    Raises :class:`StoreError` when it cannot be opened.
    """

    def __init__(self, place: Path | str) -> None:
        url = str(place)
        if isinstance(place, Path) or "://" not in place:
            url = sa.URL.create("sqlite", database=str(place)).render_as_string()
        self._place = str(place)
        try:
            self._engine = sa.create_engine(url)
            if self._engine.dialect.name == "sqlite":
                sa.event.listen(self._engine, "connect", _prepare_sqlite)
            _TABLES.create_all(self._engine)
        except (sa.exc.SQLAlchemyError, ImportError) as error:
            raise StoreError(f"the parameter store {place} cannot be opened: {error}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()

    def get(self, name: str) -> Entry | None:
        """Return the newest entry of that name, or None."""
        newest = sa.select(*_FIELDS).where(_ENTRIES.c.name == name)
        found = self._select(newest.order_by(_ENTRIES.c.id.desc()).limit(1))
        return found[0] if found else None

    def put(self, entries: Iterable[Entry]) -> None:
        """Keep all of them or, on a ``BadEntry`` or a :class:`StoreError`, none."""
        rows = [
            {field.name: getattr(entry, field.name) for field in _FIELDS}
            for entry in checked(entries)
        ]
        if not rows:
            return
        try:
            with self._engine.begin() as connection:
                connection.execute(sa.insert(_ENTRIES), rows)
        except sa.exc.SQLAlchemyError as error:
            raise StoreError(
                f"{self._place} did not take {rows[0]['name']} ...: {error}"
            ) from error

    def history(self, name: str) -> tuple[Entry, ...]:
        """Return every entry of that name, oldest first."""
        return self._select(
            sa.select(*_FIELDS).where(_ENTRIES.c.name == name).order_by(_ENTRIES.c.id)
        )

    def all(self) -> dict[str, Entry]:
        """Return the newest entry of each name, by name in alphabetical order."""
        newest = sa.select(sa.func.max(_ENTRIES.c.id)).group_by(_ENTRIES.c.name)
        found = self._select(
            sa.select(*_FIELDS).where(_ENTRIES.c.id.in_(newest)).order_by(_ENTRIES.c.name)
        )
        return {entry.name: entry for entry in found}

    def _select(self, query: "sa.Select[tuple[object, ...]]") -> tuple[Entry, ...]:
        try:
            with self._engine.connect() as connection:
                rows = connection.execute(query).all()
        except sa.exc.SQLAlchemyError as error:
            raise StoreError(f"{self._place} cannot be read: {error}") from error
        return tuple(Entry(**row._mapping) for row in rows)


def _prepare_sqlite(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    """Let readers read while somebody writes, and wait for a busy writer."""
    cursor = connection.cursor()
    for pragma in ("journal_mode = WAL", "synchronous = NORMAL", f"busy_timeout = {BUSY_S}000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()

"""Stores every value that was ever measured, with its provenance, in a database.

Append-only: a parameter is never changed, a newer one is put beside it. SQLite when given a
file; any database that SQLAlchemy speaks to when given its URL.
"""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Self
from urllib.parse import quote

import sqlalchemy as sa

from podium.control.facility.append_only import shared_file, writing
from podium.control.parameters.entry import ParameterEntry, checked
from podium.control.parameters.newest_entries import NewestEntries
from podium.control.parameters.store_schema import (
    ENTRIES,
    VERSION,
    WrongSchema,
    bring_up_to_date,
    version_of,
)

_FIELDS = tuple(column for column in ENTRIES.columns if column.name != "id")
_NEWEST = (
    sa.select(*_FIELDS)
    .where(ENTRIES.c.name == sa.bindparam("name"))
    .order_by(ENTRIES.c.id.desc())
    .limit(1)
)
"""Made once: to make it takes longer than to ask it."""
_LAST = sa.select(sa.func.max(ENTRIES.c.id))
OVERLAP = 50
"""So many entries of a server's store are read again. ASSUMED: no writer takes longer than that."""


class StoreError(Exception):
    """The store could not be opened, read or written. What was being put has not been kept."""


class ParameterStore:
    """Keeps parameters; the newest of a name counts. Close it, or use it in a ``with``.

    ``place`` is a file or a database URL (``postgresql://...``). With ``make``, a file that is
    not there is made, and a store of an older version is brought up to date; without, nothing
    is written by opening it. Raises :class:`StoreError` when it cannot be opened.
    """

    def __init__(self, place: Path | str, *, make: bool = True) -> None:
        url = str(place)
        self._file: Path | None = None
        if isinstance(place, Path) or "://" not in place:
            self._file = None if str(place) == ":memory:" else Path(place)
            url = _sqlite_url(Path(place))
        self._place = str(place)
        if not make and self._file is not None and not self._file.exists():
            raise StoreError(
                f"there is no parameter store {place}; `podium calibrate` makes one, "
                "--store names another"
            )
        try:
            self._engine = sa.create_engine(url)
            self._newest: NewestEntries | None = None
            if self._engine.dialect.name == "sqlite":
                shared_file(self._engine)
                if self._engine.url.database not in (None, "", ":memory:"):
                    self._newest = NewestEntries(self._engine, self._added)
            self._check(make)
        except (sa.exc.SQLAlchemyError, ImportError) as error:
            raise StoreError(self._said("cannot be opened", error)) from error
        except WrongSchema as error:
            raise StoreError(f"the parameter store {place} cannot be opened: {error}") from error

    def _check(self, make: bool) -> None:
        with self._engine.connect() as connection:
            found = version_of(connection)
        if found == VERSION:
            return
        if make:
            with writing(self._engine) as connection:
                bring_up_to_date(connection)
        elif found == 0:
            raise WrongSchema("it holds no parameters")
        else:
            raise WrongSchema(
                f"it was written by an older Podium (version {found} of its tables, today's is "
                f"{VERSION}); `podium params upgrade` or the next calibration brings it up to date"
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the database."""
        if self._newest is not None:
            self._newest.close()
        self._engine.dispose()

    def get(self, name: str) -> ParameterEntry | None:
        """Return the newest entry of that name, or None."""
        if self._newest is None:
            return self._read_newest(name)
        try:
            return self._newest.get(name, self._read_newest)
        except sa.exc.SQLAlchemyError as error:
            raise StoreError(self._said("cannot be read", error)) from error

    def _added(self, position: int | None) -> tuple[int, tuple[ParameterEntry, ...]]:
        """Return where the store ends, and what was put behind ``position`` (None: nothing)."""
        return (self.position(), ()) if position is None else self.since(position)

    def _read_newest(self, name: str) -> ParameterEntry | None:
        found = self._select(_NEWEST, {"name": name})
        return found[0] if found else None

    def put(self, entries: Iterable[ParameterEntry]) -> None:
        """Keep all of them or, on a ``BadEntry`` or a :class:`StoreError`, none.

        When it returns they are on the disk: a loss of power does not take them away.
        """
        rows = [
            {field.name: getattr(entry, field.name) for field in _FIELDS}
            for entry in checked(entries)
        ]
        if not rows:
            return
        try:
            with writing(self._engine) as connection:
                connection.execute(sa.insert(ENTRIES), rows)
        except sa.exc.SQLAlchemyError as error:
            raise StoreError(self._said(f"did not take {rows[0]['name']} ...", error)) from error

    def history(self, name: str) -> tuple[ParameterEntry, ...]:
        """Return every entry of that name, oldest first."""
        return self._select(
            sa.select(*_FIELDS).where(ENTRIES.c.name == name).order_by(ENTRIES.c.id)
        )

    def runs(self) -> set[str]:
        """Return the runs that any entry, also an old one, names as its origin."""
        try:
            with self._engine.connect() as connection:
                found = connection.execute(sa.select(ENTRIES.c.run).distinct())
                return {str(run) for (run,) in found}
        except sa.exc.SQLAlchemyError as error:
            raise StoreError(self._said("cannot be read", error)) from error

    def all(self, path: str = "", at_tai_s: float | None = None) -> dict[str, ParameterEntry]:
        """Return the newest entry of each name, by name in alphabetical order.

        ``path``: only of that name, or of the names below it (``node_a.q0``). ``at_tai_s``: as
        the store was at that time.
        """
        newest = sa.select(sa.func.max(ENTRIES.c.id)).group_by(ENTRIES.c.name)
        if path:
            below = sa.and_(ENTRIES.c.name > f"{path}.", ENTRIES.c.name < f"{path}/")
            newest = newest.where(sa.or_(ENTRIES.c.name == path, below))
        if at_tai_s is not None:
            newest = newest.where(
                sa.func.coalesce(ENTRIES.c.put_tai_s, ENTRIES.c.tai_s) <= at_tai_s
            )
        found = self._select(
            sa.select(*_FIELDS).where(ENTRIES.c.id.in_(newest)).order_by(ENTRIES.c.name)
        )
        return {entry.name: entry for entry in found}

    def position(self) -> int:
        """Return where the store ends now: :meth:`since` reads from there."""
        try:
            with self._engine.connect() as connection:
                return int(connection.execute(_LAST).scalar() or 0)
        except sa.exc.SQLAlchemyError as error:
            raise StoreError(self._said("cannot be read", error)) from error

    def since(self, position: int) -> tuple[int, tuple[ParameterEntry, ...]]:
        """Return where the store ends, and what was put behind ``position``, oldest first.

        Two writers of a server may end in another order than they began: what was put shortly
        before is returned again.
        """
        end = self.position()
        if end == position and self._file is not None:
            return position, ()
        from_here = position if self._file is not None else position - OVERLAP
        return end, self._select(
            sa.select(*_FIELDS).where(ENTRIES.c.id > from_here).order_by(ENTRIES.c.id)
        )

    def _select(
        self, query: "sa.Select[tuple[object, ...]]", given: Mapping[str, str] | None = None
    ) -> tuple[ParameterEntry, ...]:
        try:
            with self._engine.connect() as connection:
                rows = connection.execute(query, given).all()
        except sa.exc.SQLAlchemyError as error:
            raise StoreError(self._said("cannot be read", error)) from error
        return tuple(ParameterEntry(**row._mapping) for row in rows)

    def _said(self, what: str, error: Exception) -> str:
        """Say what did not work, why, and where it helps what to do."""
        cause = str(getattr(error, "orig", None) or error)
        said = f"the parameter store {self._place} {what}: {cause}"
        if self._file is None:
            return said
        folder = self._file.absolute().parent
        if not folder.is_dir():
            return f"{said}; there is no folder {folder}"
        if "full" in cause or "I/O" in cause:
            return f"{said}; nothing of it was kept, what was there before is; free some space"
        if self._file.exists() and not os.access(self._file, os.W_OK, effective_ids=True):
            return f"{said}; the file may not be written to by this user"
        if not os.access(folder, os.W_OK, effective_ids=True):
            return f"{said}; {folder} may not be written to by this user, and SQLite needs that"
        return said


def _sqlite_url(file: Path) -> str:
    """Return the URL of a file; one of which nothing may be written is only read.

    SQLite would want to write beside it even to read, except where told that nobody writes.
    """
    log = file.with_name(f"{file.name}-wal")
    if (
        file.exists()
        and not log.exists()
        and not os.access(file.absolute().parent, os.W_OK, effective_ids=True)
    ):
        query = {"mode": "ro", "immutable": "1", "uri": "true"}
        where = f"file:{quote(str(file.absolute()))}"
        return sa.URL.create("sqlite", database=where, query=query).render_as_string()
    return sa.URL.create("sqlite", database=str(file)).render_as_string()

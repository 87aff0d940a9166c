"""Makes SQLAlchemy tables append-only, in files that several processes have open."""

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry

from podium.control.facility.write_ahead import write_ahead


def refuse_changes(table: sa.Table, store: str) -> None:
    """Have SQLite refuse to change or delete a row of ``table``, from its creation on.

    ``store`` names what it is part of, for whoever tries.
    """
    for verb in ("UPDATE", "DELETE"):
        sa.event.listen(
            table,
            "after_create",
            sa.DDL(  # type: ignore[no-untyped-call]  # SQLAlchemy gives it no types
                f"CREATE TRIGGER {table.name}_no_{verb.lower()} BEFORE {verb} ON {table.name} "
                f"BEGIN SELECT RAISE(ABORT, 'the {store} is append-only'); END"
            ).execute_if(dialect="sqlite"),
        )


def shared_file(engine: sa.Engine) -> None:
    """Prepare every connection of an SQLite ``engine``, as :func:`.write_ahead` says.

    Of transactions there are those of :func:`writing` alone; without one, each statement is its
    own.
    """
    sa.event.listen(engine, "connect", _prepare)


@contextmanager
def writing(engine: sa.Engine) -> Iterator[sa.Connection]:
    """One transaction, kept whole or not at all."""
    with engine.begin() as connection:
        if engine.dialect.name == "sqlite":
            # Who is to write says so at once, so that two do not wait for each other.
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        yield connection


def _prepare(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    # Python's sqlite3 would begin transactions by itself, and end them at a CREATE or an ALTER.
    connection.isolation_level = None
    cursor = connection.cursor()
    write_ahead(cursor.execute)
    cursor.close()

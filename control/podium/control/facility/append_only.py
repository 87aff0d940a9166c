"""Makes SQLAlchemy tables append-only, in files that several processes have open."""

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
    """Prepare every connection of an SQLite ``engine``, as :func:`.write_ahead` says."""
    sa.event.listen(engine, "connect", _prepare)


def _prepare(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    cursor = connection.cursor()
    write_ahead(cursor.execute)
    cursor.close()

"""Defines the parameter store's tables, and upgrades older stores to today's.

A store carries the version of its tables. Version 1 had none, and no columns ``who``, ``why``
and ``put_tai_s``. A newer store is refused: what it says could be misread.
"""

import sqlalchemy as sa

from podium.control.facility.append_only import refuse_changes

VERSION = 2

TABLES = sa.MetaData()
ENTRIES = sa.Table(
    "parameters",
    TABLES,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("name", sa.Text, nullable=False, index=True),
    sa.Column("value", sa.Double, nullable=False),
    sa.Column("sigma", sa.Double, nullable=False),
    sa.Column("unit", sa.Text, nullable=False),
    sa.Column("run", sa.Text, nullable=False),
    sa.Column("routine", sa.Text, nullable=False),
    sa.Column("tai_s", sa.Double, nullable=False),
    sa.Column("epoch", sa.Integer, nullable=False),
    sa.Column("who", sa.Text, nullable=False, server_default=""),
    sa.Column("why", sa.Text, nullable=False, server_default=""),
    sa.Column("put_tai_s", sa.Double, nullable=True),
    sqlite_autoincrement=True,
)
_STORE = sa.Table("podium_store", TABLES, sa.Column("version", sa.Integer, nullable=False))

refuse_changes(ENTRIES, "parameter store")

_ADDED_BY = {
    2: (
        "ALTER TABLE parameters ADD COLUMN who TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE parameters ADD COLUMN why TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE parameters ADD COLUMN put_tai_s DOUBLE PRECISION",
    ),
}
"""What each version added to the one before."""


class WrongSchema(Exception):
    """The tables are not those of a parameter store that this version of Podium can read."""


def version_of(connection: sa.Connection) -> int:
    """Return the version of the store's tables, 0 where there is none.

    Raises :class:`WrongSchema` when the tables are somebody else's, or newer than ours.
    """
    tables = sa.inspect(connection)
    if not tables.has_table(ENTRIES.name):
        return 0
    found = 1
    if tables.has_table(_STORE.name):
        found = connection.execute(sa.select(sa.func.max(_STORE.c.version))).scalar() or 1
    if found > VERSION:
        raise WrongSchema(
            f"it was written by a newer Podium (version {found} of its tables; this Podium reads "
            f"up to {VERSION}): update Podium, or use another store"
        )
    have = {column["name"] for column in tables.get_columns(ENTRIES.name)}
    added = {words.split()[5] for n in range(found + 1, VERSION + 1) for words in _ADDED_BY[n]}
    missing = {column.name for column in ENTRIES.columns} - have - added
    if missing:
        raise WrongSchema(
            f"its table {ENTRIES.name!r} has no {', '.join(sorted(missing))}: not a parameter store"
        )
    return found


def bring_up_to_date(connection: sa.Connection) -> None:
    """Make the tables, or add to old ones what is new, within the connection's transaction."""
    found = version_of(connection)
    if found == VERSION:
        return
    for number in range(found + 1, VERSION + 1) if found else ():
        for statement in _ADDED_BY[number]:
            connection.execute(sa.text(statement))
    TABLES.create_all(connection)
    connection.execute(sa.insert(_STORE).values(version=VERSION))

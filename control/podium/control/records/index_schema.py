"""Defines the tables of the index of runs, and upgrades older indexes to today's.

The same tables in SQLite and in PostgreSQL; only the search for words differs. A newer index is
refused: what it says could be misread.
"""

import sqlalchemy as sa

VERSION = 1

TABLES = sa.MetaData()
RUNS = sa.Table(
    "runs",
    TABLES,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("run", sa.Text, nullable=False, unique=True),
    sa.Column("ticket", sa.Text, nullable=True, unique=True),
    sa.Column("program", sa.Text, nullable=False),
    sa.Column("routine", sa.Text, nullable=False, server_default=""),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("error", sa.Text, nullable=False, server_default=""),
    sa.Column("by_whom", sa.Text, nullable=False, server_default=""),
    sa.Column("started_s", sa.Double, nullable=False),
    sa.Column("took_s", sa.Double, nullable=True),
    sa.Column("waited_s", sa.Double, nullable=True),
    sa.Column("tai_s", sa.Double, nullable=False, server_default="0"),
    sa.Column("procedure", sa.Text, nullable=False, server_default=""),
    sa.Column("program_hash", sa.Text, nullable=False, server_default=""),
    sa.Column("facility_hash", sa.Text, nullable=False, server_default=""),
    sa.Column("snapshot", sa.Text, nullable=False, server_default=""),
    sa.Column("code_version", sa.Text, nullable=False, server_default=""),
    sa.Column("outcome", sa.Integer, nullable=True),
    sa.Index("runs_started", "started_s"),
    sa.Index("runs_routine", "routine", "started_s"),
    sa.Index("runs_by", "by_whom", "started_s"),
    sa.Index("runs_state", "state", "started_s"),
    sa.Index("runs_program", "program", "started_s"),
)
"""One row for each run, also for one that failed or was refused."""
FILES = sa.Table(
    "files",
    TABLES,
    sa.Column("run_id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("path", sa.Text, nullable=False),
    sa.Column("hash", sa.Text, nullable=False),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("by_whom", sa.Text, nullable=False, server_default=""),
    sa.Column("at_s", sa.Double, nullable=False),
    sa.Column("pruned_s", sa.Double, nullable=True),
)
"""The files of runs; paths are below the folder of data. What was pruned keeps its row."""
NAMES = sa.Table(
    "run_names",
    TABLES,
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("started_s", sa.Double, primary_key=True),
    sa.Column("run_id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Index("run_names_of", "run_id"),
    sqlite_with_rowid=False,
)
"""Names by which a run is found: ``node``, ``qubit``, ``parameter``, ``tag``. A qubit and a
parameter stand there twice: by their full name and by the last word of it."""
NOTES = sa.Table(
    "notes",
    TABLES,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("run_id", sa.Integer, nullable=False, index=True),
    sa.Column("by_whom", sa.Text, nullable=False),
    sa.Column("at_s", sa.Double, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
)
OUTCOMES = sa.Table(
    "outcomes",
    TABLES,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("ticket", sa.Text, nullable=False, unique=True),
    sa.Column("routine", sa.Text, nullable=False),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("found", sa.Text, nullable=False),
    sa.Column("panels", sa.LargeBinary, nullable=False),
)
"""Outcomes of routines: values, failures and notes as JSON, panels as compressed JSON."""
_INDEX = sa.Table("podium_records", TABLES, sa.Column("version", sa.Integer, nullable=False))

WORDS: dict[str, tuple[str, ...]] = {
    "sqlite": (
        "CREATE VIRTUAL TABLE note_words USING fts5 (text, content='notes', content_rowid='id')",
        "CREATE TRIGGER notes_words AFTER INSERT ON notes BEGIN INSERT INTO "
        "note_words (rowid, text) VALUES (new.id, new.text); END",
    ),
    "postgresql": ("CREATE INDEX note_words ON notes USING gin (to_tsvector('simple', text))",),
}
"""What finds words in notes (sqlite.org/fts5.html, postgresql.org/docs/15/textsearch.html)."""

_ADDED_BY: dict[int, tuple[str, ...]] = {}
"""Statements by which each version differs from the one before."""


class WrongIndex(Exception):
    """The tables are not those of an index that this version of Podium can read."""


def version_of(connection: sa.Connection) -> int:
    """Return the version of an index's tables, 0 where there are none.

    Raises :class:`WrongIndex` when they are somebody else's, or newer than ours.
    """
    tables = sa.inspect(connection)
    if not tables.has_table(_INDEX.name):
        if tables.has_table(RUNS.name):
            raise WrongIndex(f"its table {RUNS.name!r} is somebody else's: not an index of runs")
        return 0
    found = connection.execute(sa.select(sa.func.max(_INDEX.c.version))).scalar()
    if not isinstance(found, int) or found < 1:
        raise WrongIndex(f"it says that its tables have version {found!r}, which none have")
    if found > VERSION:
        raise WrongIndex(
            f"it was written by a newer Podium (version {found} of its tables; this Podium reads "
            f"up to {VERSION}): update Podium, or name another index"
        )
    for table in (RUNS, FILES, NAMES, NOTES, OUTCOMES):
        have = set()
        if tables.has_table(table.name):
            have = {column["name"] for column in tables.get_columns(table.name)}
        if missing := {column.name for column in table.columns} - have:
            raise WrongIndex(
                f"its table {table.name!r} has no {', '.join(sorted(missing))}: it is damaged, or "
                "no index of runs"
            )
    return found


def bring_up_to_date(connection: sa.Connection) -> None:
    """Make the tables, or change old ones, within the connection's transaction."""
    found = version_of(connection)
    if found == VERSION:
        return
    for number in range(found + 1, VERSION + 1) if found else ():
        for statement in _ADDED_BY[number]:
            connection.exec_driver_sql(statement)
    if not found:
        TABLES.create_all(connection)
        for statement in WORDS[connection.dialect.name]:
            connection.exec_driver_sql(statement)
    connection.execute(sa.insert(_INDEX).values(version=VERSION))

"""Stores skew measurements and their findings about starts: append-only, in SQLite.

Beside the parameter store, as a skew has two owners, a temperature and several epochs. What a
calibration routine finds it can put there as well, as ``clock_domain.port__reference.skew``.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import sqlalchemy as sa

from podium.control.facility.append_only import refuse_changes, shared_file, writing
from podium.control.timebase.epochs import Epochs
from podium.control.timebase.skew import Pair, SkewMeasured
from podium.control.timebase.start_setting import StartFound, StartKept
from podium.firmware_interfaces.tai import Tai

VERSION = 2
"""2: the delays of the triggers of a skew, and the table of starts."""

_TABLES = sa.MetaData()
_SKEWS = sa.Table(
    "skews",
    _TABLES,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("port", sa.Text, nullable=False),
    sa.Column("reference", sa.Text, nullable=False),
    sa.Column("value_fs", sa.BigInteger, nullable=False),
    sa.Column("random_fs", sa.Double, nullable=False),
    sa.Column("systematic_fs", sa.Double, nullable=False),
    sa.Column("tai_s", sa.BigInteger, nullable=False),
    sa.Column("tai_fs", sa.BigInteger, nullable=False),
    sa.Column("temperature_k", sa.Double, nullable=False),
    sa.Column("epochs", sa.Text, nullable=False),
    sa.Column("way", sa.Text, nullable=False),
    sa.Column("anew", sa.Boolean, nullable=False),
    sa.Column("port_delay_ns", sa.BigInteger),
    sa.Column("reference_delay_ns", sa.BigInteger),
    sqlite_autoincrement=True,
)
_STARTS = sa.Table(
    "starts",
    _TABLES,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("controller", sa.Text, nullable=False),
    sa.Column("delay_ns", sa.BigInteger, nullable=False),
    sa.Column("start_after_fs", sa.BigInteger, nullable=False),
    sa.Column("resolution_fs", sa.BigInteger, nullable=False),
    sa.Column("epochs", sa.Text, nullable=False),
    sa.Column("tai_s", sa.BigInteger, nullable=False),
    sa.Column("tai_fs", sa.BigInteger, nullable=False),
    sqlite_autoincrement=True,
)
_STORE = sa.Table("podium_skews", _TABLES, sa.Column("version", sa.Integer, nullable=False))

refuse_changes(_SKEWS, "skew store")
refuse_changes(_STARTS, "skew store")


class SkewStoreError(Exception):
    """The store could not be opened, read or written. What was being put has not been kept."""


class SkewStore:
    """Keeps measurements in a file. Close it, or use it in a ``with``."""

    def __init__(self, file: Path) -> None:
        """Open ``file`` if it is there; the first measurement makes it. ``SkewStoreError``."""
        self._file = file
        self._made = False
        self._engine = sa.create_engine(sa.URL.create("sqlite", database=str(file)))
        shared_file(self._engine)
        if file.exists():
            self._make()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        self._engine.dispose()

    def put(
        self,
        skews: Sequence[SkewMeasured],
        starts: Sequence[StartKept] = (),
        *,
        anew: bool = False,
    ) -> None:
        """Keep one measurement, all of it or nothing; when this returns it is on the disk.

        ``anew``: what was known of its pairs before does not count any longer.
        """
        self._make()
        try:
            with writing(self._engine) as connection:
                if skews:
                    connection.execute(sa.insert(_SKEWS), [_row(one, anew) for one in skews])
                if starts:
                    connection.execute(sa.insert(_STARTS), [_start_row(one) for one in starts])
        except (sa.exc.SQLAlchemyError, OverflowError) as error:
            what = ", ".join(str(one.pair) for one in skews)
            said = f"the skew store {self._file} did not take {what}: {error}"
            raise SkewStoreError(said) from error

    def all(self) -> tuple[tuple[SkewMeasured, bool], ...]:
        """Return every skew, oldest first, and whether it began its pair anew."""
        return tuple((_skew(row), row.anew) for row in self._rows(_SKEWS))

    def starts(self) -> tuple[StartKept, ...]:
        """Return all that was found of starts, oldest first."""
        return tuple(
            StartKept(
                row.controller,
                StartFound(row.delay_ns, row.start_after_fs, row.resolution_fs, _epochs(row)),
                Tai(row.tai_s, row.tai_fs),
            )
            for row in self._rows(_STARTS)
        )

    def _make(self) -> None:
        if self._made:
            return
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            with writing(self._engine) as connection:
                version = _version_of(connection)
        except (sa.exc.SQLAlchemyError, OSError) as error:
            raise SkewStoreError(
                f"the skew store {self._file} cannot be opened: {error}"
            ) from error
        if version > VERSION:
            raise SkewStoreError(
                f"the skew store {self._file} was written by a newer Podium (version {version} of "
                f"its tables; this Podium reads up to {VERSION}): update Podium, or use another "
                "store"
            )
        self._made = True

    def _rows(self, table: sa.Table) -> Sequence[Any]:
        if not self._file.exists():
            return ()
        self._make()
        try:
            with self._engine.connect() as connection:
                return connection.execute(sa.select(table).order_by(table.c.id)).all()
        except sa.exc.SQLAlchemyError as error:
            raise SkewStoreError(f"the skew store {self._file} cannot be read: {error}") from error


def _version_of(connection: sa.Connection) -> int:
    """Make what is missing of the tables; return their version."""
    there = sa.inspect(connection)
    if not there.has_table(_STORE.name):
        _TABLES.create_all(connection)
        connection.execute(sa.insert(_STORE).values(version=VERSION))
        return VERSION
    version: int = connection.execute(sa.select(_STORE.c.version)).scalar_one()
    if version == 1:
        known = {column["name"] for column in there.get_columns(_SKEWS.name)}
        for column in (_SKEWS.c.port_delay_ns, _SKEWS.c.reference_delay_ns):
            if column.name not in known:
                said = f"ALTER TABLE {_SKEWS.name} ADD COLUMN {column.name} BIGINT"
                connection.execute(sa.text(said))
        _STARTS.create(connection, checkfirst=True)
        connection.execute(sa.update(_STORE).values(version=VERSION))
        return VERSION
    return version


def _row(measured: SkewMeasured, anew: bool) -> dict[str, Any]:
    port_ns, reference_ns = measured.delays_ns or (None, None)
    return {
        "port": measured.pair.port,
        "reference": measured.pair.reference,
        "value_fs": measured.value_fs,
        "random_fs": measured.random_fs,
        "systematic_fs": measured.systematic_fs,
        "tai_s": measured.at.seconds,
        "tai_fs": measured.at.femtoseconds,
        "temperature_k": measured.temperature_k,
        "epochs": json.dumps(dict(measured.epochs.numbers)),
        "way": measured.way,
        "anew": anew,
        "port_delay_ns": port_ns,
        "reference_delay_ns": reference_ns,
    }


def _start_row(kept: StartKept) -> dict[str, Any]:
    found = kept.found
    return {
        "controller": kept.controller,
        "delay_ns": found.delay_ns,
        "start_after_fs": found.start_after_fs,
        "resolution_fs": found.resolution_fs,
        "epochs": json.dumps(dict(found.epochs.numbers)),
        "tai_s": kept.at.seconds,
        "tai_fs": kept.at.femtoseconds,
    }


def _skew(row: Any) -> SkewMeasured:
    known = row.port_delay_ns is not None
    return SkewMeasured(
        Pair(row.port, row.reference),
        row.value_fs,
        row.random_fs,
        row.systematic_fs,
        Tai(row.tai_s, row.tai_fs),
        row.temperature_k,
        _epochs(row),
        row.way,
        (row.port_delay_ns, row.reference_delay_ns) if known else None,
    )


def _epochs(row: Any) -> Epochs:
    return Epochs.of(json.loads(row.epochs))

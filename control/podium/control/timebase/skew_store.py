"""Where skew measurements are kept: append-only, in SQLite.

Beside the parameter store, as a skew has two owners, a temperature and several epochs. What a
calibration routine finds it can put there as well, as ``clock_domain.port__reference.skew``.
"""

import json
from pathlib import Path
from typing import Self

import sqlalchemy as sa

from podium.control.facility.append_only import refuse_changes, shared_file
from podium.control.timebase.epochs import Epochs
from podium.control.timebase.skew import Pair, SkewMeasured
from podium.firmware_interfaces.tai import Tai

VERSION = 1

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
    sqlite_autoincrement=True,
)
_STORE = sa.Table("podium_skews", _TABLES, sa.Column("version", sa.Integer, nullable=False))

refuse_changes(_SKEWS, "skew store")


class SkewStoreError(Exception):
    """The store could not be opened, read or written. What was being put has not been kept."""


class SkewStore:
    """Keeps measurements in a file. Close it, or use it in a ``with``."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._engine = sa.create_engine(sa.URL.create("sqlite", database=str(file)))
        shared_file(self._engine)
        try:
            with self._engine.begin() as connection:
                version = VERSION
                if sa.inspect(connection).has_table(_STORE.name):
                    version = connection.execute(sa.select(_STORE.c.version)).scalar_one()
                else:
                    _TABLES.create_all(connection)
                    connection.execute(sa.insert(_STORE).values(version=VERSION))
        except sa.exc.SQLAlchemyError as error:
            raise SkewStoreError(f"the skew store {file} cannot be opened: {error}") from error
        if version > VERSION:
            raise SkewStoreError(
                f"the skew store {file} was written by a newer Podium (version {version} of its "
                f"tables; this Podium reads up to {VERSION}): update Podium, or use another store"
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        self._engine.dispose()

    def put(self, measured: SkewMeasured, anew: bool = False) -> None:
        """Keep a measurement; when this returns it is on the disk.

        ``anew``: what was known of the pair before does not count any more.
        """
        row = {
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
        }
        try:
            with self._engine.begin() as connection:
                connection.execute(sa.insert(_SKEWS), row)
        except (sa.exc.SQLAlchemyError, OverflowError) as error:
            said = f"the skew store {self._file} did not take {measured.pair}: {error}"
            raise SkewStoreError(said) from error

    def all(self) -> tuple[tuple[SkewMeasured, bool], ...]:
        """Return every measurement, oldest first, and whether it began its pair anew."""
        try:
            with self._engine.connect() as connection:
                rows = connection.execute(sa.select(_SKEWS).order_by(_SKEWS.c.id)).all()
        except sa.exc.SQLAlchemyError as error:
            raise SkewStoreError(f"the skew store {self._file} cannot be read: {error}") from error
        return tuple(
            (
                SkewMeasured(
                    Pair(row.port, row.reference),
                    row.value_fs,
                    row.random_fs,
                    row.systematic_fs,
                    Tai(row.tai_s, row.tai_fs),
                    row.temperature_k,
                    Epochs.of(json.loads(row.epochs)),
                    row.way,
                ),
                row.anew,
            )
            for row in rows
        )

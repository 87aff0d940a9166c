"""Indexes runs in a database: SQLite in a file, or PostgreSQL by its URL.

A reader never waits for a writer, and a writer never for a reader: SQLite has a write-ahead log
(sqlite.org/wal.html), PostgreSQL needs none of that. What a method has
returned from is on the disk.
"""

import json
import threading
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any, Self

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite

from podium.control.bus.records import (
    FindRuns,
    KeepOutcome,
    RecordedFile,
    RecordedRun,
    RunFacts,
)
from podium.control.facility.append_only import shared_file, writing
from podium.control.records.index_schema import (
    FILES,
    NAMES,
    NOTES,
    OUTCOMES,
    RUNS,
    VERSION,
    WrongIndex,
    bring_up_to_date,
    version_of,
)
from podium.control.records.records_error import NoRun, RecordsAway, RecordsError
from podium.control.records.run_search import question_of, run_of
from podium.control.records.run_times import moment_s

IN_ONE_QUESTION = 500
"""So many runs' names are asked for at once: SQLite takes no longer lists than 32,766."""


_OF_RUN = [column.name for column in RUNS.columns if column.name not in ("id", "outcome")]
_TAKEN = sa.select(RUNS.c.run, RUNS.c.ticket).where(
    (RUNS.c.run == sa.bindparam("run")) | (RUNS.c.ticket == sa.bindparam("ticket"))
)
_OF_FILE = [column.name for column in FILES.columns if column.name != "pruned_s"]


class RunIndex:
    """The index. Close it, or use it in a ``with``; its methods may be called from any thread.

    Every method raises :class:`RecordsError`.
    """

    def __init__(self, place: Path | str, *, make: bool = True) -> None:
        """``place``: a file, or a URL. ``make``: make its tables, or bring them up to date."""
        self._place = str(place)
        is_file = isinstance(place, Path) or "://" not in place
        url = sa.URL.create("sqlite", database=str(place)) if is_file else sa.make_url(str(place))
        if is_file and not make and not Path(place).exists():
            raise RecordsError(f"there are no records at {place}; the first run makes them")
        self._writes = threading.Lock()
        self._errors: tuple[type[Exception], ...] = sa.exc.SQLAlchemyError, ImportError
        with self._translated("cannot be opened"):
            style: dict[str, Any] = {"paramstyle": "named"} if url.drivername == "sqlite" else {}
            self._engine = sa.create_engine(url, pool_pre_ping=not is_file, **style)
            self._errors += (self._engine.dialect.loaded_dbapi.Error,)
            put_run = self._insert(RUNS)
            replaced = {name: put_run.excluded[name] for name in _OF_RUN}
            put_run = put_run.on_conflict_do_update(index_elements=["run"], set_=replaced)
            # Made once: to make a statement takes longer than to carry it out.
            self._sql_taken = self._text(_TAKEN)
            self._sql_run = self._text(put_run.returning(RUNS.c.id), _OF_RUN)
            self._sql_names = self._text(self._insert(NAMES).on_conflict_do_nothing())
            self._sql_file = self._text(sa.insert(FILES), _OF_FILE)
            if self._engine.dialect.name == "sqlite":
                shared_file(self._engine)
            with self._engine.connect() as connection:
                found = version_of(connection)
            if found == VERSION:
                return
            if not make:
                raise WrongIndex(
                    f"its tables have version {found}, today's is {VERSION}; `podium up` or the "
                    "next run brings them up to date"
                )
            with self.writing() as connection:
                bring_up_to_date(connection)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()

    @property
    def is_sqlite(self) -> bool:
        """Return whether it is a file of SQLite."""
        return self._engine.dialect.name == "sqlite"

    # Writing

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """One transaction, kept whole or not at all."""
        with self._writes, self._translated("did not take it"), writing(self._engine) as connection:
            yield connection

    def name_of(self, connection: sa.Connection, facts: RunFacts) -> tuple[str, bool]:
        """Return the name under which a run is recorded, and whether it is already.

        That of a new one is its id, where that is free.
        """
        wanted = name = facts.run or f"refused-{facts.ticket[:12]}"
        asked = {"ticket": facts.ticket or None}
        for number in count(2):
            cursor = _cursor(connection)
            rows = cursor.execute(self._sql_taken, asked | {"run": name}).fetchall()
            for run, ticket in rows:
                if facts.ticket and ticket == facts.ticket:
                    return str(run), True
            if all(ticket is None for _, ticket in rows):  # what only news has told of
                break
            name = f"{wanted}.{number}"
        return name, False

    def put(
        self,
        connection: sa.Connection,
        facts: RunFacts,
        run: str,
        file: RecordedFile | None,
        began_s: float | None,
    ) -> None:
        """Put a run under the name ``run``; ``began_s``: when its turn came, Unix time."""
        started_s = facts.asked_s if began_s is None else began_s
        row = {
            "run": run,
            "ticket": facts.ticket or None,
            "program": facts.program,
            "routine": facts.routine,
            "state": facts.state,
            "error": facts.error,
            "by_whom": facts.by,
            "started_s": started_s,
            "took_s": max(0.0, facts.ended_s - started_s),
            "waited_s": None if began_s is None else max(0.0, began_s - facts.asked_s),
            "tai_s": facts.tai_s,
            "procedure": facts.procedure,
            "program_hash": facts.program_hash,
            "facility_hash": facts.facility_hash,
            "snapshot": facts.snapshot,
            "code_version": facts.code_version,
        }
        (number,) = _cursor(connection).execute(self._sql_run, row).fetchone()
        names = [("node", one) for one in facts.nodes]
        names += [("qubit", one) for one in _with_last_words(facts.qubits)]
        self._name(connection, number, started_s, names)
        if file is not None:
            self._put_file(connection, number, file)

    def put_file(self, connection: sa.Connection, file: RecordedFile) -> None:
        """Put another file of a run."""
        self._put_file(connection, self._number(connection, file.run).id, file)

    def next_version(self, connection: sa.Connection, run: str, name: str) -> int:
        """Return the version that the next file of that name has; raises :class:`NoRun`."""
        number = self._number(connection, run).id
        newest = sa.select(sa.func.max(FILES.c.version))
        newest = newest.where(FILES.c.run_id == number, FILES.c.name == name)
        return (connection.execute(newest).scalar() or 0) + 1

    def put_outcome(self, outcome: KeepOutcome) -> None:
        """Put a routine's outcome with its runs; said twice, it is one."""
        found = {
            "values": {
                name: [one.value, one.sigma, one.unit] for name, one in outcome.values.items()
            },
            "failures": dict(outcome.failures),
            "notes": list(outcome.notes),
            "runs": list(outcome.runs),
        }
        row = {
            "ticket": outcome.ticket,
            "routine": outcome.routine,
            "title": outcome.title,
            "found": json.dumps(found),
            "panels": zlib.compress(outcome.panels_json.encode(), 1),
        }
        with self.writing() as connection:
            stated = self._insert(OUTCOMES).values(row).on_conflict_do_nothing()
            number = connection.execute(stated.returning(OUTCOMES.c.id)).scalar()
            if number is None:
                return
            names = [("parameter", one) for one in _with_last_words(outcome.values)]
            for run in outcome.runs:
                of_run = connection.execute(
                    sa.select(RUNS.c.id, RUNS.c.started_s).where(RUNS.c.run == run)
                ).first()
                if of_run is None:
                    continue
                values = {"outcome": number, "routine": outcome.routine}
                connection.execute(sa.update(RUNS).where(RUNS.c.id == of_run.id).values(values))
                self._name(connection, of_run.id, of_run.started_s, names)

    def label(
        self, run: str, by: str, at_s: float, tags: Iterable[str], without: Iterable[str], note: str
    ) -> None:
        """Put tags on a run, take others off, add a note; raises :class:`NoRun`."""
        with self.writing() as connection:
            row = self._number(connection, run)
            self._name(connection, row.id, row.started_s, [("tag", one) for one in tags])
            gone = list(without)
            if gone:
                connection.execute(
                    sa.delete(NAMES).where(
                        NAMES.c.run_id == row.id, NAMES.c.kind == "tag", NAMES.c.name.in_(gone)
                    )
                )
            if note:
                values = {"run_id": row.id, "by_whom": by, "at_s": at_s, "text": note}
                connection.execute(sa.insert(NOTES).values(values))

    def mark_pruned(self, files: Iterable[RecordedFile], at_s: float) -> None:
        """Note that these files are about to be taken away."""
        with self.writing() as connection:
            for one in files:
                number = self._number(connection, one.run).id
                connection.execute(
                    sa.update(FILES)
                    .where(
                        FILES.c.run_id == number,
                        FILES.c.name == one.name,
                        FILES.c.version == one.version,
                    )
                    .values(pruned_s=at_s)
                )

    # Reading

    def find(self, asked: FindRuns) -> tuple[RecordedRun, ...]:
        """Return the runs that were asked for, the latest first."""
        with self._reading() as connection:
            rows = connection.execute(question_of(asked, self._engine.dialect.name)).all()
            names = self._names_of(connection, [row.id for row in rows])
            return tuple(run_of(row, names.get(row.id, [])) for row in rows)

    def run(self, run: str) -> RecordedRun:
        """Return one run, by its id or by how that begins; raises :class:`NoRun`."""
        found = self.find(FindRuns(run=run, limit=3))
        exact = [one for one in found if one.run == run]
        if len(found) != 1 and not exact:
            what = "several runs begin" if found else "no run begins"
            raise NoRun(f"{what} with {run!r} in the records {self._shown}")
        return exact[0] if exact else found[0]

    def file(self, run: str, name: str, version: int = 0) -> RecordedFile:
        """Return a file of a run, the newest where no version is named; raises :class:`NoRun`."""
        fits = [one for one in self.files(run) if one.name == name]
        for one in fits:
            if version in (0, one.version):
                return one
        have = ", ".join(dict.fromkeys(one.name for one in self.files(run))) or "none"
        raise NoRun(
            f"run {run} has no file {name!r}{f' {version}' * bool(version)}; it has: {have}"
        )

    def files(self, run: str = "") -> tuple[RecordedFile, ...]:
        """Return the files of a run (of all) that were not pruned, newest versions first."""
        wanted = sa.select(RUNS.c.run, FILES).join(RUNS, RUNS.c.id == FILES.c.run_id)
        wanted = wanted.where(FILES.c.pruned_s.is_(None))
        if run:
            wanted = wanted.where(RUNS.c.run == run)
        order = FILES.c.run_id, FILES.c.name, FILES.c.version.desc()
        with self._reading() as connection:
            return tuple(
                RecordedFile(
                    str(row.run),
                    str(row.name),
                    int(row.version),
                    str(row.path),
                    str(row.hash),
                    int(row.size),
                    str(row.by_whom),
                    moment_s(row.at_s),
                )
                for row in connection.execute(wanted.order_by(*order))
            )

    def written_since(self, at_s: float) -> tuple[int, float]:
        """Return how many bytes of files were recorded since then, and when the first of them."""
        wanted = sa.select(sa.func.sum(FILES.c.size), sa.func.min(FILES.c.at_s))
        with self._reading() as connection:
            size, first_s = connection.execute(wanted.where(FILES.c.at_s >= at_s)).one()
        return (int(size), float(first_s)) if size else (0, at_s)

    def notes(self, run: str) -> tuple[tuple[float, str, str], ...]:
        """Return the notes of a run, oldest first: Unix time, by whom, text."""
        wanted = sa.select(NOTES.c.at_s, NOTES.c.by_whom, NOTES.c.text)
        wanted = wanted.join(RUNS, RUNS.c.id == NOTES.c.run_id).where(RUNS.c.run == run)
        with self._reading() as connection:
            rows = connection.execute(wanted.order_by(NOTES.c.id)).all()
            return tuple((moment_s(at_s), str(by), str(text)) for at_s, by, text in rows)

    def outcome(self, run: str) -> dict[str, Any] | None:
        """Return the outcome of the routine that a run was a part of; None: of none.

        ``routine``, ``title``, ``values`` ([value, sigma, unit] by name), ``failures``, ``notes``,
        ``runs``, ``panels``.
        """
        wanted = sa.select(OUTCOMES).join(RUNS, RUNS.c.outcome == OUTCOMES.c.id)
        with self._reading() as connection:
            row = connection.execute(wanted.where(RUNS.c.run == run)).first()
            if row is None:
                return None
            panels = json.loads(zlib.decompress(row.panels))
            return {
                "routine": str(row.routine),
                "title": str(row.title),
                **dict(json.loads(row.found)),
                "panels": panels,
            }

    def provenance(self) -> frozenset[str]:
        """Return the runs that parameters name as their origin: the last one of each outcome."""
        with self._reading() as connection:
            found = set()
            for (text,) in connection.execute(sa.select(OUTCOMES.c.found)):
                plain = json.loads(text)
                if plain["values"] and plain["runs"]:
                    found.add(str(plain["runs"][-1]))
            return frozenset(found)

    def integrity(self) -> tuple[str, ...]:
        """Return what the database says of itself that is wrong, in words."""
        if not self.is_sqlite:
            return ()
        with self._reading() as connection:
            rows = connection.exec_driver_sql("PRAGMA integrity_check(20)").all()
        return tuple(str(row[0]) for row in rows if row[0] != "ok")

    # Inside

    def _names_of(
        self, connection: sa.Connection, numbers: list[int]
    ) -> dict[int, list[tuple[str, str]]]:
        found: dict[int, list[tuple[str, str]]] = {}
        for first in range(0, len(numbers), IN_ONE_QUESTION):
            some = numbers[first : first + IN_ONE_QUESTION]
            wanted = sa.select(NAMES.c.run_id, NAMES.c.kind, NAMES.c.name)
            wanted = wanted.where(NAMES.c.run_id.in_(some)).order_by(NAMES.c.name)
            for number, kind, name in connection.execute(wanted):
                found.setdefault(number, []).append((str(kind), str(name)))
        return found

    def _number(self, connection: sa.Connection, run: str) -> Any:
        wanted = sa.select(RUNS.c.id, RUNS.c.started_s).where(RUNS.c.run == run)
        row = connection.execute(wanted).first()
        if row is None:
            raise NoRun(f"there is no run {run!r} in the records {self._shown}")
        return row

    def _name(
        self,
        connection: sa.Connection,
        number: int,
        started_s: float,
        names: Iterable[tuple[str, str]],
    ) -> None:
        rows = [
            {"kind": kind, "name": name, "started_s": started_s, "run_id": number}
            for kind, name in dict.fromkeys(names)
        ]
        if rows:
            _cursor(connection).executemany(self._sql_names, rows)

    def _put_file(self, connection: sa.Connection, number: int, file: RecordedFile) -> None:
        row = {
            "run_id": number,
            "name": file.name,
            "version": file.version,
            "path": file.file,
            "hash": file.hash,
            "size": file.size,
            "by_whom": file.by,
            "at_s": file.at_s,
        }
        _cursor(connection).execute(self._sql_file, row)

    def _text(self, statement: sa.ClauseElement, columns: list[str] | None = None) -> str:
        """Return a statement in the words of the database; its values are named."""
        return str(statement.compile(dialect=self._engine.dialect, column_keys=columns))

    def _insert(self, table: sa.Table) -> Any:
        if self.is_sqlite:
            return sqlite.insert(table)
        from sqlalchemy.dialects import postgresql  # few have it, and it is large

        return postgresql.insert(table)

    @contextmanager
    def _reading(self) -> Iterator[sa.Connection]:
        with self._translated("cannot be read"), self._engine.connect() as connection:
            yield connection

    @property
    def _shown(self) -> str:
        """Where it is, without a password."""
        if "://" not in self._place:
            return self._place
        return sa.make_url(self._place).render_as_string(hide_password=True)

    @contextmanager
    def _translated(self, what: str) -> Iterator[None]:
        try:
            yield
        except WrongIndex as error:
            raise RecordsError(f"the records {self._shown} {what}: {error}") from error
        except self._errors as error:
            cause = str(getattr(error, "orig", None) or error).strip()
            if "full" in cause or "I/O" in cause:
                cause += "; nothing of it was kept, what was there before is; free some space"
            away = self._is_away(getattr(error, "orig", None) or error)
            raised = RecordsAway if away else RecordsError
            raise raised(f"the records {self._shown} {what}: {cause}") from error
        except (
            *(ValueError, TypeError, KeyError, AttributeError),
            *(ArithmeticError, zlib.error),  # an infinite number of bytes, a cut text
        ) as error:
            raise RecordsError(
                f"the records {self._shown} {what}: a row of theirs is damaged: "
                f"{type(error).__name__}: {error}"
            ) from error

    @staticmethod
    def _is_away(error: BaseException) -> bool:
        """Tell whether a server says that it cannot be reached, or starts or ends just now.

        Without a code: no connection (libpq). Class 08: connection exception, 57P: operator
        intervention (PostgreSQL manual, appendix A).
        """
        if not hasattr(error, "sqlstate") or type(error).__name__ == "ProgrammingError":
            return False
        return error.sqlstate is None or str(error.sqlstate).startswith(("08", "57P"))


def _cursor(connection: sa.Connection) -> Any:
    """Return a cursor of the driver's own: it takes a third of what SQLAlchemy's results take."""
    return connection.connection.cursor()


def _with_last_words(names: Iterable[str]) -> list[str]:
    """Return full names and the last word of each: ``node_a.q1`` is found as ``q1``, too."""
    return [*names, *(name.rpartition(".")[2] for name in names)]

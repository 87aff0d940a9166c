"""Asks the index for runs: a search in SQL, and a row of the answer as a run."""

from typing import Any

import sqlalchemy as sa

from podium.control.bus.records import MAIN, FindRuns, RecordedRun
from podium.control.records.index_schema import FILES, NAMES, NOTES, RUNS
from podium.control.records.run_times import moment_s

MOST = 100_000
"""Not more runs are found at once."""


def question_of(asked: FindRuns, dialect: str) -> "sa.Select[Any]":
    """Return the search for runs, the latest first; ``dialect``: of the database.

    Hits are found and put in order first, by indexes alone where one serves; only of those that
    are shown whole rows are read. A person's runs are scattered over many scripts' names: to read
    them all before the latest are known took 40 ms of 100,000 runs.
    """
    hits = _hits(asked, dialect).subquery("hits")
    main = FILES.alias("main")
    wanted = sa.select(RUNS, main.c.path, main.c.hash, main.c.size)
    wanted = wanted.join(hits, hits.c.id == RUNS.c.id).outerjoin(
        main,
        sa.and_(
            main.c.run_id == RUNS.c.id,
            main.c.name == MAIN,
            main.c.version == 1,
            main.c.pruned_s.is_(None),
        ),
    )
    return wanted.order_by(hits.c.started_s.desc())


def _hits(asked: FindRuns, dialect: str) -> "sa.Select[Any]":
    """Return the search for the runs' numbers and beginnings, the latest first."""
    wanted = sa.select(RUNS.c.id)
    ordered: Any = RUNS.c.started_s
    for kind, name in (
        ("tag", asked.tag),
        ("parameter", asked.parameter),
        ("qubit", asked.qubit),
        ("node", asked.node),
    ):
        if name:
            one = NAMES.alias(f"named_{kind}")
            fits = sa.and_(one.c.run_id == RUNS.c.id, one.c.kind == kind, one.c.name == name)
            wanted = wanted.join(one, fits)
            if ordered is RUNS.c.started_s:  # its index is in this order
                ordered = one.c.started_s
            if asked.since_s is not None:
                wanted = wanted.where(one.c.started_s >= asked.since_s)
            if asked.until_s is not None:
                wanted = wanted.where(one.c.started_s < asked.until_s)
    for column, text in (
        (RUNS.c.routine, asked.routine),
        (RUNS.c.program, asked.program),
        (RUNS.c.state, asked.state),
    ):
        if text:
            wanted = wanted.where(column == text)
    for column, text in ((RUNS.c.run, asked.run), (RUNS.c.by_whom, asked.by)):
        if text:
            wanted = wanted.where(_begins(column, text, dialect))
    if asked.since_s is not None:
        wanted = wanted.where(RUNS.c.started_s >= asked.since_s)
    if asked.until_s is not None:
        wanted = wanted.where(RUNS.c.started_s < asked.until_s)
    if asked.words:
        wanted = wanted.where(RUNS.c.id.in_(_with_words(asked.words, dialect)))
    wanted = wanted.add_columns(ordered.label("started_s"))
    wanted = wanted.order_by(ordered.desc()).limit(max(0, min(asked.limit, MOST)))
    return wanted.offset(asked.skip) if asked.skip > 0 else wanted


def _begins(column: Any, text: str, dialect: str) -> Any:
    """Return the condition that a text begins so, in a form that an index serves."""
    if dialect == "sqlite":  # by bytes, as its index is
        return sa.and_(column >= text, column < f"{text}\U0010ffff")
    return column.startswith(text, autoescape=True)


def _with_words(words: str, dialect: str) -> "sa.Select[Any]":
    if dialect == "sqlite":
        quoted = " ".join(f'"{one}"' for one in words.replace('"', " ").split())
        inner = sa.text("SELECT rowid FROM note_words WHERE note_words MATCH :words")
        fits: Any = NOTES.c.id.in_(inner.bindparams(words=quoted or '""'))
    else:
        fits = sa.text("to_tsvector('simple', notes.text) @@ plainto_tsquery('simple', :words)")
        fits = fits.bindparams(words=words)
    return sa.select(NOTES.c.run_id).where(fits)


def run_of(row: Any, names: list[tuple[str, str]]) -> RecordedRun:
    """Return a run of a row of :func:`question_of`; ``names``: its kinds and names."""

    def of(kind: str, *, full: bool = False) -> tuple[str, ...]:
        return tuple(name for k, name in names if k == kind and (not full or "." in name))

    return RecordedRun(
        run=str(row.run),
        program=str(row.program),
        routine=str(row.routine),
        state=str(row.state),
        error=str(row.error),
        by=str(row.by_whom),
        started_s=moment_s(row.started_s),
        took_s=None if row.took_s is None else float(row.took_s),
        waited_s=None if row.waited_s is None else float(row.waited_s),
        tai_s=moment_s(row.tai_s),
        nodes=of("node"),
        qubits=of("qubit", full=True),
        parameters=of("parameter", full=True),
        tags=of("tag"),
        file=str(row.path or ""),
        hash=str(row.hash or ""),
        size=int(row.size or 0),
        procedure=str(row.procedure),
        program_hash=str(row.program_hash),
        facility_hash=str(row.facility_hash),
        snapshot=str(row.snapshot),
        code_version=str(row.code_version),
    )

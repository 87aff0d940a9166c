"""Keeps procedures over restarts: each state of a run is written down before anything is sent.

A file of lines, each a whole run as JSON; the last line of a run counts. A line that a crash cut
off is passed over: what it would have said was not sent yet. What cannot be read is kept beside the
file, as ``.unread``. Blocking; one process writes.
"""

import json
import os
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

from podium.control.facility.fridge_wiring import Part
from podium.control.supervision.procedure_run import (
    OperationRecord,
    ProcedureRun,
    StepRecord,
    WiredPart,
)

KEPT_OVER = 20
"""Runs that are over and kept; older ones are forgotten when the file is opened."""
VERSION = 1


class ProcedureJournalError(Exception):
    """The journal cannot be read or written. What was to be written down must not be done."""


class ProcedureJournal:
    """The journal of one supervisor. Close it."""

    def __init__(self, file: Path) -> None:
        """Read what there is; the file is made by the first write.

        Raises :class:`ProcedureJournalError` where it cannot be read.
        """
        self._file = file
        self._lines: dict[str, str] = {}
        self._descriptor: int | None = None
        self.runs: dict[str, ProcedureRun] = {}
        """By id, oldest first."""
        self.passed_over = 0
        """Lines that were no run."""
        try:
            lines = file.read_bytes().split(b"\n") if file.exists() else []
        except OSError as error:
            raise ProcedureJournalError(f"{file}: {error}") from error
        for line in lines:
            if not line:
                continue
            try:
                run = run_of(json.loads(line))
            except (ValueError, TypeError, KeyError, AttributeError):
                self.passed_over += 1
                continue
            self.runs.pop(run.id, None)
            self.runs[run.id] = run
        if lines:
            self._compact()

    def write(self, run: ProcedureRun) -> None:
        """Write a run down; once this returns, a crash does not take it away.

        What is the same as before is not written again. Raises :class:`ProcedureJournalError`.
        """
        line = json.dumps(plain_of(run), separators=(",", ":"))
        if self._lines.get(run.id) == line:
            return
        try:
            if self._descriptor is None:
                self._descriptor = self._opened()
            os.write(self._descriptor, line.encode() + b"\n")
            os.fsync(self._descriptor)
        except OSError as error:
            raise ProcedureJournalError(f"{self._file}: {error}") from error
        self._lines[run.id] = line
        self.runs[run.id] = run

    def close(self) -> None:
        """Close the file."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _opened(self) -> int:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        found = os.open(self._file, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        size = os.fstat(found).st_size
        if size and os.pread(found, 1, size - 1) != b"\n":
            os.write(found, b"\n")
        return found

    def _compact(self) -> None:
        """Write the file anew with the last line of each run, in one step."""
        over = [name for name, run in self.runs.items() if run.over]
        for name in over[:-KEPT_OVER]:
            del self.runs[name]
        self._lines = {
            name: json.dumps(plain_of(run), separators=(",", ":"))
            for name, run in self.runs.items()
        }
        beside = self._file.with_name(self._file.name + ".new")
        try:
            if self.passed_over:
                unread = self._file.with_name(self._file.name + ".unread")
                unread.write_bytes(self._file.read_bytes())
            with beside.open("wb") as new:
                new.write("".join(f"{line}\n" for line in self._lines.values()).encode())
                new.flush()
                os.fsync(new.fileno())
            beside.replace(self._file)
        except OSError as error:
            raise ProcedureJournalError(f"{self._file}: {error}") from error


def plain_of(run: ProcedureRun) -> dict[str, Any]:
    """Return a run as what JSON has."""
    return {"version": VERSION, **asdict(run)}


def run_of(plain: dict[str, Any]) -> ProcedureRun:
    """Return the run of :func:`plain_of`; ValueError, TypeError or KeyError: it is none."""
    given = dict(plain)
    if given.pop("version", None) != VERSION:
        raise ValueError(f"a journal of version {VERSION} is wanted")
    known = {field.name for field in fields(ProcedureRun)}
    run = ProcedureRun(**{name: value for name, value in given.items() if name in known})
    if not isinstance(run.id, str) or not 0 <= run.at < len(run.steps):
        raise ValueError("no run")
    return replace(
        run,
        parts=tuple(WiredPart(one["signal"], Part(**one["part"])) for one in given["parts"]),
        steps=tuple(
            StepRecord(**{**one, "began": _tai(one["began"]), "ended": _tai(one["ended"])})
            for one in given["steps"]
        ),
        operations=tuple(
            OperationRecord(**{**one, "at": _tai(one["at"])}) for one in given["operations"]
        ),
        settled=_tai(given["settled"]),
        began=_tai(given["began"]),
        confirmed_by=tuple(given["confirmed_by"]),
    )


def _tai(value: Any) -> tuple[int, int] | None:
    if value is None:
        return None
    seconds, rest_fs = value
    return int(seconds), int(rest_fs)

"""Takes data of old runs away by rule, and never those that a parameter comes from.

The index keeps what is known of a run; only its files go.
"""

import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from podium.control.bus.records import FindRuns, RecordedFile, RecordedRun
from podium.control.records.record_folder import RecordFolder
from podium.control.records.run_search import MOST

KEEP_TAG = "keep"
"""Runs with this tag are never pruned."""
IN_ONE_GO = 500


@dataclass(frozen=True, slots=True)
class PruneRule:
    """Says whose data may go: all that is named has to hold."""

    before_s: float | None = None
    """Those of runs that began before this, Unix time."""
    tag: str = ""
    """Those with this tag."""
    above_bytes: int = 0
    """Those with more bytes than this."""
    room_bytes: int | None = None
    """The oldest first, until no more than so many bytes are left; None: all that fit."""


@dataclass(frozen=True, slots=True)
class Prunable:
    """Lists the runs that a rule lets go, and those that it does not."""

    files: tuple[RecordedFile, ...]
    """With their paths below the folder of data; the oldest first."""
    protected: tuple[str, ...]
    """Runs that fit the rule and stay: a parameter comes from them, or they are tagged."""

    @property
    def size(self) -> int:
        """Bytes that would be free."""
        return sum(one.size for one in self.files)


def prunable(records: RecordFolder, rule: PruneRule, named: Collection[str]) -> Prunable:
    """Return what ``rule`` lets go; ``named``: runs that a parameter store names.

    Raises ``RecordsError``.
    """
    protected = set(named) | records.index.provenance()
    every = records.index.files()
    files: dict[str, list[RecordedFile]] = {}
    for file in every:
        files.setdefault(file.run, []).append(file)
    left = sum(file.size for file in every)
    gone: list[RecordedFile] = []
    stay: list[str] = []
    for run in _oldest_first(records, rule):
        of_run = files.get(run.run, [])
        size = sum(file.size for file in of_run)
        if not of_run or size <= rule.above_bytes:
            continue
        if rule.room_bytes is not None and left <= rule.room_bytes:
            break
        if run.run in protected or KEEP_TAG in run.tags:
            stay.append(run.run)
            continue
        gone += of_run
        left -= size
    return Prunable(tuple(gone), tuple(stay))


def prune(records: RecordFolder, found: Prunable) -> Iterator[Path]:
    """Take files away, yielding each that is gone.

    The index says first that they go: killed in between, a file is left that no run names, and no
    run names a file that is not there. Raises ``RecordsError`` and OSError.
    """
    for first in range(0, len(found.files), IN_ONE_GO):
        some = found.files[first : first + IN_ONE_GO]
        records.index.mark_pruned(some, time.time())
        for file in some:
            path = records.path_of(file)
            path.unlink(missing_ok=True)
            yield path


def _oldest_first(records: RecordFolder, rule: PruneRule) -> Iterator[RecordedRun]:
    found = records.index.find(FindRuns(until_s=rule.before_s, tag=rule.tag, limit=MOST))
    yield from reversed(found)

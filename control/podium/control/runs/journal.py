"""Keeps a coordinator's journal: what it has accepted, and how that ended."""

import base64
import fcntl
import json
import os
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

ANEW_BYTES = 4 << 20
"""A file that has grown by so much, and threefold, is written anew without what is over."""


class JournalDamaged(Exception):
    """The journal cannot be read beyond a point in its middle. Nothing was changed."""


class JournalTaken(Exception):
    """Another coordinator has begun since: nothing was kept. End this one, touch nothing."""


@dataclass(frozen=True, slots=True)
class SessionBegun:
    """A coordinator has begun; the runs of earlier sessions are nobody's."""

    session: int


@dataclass(frozen=True, slots=True)
class JobAccepted:
    """Somebody was notified that this will be done, or that it failed."""

    ticket: str
    program: str
    agents: tuple[str, ...]
    at_once: bool = False
    """Whether its one agent starts it as soon as it can; else it starts at a time."""
    by: str = ""
    priority: int = 0
    asked_s: float = 0.0
    """Who asked, how urgently, and when (Unix time; 0: it was not kept). Accepted once more, a job
    that has not ended has another priority."""


@dataclass(frozen=True, slots=True)
class JobEnded:
    """Records the end of a job. Somebody may still ask for it."""

    ticket: str
    run: str
    """Its id; empty: it came to none."""
    failed: str
    """Why; empty: it is complete."""
    data: tuple[tuple[str, bytes], ...]
    """What each agent has captured; empty unless it is complete."""
    unverified: tuple[str, ...] = ()
    """Agents whose controllers could not tell when they started: the result carries that mark."""
    late: bool = False
    """It failed only because its start came too late."""
    unfit: bool = False
    """It failed because its program does not fit its controllers."""
    refused: bool = False
    """It failed because an agent has refused it: nothing was touched."""
    unsafe: str = ""
    """Outputs that could not be made safe after it; empty: all are."""
    partial: bool = False
    """It failed only because some of its nodes stayed still; the others were stopped."""


@dataclass(frozen=True, slots=True)
class JobForgotten:
    """Whoever asked for it has what they want."""

    ticket: str


Entry = SessionBegun | JobAccepted | JobEnded | JobForgotten


class Journal(Protocol):
    """Where entries outlive the process."""

    @property
    def takes_time(self) -> bool:
        """Tell whether keeping waits for a disk: it is then done in a thread."""
        ...

    def entries(self) -> tuple[Entry, ...]:
        """Return all that was kept, in its order."""
        ...

    def keep(self, entry: Entry) -> None:
        """Keep an entry; when this returns a loss of power does not take it away.

        Raises ``JournalTaken`` once another coordinator has begun to keep in it: what the one
        before accepts after that would be known to nobody.
        """
        ...


class MemoryJournal:
    """A journal that ends with the process: for a facility that is opened in one."""

    takes_time = False

    def entries(self) -> tuple[Entry, ...]:
        """Return nothing: there was nobody before."""
        return ()

    def keep(self, entry: Entry) -> None:
        """Keep nothing."""


class FileJournal:
    """A journal in a file: one line for each entry, with a checksum.

    Opening takes away what nobody needs any longer, and a last line that was torn by a crash: it
    was never acknowledged. So does keeping, now and then. Damage before that raises
    ``JournalDamaged``. Beside the file lies an empty one, ``.lock``.
    """

    takes_time = True

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = path.with_name(f"{path.name}.lock").open("ab")
        try:
            with self._alone():
                self._needed = _Needed()
                for entry in _all_in(path):
                    self._needed.take(entry)
                self._begin_anew()
        except BaseException:
            self._lock.close()
            raise

    def entries(self) -> tuple[Entry, ...]:
        """Return what was there and what was kept since, as far as it is needed."""
        return self._needed.entries()

    def keep(self, entry: Entry) -> None:
        """Keep an entry; when this returns it is on the disk. Raises ``JournalTaken``."""
        with self._alone():
            ours, there = os.fstat(self._file.fileno()), os.stat(self._path)
            if ours.st_ino != there.st_ino or there.st_size != self._size:
                raise JournalTaken(f"{self._path}: another coordinator keeps its entries in it")
            line = _written(entry)
            self._file.write(line)
            self._file.flush()
            os.fsync(self._file.fileno())
            self._size += len(line)
            self._needed.take(entry)
            if self._size > self._anew_at:
                self._file.close()
                self._begin_anew()

    def close(self) -> None:
        """Close the files."""
        self._file.close()
        self._lock.close()

    def _begin_anew(self) -> None:
        lines = b"".join(map(_written, self._needed.entries()))
        _replace(self._path, lines)
        self._file = self._path.open("ab")
        self._size = len(lines)
        self._anew_at = ANEW_BYTES + 2 * self._size

    @contextmanager
    def _alone(self) -> Iterator[None]:
        fcntl.flock(self._lock.fileno(), fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(self._lock.fileno(), fcntl.LOCK_UN)


def _all_in(path: Path) -> list[Entry]:
    """Return the entries of a file up to a torn end."""
    content = path.read_bytes() if path.exists() else b""
    entries: list[Entry] = []
    whole = 0
    for line in content.splitlines(keepends=True):
        entry = _read(line)
        if entry is None:
            break
        entries.append(entry)
        whole += len(line)
    if b"\n" in content[whole:-1]:
        raise JournalDamaged(
            f"{path}: line {len(entries) + 1} is damaged, and lines follow it; move the file away "
            "to begin anew (jobs that were accepted are then lost), or repair it"
        )
    return entries


def check_journal(path: Path) -> None:
    """Raise ``JournalDamaged`` unless all of a file can be read; nothing is changed."""
    _all_in(path)


def needed(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """Return what of ``entries`` still matters: the session, and jobs that were not forgotten."""
    found = _Needed()
    for entry in entries:
        found.take(entry)
    return found.entries()


class _Needed:
    def __init__(self) -> None:
        self._session = SessionBegun(-1)
        self._jobs: dict[str, list[Entry]] = {}

    def take(self, entry: Entry) -> None:
        match entry:
            case SessionBegun(number):
                self._session = SessionBegun(max(number, self._session.session))
            case JobForgotten(ticket):
                self._jobs.pop(ticket, None)
            case JobAccepted(ticket):
                if len(self._jobs.get(ticket, ())) < 2:
                    self._jobs[ticket] = [entry]
            case JobEnded(ticket):
                if ticket in self._jobs and len(self._jobs[ticket]) == 1:
                    self._jobs[ticket].append(entry)

    def entries(self) -> tuple[Entry, ...]:
        begun = (self._session,) if self._session.session >= 0 else ()
        return (*begun, *(entry for job in self._jobs.values() for entry in job))


def _written(entry: Entry) -> bytes:
    match entry:
        case SessionBegun(session):
            fields: dict[str, object] = {"session": session}
        case JobAccepted(ticket, program, agents, at_once, by, priority, asked_s):
            fields = {"ticket": ticket, "program": program, "agents": list(agents)}
            fields |= {"at_once": at_once, "by": by, "priority": priority, "asked_s": asked_s}
        case JobEnded(ticket, run, failed, data, unverified, late, unfit, refused, unsafe, partial):
            coded = [[agent, base64.b64encode(part).decode()] for agent, part in data]
            fields = {"ticket": ticket, "run": run, "failed": failed, "data": coded}
            fields |= {"unverified": list(unverified), "late": late, "unfit": unfit}
            fields |= {"refused": refused, "unsafe": unsafe, "partial": partial}
        case JobForgotten(ticket):
            fields = {"ticket": ticket}
    text = json.dumps([type(entry).__name__, fields]).encode()
    return b"%08x %s\n" % (zlib.crc32(text), text)


def _read(line: bytes) -> Entry | None:
    """Return the entry of a line, or None: it is not whole."""
    check, _, text = line.rstrip(b"\n").partition(b" ")
    if not line.endswith(b"\n") or check != b"%08x" % zlib.crc32(text):
        return None
    name, fields = json.loads(text)
    match name:
        case "SessionBegun":
            return SessionBegun(fields["session"])
        case "JobAccepted":
            fields |= {"agents": tuple(fields["agents"])}
            return JobAccepted(**fields)
        case "JobEnded":
            data = tuple((agent, base64.b64decode(part)) for agent, part in fields["data"])
            fields |= {"data": data, "unverified": tuple(fields["unverified"])}
            return JobEnded(**fields)
        case "JobForgotten":
            return JobForgotten(fields["ticket"])
    raise JournalDamaged(f"an entry of the kind {name!r}: written by a newer Podium?")


def _replace(path: Path, content: bytes) -> None:
    """Have ``content`` in the file, or what was there; nothing between, whatever happens."""
    fresh = path.with_name(f"{path.name}.new")
    with fresh.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    descriptor = os.open(path.absolute().parent, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

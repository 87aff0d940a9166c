"""Keeps the records of a facility: an index of runs, and their data in files beside it.

A file is written whole and on the disk before the index names it, and the index has committed
before anybody learns of the run. A kill between the two leaves a file of which
nobody was notified, and nothing else.
"""

import errno
import hashlib
import json
import shutil
import time
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Self

from podium.control.bus.records import (
    MAIN,
    STREAMED,
    KeepFile,
    KeepOutcome,
    KeepPart,
    KeepRun,
    Recorded,
    RecordedFile,
    RunDescription,
    RunFacts,
    RunNote,
    RunPreview,
    SliceFound,
    SnapshotText,
)
from podium.control.facility.atomic_files import sync_folder, write_durably
from podium.control.records.event_store import EventStore
from podium.control.records.records_error import NoRun, RecordsError
from podium.control.records.run_index import RunIndex
from podium.control.records.snapshots import FOLDER, store
from podium.control.records.stream_store import StreamStore, as_left

if TYPE_CHECKING:
    from podium.control.records.run_reader import RunReader

INDEX = "index.sqlite"
DATA = "data"
EVENTS = "events.sqlite"
STREAMS = "streams"
"""Folder of what streams have that are on."""
RESERVE_BYTES = 64 << 20
"""So much of the disk is left free: the index needs some to say that the disk is full."""
SUFFIX = ".nc"
IN_USE = "calibration_state"
"""Attribute of the data: the parameters that were in use."""


def hash_of(content: bytes) -> str:
    """Return the SHA-256 of a file's content, hex."""
    return hashlib.sha256(content).hexdigest()


class RecordFolder:
    """The records. Every method raises :class:`RecordsError`; any thread may call them."""

    def __init__(
        self,
        folder: Path,
        url: str | None = None,
        *,
        make: bool = True,
        reserve_bytes: int = RESERVE_BYTES,
    ) -> None:
        """``url``: the database of the index; None: a file in ``folder``. ``make``: where nothing
        is, make it; otherwise that is an error."""
        self.folder = folder
        self._reserve = reserve_bytes
        self._folders: set[Path] = set()
        try:
            if make:
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise RecordsError(f"{folder}: {error.strerror}") from error
        self.index = RunIndex(url or folder / INDEX, make=make)
        self.streams = StreamStore(folder / STREAMS)
        self.events = EventStore(folder / EVENTS)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of index and events."""
        self.index.close()
        self.events.close()

    def keep(self, wanted: KeepRun, began_s: float | None = None) -> Recorded:
        """Record a run durably, with its data; of one that is recorded already say where it is.

        ``began_s``: when its turn came, Unix time.
        """
        facts, content = wanted.facts, wanted.content
        if content and hash_of(content) != wanted.hash:
            raise RecordsError(f"run {facts.run}: its data were damaged on their way; nothing kept")
        self._check_room(len(content))
        try:
            if wanted.snapshot_text:
                store(wanted.snapshot_text, self.folder / FOLDER)
            fresh = None
            with self.index.writing() as connection:
                run, known = self.index.name_of(connection, facts)
                if not known:
                    file = None
                    if content:
                        at_s = facts.asked_s if began_s is None else began_s
                        path = self._write(run, at_s, content, wanted.hash)
                        file = RecordedFile(
                            run, MAIN, 1, path, wanted.hash, len(content), facts.by, facts.ended_s
                        )
                    self.index.put(connection, facts, run, file, began_s)
                    path = "" if file is None else str(self.data_folder / file.file)
                    fresh = Recorded(run, path, wanted.hash, facts.state)
        except OSError as error:
            raise RecordsError(_no_room(facts.run, error)) from error
        if content and self.streams.written_s(run):
            self.streams.remove(run)
        return self._recorded(run) if fresh is None else fresh

    def keep_part(self, wanted: KeepPart) -> None:
        """Keep what a stream has so far, until its run is recorded."""
        from podium.control.records.datasets import content_dataset

        if hash_of(wanted.content) != wanted.hash:
            raise RecordsError(f"run {wanted.facts.run}: a part was damaged on its way")
        self._check_room(len(wanted.content))
        self.streams.write(wanted.facts, content_dataset(wanted.content))

    def keep_stream_left(self, run: str) -> None:
        """Record what a stream had, whose client has died, as a file of its run."""
        from podium.control.records.datasets import dataset_content

        facts, data = self.streams.load(run)
        self.keep_news(as_left(facts, self.streams.written_s(run)), facts.asked_s)
        if not any(one.name in (MAIN, STREAMED) for one in self.index.files(run)):
            content, digest = dataset_content(data)
            self.keep_file(KeepFile(run, STREAMED, content, digest, facts.by))
        self.streams.remove(run)

    def keep_file(self, wanted: KeepFile) -> RecordedFile:
        """Record another file of a run durably, as its next version; raises :class:`NoRun`."""
        if hash_of(wanted.content) != wanted.hash:
            raise RecordsError(f"run {wanted.run}: its file was damaged on its way; nothing kept")
        if not wanted.name.replace("_", "").replace("-", "").isalnum() or wanted.name == MAIN:
            raise RecordsError(
                f"{wanted.name!r} is no name for a file of a run: letters, digits, _ and -, and "
                f"not {MAIN!r}, which is what it has measured"
            )
        self._check_room(len(wanted.content))
        now_s = time.time()
        try:
            with self.index.writing() as connection:
                version = self.index.next_version(connection, wanted.run, wanted.name)
                stem = f"{wanted.run}.{wanted.name}.{version}"
                path = self._write(stem, now_s, wanted.content, wanted.hash)
                size = len(wanted.content)
                file = RecordedFile(
                    wanted.run, wanted.name, version, path, wanted.hash, size, wanted.by, now_s
                )
                self.index.put_file(connection, file)
        except OSError as error:
            raise RecordsError(_no_room(wanted.run, error)) from error
        return replace(file, file=str(self.path_of(file)))

    def keep_outcome(self, outcome: KeepOutcome) -> None:
        """Record a routine's outcome with its runs."""
        self.index.put_outcome(outcome)

    def keep_news(self, facts: RunFacts, began_s: float) -> None:
        """Record a run of which only news has told: without data, and unless it is there."""
        with self.index.writing() as connection:
            if self.index.name_of(connection, facts) == (facts.run, False):
                self.index.put(connection, facts, facts.run, None, began_s)

    def located(self, run: str, name: str = MAIN, version: int = 0) -> RecordedFile:
        """Return a file of a run, with its whole path; raises :class:`NoRun`.

        In place of the data of a stream whose client has died: what it had so far.
        """
        try:
            found = self.index.file(run, name, version)
        except NoRun:
            if name != MAIN or version or not self._was_left(run):
                raise
            found = self.index.file(run, STREAMED)
        return replace(found, file=str(self.path_of(found)))

    def content(self, file: RecordedFile) -> bytes:
        """Return the bytes of a file that :meth:`located` has returned."""
        try:
            content = Path(file.file).read_bytes()
        except OSError as error:
            raise RecordsError(
                f"run {file.run}: {file.file}: {error.strerror}; `podium data verify` looks at all"
            ) from error
        if hash_of(content) != file.hash:
            raise RecordsError(
                f"run {file.run}: {file.file} was changed after it was recorded: its hash differs"
            )
        return content

    def description(self, run: str) -> RunDescription:
        """Return all that is known of a run, but for its data; raises :class:`NoRun`."""
        found = self.index.run(run)
        outcome = self.index.outcome(found.run)
        in_use = ""
        if found.file:
            with suppress(RecordsError):  # what is known of a run outlives its file
                in_use = self.reader.attribute(self.located(found.run, MAIN, 1), IN_USE)
        files = self.index.files(found.run)
        return RunDescription(
            found,
            tuple(replace(one, file=str(self.path_of(one))) for one in files),
            tuple(RunNote(*one) for one in self.index.notes(found.run)),
            "" if outcome is None else json.dumps(outcome),
            in_use,
        )

    def snapshot(self, run: str) -> SnapshotText:
        """Return the snapshot that a run names; raises :class:`NoRun` where there is none."""
        found = self.index.run(run)
        if not found.snapshot:
            raise NoRun(f"run {found.run} names no snapshot of the settings")
        path = self.folder / FOLDER / f"{found.snapshot}.json"
        try:
            content = path.read_bytes()
        except (OSError, ValueError) as error:
            raise NoRun(f"the snapshot of run {found.run} is not there: {error}") from error
        if hash_of(content) != found.snapshot:
            raise RecordsError(
                f"run {found.run}: its snapshot {path} was changed: its hash differs"
            )
        return SnapshotText(found.run, content.decode("utf-8"))

    def preview(self, run: str) -> RunPreview:
        """Return a run's data, thinned for the eye; raises :class:`NoRun`."""
        return self.reader.preview(self._readable(run, MAIN, 1))

    def slice_of(
        self, run: str, variable: str, select: str, name: str = MAIN, version: int = 0
    ) -> SliceFound:
        """Return a part of a variable, without reading the rest; raises :class:`NoRun`."""
        return self.reader.slice_of(self._readable(run, name, version), variable, select)

    def _readable(self, run: str, name: str, version: int) -> RecordedFile:
        """Return a file; of a stream that is on, or was left, what it has so far."""
        try:
            return self.located(run, name, version)
        except NoRun:
            if name != MAIN:
                raise
            left = self.streams.located(run)
            if left is not None:
                return left
            if self._was_left(run):
                return self.located(run, STREAMED)
            raise

    def _was_left(self, run: str) -> bool:
        """Tell whether a run is a stream whose client has died, and was recorded as such."""
        return any(one.name == STREAMED for one in self.index.files(run))

    @cached_property
    def reader(self) -> "RunReader":
        """Reads files in parts; what that needs is loaded when it is first asked."""
        from podium.control.records.run_reader import RunReader

        return RunReader()

    def path_of(self, file: RecordedFile) -> Path:
        """Return where a file of the index is; raises :class:`RecordsError` for one outside."""
        path = Path(file.file)
        if path.is_absolute() or ".." in path.parts:
            raise RecordsError(f"run {file.run}: {file.file} leads out of the folder of data")
        return self.folder / DATA / path

    @property
    def data_folder(self) -> Path:
        """Folder of the data; paths in the index are below it."""
        return self.folder / DATA

    @property
    def free_bytes(self) -> int:
        """Return the bytes that are free on the disk of the data."""
        return shutil.disk_usage(self.folder).free

    @property
    def room_bytes(self) -> int:
        """Return the bytes that may still be written: all that is free, but for the reserve."""
        return max(0, self._free() - self._reserve)

    def _free(self) -> int:
        try:
            return self.free_bytes
        except OSError as error:
            raise RecordsError(f"{self.folder}: {error.strerror}") from error

    def _check_room(self, size: int) -> None:
        free = self._free()
        if free - size < self._reserve:
            raise RecordsError(
                f"refused: {free / 1e6:.0f} MB are free at {self.folder}, of which "
                f"{self._reserve / 1e6:.0f} MB are left free; nothing was written. "
                "`podium data prune` makes room"
            )

    def _recorded(self, run: str) -> Recorded:
        found = self.index.run(run)
        path = str(self.folder / DATA / found.file) if found.file else ""
        return Recorded(found.run, path, found.hash, found.state)

    def _write(self, stem: str, at_s: float, content: bytes, digest: str) -> str:
        """Write a file durably, over no other; return its path below the folder of data."""
        day = datetime.fromtimestamp(at_s, tz=UTC).strftime("%Y/%m/%d")
        folder = self._made(self.folder / DATA / day)
        name = f"{stem}{SUFFIX}"
        if (folder / name).exists():
            if hash_of((folder / name).read_bytes()) == digest:
                sync_folder(folder)
                return f"{day}/{name}"
            name = f"{stem}-{digest[:12]}{SUFFIX}"
        write_durably(folder / name, content)
        return f"{day}/{name}"

    def _made(self, folder: Path) -> Path:
        """Return ``folder``, made on the disk with all that are above it."""
        if folder not in self._folders:
            missing = [one for one in (folder, *folder.parents) if not one.exists()]
            folder.mkdir(parents=True, exist_ok=True)
            for one in missing:
                sync_folder(one.parent)
            self._folders.add(folder)
        return folder


def _no_room(run: str, error: OSError) -> str:
    said = f"run {run}: its data could not be written: {error.strerror or error}"
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        said += "; nothing of it was kept, what was there before is; `podium data prune` makes room"
    return said

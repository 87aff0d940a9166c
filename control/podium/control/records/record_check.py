"""Checks records: the index itself, files and snapshots by their hashes, what lies beside."""

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from podium.control.records.record_folder import DATA, RecordFolder
from podium.control.records.records_error import RecordsError
from podium.control.records.snapshots import FOLDER

Kind = Literal["index", "missing", "changed", "unreadable", "left over", "not in the index"]
HARMLESS: frozenset[Kind] = frozenset(("left over", "not in the index"))
"""What a kill leaves: nobody was ever told of it."""
PART_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it should be. Nothing was changed."""

    kind: Kind
    run: str
    """Empty: of none."""
    what: str
    """In words, with the file."""

    @property
    def harmless(self) -> bool:
        """Return whether nothing is lost by it."""
        return self.kind in HARMLESS


def check(records: RecordFolder, *, hashes: bool = True) -> Iterator[Finding]:
    """Yield all that is wrong; reads only. ``hashes``: read every file, not just its size.

    Raises :class:`RecordsError` where the index cannot be read at all.
    """
    for said in records.index.integrity():
        yield Finding("index", "", f"the index: {said}")
    files = records.index.files()
    known: set[str] = set()
    for file in files:
        try:
            path = records.path_of(file)
        except RecordsError as error:
            yield Finding("index", file.run, str(error))
            continue
        known.add(file.file)
        yield from _of_file(file.run, path, file.size, file.hash if hashes else "")
    yield from _beside(records.folder / DATA, known)
    if hashes:
        yield from _snapshots(records.folder / FOLDER)


def _of_file(run: str, path: Path, size: int, digest: str) -> Iterator[Finding]:
    try:
        found = path.stat().st_size
        if found != size:
            yield Finding("changed", run, f"{path} has {found} bytes, it had {size}")
        elif digest and _hash_of_file(path) != digest:
            yield Finding("changed", run, f"{path} was changed: its hash differs")
    except FileNotFoundError:
        yield Finding("missing", run, f"{path} is not there")
    except OSError as error:
        yield Finding("unreadable", run, f"{path}: {error.strerror}")


def _snapshots(folder: Path) -> Iterator[Finding]:
    """Each is named by its hash."""
    for path in sorted(folder.glob("[!.]*.json")):
        try:
            if _hash_of_file(path) != path.stem:
                yield Finding("changed", "", f"{path} was changed: its hash differs")
        except OSError as error:
            yield Finding("unreadable", "", f"{path}: {error.strerror}")


def _hash_of_file(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while part := file.read(PART_BYTES):
            digest.update(part)
    return digest.hexdigest()


def _beside(folder: Path, known: set[str]) -> Iterator[Finding]:
    for place, _, names in os.walk(folder):
        for name in sorted(names):
            path = Path(place, name)
            if name.startswith(".") and name.endswith(".part"):
                yield Finding("left over", "", f"{path} is a draft that was never finished")
            elif path.relative_to(folder).as_posix() not in known:
                yield Finding(
                    "not in the index",
                    "",
                    f"{path}: nobody was told of it; `podium data import` takes it in",
                )

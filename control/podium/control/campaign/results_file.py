"""Appends a line of JSON for each world of a campaign to its results file.

Whoever is cut off goes on later: what stands in the file is not measured again. A last line that
was cut off in the middle is not counted, and its world is measured again.
"""

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

SAME = ("campaign", "options", "facility_digest")
"""What all worlds of one file have in common."""


class ResultsFileError(Exception):
    """The file is in use, holds another campaign, or is none. It is unchanged."""


class ResultsFile:
    """The worlds of one campaign, in the order in which they were done."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> list[dict[str, Any]]:
        """Return the results, by seed; of a seed that stands there twice the later one."""
        try:
            lines = self.path.read_text(encoding="utf-8").split("\n")
        except FileNotFoundError:
            return []
        found: dict[int, dict[str, Any]] = {}
        for number, line in enumerate(lines[:-1], 1):  # the last one has no end: cut off, or empty
            try:
                one = json.loads(line)
                found[int(one["seed"])] = one
            except (ValueError, TypeError, KeyError) as error:
                raise ResultsFileError(
                    f"{self.path}:{number}: no result of a campaign ({error}); move it away, or "
                    "name another folder: --out DIR"
                ) from error
        return [found[seed] for seed in sorted(found)]

    def append(self, result: Mapping[str, Any]) -> None:
        """Add a world; when this returns it is on the disk."""
        line = json.dumps(result, allow_nan=False)
        with self.path.open("rb+" if self.path.exists() else "wb+") as file:
            file.truncate(_end_of_last_line(file.read()))
            file.seek(0, os.SEEK_END)
            file.write(f"{line}\n".encode())
            file.flush()
            os.fsync(file.fileno())

    def check_same(self, wanted: Mapping[str, Any]) -> None:
        """Raise :class:`ResultsFileError` if it holds worlds of other options than ``wanted``."""
        for one in self.read():
            for key in SAME:
                if one.get(key) != wanted[key]:
                    raise ResultsFileError(
                        f"{self.path} holds worlds with {key} {one.get(key)!r}, asked for is "
                        f"{wanted[key]!r}: two campaigns; name another folder: --out DIR"
                    )

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Be the only one who appends; raises :class:`ResultsFileError` if another does."""
        with self.path.with_name(f"{self.path.name}.lock").open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise ResultsFileError(
                    f"{self.path}: another campaign is writing it; name another folder: --out DIR"
                ) from error
            yield


def _end_of_last_line(content: bytes) -> int:
    return content.rfind(b"\n") + 1

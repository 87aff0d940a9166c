"""Writes files that are there whole or not at all."""

import os
import tempfile
from contextlib import suppress
from pathlib import Path


def write_text(path: Path, text: str, mode: int = 0o666) -> None:
    """Write ``text`` so that nobody ever reads half of it; raises OSError that names ``path``.

    ``mode``: who may read and write it, less what the umask forbids.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
        with open(handle, "w", encoding="utf-8") as file:
            file.write(text)
        draft.replace(path)
    except OSError as error:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
        why = error.strerror or str(error)
        raise OSError(error.errno, f"it could not be written: {why}", str(path)) from error


def write_durably(path: Path, content: bytes) -> None:
    """Write a file, or replace it; when this returns it is on the disk, as is its name.

    Whoever looks meanwhile finds what was there before. A kill leaves a hidden draft, with the
    suffix ``.part``. Raises OSError, and nothing has changed then.
    """
    draft = os.path.join(path.parent, f".{os.urandom(6).hex()}.part")
    try:
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        with open(handle, "wb", buffering=0) as file:
            view = memoryview(content)
            while view:  # write(2) takes at most 2 GiB at once
                view = view[file.write(view) :]
            os.fsync(handle)
        os.replace(draft, path)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Have a folder's entries on the disk (fsync(2): that of a file does not do it)."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def check_writable(folder: Path) -> None:
    """Make ``folder`` if it is not there; raises OSError unless files can be written into it.

    Asked before work is begun whose fruit would be lost.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"podium")
    except OSError as error:
        why = error.strerror or str(error)
        raise OSError(error.errno, f"nothing can be written there: {why}", str(folder)) from error

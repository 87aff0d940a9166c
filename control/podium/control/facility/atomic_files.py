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

"""Writes files that a loss of power leaves whole, or not at all."""

import os
from pathlib import Path


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

"""Keeps the key of the page: whoever has it may look, and stop what runs."""

import os
import secrets
from contextlib import suppress
from pathlib import Path

BYTES = 24
"""Random ones in a key."""


def kept_page_key(path: Path) -> str:
    """Return the key kept in ``path``, which only this user can read; one is drawn if none is.

    It outlives the page's processes and ``podium up``, so that a browser which has opened the page
    goes on. Raises OSError, of a file that others can read too.
    """
    with suppress(FileExistsError):
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(handle, "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(BYTES))
    mode = path.stat().st_mode & 0o777
    if mode & 0o077:
        raise PermissionError(
            f"{path}: others can read the key of the page (mode {mode:o}): remove the file, and "
            "`podium up` draws a new one"
        )
    key = path.read_text(encoding="ascii").strip()
    if len(key) < BYTES:
        raise OSError(f"{path}: holds no key of a page: remove it, and `podium up` draws one")
    return key


def with_key(url: str, key: str | None) -> str:
    """Return the address that opens the page in a browser which has not seen it yet."""
    return url if key is None else f"{url}?key={key}"

"""Makes the name under which log, page, status and data show a client.

It is what a client says of itself, for people who work together. It proves nothing.
"""

import getpass
import os
import socket
import sys
from pathlib import Path

LENGTH_MAX = 120
"""Characters of a name."""
NOTEBOOK = "ipykernel"
"""Jupyter's kernel is started from a file of this name."""


def own_name() -> str:
    """Return who this process works for: user, machine, program, process."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container's user may have a number only
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()} ({program_name(sys.argv)} {os.getpid()})"


def program_name(words: list[str]) -> str:
    """Return what a process is called by the words that started it."""
    path = Path(words[0]) if words else Path()
    if path.name in ("", "-c", "-m"):
        return "python"
    if NOTEBOOK in path.name or NOTEBOOK in path.parent.name:
        return "notebook"
    if path.name == "__main__.py":  # python -m PACKAGE
        return path.parent.name
    if path.name in ("podium", "podium_start.py") or path.parts[-3:] == (
        "podium",
        "control",
        "cli.py",
    ):
        command = next((word for word in words[1:] if not word.startswith("-")), "")
        return f"podium {command}".rstrip()
    return path.name


def checked_name(who: str | None) -> str:
    """Return ``who``, or, for None, :func:`own_name`; raises ``ValueError`` for what is no name."""
    if who is None:
        return own_name()
    said = who.strip()
    if not said or len(said) > LENGTH_MAX or not said.isprintable():
        raise ValueError(
            f"who={who!r:.200} is no name: it takes 1 to {LENGTH_MAX} printable characters, "
            'as in "ada\'s notebook"'
        )
    return said

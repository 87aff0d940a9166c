"""Names the version of Podium, and the commit where it runs from a checkout."""

import hashlib
import subprocess
from functools import cache
from importlib.metadata import version
from pathlib import Path


@cache
def podium_version() -> str:
    """Return the version of the installed package."""
    return version("podium")


@cache
def podium_commit() -> str:
    """Return the commit as ``git describe`` tells it (``-dirty``: with changes); empty: none."""
    words = ["git", "describe", "--always", "--abbrev=12", "--exclude=*", "--dirty"]
    try:
        done = subprocess.run(
            words, cwd=Path(__file__).parent, capture_output=True, text=True, timeout=10
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def digest(text: str) -> str:
    """Return the SHA-256 of a file's text."""
    return hashlib.sha256(text.encode()).hexdigest()

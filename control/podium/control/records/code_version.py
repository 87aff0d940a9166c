"""Says which code a run was made with."""

from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path


@cache
def code_version() -> str:
    """Return Podium's version, with the commit where it runs from a checkout."""
    try:
        number = version("podium")
    except PackageNotFoundError:
        number = "unknown"
    for folder in Path(__file__).resolve().parents:
        if (folder / ".git").is_dir():
            commit = _commit(folder / ".git")
            return f"{number}+{commit[:12]}" if commit else number
    return number


def _commit(git: Path) -> str:
    """Return the commit that is checked out, as git-rev-parse would; empty: not found."""
    try:
        head = (git / "HEAD").read_text(encoding="utf-8").strip()
        if not head.startswith("ref: "):
            return head
        name = head.removeprefix("ref: ")
        if (git / name).is_file():
            return (git / name).read_text(encoding="utf-8").strip()
        for line in (git / "packed-refs").read_text(encoding="utf-8").splitlines():
            commit, _, ref = line.partition(" ")
            if ref == name:
                return commit
    except (OSError, UnicodeDecodeError):
        return ""
    return ""

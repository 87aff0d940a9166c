"""The facility file, kept beside the data that were measured with it."""

from pathlib import Path

from podium.control.demo.files import write_text
from podium.control.facility.load import load_facility

DIGITS = 16
"""Of the digest, in the name of the copy: enough that no two files share one."""


def kept_facility(folder: Path, digest: str) -> Path:
    """Return where the facility file with this digest is kept."""
    return folder / f"facility-{digest[:DIGITS]}.yaml"


def keep_facility(path: Path, digest: str, folder: Path) -> bool:
    """Keep a copy, once; tell whether it is there. Another content than of ``digest`` is not kept.

    Raises OSError.
    """
    copy = kept_facility(folder, digest)
    if copy.exists():
        return True
    if load_facility(path).digest != digest:
        return False  # somebody has edited it since it was loaded
    folder.mkdir(parents=True, exist_ok=True)
    write_text(copy, path.read_text(encoding="utf-8"))
    return True

"""Keeps a copy of the facility file beside the data that were measured with it."""

from pathlib import Path

from podium.control.calibration.state import NoState
from podium.control.facility.atomic_files import write_text
from podium.control.facility.facility import Facility
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


def facility_then(digest: str, folder: Path, given: Path | None) -> tuple[Facility, str]:
    """Return the facility as it was for data in ``folder``, and a warning where it is not quite
    that: from the file ``given``, or the copy beside the data.

    Raises :class:`NoState` where there is none, ``FacilityError``.
    """
    path = given or kept_facility(folder, digest)
    if given is None and not path.exists():
        raise NoState(
            f"the facility file of then is not beside the data ({path.name}): "
            "name one with --facility FILE"
        )
    facility = load_facility(path)
    if facility.digest == digest:
        return facility, ""
    return facility, f"{path} is not the facility file that the data were measured with"

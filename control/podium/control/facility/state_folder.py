"""Names the files in which this computer keeps a facility's state."""

import hashlib
import os
from pathlib import Path


def state_folder() -> Path:
    """Return the folder of the states of all facilities of this user on this machine."""
    home = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
    return home / "podium"


def certificates_folder() -> Path:
    """Return the folder of the certificates of this user's own processes on this machine."""
    return state_folder() / "certificates"


def default_state_file(facility: Path) -> Path:
    """Return where the state of ``facility`` is kept: under the user's own state directory."""
    path = facility.resolve()
    return state_folder() / f"{path.stem}-{hashlib.sha256(bytes(path)).hexdigest()[:12]}.json"


def journal_file(state_file: Path) -> Path:
    """Return where the ramps of a facility with this state file are written down."""
    return state_file.with_suffix(".ramps.sqlite")


def accepted_file(state_file: Path) -> Path:
    """Return where runs that start at a time are kept once they have been accepted."""
    return state_file.with_suffix(".accepted")


def findings_file(state_file: Path) -> Path:
    """Return where findings about these files are kept until somebody has looked at them."""
    return state_file.with_suffix(".findings.json")


def reservations_file(state_file: Path) -> Path:
    """Return where reservations of nodes are kept."""
    return state_file.with_suffix(".reservations.json")


def page_key_file(state_file: Path) -> Path:
    """Return where the key of the page is kept."""
    return state_file.with_suffix(".page_key")


def skews_file(state_file: Path) -> Path:
    """Return where the measured skews of a facility with this state file are kept."""
    return state_file.with_suffix(".skews.sqlite")


def epochs_folder(state_file: Path) -> Path:
    """Return where the epochs of the clocks of a facility with this state file are kept."""
    return state_file.with_suffix(".epochs")


def supervision_folder(state_file: Path) -> Path:
    """Return the folder of what the supervisor of the cold side keeps: alarms, history."""
    return state_file.with_suffix(".supervision")


def records_folder(state_file: Path) -> Path:
    """Return the folder of the records of a facility with this state file: runs and their data."""
    return state_file.with_suffix(".records")

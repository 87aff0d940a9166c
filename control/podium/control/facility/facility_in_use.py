"""Finds the facility that is meant where none is named, for commands and notebooks alike.

The environment names it, else it is the one that is up, else ``./facility.yaml``.
"""

from pathlib import Path

from podium.control.facility.state_file import NotUp, UpState, read_state
from podium.control.facility.state_folder import state_folder
from podium_command_line import FACILITY_VARIABLE, USUAL_FACILITY, facility_of_environment


class WhichFacility(LookupError):
    """It is not clear which facility is meant. The message says how to say it."""

    def __str__(self) -> str:
        return str(self.args[0])


def usual_facility(*, not_yet_up: bool = False) -> Path:
    """Return the facility file that is meant where none is named.

    ``not_yet_up``: it cannot be one that is up. Raises :class:`WhichFacility`.
    """
    if (named := facility_of_environment()) is not None:
        return named
    up = [] if not_yet_up else sorted({state.facility for state in facilities_up()})
    if len(up) == 1:
        return Path(up[0])
    if up:
        raise WhichFacility(f"several facilities are up, name one: {' or '.join(up)}")
    if USUAL_FACILITY.exists():
        return USUAL_FACILITY
    raise WhichFacility(
        f"{'' if not_yet_up else 'no facility is up and '}there is no ./{USUAL_FACILITY}: name "
        f"the facility file, or set ${FACILITY_VARIABLE}"
    )


def facilities_up() -> list[UpState]:
    """Return the facilities that are up on this machine, for this user."""
    found = []
    for state_file in sorted(state_folder().glob("*.json")):
        try:
            state = read_state(state_file)
        except NotUp:
            continue
        if _is_held(state_file.with_suffix(".lock")):
            found.append(state)
    return found


def _is_held(lock: Path) -> bool:
    import fcntl

    try:
        with lock.open("r") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False

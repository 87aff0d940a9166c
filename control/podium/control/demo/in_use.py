"""Which facility a command means that names only an instrument."""

import fcntl
import os
from argparse import ArgumentParser, Namespace
from pathlib import Path

from podium.control.demo.up_state import NotUp, UpState, read_state, where_up
from podium.control.facility.state_folder import default_state_file, state_folder

VARIABLE = "PODIUM_FACILITY"
"""Environment variable that may name the facility file."""
USUAL = Path("facility.yaml")


class WhichFacility(LookupError):
    """It is not clear which facility is meant. The message says how to say it."""

    def __str__(self) -> str:
        return str(self.args[0])


def add_facility_arguments(parser: ArgumentParser) -> None:
    """Add what says which facility is meant."""
    parser.add_argument(
        "--facility",
        type=Path,
        metavar="FILE",
        help=f"the facility file (default: ${VARIABLE}, else the one that is up, else ./{USUAL})",
    )
    parser.add_argument(
        "--endpoints", type=Path, metavar="FILE", help="addresses to lay over those of the file"
    )
    parser.add_argument("--state", type=Path, metavar="FILE", help="as given to podium up")


def facility_in_use(arguments: Namespace) -> Path:
    """Return the facility file that is meant; raises :class:`WhichFacility`."""
    if arguments.facility is not None:
        return Path(arguments.facility)
    if arguments.state is not None:
        try:
            return Path(read_state(arguments.state).facility)
        except NotUp as error:
            raise WhichFacility(f"{error}, or name it: --facility FILE") from error
    if named := os.environ.get(VARIABLE):
        return Path(named)
    up = sorted({state.facility for state in facilities_up()})
    if len(up) == 1:
        return Path(up[0])
    if up:
        raise WhichFacility(f"several facilities are up, say --facility {' or '.join(up)}")
    if USUAL.exists():
        return USUAL
    raise WhichFacility(
        f"no facility is up and there is no ./{USUAL}: say --facility FILE, or set ${VARIABLE}"
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


def state_of(arguments: Namespace, facility: Path) -> UpState:
    """Return where the processes of a facility are; raises ``NotUp``."""
    return where_up(facility, arguments.state or default_state_file(facility))


def _is_held(lock: Path) -> bool:
    try:
        with lock.open("r") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False

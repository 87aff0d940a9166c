"""Finds the facility that a command means: one rule for all of them.

It is named as the first argument or as ``--facility``; else the environment names it, else it is
the one that is up, else ``./facility.yaml``.
"""

import fcntl
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Sequence
from functools import wraps
from pathlib import Path

from podium.control.facility.command import WRONG_USE
from podium.control.facility.state_folder import default_state_file, state_folder
from podium.control.processes.state_file import NotUp, UpState, read_state, where_up
from podium_command_line import (
    FACILITY_VARIABLE,
    USUAL_FACILITY,
    FacilityTwice,
    add_facility,
    facility_of_environment,
    named_facility,
)

DESCRIBED = (
    f"the facility file (default: ${FACILITY_VARIABLE}, else the one that is up, "
    f"else ./{USUAL_FACILITY})"
)


class WhichFacility(LookupError):
    """It is not clear which facility is meant. The message says how to say it."""

    def __str__(self) -> str:
        return str(self.args[0])


def add_facility_arguments(
    parser: ArgumentParser,
    *,
    before: Sequence[str] = (),
    endpoints: bool = True,
    state: bool = True,
    not_yet_up: bool = False,
) -> None:
    """Add what says which facility is meant, before all other arguments.

    ``before``: as of :func:`podium_command_line.add_facility`. ``endpoints``, ``state``: whether
    the command takes these options; ``not_yet_up``: as of :func:`with_facility`.
    """
    described = DESCRIBED.replace("else the one that is up, ", "") if not_yet_up else DESCRIBED
    add_facility(parser, described, before=before)
    if endpoints:
        parser.add_argument(
            "--endpoints", type=Path, metavar="FILE", help="addresses to lay over those of the file"
        )
    if state:
        parser.add_argument("--state", type=Path, metavar="FILE", help="as given to podium up")


def with_facility(
    run: Callable[[Namespace], int], *, not_yet_up: bool = False
) -> Callable[[Namespace], int]:
    """Return ``run``, called with ``arguments.facility`` the file that is meant.

    Where that is not clear it is said, and nothing is run. ``not_yet_up``: it cannot be one that
    is up.
    """

    @wraps(run)
    def running(arguments: Namespace) -> int:
        try:
            arguments.facility = facility_in_use(arguments, not_yet_up=not_yet_up)
        except WhichFacility as error:
            print(f"podium {arguments.command}: {error}", file=sys.stderr)
            return WRONG_USE
        return run(arguments)

    return running


def facility_in_use(arguments: Namespace, *, not_yet_up: bool = False) -> Path:
    """Return the facility file that is meant; raises :class:`WhichFacility`."""
    try:
        named = named_facility(arguments)
    except FacilityTwice as error:
        raise WhichFacility(str(error)) from error
    if named is not None:
        return named
    state = None if not_yet_up else getattr(arguments, "state", None)
    if state is not None:
        try:
            return Path(read_state(state).facility)
        except NotUp as error:
            raise WhichFacility(f"{error}, or name it: --facility FILE") from error
    if (named := facility_of_environment()) is not None:
        return named
    up = [] if not_yet_up else sorted({state.facility for state in facilities_up()})
    if len(up) == 1:
        return Path(up[0])
    if up:
        raise WhichFacility(f"several facilities are up, say --facility {' or '.join(up)}")
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

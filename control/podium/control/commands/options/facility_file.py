"""Finds the facility that a command means: one rule for all of them.

It is named as the first argument or as ``--facility``; else the environment names it, else it is
the one that is up, else ``./facility.yaml``.
"""

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Sequence
from functools import wraps
from pathlib import Path

from podium.control.facility.command import WRONG_USE
from podium.control.facility.facility_in_use import WhichFacility, usual_facility
from podium.control.facility.state_file import NotUp, UpState, read_state, where_up
from podium.control.facility.state_folder import default_state_file
from podium_command_line import (
    FACILITY_VARIABLE,
    USUAL_FACILITY,
    FacilityTwice,
    add_facility,
    named_facility,
)

DESCRIBED = (
    f"the facility file (default: ${FACILITY_VARIABLE}, else the one that is up, "
    f"else ./{USUAL_FACILITY})"
)


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
    return usual_facility(not_yet_up=not_yet_up)


def state_of(arguments: Namespace, facility: Path) -> UpState:
    """Return where the processes of a facility are; raises ``NotUp``."""
    return where_up(facility, arguments.state or default_state_file(facility))

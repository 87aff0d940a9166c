"""``podium certificates`` lists certificates with their validity, and makes missing ones."""

import sys
import time
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from podium.control.commands.options.facility_file import add_facility_arguments, with_facility
from podium.control.facility.command import DONE, FOUND_PROBLEM, WRONG_USE, Command

if TYPE_CHECKING:
    from podium.control.facility.facility import Facility
    from podium.control.security.access import Member

DAYS = 365


def add_arguments(parser: ArgumentParser) -> None:
    """Add the command's arguments."""
    add_facility_arguments(parser, endpoints=False, state=False)
    parser.add_argument(
        "--make",
        action="store_true",
        help="make what is missing or has expired, and an authority if there is none",
    )
    parser.add_argument(
        "--days", type=int, default=DAYS, help=f"how long new ones are good for (default {DAYS})"
    )


def run(arguments: Namespace) -> int:
    """List the certificates; 1 if one that is here cannot be used."""
    from podium.control.facility.load import load_facility
    from podium.control.facility.problems import FacilityError
    from podium.control.security.authority import CannotMake

    if arguments.days < 1:
        print("podium certificates: --days is 1 or more", file=sys.stderr)
        return WRONG_USE
    try:
        facility = load_facility(arguments.facility)
        if facility.bus is None or facility.bus.certificates is None:
            print(
                f"podium certificates: {arguments.facility} names no folder for them: "
                "a section 'bus' with 'certificates: FOLDER' does",
                file=sys.stderr,
            )
            return WRONG_USE
        folder = facility.bus.certificates
        needed = members_of(facility)
        if arguments.make:
            _make(facility, folder, needed, arguments.days)
        return _list(folder, needed)
    except FacilityError as error:
        print(error, file=sys.stderr)
        return FOUND_PROBLEM
    except (OSError, CannotMake) as error:
        print(f"podium certificates: {error}", file=sys.stderr)
        return FOUND_PROBLEM


def members_of(facility: "Facility") -> "dict[Member, str | None]":
    """Return who needs a certificate; of who listens, the host that it has to be for."""
    from podium.control.agent.owners import owners_of
    from podium.control.security.access import Admitted, Member

    meeting = facility.bus
    if meeting is None:
        return {}
    admitted = Admitted.of(facility.name, meeting.held_by, owners_of(facility), meeting.clients)
    members = dict.fromkeys((Member(meeting.held_by), *admitted.members))
    return {
        member: meeting.connect.host if member.common_name == meeting.held_by else None
        for member in members
    }


def _make(
    facility: "Facility", folder: Path, needed: "dict[Member, str | None]", days: int
) -> None:
    from podium.control.security.authority import SmallAuthority
    from podium.control.security.certificates import BadCertificate, Expired, credentials_of

    authority = SmallAuthority(folder, days)
    if authority.found(facility.name):
        print(f"made the authority; its key stays on this machine: {folder / 'authority.key'}")
    for member, host in needed.items():
        name = member.common_name
        if (folder / f"{name}.pem").exists():
            try:
                credentials_of(folder, name, host)
            except Expired:
                pass
            except BadCertificate:  # what else is wrong with it stands in the list
                continue
            else:
                continue
        authority.sign(name, host)
        print(f"made {name}.pem and {name}.key")


def _list(folder: Path, needed: "dict[Member, str | None]") -> int:
    from podium.control.security.certificates import BadCertificate, credentials_of

    print(f"in {folder}:")
    wrong = 0
    for member, host in needed.items():
        name = member.common_name
        there = [end for end in ("pem", "key") if (folder / f"{name}.{end}").exists()]
        said = "not here"
        if there:
            try:
                ends_s = credentials_of(folder, name, host).ends_s
                said = f"good until {time.strftime('%Y-%m-%d', time.gmtime(ends_s))}"
                said += f", for {host}" if host else ""
            except BadCertificate as error:
                wrong += 1
                said = str(error)
        print(f"  {name:<16} {said}")
    return FOUND_PROBLEM if wrong else DONE


command = Command(
    name="certificates",
    help="list the certificates that a facility on several computers needs, and make them",
    add_arguments=add_arguments,
    run=with_facility(run),
)

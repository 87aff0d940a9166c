"""``podium compile``: what the controllers would play. Nothing is sent anywhere."""

import json
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from podium.control.facility.command import DONE, FOUND_PROBLEM, WRONG_USE, Command


def add_arguments(parser: ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("facility", type=Path, metavar="FACILITY", help="the facility file")
    parser.add_argument("program", type=Path, metavar="PROGRAM", help="JSON of the program")
    parser.add_argument("--json", action="store_true", help="the artifacts as JSON")


def run(arguments: Namespace) -> int:
    """Print the listing, or the artifacts, of each controller."""
    from podium.control.agent.targets import compiler_for
    from podium.control.facility.load import load_facility
    from podium.control.facility.problems import FacilityError
    from podium.control.program.serialise import from_json
    from podium.firmware_interfaces.qblox_cluster.program import to_plain

    try:
        facility = load_facility(arguments.facility)
        text = arguments.program.read_text(encoding="utf-8")
    except FacilityError as error:
        print(error, file=sys.stderr)
        return FOUND_PROBLEM
    except (OSError, UnicodeDecodeError) as error:
        print(f"podium compile: {error}", file=sys.stderr)
        return WRONG_USE
    try:
        artifacts = compiler_for(facility)(from_json(text))
    except ValueError as error:  # what programs and compilers raise: the program is at fault
        print(f"podium compile: {arguments.program}: {error}", file=sys.stderr)
        return FOUND_PROBLEM
    if arguments.json:
        print(json.dumps({name: to_plain(artifact) for name, artifact in artifacts.items()}))
    else:
        for name, artifact in artifacts.items():
            print(f"# {name}\n{artifact.listing}")
    return DONE


command = Command(
    name="compile",
    help="compile a program for its controllers and print what they would play",
    add_arguments=add_arguments,
    run=run,
)

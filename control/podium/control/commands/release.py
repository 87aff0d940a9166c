"""``podium release`` gives an instrument that is up into a person's hands, and takes it back.

Neither way sets anything on it: it is let go as it is, and taking it back only reads. So there
is no dry run.
"""

import json
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from podium.control.commands.options.facility_file import (
    add_facility_arguments,
    state_of,
    with_facility,
)
from podium.control.facility.command import DONE, FOUND_PROBLEM, WRONG_USE, Command


def add_arguments(parser: ArgumentParser) -> None:
    """Add the command's arguments."""
    add_facility_arguments(parser)
    parser.add_argument("instrument", metavar="INSTRUMENT", help="its name in the facility file")
    parser.add_argument(
        "--back", action="store_true", help="take it back: connect, and read everything again"
    )
    parser.add_argument("--json", action="store_true", help="answer as JSON on standard output")


def run(arguments: Namespace) -> int:
    """Release the instrument or take it back, and say what holds now."""
    from podium.control.bus.shutdown import run_until_terminated
    from podium.control.facility.problems import FacilityError
    from podium.control.facility.state_file import NotUp
    from podium.control.runs.errors import RunError

    try:
        said = run_until_terminated(_release(arguments, arguments.facility))
    except FacilityError as error:
        print(error, file=sys.stderr)
        return FOUND_PROBLEM
    except OSError as error:
        print(f"podium release: {error}", file=sys.stderr)
        return WRONG_USE
    except NotUp as error:
        print(f"podium release: nobody holds {arguments.instrument}: {error}", file=sys.stderr)
        return FOUND_PROBLEM
    except RunError as error:
        print(f"podium release: {error}", file=sys.stderr)
        return FOUND_PROBLEM
    if arguments.json:
        released = {"instrument": arguments.instrument, "released": not arguments.back}
        print(json.dumps(released))
    else:
        print(said)
    return DONE


async def _release(arguments: Namespace, facility: Path) -> str:
    from podium.control.client.facility_access import join_facility

    state = state_of(arguments, facility)
    name = arguments.instrument
    async with join_facility(state.facility, state.coordinator) as lab:
        if arguments.back:
            await lab.take_back(name)
            return f"{name} is back: everything is read again before it is used"
        await lab.release(name)
        return (
            f"{name} is yours: its connection is closed and work that needs it is refused "
            f"until `podium release {name} --back`"
        )


command = Command(
    name="release",
    help="hand an instrument to a person's own program, and take it back",
    add_arguments=add_arguments,
    run=with_facility(run),
)

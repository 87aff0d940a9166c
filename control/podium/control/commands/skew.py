"""``podium skew`` measures by how much nodes start apart, and shows what is known."""

import asyncio
import json
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from podium.control.commands.options.facility_file import add_facility_arguments, with_facility
from podium.control.facility.command import DONE, FOUND_PROBLEM, WRONG_USE, Command

if TYPE_CHECKING:
    from podium.control.client.lab import Lab
    from podium.control.client.skew_calibration import SkewsFound
    from podium.control.timebase.skew_messages import SkewsKnown

STARTS = 100


def add_arguments(parser: ArgumentParser) -> None:
    """Add the command's arguments."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)

    measure = actions.add_parser(
        "measure", help="start nodes many times, tag their markers, and keep their skews"
    )
    _common(measure)
    measure.add_argument(
        "--nodes",
        metavar="NAMES",
        help="with commas between; the others are measured against the first of them in the file "
        "(default: all that have a marker)",
    )
    measure.add_argument(
        "--starts", type=int, default=STARTS, metavar="N", help=f"how many (default {STARTS})"
    )
    measure.add_argument(
        "--anew",
        action="store_true",
        help="forget what was known: a skew has jumped, and you have looked why",
    )

    show = actions.add_parser(
        "show",
        help="the skews that are known, how well, how old, and whether they still hold; exit "
        "status 1 where one is not known to",
    )
    _common(show)


def _common(parser: ArgumentParser) -> None:
    add_facility_arguments(parser)
    parser.add_argument("--json", action="store_true", help="answer as JSON on standard output")


def run(arguments: Namespace) -> int:
    """Do what is asked; 1 when it fails, or when a skew that is shown is not known to hold."""
    from podium.control.bus.shutdown import run_until_terminated
    from podium.control.facility.problems import FacilityError
    from podium.control.facility.state_file import AlreadyUp
    from podium.control.runs.errors import RunError
    from podium.control.timebase.skew_store import SkewStoreError

    what = f"podium skew {arguments.action}"
    try:
        return run_until_terminated(ACTIONS[arguments.action](arguments))
    except FacilityError as error:
        print(error, file=sys.stderr)
        return FOUND_PROBLEM
    except (RunError, AlreadyUp, SkewStoreError) as error:
        print(f"{what}: {error}", file=sys.stderr)
        return FOUND_PROBLEM
    except OSError as error:
        print(f"{what}: {error}", file=sys.stderr)
        return WRONG_USE


async def _measure(arguments: Namespace) -> int:
    from podium.control.commands.skew_words import found_plainly, told_found
    from podium.control.processes.lab_access import reached

    names = None
    if arguments.nodes is not None:
        names = tuple(word.strip() for word in arguments.nodes.split(","))
    async with reached(arguments.facility, arguments.endpoints, arguments.state) as lab:
        found = await _with_progress(lab, names, arguments)
        known = await lab.skews()
    plain = found_plainly(found, known)
    print(json.dumps(plain, indent=2) if arguments.json else told_found(lab.facility.name, plain))
    return DONE


async def _with_progress(
    lab: "Lab", names: tuple[str, ...] | None, arguments: Namespace
) -> "SkewsFound":
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    from podium.control.timebase.skew_routine import Progress

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    console = Console(stderr=True)
    with Bar(*columns, TimeElapsedColumn(), console=console, transient=True) as bar:
        task = bar.add_task("beginning", total=None)

        def told(far: Progress) -> None:
            bar.update(task, description=far.what, completed=far.done, total=far.of)

        return await lab.measure_skews(names, arguments.starts, told, anew=arguments.anew)


async def _show(arguments: Namespace) -> int:
    from podium.control.commands.skew_words import known_plainly, told_known

    name, known = await _known(arguments)
    plain = known_plainly(known)
    print(json.dumps(plain, indent=2) if arguments.json else told_known(name, plain))
    return DONE if all(one.holds for one in known.skews) else FOUND_PROBLEM


async def _known(arguments: Namespace) -> "tuple[str, SkewsKnown]":
    """Return the facility's name and the ledger: of who keeps it up, else what the file says."""
    from podium.control.client.facility_access import join_facility
    from podium.control.facility.load import load_facility
    from podium.control.facility.state_file import NotUp, where_up
    from podium.control.facility.state_folder import default_state_file

    state_file = arguments.state or default_state_file(arguments.facility)
    try:
        state = await asyncio.to_thread(where_up, arguments.facility, state_file)
    except NotUp:
        facility = await asyncio.to_thread(load_facility, arguments.facility, arguments.endpoints)
        return facility.name, await asyncio.to_thread(_from_file, state_file)
    async with join_facility(arguments.facility, state.coordinator) as lab:
        return lab.facility.name, await lab.skews()


def _from_file(state_file: Path) -> "SkewsKnown":
    from podium.control.coordinator.skews import known_of
    from podium.control.facility.state_folder import skews_file
    from podium.control.timebase.drift_filter import NO_THERMOMETER
    from podium.control.timebase.host_clock import host_tai_s
    from podium.control.timebase.skew_ledger import SkewLedger
    from podium.control.timebase.skew_store import SkewStore
    from podium.firmware_interfaces.tai import Tai

    with SkewStore(skews_file(state_file)) as store:
        ledger = SkewLedger(store, model=NO_THERMOMETER)
    return known_of(ledger, Tai(int(host_tai_s()), 0), {}, ("the facility is not up",))


ACTIONS = {"measure": _measure, "show": _show}

command = Command(
    name="skew",
    help="measure by how much nodes start apart, and show what is known of it",
    add_arguments=add_arguments,
    run=with_facility(run),
)

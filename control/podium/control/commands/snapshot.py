"""``podium snapshot`` takes or shows the settings of all instruments, or compares two."""

import json
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from podium.control.commands.options.facility_file import add_facility_arguments, with_facility
from podium.control.facility.command import DONE, FOUND_PROBLEM, WRONG_USE, Command

NAMED = "a snapshot's file, a dataset's file, or the start of a hash"


def add_arguments(parser: ArgumentParser) -> None:
    """Add take, show, diff."""
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    take = verbs.add_parser("take", help="read how all instruments are set")
    add_facility_arguments(take)
    take.add_argument("--out", type=Path, metavar="FILE", help="default: DIR/HASH.json")
    show = verbs.add_parser("show", help="print one")
    show.add_argument("snapshot", metavar="SNAPSHOT", help=NAMED)
    diff = verbs.add_parser("diff", help="say in words what differs in the second")
    diff.add_argument("old", metavar="A", help=NAMED)
    diff.add_argument("new", metavar="B", help="the same")
    for verb in (take, show, diff):
        verb.add_argument(
            "--in",
            dest="folder",
            type=Path,
            default=Path(),
            metavar="DIR",
            help="folder of the data, or of the snapshots (default: here)",
        )
        verb.add_argument("--json", action="store_true", help="answer as JSON on standard output")


def run(arguments: Namespace) -> int:
    """Do it. For ``diff``: 0 when both are the same, 1 when not."""
    from podium.control.facility.problems import FacilityError
    from podium.control.facility.state_file import AlreadyUp
    from podium.control.records.snapshots import NoSnapshot
    from podium.control.runs.errors import RunError

    verb = {"take": with_facility(_take), "show": _show, "diff": _diff}[arguments.verb]
    try:
        return verb(arguments)
    except FacilityError as error:
        print(error, file=sys.stderr)
        return FOUND_PROBLEM
    except (NoSnapshot, OSError) as error:
        print(f"podium snapshot: {error}", file=sys.stderr)
        return WRONG_USE
    except (RunError, AlreadyUp) as error:
        print(f"podium snapshot: {error}", file=sys.stderr)
        return FOUND_PROBLEM


def _take(arguments: Namespace) -> int:
    from podium.control.bus.shutdown import run_until_terminated
    from podium.control.records.snapshots import store

    text, problems = run_until_terminated(_taken(arguments))
    if arguments.out is None:
        path = store(text, arguments.folder)
    else:
        path = arguments.out
        path.write_text(text, encoding="utf-8")
    if arguments.json:
        print(json.dumps({"snapshot": str(path), "problems": problems}))
    else:
        print(path)
    for problem in problems:
        print(f"podium snapshot: {problem}", file=sys.stderr)
    return FOUND_PROBLEM if problems else DONE


async def _taken(arguments: Namespace) -> tuple[str, list[str]]:
    from podium.control.processes.lab_access import reached
    from podium.control.records.snapshots import text_of

    async with reached(
        arguments.facility, arguments.endpoints, arguments.state, all_of_it=False, reading_only=True
    ) as lab:
        await lab.ready(READY_S)
        snapshot = await lab.snapshot()
        problems = [
            f"{one.instrument}: {one.problem}" for one in snapshot.instruments if one.problem
        ]
        return text_of(snapshot, lab.facility.name), problems


READY_S = 30.0
"""So long an instrument is waited for; one that does not answer is left without settings."""


def _show(arguments: Namespace) -> int:
    from podium.control.records.snapshots import find

    found = find(arguments.snapshot, arguments.folder)
    print(json.dumps(found, indent=None if arguments.json else 1))
    return DONE


def _diff(arguments: Namespace) -> int:
    from podium.control.records.snapshots import differences, find

    lines = list(
        differences(find(arguments.old, arguments.folder), find(arguments.new, arguments.folder))
    )
    if arguments.json:
        print(json.dumps({"same": not lines, "differences": lines}))
    else:
        print("\n".join(lines) if lines else "nothing is different")
    return FOUND_PROBLEM if lines else DONE


command = Command(
    name="snapshot",
    help="take, show and compare snapshots of how all instruments are set",
    add_arguments=add_arguments,
    run=run,
)

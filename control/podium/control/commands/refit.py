"""``podium refit`` fits the stored data of a run once more, without facility and store."""

import asyncio
import getpass
import json
import sys
import time
from argparse import ArgumentParser, Namespace
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

from podium.control.commands.params import DEFAULT_STORE
from podium.control.facility.command import DONE, FOUND_PROBLEM, WRONG_USE, Command

if TYPE_CHECKING:
    from podium.control.calibration.refit import Refit
    from podium.control.parameters.entry import ParameterEntry

DEFAULT_DATA = DEFAULT_STORE.parent / "datasets"


def add_stored_run_arguments(parser: ArgumentParser, *, required: bool = True) -> None:
    """Add the arguments that name a stored run: its id, its data, its facility file."""
    parser.add_argument(
        "run_id",
        nargs=None if required else "?",
        metavar="RUN",
        help="the id of a run, or the file of its data",
    )
    parser.add_argument(
        "--data",
        type=Path,
        default=DEFAULT_DATA,
        metavar="DIR",
        help=f"where the data are (default {DEFAULT_DATA})",
    )
    parser.add_argument(
        "--facility",
        type=Path,
        metavar="FILE",
        help="the facility file of then (default: the copy that is kept beside the data)",
    )


def add_arguments(parser: ArgumentParser) -> None:
    """Add the command's arguments."""
    add_stored_run_arguments(parser)
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("podium_refit"),
        metavar="DIR",
        help="folder for the page with the plots (default podium_refit)",
    )
    parser.add_argument(
        "--store", metavar="FILE|URL", help="a parameter store to compare with, or to put into"
    )
    parser.add_argument(
        "--put", action="store_true", help="put what was found into the store, by your hand"
    )
    parser.add_argument(
        "--routine", type=Path, metavar="FILE", help="file of your own routine that measured it"
    )
    parser.add_argument("--why", metavar="TEXT", help="the reason; with --put")
    parser.add_argument("--who", metavar="NAME", help="default: the user of this computer")
    parser.add_argument("--json", action="store_true", help="answer as JSON on standard output")


def run(arguments: Namespace) -> int:
    """Refit; 1 when a fit fails or the data cannot be refitted."""
    from podium.control.calibration.facility_copy import facility_then
    from podium.control.calibration.refit import NoRun, refit, runs_of
    from podium.control.calibration.state import NoState
    from podium.control.calibration.user_routines import NoRoutine, find_routines
    from podium.control.facility.problems import FacilityError
    from podium.control.parameters.entry import BadEntry
    from podium.control.parameters.store import StoreError
    from podium.control.runs.errors import RunError

    if arguments.put and not (arguments.store and arguments.why and arguments.why.strip()):
        print("podium refit: --put wants a --store, and a reason: --why TEXT", file=sys.stderr)
        return WRONG_USE
    folder: Path = arguments.data
    word = Path(arguments.run_id)
    if word.suffix == ".nc":
        folder, arguments.run_id = word.parent, word.stem
    try:
        datasets = runs_of(arguments.run_id, folder)
        digest = str(datasets[0].attrs.get("facility_hash", ""))
        facility, warning = facility_then(digest, folder, arguments.facility)
        begin = time.monotonic()
        own = [str(arguments.routine)] if arguments.routine else []
        found = asyncio.run(refit(datasets, facility, find_routines(own)[1]))
        if warning:
            found.outcome.notes.append(warning)
        then = _stored_then(found, arguments)
        if arguments.put:
            _put(found, arguments)
        _tell(found, then, arguments, time.monotonic() - begin)
    except FacilityError as error:
        print(error, file=sys.stderr)
        return FOUND_PROBLEM
    except (NoRun, NoRoutine, NoState, RunError, StoreError, BadEntry, OSError) as error:
        print(f"podium refit: {error}", file=sys.stderr)
        return FOUND_PROBLEM
    return FOUND_PROBLEM if found.outcome.failures else DONE


def _stored_then(found: "Refit", arguments: Namespace) -> "dict[str, ParameterEntry]":
    """Return what the store has of the same runs, by name."""
    from podium.control.parameters.store import ParameterStore

    place = arguments.store
    if place is None:
        if not DEFAULT_STORE.exists():
            return {}
        place = DEFAULT_STORE
    then: dict[str, ParameterEntry] = {}
    with ParameterStore(place) as store:
        for new in found.entries:
            same = [old for old in store.history(new.name) if old.run == new.run and not old.who]
            if same:
                then[new.name] = same[-1]
    return then


def _put(found: "Refit", arguments: Namespace) -> None:
    from podium.control.parameters.store import ParameterStore
    from podium.control.timebase.host_clock import host_tai_s

    who = str(arguments.who or getpass.getuser())
    with ParameterStore(arguments.store) as store:
        store.put(
            replace(entry, who=who, why=arguments.why, put_tai_s=max(host_tai_s(), entry.tai_s))
            for entry in found.entries
        )


def _tell(
    found: "Refit", then: "dict[str, ParameterEntry]", arguments: Namespace, wall_s: float
) -> None:
    from podium.control.demo.session import told_step
    from podium.control.facility.atomic_files import write_text
    from podium.control.parameters.parameter_changes import changes
    from podium.control.report.page import Drawings, page
    from podium.control.report.story import Step, Story

    story = Story(f"{found.state.node}: refit", None, found.state.qubits)
    story.steps.append(Step(found.outcome, wall_s, 0.0))
    story.wall_s = wall_s
    with Drawings() as drawn:
        drawn.begin(story.steps[0])
        svgs = drawn.finish()
    arguments.out.mkdir(parents=True, exist_ok=True)
    write_text(arguments.out / "index.html", page(story, svgs))
    different = [
        str(one) for one in changes(then, {e.name: e for e in found.entries}) if one.before
    ]
    if arguments.json:
        answer = {
            "routine": found.state.routine,
            "runs": found.outcome.runs,
            "parameters": {entry.name: asdict(entry) for entry in found.entries},
            "failures": found.outcome.failures,
            "notes": found.outcome.notes,
            "different": different,
        }
        print(json.dumps(answer, indent=2))
        return
    print(f"{found.outcome.title}, {_counted(len(found.outcome.runs), 'run')}")
    for line in told_step(story.steps[0]):
        print(f"  {line}")
    for line in different:
        print(f"  {line}")
    if then and not different:
        same = "parameter as was" if len(then) == 1 else f"{len(then)} parameters as were"
        print(f"  the same {same} stored then, to the bit")
    print(arguments.out / "index.html")


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


command = Command(
    name="refit",
    help="fit the stored data of a run once more, from what was known then",
    add_arguments=add_arguments,
    run=run,
)

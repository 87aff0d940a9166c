"""``podium calibrate`` runs routines on a facility and stores what they find."""

import asyncio
import json
import sys
import time
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from podium.control.commands.options.calibration_arguments import add_folder_arguments
from podium.control.commands.options.facility_file import add_facility_arguments, with_facility
from podium.control.demo.arguments import add_reset_argument
from podium.control.facility.command import DONE, FOUND_PROBLEM, WRONG_USE, Command

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.console import Console

    from podium.control.calibration.declaration import Routine
    from podium.control.facility.edges import Edge
    from podium.control.facility.facility import Qubit
    from podium.control.parameters.validity import Validities
    from podium.control.report.story import Story


def add_arguments(parser: ArgumentParser) -> None:
    """Add the command's arguments."""
    add_facility_arguments(parser, before=("qubits",))
    parser.add_argument(
        "qubits",
        nargs="*",
        metavar="QUBIT",
        help="e.g. q0 or node_a.q0 (default: all); or an edge, e.g. q0_q1: its gate is calibrated",
    )
    parser.add_argument(
        "--only",
        action="append",
        metavar="ROUTINE",
        help="run this routine, by its name or its file (my_routine.py); may be repeated "
        "(default: the whole bring-up; of edges, all routines for them)",
    )
    add_folder_arguments(parser, "data, plots")
    parser.add_argument(
        "--validity",
        action="append",
        default=[],
        metavar="QUANTITY=TIME",
        help="how long a parameter is good for, e.g. f01=6h; may be repeated",
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="print each message that would be sent, send none"
    )
    parser.add_argument("--thoroughness", type=float, default=1.0, metavar="X")
    add_reset_argument(parser, simulated=False)
    parser.add_argument("--json", action="store_true", help="answer as JSON on standard output")


def run(arguments: Namespace) -> int:
    """Run the routines; 0 when none failed."""
    from podium.control.bus.shutdown import run_until_terminated
    from podium.control.calibration.catalogue import (
        BRING_UP,
        EDGE_BRING_UP,
        edge_bring_up,
        targets_edges,
    )
    from podium.control.calibration.user_routines import NoRoutine, find_routines
    from podium.control.commands.options.dry_run import tell_calibration
    from podium.control.commands.options.time_arguments import laid_over
    from podium.control.facility.load import load_facility
    from podium.control.facility.problems import FacilityError, suggest
    from podium.control.facility.qubit_names import (
        UnknownQubit,
        chosen_edges,
        chosen_qubits,
        ends_of,
    )
    from podium.control.facility.state_file import AlreadyUp
    from podium.control.parameters.store import StoreError
    from podium.control.timebase.moments import NoMoment

    try:
        steps, routines = find_routines(arguments.only or (*BRING_UP, *EDGE_BRING_UP))
    except NoRoutine as error:
        print(f"podium calibrate: {error}", file=sys.stderr)
        return WRONG_USE
    unknown = [name for name in steps if name not in routines]
    if unknown:
        near = suggest(unknown[0], routines)
        print(f"podium calibrate: no routine {unknown[0]!r}; {near}", file=sys.stderr)
        return WRONG_USE
    try:
        # Who joins a facility that is up needs no addresses: their file may be gone by now.
        over = arguments.endpoints if arguments.dry_run else None
        facility = load_facility(arguments.facility, over)
        edges, named = chosen_edges(facility, arguments.qubits)
        if not arguments.only:
            steps = edge_bring_up(edges) if edges and not named else BRING_UP
        if not edges and any(map(targets_edges, steps)):
            edges = tuple(facility.edges().values())
            named = []
        qubits = ends_of(facility, edges) if edges and not named else ()
        if not qubits:
            qubits = chosen_qubits(facility, named)
        if not edges and any(map(targets_edges, steps)):
            raise UnknownQubit(f"{facility.name} has no edges (nodes > NODE > edges)")
        validities = laid_over(facility.validity, arguments.validity)
        if arguments.dry_run:
            store = str(arguments.store or arguments.out / "parameters.sqlite")
            telling = tell_calibration(facility, qubits, edges, steps, routines, store)
            return run_until_terminated(telling)
        story = run_until_terminated(
            _calibrate(arguments, qubits, edges, steps, routines, validities)
        )
    except FacilityError as error:
        print(error, file=sys.stderr)
        return FOUND_PROBLEM
    except (UnknownQubit, NoMoment) as error:
        print(f"podium calibrate: {error}", file=sys.stderr)
        return WRONG_USE
    except (AlreadyUp, StoreError, OSError) as error:
        print(f"podium calibrate: {error}", file=sys.stderr)
        return FOUND_PROBLEM
    return FOUND_PROBLEM if story.failures() else DONE


async def _calibrate(
    arguments: Namespace,
    qubits: "tuple[Qubit, ...]",
    edges: "tuple[Edge, ...]",
    steps: tuple[str, ...],
    routines: "Mapping[str, Routine]",
    validities: "Validities",
) -> "Story":
    from rich.console import Console

    from podium.control.demo.session import CANNOT_GO_ON, Session
    from podium.control.facility.atomic_files import check_writable
    from podium.control.parameters.store import ParameterStore
    from podium.control.processes.lab_access import reached
    from podium.control.report.page import Drawings
    from podium.control.report.progress import display
    from podium.control.report.story import Failure, Story
    from podium.control.runs.errors import RunError

    begin = time.monotonic()
    folder: Path = arguments.out
    await asyncio.to_thread(check_writable, folder)
    console = Console(stderr=arguments.json)
    place = arguments.store or folder / "parameters.sqlite"
    story, begun = Story(arguments.facility.stem, None, tuple(q.name for q in qubits)), False
    story.edges = tuple(edge.name for edge in edges)
    try:
        with (
            ParameterStore(place) as store,
            display(console, len(steps)) as shown,
            Drawings() as drawn,
        ):
            try:
                async with reached(
                    arguments.facility, arguments.endpoints, arguments.state, store=place
                ) as lab:
                    begun = True
                    story.facility = lab.facility.name
                    session = Session(
                        lab,
                        qubits,
                        store,
                        folder / "datasets",
                        story,
                        shown,
                        drawn,
                        arguments.thoroughness,
                        validities,
                        arguments.facility,
                        routines,
                        edges=edges,
                        active_reset=arguments.reset == "active",
                    )
                    await session.work(steps)
            except (RunError, *CANNOT_GO_ON) as error:
                if isinstance(error, OSError) and not begun:
                    raise  # nothing was calibrated: a file that was named is missing
                story.trouble.append(Failure(type(error).__name__, "", str(error)))
                shown.done("Ended before its time", tuple(str(error).splitlines()), failed=True)
            story.wall_s = time.monotonic() - begin
            svgs = await asyncio.to_thread(drawn.finish)
    except asyncio.CancelledError:
        print(
            f"podium calibrate: stopped; what was found until then stays: parameters in {place}, "
            f"data in {folder / 'datasets'}",
            file=sys.stderr,
        )
        raise
    _tell(arguments, story, svgs, console)
    return story


def _tell(
    arguments: Namespace, story: "Story", svgs: "Sequence[Sequence[str]]", console: "Console"
) -> None:
    """Write the report's page, and print where it is and what went wrong."""
    from podium.control.facility.atomic_files import write_text
    from podium.control.report.page import page
    from podium.control.report.story import summary, trouble

    index = arguments.out / "index.html"
    if story.trouble:
        print(trouble("podium calibrate", story), file=sys.stderr)
    write_text(index, page(story, svgs))
    if arguments.json:
        print(json.dumps(summary(story), indent=2))
    else:
        console.print(f"{index}", markup=False, highlight=False, soft_wrap=True)


command = Command(
    name="calibrate",
    help="run calibration routines and store what they find",
    add_arguments=add_arguments,
    run=with_facility(run),
)

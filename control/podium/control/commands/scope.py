"""``podium scope`` shows what a stored run played, from program and machine code."""

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from podium.control.commands.compile import POINT_HELP, RESULTS_HELP
from podium.control.commands.refit import add_stored_run_arguments
from podium.control.facility.command import DONE, FOUND_PROBLEM, WRONG_USE, Command

if TYPE_CHECKING:
    import xarray

    from podium.control.pictures.code_comparison import ComparedProgram
    from podium.control.pictures.program_view import Point
    from podium.control.pictures.view import View

SUFFIX = ".scope.svg"
"""Of the picture, beside the data."""


def add_arguments(parser: ArgumentParser) -> None:
    """Add the command's arguments."""
    add_stored_run_arguments(parser, required=False)
    parser.add_argument(
        "--point", action="append", default=[], metavar="AXIS=INDEX", help=POINT_HELP
    )
    parser.add_argument("--results", default="", metavar="CAPTURE=0|1,...", help=RESULTS_HELP)
    parser.add_argument(
        "--out",
        type=Path,
        metavar="FILE",
        help=f"SVG or HTML file for the picture (default: RUN{SUFFIX} beside the data)",
    )
    parser.add_argument(
        "--text", action="store_true", help="a table of events instead: time, port, what"
    )
    parser.add_argument(
        "--vcd",
        type=Path,
        metavar="FILE",
        help="a value change dump of the shot instead, for a wave viewer; without RUN, and with "
        "--endpoints, of all that simulated instruments played last",
    )
    parser.add_argument(
        "--endpoints",
        type=Path,
        metavar="FILE",
        help="with --vcd and without RUN: of a running simulation",
    )


def run(arguments: Namespace) -> int:
    """Draw or tell what a run played; 1 where program and machine code differ."""
    from podium.control.calibration.facility_copy import facility_then
    from podium.control.calibration.state import NoState
    from podium.control.facility.problems import FacilityError
    from podium.control.pictures.points import NoPoint, point_of, results_of
    from podium.control.pictures.stored_run import LINES_UNDONE, case_of, changed_since, lines_of
    from podium.control.pictures.zurich_parts import NOT_DRAWN
    from podium.control.processes.emulator import CannotEmulate

    live = arguments.endpoints is not None
    if live == (arguments.run_id is not None) or (live and arguments.vcd is None):
        print("podium scope: name a RUN, or give --vcd FILE and --endpoints FILE", file=sys.stderr)
        return WRONG_USE
    if live:
        return _live(arguments)
    try:
        path = _file(arguments)
        data = _load(path)
        digest = str(data.attrs.get("facility_hash", ""))
        facility, warning = facility_then(digest, path.parent, arguments.facility)
        case = case_of(data.attrs, facility)
        case = replace(case, results=results_of(arguments.results, case.program))
        for note in filter(None, (warning, changed_since(data.attrs, case))):
            print(f"podium scope: {note}", file=sys.stderr)
        point = point_of(arguments.point, case.program.axes)
        out = arguments.out or path.with_name(f"{path.stem}{SUFFIX}")
        try:
            if not case.artifacts:
                raise CannotEmulate(LINES_UNDONE if lines_of(data.attrs) else NOT_DRAWN)
            return _compared(case, point, arguments, out)
        except CannotEmulate as error:
            print(f"podium scope: {error}; shown is the program alone", file=sys.stderr)
            return _alone(case, point, arguments, out)
    except NoPoint as error:
        print(f"podium scope: {error}", file=sys.stderr)
        return WRONG_USE
    except FacilityError as error:
        print(error, file=sys.stderr)
        return FOUND_PROBLEM
    except (NoState, ValueError, OSError) as error:
        print(f"podium scope: {error}", file=sys.stderr)
        return FOUND_PROBLEM


def _live(arguments: Namespace) -> int:
    """Write what simulated instruments played last, whole runs of it."""
    from podium.control.processes.emulator import CannotEmulate, dump_played

    try:
        dump_played(arguments.endpoints, arguments.vcd)
    except CannotEmulate as error:
        print(f"podium scope: {error}", file=sys.stderr)
        return FOUND_PROBLEM
    print(arguments.vcd)
    return DONE


def _file(arguments: Namespace) -> Path:
    """Return the file of the run's data; raises FileNotFoundError that names what there is."""
    given = Path(arguments.run_id)
    if given.suffix == ".nc":
        return given
    path = Path(arguments.data) / f"{arguments.run_id}.nc"
    if not path.exists():
        known = sorted(one.stem for one in path.parent.glob("*.nc"))
        there = f"it has {known[0]} ... {known[-1]}" if known else "it has no data"
        raise FileNotFoundError(f"no data of run {arguments.run_id} in {path.parent}; {there}")
    return path


def _load(path: Path) -> "xarray.Dataset":
    from podium.control.records.datasets import load_dataset

    try:
        return load_dataset(path)
    except FileNotFoundError as error:
        raise FileNotFoundError(f"{path}: there is no such file") from error
    except (OSError, ValueError) as error:
        raise OSError(f"{path}: no data of a run can be read there: {error}") from error


def _compared(case: "ComparedProgram", point: "Point", arguments: Namespace, out: Path) -> int:
    from podium.control.pictures.events import table
    from podium.control.pictures.points import say_point
    from podium.control.processes.emulator import emulate
    from podium.control.report.program_pictures import judge, told, write_picture

    verdict = judge(case, point, only=bool(arguments.point), emulate=emulate)
    shown = verdict.shown
    if arguments.vcd is not None:
        _dump(shown.played, case, shown.point, arguments.vcd)
    elif arguments.text:
        where = say_point(shown.point, case.program.axes)
        _say([case.program.name, *([where] if where else [])])
        print(f"program\n{table(shown.meant)}\nmachine code\n{table(shown.played)}")
    else:
        views = [shown.meant, shown.played]
        write_picture(out, views, case, shown.point, shown.drawn)
    _say(list(told(verdict, case.program)))
    if not arguments.text:
        print(arguments.vcd or out)
    return FOUND_PROBLEM if verdict.differences else DONE


def _alone(case: "ComparedProgram", point: "Point", arguments: Namespace, out: Path) -> int:
    from podium.control.pictures.events import table
    from podium.control.pictures.points import say_point
    from podium.control.report.program_pictures import write_picture

    view = case.view(point)
    if arguments.vcd is not None:
        _dump(view, case, point, arguments.vcd)
        print(arguments.vcd)
        return DONE
    if arguments.text:
        where = say_point(point, case.program.axes)
        _say([case.program.name, *([where] if where else [])])
        print(f"program\n{table(view)}")
        return DONE
    write_picture(out, [view], case, point)
    print(out)
    return DONE


def _dump(view: "View", case: "ComparedProgram", point: "Point", out: Path) -> None:
    """Write a shot as a value change dump; raises OSError."""
    from podium.control.facility.atomic_files import write_text
    from podium.control.pictures.points import say_point
    from podium.control.pictures.signal_dump import dump_view

    write_text(out, dump_view(view, [case.program.name, say_point(point, case.program.axes)]))


def _say(lines: Sequence[str]) -> None:
    print("\n".join(lines))


command = Command(
    name="scope",
    help="draw what a stored run played, from its program and from its machine code",
    add_arguments=add_arguments,
    run=run,
)

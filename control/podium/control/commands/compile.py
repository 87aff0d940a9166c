"""``podium compile`` shows what the controllers would play. Nothing is sent anywhere.

Resources and the annotated code in words, or pictures: what the program means, what the machine
code plays (where the simulated instruments are installed), or both and where they differ.
"""

import json
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from podium.control.commands.options.facility_file import add_facility_arguments, with_facility
from podium.control.facility.command import DONE, FOUND_PROBLEM, WRONG_USE, Command
from podium.firmware_interfaces.json_text import parse_json

if TYPE_CHECKING:
    from podium.control.pictures.code_comparison import ComparedProgram
    from podium.control.program.program import Program
    from podium.firmware_interfaces.qblox_cluster.program import ClusterProgram

POINT_HELP = (
    "the point of a sweep that is shown, e.g. amplitude=25, negative from the end; an axis that is "
    "not named: its middle; with --compare: the only one compared (default: all)"
)


RESULTS_HELP = (
    "where something depends on what is measured: the results of the shot that is shown, e.g. "
    "m=1,n=0; a capture that is not named has 0 (without this, --diagram shows all branches)"
)


def add_arguments(parser: ArgumentParser) -> None:
    """Add the command's arguments."""
    add_facility_arguments(parser, endpoints=False, state=False)
    parser.add_argument("program", type=Path, metavar="PROGRAM", help="JSON of the program")
    parser.add_argument("--json", action="store_true", help="the artifacts as JSON")
    parser.add_argument(
        "--diagram", type=Path, metavar="FILE", help="draw what the program means, SVG or HTML"
    )
    parser.add_argument(
        "--play",
        type=Path,
        metavar="FILE",
        help="draw what the machine code plays, by the emulator of the simulated instruments",
    )
    parser.add_argument(
        "--compare",
        type=Path,
        metavar="FILE",
        help="draw both above each other, differences marked; status 1 if there are any",
    )
    parser.add_argument(
        "--artifact",
        type=Path,
        metavar="FILE",
        help="machine code from this file, as --json wrote it, instead of compiling",
    )
    parser.add_argument(
        "--point", action="append", default=[], metavar="AXIS=INDEX", help=POINT_HELP
    )
    parser.add_argument("--results", default="", metavar="CAPTURE=0|1,...", help=RESULTS_HELP)


def run(arguments: Namespace) -> int:
    """Print resources and code, or draw what was asked for; 1 where the two differ."""
    from podium.control.commands.compile_zurich import for_zurich
    from podium.control.facility.load import load_facility
    from podium.control.facility.problems import FacilityError
    from podium.control.families.qblox.targets import targets_of
    from podium.control.pictures.code_comparison import ComparedProgram
    from podium.control.pictures.points import results_of
    from podium.control.pictures.stored_run import compiled
    from podium.control.pictures.zurich_parts import zurich_targets
    from podium.control.processes.emulator import CannotEmulate
    from podium.control.program.serialise import from_json

    try:
        facility = load_facility(arguments.facility)
        text = arguments.program.read_text(encoding="utf-8")
        given = arguments.artifact.read_text(encoding="utf-8") if arguments.artifact else None
    except FacilityError as error:
        print(error, file=sys.stderr)
        return FOUND_PROBLEM
    except (OSError, UnicodeDecodeError) as error:
        print(f"podium compile: {error}", file=sys.stderr)
        return WRONG_USE
    try:
        program = from_json(text)
        if zurich_targets(program, facility):
            return for_zurich(program, facility, arguments)
        targets = targets_of(facility)
        artifacts = compiled(program, facility) if given is None else _read(given, program, targets)
        results = results_of(arguments.results, program)
        case = ComparedProgram(
            program, artifacts, {name: targets[name] for name in artifacts}, results
        )
    except (ValueError, KeyError) as error:  # what programs and compilers raise: it is at fault
        print(f"podium compile: {arguments.program}: {error}", file=sys.stderr)
        return FOUND_PROBLEM
    try:
        if arguments.json:
            _print_json(artifacts)
        elif arguments.diagram or arguments.play or arguments.compare:
            return _draw(case, arguments)
        else:
            _print(case)
    except CannotEmulate as error:
        print(f"podium compile: {error}", file=sys.stderr)
        return FOUND_PROBLEM
    except ValueError as error:
        print(f"podium compile: {arguments.program}: {error}", file=sys.stderr)
        return FOUND_PROBLEM
    except OSError as error:
        print(f"podium compile: {error}", file=sys.stderr)
        return WRONG_USE
    return DONE


def _read(
    text: str, program: "Program", clusters: Collection[str]
) -> "Mapping[str, ClusterProgram]":
    """Return what ``--json`` printed of this program; raises ValueError."""
    from podium.firmware_interfaces.qblox_cluster.program import from_plain

    try:
        found = {str(name): from_plain(plain) for name, plain in parse_json(text).items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        why = f"--artifact holds no artifacts as --json prints them: {error!r}"
        raise ValueError(why) from error
    frames = {frame.name for frame in program.frames}
    counts = {axis.name: axis.count for axis in program.axes}
    for name, artifact in found.items():
        if name not in clusters:
            raise ValueError(f"--artifact is for {name}; the facility has {', '.join(clusters)}")
        strange = {one.frame for one in artifact.sequencers} - frames
        other = {n for q in artifact.quantised for n in zip(q.axes, q.shape, strict=True)}
        if strange or not other <= counts.items():
            raise ValueError(
                f"--artifact is of another program, {artifact.name}: it has "
                f"{', '.join(sorted(strange)) or f'axes {sorted(other)}'}, this one has "
                f"{', '.join(sorted(frames))}, with axes {sorted(counts.items())}"
            )
    return found


def _print_json(artifacts: "Mapping[str, ClusterProgram]") -> None:
    from podium.firmware_interfaces.qblox_cluster.program import to_plain

    print(json.dumps({name: to_plain(artifact) for name, artifact in artifacts.items()}))


def _print(case: "ComparedProgram") -> None:
    from podium.control.pictures.listing import annotated, resources, statements

    for name, artifact in case.artifacts.items():
        print(f"# {name}: program {artifact.name}\n")
        print(resources(case.program, artifact))
        print(statements(case.program))
        print(annotated(case.program, artifact))


def _draw(case: "ComparedProgram", arguments: Namespace) -> int:
    from podium.control.pictures.code_comparison import play
    from podium.control.pictures.points import NoPoint, point_of
    from podium.control.processes.emulator import emulate
    from podium.control.report.program_pictures import judge, told, write_picture

    try:
        point = point_of(arguments.point, case.program.axes)
    except NoPoint as error:
        print(f"podium compile: {error}", file=sys.stderr)
        return WRONG_USE
    status = DONE
    if arguments.diagram:
        write_picture(arguments.diagram, [case.view(point)], case, point)
        print(arguments.diagram)
    if arguments.play:
        write_picture(arguments.play, [play(case, point, emulate)], case, point)
        print(arguments.play)
    if arguments.compare:
        verdict = judge(case, point, only=bool(arguments.point), emulate=emulate)
        shown = verdict.shown
        views = [shown.meant, shown.played]
        write_picture(arguments.compare, views, case, shown.point, shown.drawn)
        print("\n".join(told(verdict, case.program)))
        print(arguments.compare)
        status = FOUND_PROBLEM if verdict.differences else DONE
    return status


command = Command(
    name="compile",
    help="compile a program for its controllers, print what they would play, and draw it",
    add_arguments=add_arguments,
    run=with_facility(run),
)

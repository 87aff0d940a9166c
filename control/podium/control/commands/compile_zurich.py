"""Shows what ``podium compile`` gives instruments of Zurich Instruments."""

import json
import sys
from argparse import Namespace

from podium.control.facility.command import DONE, FOUND_PROBLEM, WRONG_USE
from podium.control.facility.facility import Facility
from podium.control.pictures.code_comparison import ComparedProgram
from podium.control.pictures.points import NoPoint, point_of, results_of
from podium.control.pictures.zurich_parts import NOT_DRAWN, zurich_parts, zurich_targets
from podium.control.program.program import Program
from podium.control.report.program_pictures import write_picture
from podium.firmware_interfaces.zurich.program import to_plain


def for_zurich(program: Program, facility: Facility, arguments: Namespace) -> int:
    """Print what each instrument is given, or draw what the program means.

    Raises what compilers raise.
    """
    if arguments.play or arguments.compare or arguments.artifact:
        print(
            f"podium compile: {NOT_DRAWN}, nor compared: --diagram draws what the program means, "
            "and without an option it is printed what they are given",
            file=sys.stderr,
        )
        return FOUND_PROBLEM
    if arguments.diagram:
        return _diagram(program, facility, arguments)
    parts = zurich_parts(program, facility)
    if arguments.json:
        plain = [{one.instrument: to_plain(one) for one in part.programs} for part in parts]
        print(json.dumps(plain[0] if len(plain) == 1 else plain))
        return DONE
    if len(parts) > 1:
        print(f"It takes {len(parts)} programs, one after the other; the first of them:\n")
    for one in parts[0].programs:
        print(f"# {one.instrument}: {one.listing}")
    return DONE


def _diagram(program: Program, facility: Facility, arguments: Namespace) -> int:
    results = results_of(arguments.results, program)
    case = ComparedProgram(program, {}, zurich_targets(program, facility), results)
    try:
        point = point_of(arguments.point, program.axes)
    except NoPoint as error:
        print(f"podium compile: {error}", file=sys.stderr)
        return WRONG_USE
    write_picture(arguments.diagram, [case.view(point)], case, point)
    print(arguments.diagram)
    return DONE

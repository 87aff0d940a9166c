"""``podium check``: is a facility file right, and if not, what is wrong and where."""

import json
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from podium.control.facility.command import DONE, FOUND_PROBLEM, WRONG_USE, Command

if TYPE_CHECKING:
    from podium.control.facility.facility import Facility
    from podium.control.facility.problems import Problem


def _add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("facility", type=Path, metavar="FACILITY", help="the facility file")
    parser.add_argument(
        "--endpoints", type=Path, metavar="FILE", help="addresses to lay over those of the file"
    )
    parser.add_argument("--json", action="store_true", help="answer as JSON on standard output")


def _run(arguments: Namespace) -> int:
    from podium.control.facility.load import load_with_remarks
    from podium.control.facility.problems import FacilityError
    from podium.firmware_interfaces.models import ModelError

    try:
        facility, remarks = load_with_remarks(arguments.facility, arguments.endpoints)
    except FacilityError as error:
        if arguments.json:
            print(json.dumps({"ok": False, "problems": [_plain(p) for p in error.problems]}))
        else:
            print(error, file=sys.stderr)
        return FOUND_PROBLEM
    except (OSError, ModelError) as error:
        print(f"podium check: {error}", file=sys.stderr)
        return WRONG_USE
    if arguments.json:
        told = {"ok": True, "facility": facility.name, "digest": facility.digest}
        print(json.dumps({**told, "remarks": [_plain(remark) for remark in remarks]}))
    else:
        for remark in remarks:
            print(remark)
        print(_summary(arguments.facility, facility))
    return DONE


def _plain(problem: "Problem") -> dict[str, object]:
    return {
        "file": problem.file,
        "line": problem.line,
        "column": problem.column,
        "path": list(problem.path),
        "message": problem.message,
    }


def _summary(path: Path, facility: "Facility") -> str:
    counts = (
        (len(facility.nodes), "node"),
        (len(facility.qubits()), "qubit"),
        (len(facility.instruments), "instrument"),
        (len(facility.wiring), "line"),
    )
    told = ", ".join(f"{count} {what}{'' if count == 1 else 's'}" for count, what in counts)
    return f"{path}: {facility.name} is sound: {told}"


command = Command(
    name="check",
    help="check a facility file; every error with its place and what would be right",
    add_arguments=_add_arguments,
    run=_run,
)

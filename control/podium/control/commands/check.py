"""``podium check`` checks a facility file and names each mistake with its place.

Of a sound file it says besides what is assumed where the file says nothing, what real instruments
need and what their twins need. What twins need their own package tells, by the entry point of
``podium twin``; where that is not installed nothing is said of twins.
"""

import json
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING

from podium.control.commands.check_assumptions import assumed_lines, assumed_values
from podium.control.commands.options.facility_file import add_facility_arguments, with_facility
from podium.control.facility.command import DONE, FOUND_PROBLEM, WRONG_USE, Command

if TYPE_CHECKING:
    from podium.control.facility.facility import Facility
    from podium.control.facility.problems import FacilityError, Problem

ENTRY_POINT_GROUP = "podium.commands"
TWIN = "twin"
"""The command that comes with the simulated instruments."""
ADAPTERS = {
    "GPIB": "the VISA library of the adapter's vendor, or linux-gpib with the package gpib-ctypes,",
    "USB": "the VISA library of a vendor, or the package pyusb with libusb,",
    "ASRL": "the right to open that serial port, and the package pyserial,",
}
"""By the kind of a VISA resource: what pyvisa and pyvisa-py do not bring (documentation of
PyVISA-py, installation)."""


def _add_arguments(parser: ArgumentParser) -> None:
    add_facility_arguments(parser, state=False)
    parser.add_argument("--json", action="store_true", help="answer as JSON on standard output")


def _run(arguments: Namespace) -> int:
    from podium.control.facility.load import load_with_remarks
    from podium.control.facility.problems import FacilityError
    from podium.firmware_interfaces.models import ModelError

    try:
        facility, remarks = load_with_remarks(arguments.facility, arguments.endpoints)
    except FacilityError as error:
        return _refuse(error, arguments)
    except (OSError, ModelError) as error:
        print(f"podium check: {error}", file=sys.stderr)
        return WRONG_USE
    problems, real = _named_drivers(arguments.facility, facility)
    if problems:
        return _refuse(FacilityError(str(arguments.facility), problems), arguments)
    twins = _twin_needs(arguments.facility)
    if arguments.json:
        told = {"ok": True, "facility": facility.name, "digest": facility.digest}
        told |= {"remarks": [_plain(remark) for remark in remarks]}
        told |= {"assumed": assumed_values(facility), "real_instruments": real, "twins": twins}
        print(json.dumps(told))
    else:
        for remark in remarks:
            print(remark)
        print(_summary(arguments.facility, facility))
        for line in assumed_lines(facility):
            print(line)
        for head, needs in (("for real instruments:", real), ("for twins:", twins)):
            if needs:
                print("\n".join([head, *(f"  {need}" for need in needs)]))
    return DONE


def _refuse(error: "FacilityError", arguments: Namespace) -> int:
    if arguments.json:
        print(json.dumps({"ok": False, "problems": [_plain(p) for p in error.problems]}))
    else:
        print(error, file=sys.stderr)
    return FOUND_PROBLEM


def _named_drivers(path: Path, facility: "Facility") -> tuple[list["Problem"], list[str]]:
    """Return what is wrong with drivers that the file names, and what they need besides."""
    from podium.control.agent.named_drivers import driver_findings
    from podium.control.facility.source import read_source

    found = driver_findings(facility.instruments) if path.is_file() else []
    source = read_source(path)[0] if any(one.wrong for one in found) else None
    problems = [
        source.problem(("instruments", one.instrument, one.key), one.message)
        for one in found
        if one.wrong and source is not None
    ]
    needs = [f"{one.instrument}: {one.message}" for one in found if not one.wrong]
    return problems, needs + list(_adapters(facility))


def _adapters(facility: "Facility") -> Iterator[str]:
    """Yield what instruments need that are reached over no network."""
    from podium.control.facility.facility import VisaAddress

    for name, entry in facility.instruments.items():
        resource = entry.address.resource if isinstance(entry.address, VisaAddress) else ""
        kind = resource.partition("::")[0].rstrip("0123456789").upper()
        if kind in ADAPTERS:
            yield f"{name}: {resource} needs {ADAPTERS[kind]} on its agent's computer"


def _twin_needs(path: Path) -> list[str]:
    """Return what stands between the file and its simulation, as the twins' package tells it."""
    points = {point.name: point for point in entry_points(group=ENTRY_POINT_GROUP)}
    if TWIN not in points or not path.is_file():  # a pipe is read once
        return []
    needs: list[str] = points[TWIN].load().needs(path)
    return needs


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
    run=with_facility(_run),
)

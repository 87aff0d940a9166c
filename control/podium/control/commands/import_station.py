"""``podium import-station`` makes a facility file from a QCoDeS Station file."""

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from podium.control.facility.command import DONE, FOUND_PROBLEM, WRONG_USE, Command


def _add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("station", type=Path, metavar="STATION", help="the QCoDeS Station file")
    parser.add_argument(
        "--out", type=Path, metavar="FILE", help="write it there instead of standard output"
    )
    parser.add_argument("--name", help="name of the facility; else that of the Station file")


def _run(arguments: Namespace) -> int:
    from podium.control.facility.import_station import facility_of_station
    from podium.control.facility.load import load_facility
    from podium.control.facility.problems import FacilityError
    from podium.control.facility.source import read_source

    out: Path | None = arguments.out
    try:
        source, problems = read_source(arguments.station)
        if problems:
            raise FacilityError(source.file, problems)
        imported = facility_of_station(source, arguments.name or arguments.station.stem)
    except FacilityError as error:
        print(error, file=sys.stderr)
        return FOUND_PROBLEM
    except OSError as error:
        print(f"podium import-station: {error}", file=sys.stderr)
        return WRONG_USE
    if out is None:
        print(imported.text, end="")
        return DONE
    try:
        with out.open("x", encoding="utf-8") as file:
            file.write(imported.text)
    except OSError as error:
        print(f"podium import-station: {error}; give another --out", file=sys.stderr)
        return WRONG_USE
    print(f"{out}: written; {len(imported.left)} things are left, as its comments say")
    try:
        load_facility(out)
    except FacilityError as error:
        print(error, file=sys.stderr)
    return DONE


command = Command(
    name="import-station",
    help="make a facility file from a QCoDeS Station file",
    add_arguments=_add_arguments,
    run=_run,
)

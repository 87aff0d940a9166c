"""``podium doctor`` compares the instruments' answers with the facility file.

It only reads: nothing is set, reset or switched on any instrument.
"""

import asyncio
import json
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING

from podium.control.commands.options.facility_file import add_facility_arguments, with_facility
from podium.control.facility.command import DONE, FOUND_PROBLEM, WRONG_USE, Command

if TYPE_CHECKING:
    from podium.control.bus.manual_access import Examined
    from podium.control.client.lab import Lab
    from podium.control.commands.doctor_findings import DoctorFinding

PATIENCE_S = 30.0
"""An instrument that is still connecting is waited for so long."""
MARKS = {"same": "ok", "differs": "PROBLEM", "noted": ""}


def add_arguments(parser: ArgumentParser) -> None:
    """Add the command's arguments."""
    add_facility_arguments(parser)
    parser.add_argument("--json", action="store_true", help="answer as JSON on standard output")


def run(arguments: Namespace) -> int:
    """Print the findings; 1 if an instrument does not answer or is not what the file says."""
    from podium.control.bus.shutdown import run_until_terminated
    from podium.control.facility.problems import FacilityError
    from podium.control.facility.state_file import AlreadyUp
    from podium.control.runs.errors import RunError

    try:
        found = run_until_terminated(_examined(arguments))
    except FacilityError as error:
        print(error, file=sys.stderr)
        return FOUND_PROBLEM
    except (RunError, AlreadyUp) as error:
        print(f"podium doctor: {error}", file=sys.stderr)
        return FOUND_PROBLEM
    except OSError as error:
        print(f"podium doctor: {error}", file=sys.stderr)
        return WRONG_USE
    well = all(finding.verdict != "differs" for finding in found)
    if arguments.json:
        print(json.dumps({"well": well, "findings": [asdict(one) for one in found]}, indent=2))
    else:
        print(table(found))
    return DONE if well else FOUND_PROBLEM


async def _examined(arguments: Namespace) -> "tuple[DoctorFinding, ...]":
    from podium.control.commands.doctor_findings import findings
    from podium.control.processes.lab_access import reached

    async with reached(
        arguments.facility, arguments.endpoints, arguments.state, all_of_it=False, reading_only=True
    ) as lab:
        told = await ask_all(lab)
        return findings(lab.facility, told)


async def ask_all(lab: "Lab") -> "dict[str, Examined | str]":
    """Return what each instrument says of itself, or why it says nothing."""
    from podium.control.bus.gather import gather

    names = tuple(lab.facility.instruments)
    answers = await gather(*(_ask_one(lab, name) for name in names))
    return dict(zip(names, answers, strict=True))


async def _ask_one(lab: "Lab", name: str) -> "Examined | str":
    from podium.control.runs.errors import RunError

    why = await _connected(lab, name)
    if why:
        return why
    try:
        return await lab.examine(name)
    except RunError as error:
        return str(error)


async def _connected(lab: "Lab", name: str) -> str:
    """Wait until an instrument is connected or has failed to; return what is wrong with it."""
    loop = asyncio.get_running_loop()
    give_up = loop.time() + PATIENCE_S
    while True:
        status = await lab.status()
        here = [one for agent in status.agents for one in agent.instruments if one.name == name]
        if here and here[0].state == "connected":
            return ""
        if here and here[0].last_error:
            return here[0].last_error
        if loop.time() > give_up:
            return f"{name}: nobody could connect to it within {PATIENCE_S:g} s"
        await asyncio.sleep(0.05)


def table(found: "Iterable[DoctorFinding]") -> str:
    """Return the findings as columns for a person, a block for each instrument."""
    rows = [("", "the file says", "the instrument says", "")]
    rows += [(f"  {f.what}", f.file_says, f.instrument_says, MARKS[f.verdict]) for f in found]
    widths = [min(44, max(len(row[column]) for row in rows)) for column in range(2)]
    lines: list[str] = []
    said = ""
    for finding, row in zip((None, *found), rows, strict=True):
        if finding is not None and finding.instrument != said:
            said = finding.instrument
            lines.append(said)
        what, file_says, instrument_says, mark = row
        middle = f"{what:<{widths[0]}}  {file_says:<{widths[1]}}  "
        lines.append(f"{middle}{instrument_says:<44}  {mark}".rstrip())
    problems = sum(finding.verdict == "differs" for finding in found)
    lines.append(f"{problems} problem{'s' if problems != 1 else ''}; nothing was set anywhere")
    return "\n".join(lines)


command = Command(
    name="doctor",
    help="compare what the instruments say with the facility file, by reading alone",
    add_arguments=add_arguments,
    run=with_facility(run),
)

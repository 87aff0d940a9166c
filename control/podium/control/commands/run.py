"""``podium run`` runs a program on a facility, and writes its data into a file.

If the facility is up, its processes are asked; otherwise its instruments are owned for
the time of the run. Ctrl-C stops it safely and writes what was measured until then; what plays
on several nodes starts together, is measured in one piece, and leaves nothing when it is stopped.
"""

import asyncio
import json
import math
import signal
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from podium.control.commands.options.facility_file import add_facility_arguments, with_facility
from podium.control.facility.command import DONE, FOUND_PROBLEM, WRONG_USE, Command

if TYPE_CHECKING:
    import xarray

    from podium.control.client.lab import Lab
    from podium.control.program.program import Program

READY_S = 30.0
ENDING = (signal.SIGINT, signal.SIGTERM)
"""Signals that stop a run."""


def add_arguments(parser: ArgumentParser) -> None:
    """Add the command's arguments."""
    add_facility_arguments(parser)
    parser.add_argument("program", type=Path, metavar="PROGRAM", help="JSON of the program")
    parser.add_argument(
        "--out", type=Path, metavar="FILE", help="netCDF file for the data (default PROGRAM.nc)"
    )
    parser.add_argument(
        "--parameter",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="put a parameter of the program to this value; may be given several times",
    )
    parser.add_argument(
        "--uncorrected",
        action="store_true",
        help="on several nodes: do not take their skews out, they start some ns apart",
    )
    parser.add_argument(
        "--priority", type=int, default=0, metavar="N", help="in the queue, from -10 to 10"
    )
    parser.add_argument(
        "--cut",
        action="store_true",
        help="cut shots where a result has to travel to another controller: each part is a run",
    )
    parser.add_argument(
        "--longest-wait",
        type=float,
        default=math.inf,
        metavar="S",
        help="refuse a cut that takes longer (default: wait as long as it takes)",
    )
    parser.add_argument(
        "--store",
        type=Path,
        metavar="FILE",
        help="parameters: how late results between controllers were measured to be; with --cut "
        "lifetimes, and the time that a cut takes is kept there",
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="print each message that would be sent, send none"
    )
    parser.add_argument("--json", action="store_true", help="answer as JSON on standard output")


class NotANumber(ValueError):
    """A parameter was given something else; nothing was run."""


def _values(given: list[str]) -> dict[str, float]:
    values: dict[str, float] = {}
    for one in given:
        name, _, text = one.partition("=")
        try:
            values[name] = int(text) if text.lstrip("+-").isdecimal() else float(text)
        except ValueError as error:
            raise NotANumber(
                f"--parameter {one}: a name and a number are wanted, such as theta=0.25"
            ) from error
    return values


def run(arguments: Namespace) -> int:
    """Run the program, write its data, print where they are."""
    from podium.control.bus.shutdown import run_until_terminated
    from podium.control.calibration.facility_copy import keep_facility
    from podium.control.commands.options.dry_run import tell_run
    from podium.control.facility.atomic_files import check_writable
    from podium.control.facility.load import load_facility
    from podium.control.facility.problems import FacilityError
    from podium.control.facility.state_file import AlreadyUp
    from podium.control.parameters.store import StoreError
    from podium.control.program.parameters import NoSuchParameter, with_parameters
    from podium.control.program.serialise import NotAProgram, from_json
    from podium.control.records.datasets import write_dataset
    from podium.control.records.snapshots import store_beside
    from podium.control.runs.errors import RunError

    try:
        program = from_json(arguments.program.read_text(encoding="utf-8"))
        program = with_parameters(program, _values(arguments.parameter))
        if arguments.dry_run:
            facility = load_facility(arguments.facility, arguments.endpoints)
            return run_until_terminated(tell_run(facility, program))
        out = arguments.out or arguments.program.with_suffix(".nc")
        check_writable(out.parent)
        data = run_until_terminated(_run(arguments, program))
    except FacilityError as error:
        print(error, file=sys.stderr)
        return FOUND_PROBLEM
    except (NoSuchParameter, NotANumber) as error:
        print(f"podium run: {error}", file=sys.stderr)
        return WRONG_USE
    except NotAProgram as error:
        print(f"podium run: {arguments.program}: {error}", file=sys.stderr)
        return FOUND_PROBLEM
    except (RunError, AlreadyUp, StoreError) as error:
        print(f"podium run: {error}", file=sys.stderr)
        return FOUND_PROBLEM
    except (OSError, UnicodeDecodeError) as error:
        print(f"podium run: {error}", file=sys.stderr)
        return WRONG_USE
    try:
        store_beside(data, out.parent)
        write_dataset(data, out)
    except OSError as error:
        print(f"podium run: {error}", file=sys.stderr)
        return FOUND_PROBLEM
    try:
        if digest := str(data.attrs.get("facility_hash", "")):  # podium scope wants it as it was
            keep_facility(arguments.facility, digest, out.parent)
    except (OSError, FacilityError) as error:  # somebody edits it, or the disk is full
        print(f"podium run: the facility file is not kept with the data: {error}", file=sys.stderr)
    if arguments.json:
        complete = bool(data.attrs.get("complete", True))
        told = {"run": str(data.attrs["run"]), "data": str(out), "complete": complete}
        print(json.dumps(told))
    else:
        print(f"run {data.attrs['run']}: {out}")
    if missing := data.attrs.get("not_recorded"):
        print(f"podium run: the run is not in the records: {missing}", file=sys.stderr)
    if not data.attrs.get("complete", True):
        far = f"{data.attrs['shots_done']} of {data.attrs['shots']} shots"
        print(f"podium run: {data.attrs['stopped']} after {far}", file=sys.stderr)
        return FOUND_PROBLEM
    return DONE


async def _run(arguments: Namespace, program: "Program") -> "xarray.Dataset":
    from podium.control.client.facility_access import join_facility, open_facility
    from podium.control.facility.state_file import NotUp, kept_up, where_up
    from podium.control.facility.state_folder import default_state_file

    state_file = arguments.state or default_state_file(arguments.facility)
    try:
        state = where_up(arguments.facility, state_file)
    except NotUp:
        with kept_up(state_file):
            async with open_facility(
                arguments.facility, arguments.endpoints, state=state_file
            ) as lab:
                await lab.ready(READY_S)
                return await _measure(lab, program, arguments)
    async with join_facility(arguments.facility, state.coordinator) as lab:
        return await _measure(lab, program, arguments)


async def _measure(lab: "Lab", program: "Program", arguments: Namespace) -> "xarray.Dataset":
    lab = lab.at_priority(arguments.priority)
    if arguments.store is not None and not arguments.cut and lab.facility.timing.result_lines:
        lab.use_stored_latencies(arguments.store)
    if arguments.cut:
        return await lab.run_cut(
            program,
            longest_wait_s=arguments.longest_wait,
            store=arguments.store,
            corrected=not arguments.uncorrected,
        )
    if len({frame.port.partition(".")[0] for frame in program.frames}) > 1:
        return await lab.run(program, corrected=not arguments.uncorrected)
    stream = lab.stream(program)
    loop = asyncio.get_running_loop()
    stops: list[asyncio.Future[None]] = []

    def stop(name: str) -> None:
        stops.append(asyncio.ensure_future(stream.stop(f"stopped by {name}")))

    for number in ENDING:
        loop.add_signal_handler(number, stop, number.name)
    try:
        async for data in stream:
            _show(f"{data.attrs['shots_done']} of {data.attrs['shots']} shots")
    finally:
        for number in ENDING:
            loop.remove_signal_handler(number)
        await asyncio.gather(*stops, return_exceptions=True)  # what it did is in the data
        _show("")
    return data


def _show(far: str) -> None:
    if sys.stderr.isatty():
        print(f"\r{far:40}\r", end="", file=sys.stderr, flush=True)


command = Command(
    name="run",
    help="run a program and save what it measured",
    add_arguments=add_arguments,
    run=with_facility(run),
)

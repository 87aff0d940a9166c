"""``podium record`` writes down what passes between a client and an instrument."""

import asyncio
import json
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from podium.control.commands.options.facility_file import add_facility_arguments, with_facility
from podium.control.facility.command import DONE, FOUND_PROBLEM, WRONG_USE, Command

if TYPE_CHECKING:
    from podium.control.facility.facility import Facility, InstrumentEntry


def add_arguments(parser: ArgumentParser) -> None:
    """Add the command's arguments."""
    add_facility_arguments(parser)
    parser.add_argument("instrument", metavar="INSTRUMENT", help="its name in the facility file")
    parser.add_argument(
        "--out", type=Path, required=True, metavar="TRACE", help="trace to write (JSON lines)"
    )
    parser.add_argument(
        "--through",
        type=Path,
        metavar="FILE",
        help="endpoints file to write, that leads to all instruments, to this one through the "
        "recording: for podium up --endpoints",
    )


def run(arguments: Namespace) -> int:
    """Record until told to end."""
    from podium.control.commands.record_proxy import NotRecordable
    from podium.control.facility.load import load_facility
    from podium.control.facility.problems import FacilityError, suggest

    try:
        facility = load_facility(arguments.facility, arguments.endpoints)
        if arguments.instrument not in facility.instruments:
            near = suggest(arguments.instrument, facility.instruments)
            print(
                f"podium record: {facility.name} has no instrument {arguments.instrument!r}; "
                f"{near}",
                file=sys.stderr,
            )
            return WRONG_USE
        entry = facility.instruments[arguments.instrument]
        asyncio.run(_record(facility, entry, arguments))
    except FacilityError as error:
        print(error, file=sys.stderr)
        return FOUND_PROBLEM
    except (NotRecordable, OSError) as error:
        print(f"podium record: {error}", file=sys.stderr)
        return WRONG_USE
    return DONE


async def _record(facility: "Facility", entry: "InstrumentEntry", arguments: Namespace) -> None:
    from podium.control.bus.shutdown import until_terminated
    from podium.control.commands.record_proxy import recording

    with arguments.out.open("w", encoding="utf-8") as trace:
        async with recording(entry, trace) as here:
            if arguments.through is not None:
                content = through(facility, {entry.name: dict(here.endpoint)})
                arguments.through.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
            where = here.endpoint.get("visa") or f"{here.endpoint['host']} {here.endpoint['ports']}"
            print(f"recording {entry.name} to {arguments.out}: connect to {where}", flush=True)
            await until_terminated(with_parent=False)


def through(facility: "Facility", instead: dict[str, dict[str, object]]) -> dict[str, object]:
    """Return an endpoints file that leads to all instruments, to some by way of ``instead``."""
    from podium.control.facility.facility import HostAddress

    found: dict[str, object] = {}
    for name, entry in facility.instruments.items():
        if isinstance(entry.address, HostAddress):
            address = entry.address
            there: dict[str, object] = {"host": address.host, "ports": dict(address.ports)}
        else:
            there = {"visa": entry.address.resource}
        found[name] = instead.get(name) or {"model": entry.model, **there}
    return {"instruments": found}


command = Command(
    name="record",
    help="write down what passes between a client and an instrument",
    add_arguments=add_arguments,
    run=with_facility(run),
)

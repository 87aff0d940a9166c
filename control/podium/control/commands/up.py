"""``podium up``: agents, coordinator, page and supervisor of a facility, each a process."""

import asyncio
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from podium.control.commands.options.facility_file import add_facility_arguments, with_facility
from podium.control.facility.command import DONE, FOUND_PROBLEM, WRONG_USE, Command

if TYPE_CHECKING:
    import socket

    from podium.control.facility.facility import Facility
    from podium.control.processes.early_copy import EarlyCopy

READY_S = 60.0
READERS = "everybody who reaches this machine can read the page and stop what runs"
KEY_SEEN = "the page's key goes over the network in the clear: a tunnel is safer"
DEFAULT_STORE = Path("podium_calibration") / "parameters.sqlite"
"""Where ``podium calibrate`` keeps parameters when no other is named."""


def add_arguments(parser: ArgumentParser) -> None:
    """Add the command's arguments."""
    add_facility_arguments(parser, state=False, not_yet_up=True)
    parser.add_argument(
        "--state", type=Path, metavar="FILE", help="where to say how others reach it"
    )
    parser.add_argument(
        "--only",
        metavar="NAME,...",
        help="start only these here: router, coordinator, page, supervisor, records, or an agent "
        "by its name; the others run on other computers (default: all)",
    )
    parser.add_argument(
        "--page",
        default="127.0.0.1:0",
        metavar="HOST:PORT",
        help="where the page listens; port 0: a free one (default 127.0.0.1:0); none: no page",
    )
    parser.add_argument(
        "--insecure",
        action="store_true",
        help="go without TLS and certificates: every process of this computer may do everything",
    )
    parser.add_argument(
        "--store",
        metavar="FILE|URL",
        help=f"the parameter store (default {DEFAULT_STORE}, as podium calibrate)",
    )
    parser.add_argument(
        "--records",
        metavar="URL",
        help="the database of the index of runs, postgresql+psycopg://... (default: a file beside "
        "their data)",
    )
    parser.add_argument(
        "--with-parent", action="store_true", help="end also when standard input is closed"
    )


def run(arguments: Namespace) -> int:
    """Keep the facility up until told to end."""
    # What a copy of this process is to share is imported before the copy is made.
    import podium.control.client.facility_access
    import podium.control.client.state_examination  # noqa: F401
    from podium.control.bus.bus import BusError
    from podium.control.facility.endpoints import let_programs_last
    from podium.control.facility.load import load_facility
    from podium.control.facility.problems import FacilityError
    from podium.control.facility.state_file import AlreadyUp, kept_up
    from podium.control.facility.state_folder import default_state_file
    from podium.control.processes.forked_processes import waiting_server
    from podium.control.processes.page_socket import BadAddress, page_socket
    from podium.control.processes.process_layout import NoSuchPart
    from podium.firmware_interfaces.run_allowance import BadAllowance, run_allowance_s

    state_file = arguments.state or default_state_file(arguments.facility)
    if arguments.only is not None and "page" not in arguments.only.split(","):
        arguments.page = "none"
    try:
        run_allowance_s()  # a wrong one would end each process that is started
        let_programs_last(arguments.endpoints)
        facility = load_facility(arguments.facility, arguments.endpoints)
        # Before there is a socket, a lock or a thread; what reads facility files is set up by now.
        waiting = waiting_server()
        try:
            listening = page_socket(arguments.page)
            with kept_up(state_file):
                if _examined(state_file, arguments):
                    return FOUND_PROBLEM
                taken, waiting = waiting, None
                return asyncio.run(_up(facility, arguments, state_file, listening, taken))
        finally:
            if waiting is not None:
                waiting.dismiss()
    except FacilityError as error:
        print(error, file=sys.stderr)
        return FOUND_PROBLEM
    except BusError as error:
        print(f"podium up: {error}", file=sys.stderr)
        return FOUND_PROBLEM
    except (BadAddress, BadAllowance, OSError, AlreadyUp, NoSuchPart) as error:
        print(f"podium up: {error}", file=sys.stderr)
        return WRONG_USE


def _examined(state_file: Path, arguments: Namespace) -> bool:
    """Examine the files of the facility; return whether nothing can be started.

    What is found stands in the status and on the page until somebody has looked at it.
    """
    from podium.control.client.state_examination import examine_state
    from podium.control.coordinator.findings_file import FindingsFile
    from podium.control.facility.state_folder import findings_file

    found = examine_state(state_file, arguments.store or DEFAULT_STORE)
    for damage in found:
        print(f"podium up: {damage.what}", file=sys.stderr, flush=True)
    FindingsFile(findings_file(state_file)).only(tuple(damage.what for damage in found))
    return any(damage.stops for damage in found)


async def _up(
    facility: "Facility",
    arguments: Namespace,
    state_file: Path,
    listening: "socket.socket | None",
    waiting: "EarlyCopy | None",
) -> int:
    from podium.control.agent.owners import owners_of
    from podium.control.bus.gather import ungrouped
    from podium.control.facility.state_file import UpState, write_state
    from podium.control.facility.state_folder import page_key_file
    from podium.control.processes.page_socket import others_can_read, url_of
    from podium.control.processes.process_layout import (
        files_of,
        keep_agents,
        keep_bus,
        keep_page,
        keep_records,
        keep_supervisor,
        parts_of,
        told_names,
    )
    from podium.control.processes.supervisor import kept_processes
    from podium.control.security.access import Member
    from podium.control.security.page_key import kept_page_key, with_key

    def report(text: str) -> None:
        print(f"podium up: {text}", file=sys.stderr, flush=True)

    common = files_of(arguments)
    owners = owners_of(facility)
    page = listening is not None
    parts = parts_of(facility, tuple(owners), arguments.only, page, insecure=arguments.insecure)
    locked = not parts.coordinator.startswith("tcp/")
    if not locked:
        report("the bus has no lock: whoever reaches it may do everything")
    if parts.left_out:
        report(parts.left_out)
    url = None if listening is None else url_of(listening)
    key = kept_page_key(page_key_file(state_file)) if url is not None and locked else None
    async with ungrouped(), kept_processes(report, waiting) as kept:
        await keep_bus(kept, parts, arguments.facility, common, state_file)
        store = str(arguments.store or DEFAULT_STORE)
        own = {name: owners[name] for name in parts.agents}
        told = {name: parts.words[Member("agent", name)] for name in own}
        await keep_agents(kept, facility, own, told, common, state_file, store)
        metrics = await keep_supervisor(kept, parts, common, state_file)
        await keep_records(kept, parts, common, state_file, arguments.records)
        if listening is not None and url is not None:
            words = [*common, "--store", store]
            words += [] if key is None else ["--key", str(page_key_file(state_file))]
            await keep_page(kept, parts, words, listening)
            print(f"{facility.name}: the page is {with_key(url, key)}", flush=True)
            if others_can_read(listening):
                report(READERS if key is None else KEY_SEEN)
        endpoints = None if arguments.endpoints is None else str(arguments.endpoints.resolve())
        path = str(arguments.facility.resolve())
        where = parts.coordinator, url, key, metrics, arguments.records
        write_state(state_file, UpState(path, endpoints, *where))
        if Member("coordinator") not in parts.members:
            print(f"{facility.name}: {told_names(parts.members)} started here", flush=True)
        asked = parts.coordinator if Member("coordinator") in parts.members else None
        await _until_told_to_end(arguments, asked, facility.name)
        report("ending")
    return DONE


async def _until_told_to_end(arguments: Namespace, coordinator: str | None, name: str) -> None:
    """Wait until told to end; meanwhile say when all instruments of ``coordinator`` answer."""
    from podium.control.bus.shutdown import until_terminated

    async with asyncio.TaskGroup() as tasks:
        telling = None
        if coordinator is not None:
            telling = tasks.create_task(_tell_when_ready(arguments, coordinator, name))
        await until_terminated(with_parent=arguments.with_parent)
        if telling is not None:
            telling.cancel()


async def _tell_when_ready(arguments: Namespace, coordinator: str, name: str) -> None:
    from podium.control.client.facility_access import join_facility
    from podium.control.runs.errors import RunFailed
    from podium.control.security.access import Member

    me = Member("coordinator")
    place = arguments.facility, coordinator, arguments.endpoints
    async with join_facility(*place, me=me, recorded=False) as lab:
        while True:
            try:
                status = await lab.ready(READY_S)
            except RunFailed as error:
                print(f"podium up: not ready: {error}", file=sys.stderr, flush=True)
                continue
            instruments = [one for agent in status.agents for one in agent.instruments]
            lost = [one for one in instruments if one.state != "connected"]
            if not lost and not status.missing:
                print(
                    f"{name} is up: {len(instruments)} instruments, bus {coordinator}", flush=True
                )
                return
            for one in lost:
                print(f"podium up: {one.name}: {one.last_error}", file=sys.stderr, flush=True)


command = Command(
    name="up",
    help="start the agents, the coordinator and the page of a facility",
    add_arguments=add_arguments,
    run=with_facility(run, not_yet_up=True),
)

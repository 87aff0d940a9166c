"""Runs the coordinator: ``python -m podium.control.coordinator.process``.

``podium up`` starts it.
"""

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path

from podium.control.bus.log import event_log, log_to_stderr
from podium.control.bus.log_publisher import publish_log
from podium.control.bus.process_bus import open_bus, run_process
from podium.control.bus.refusals import Refusals, refused_connections
from podium.control.bus.shutdown import until_terminated
from podium.control.coordinator.coordinator import Coordinator
from podium.control.coordinator.facility_growth import growing
from podium.control.coordinator.findings_file import FindingsFile
from podium.control.coordinator.queue_file import QueueFile
from podium.control.facility.load import load_facility
from podium.control.runs.journal import FileJournal
from podium.control.security.access import Member
from podium.control.timebase.short_slices import ask_for_short_slices
from podium.control.timebase.skew_store import SkewStore

log = event_log("coordinator")


def main(argv: Sequence[str] | None = None) -> int:
    """Be the coordinator until told to end; return the exit status."""
    parser = ArgumentParser(prog="podium coordinator")
    parser.add_argument("facility", type=Path)
    parser.add_argument("--endpoints", type=Path)
    parser.add_argument("--meet", help="where this user's processes meet, if no file says where")
    parser.add_argument("--listen", help="own endpoint, on a bus without a lock")
    parser.add_argument("--agents", default="", help="those that are let in, with commas")
    parser.add_argument(
        "--accepted", type=Path, help="where runs that start at a time are kept once accepted"
    )
    parser.add_argument("--findings", type=Path, help="what was found wrong with files")
    parser.add_argument("--reservations", type=Path, help="where reservations are kept")
    parser.add_argument("--skews", type=Path, help="where measured skews are kept")
    arguments = parser.parse_args(argv)
    log_to_stderr("coordinator")
    ask_for_short_slices()
    return run_process(_be(arguments))


async def _be(arguments: Namespace) -> None:
    read = partial(load_facility, arguments.facility, arguments.endpoints)
    facility = read()
    agents = [name for name in arguments.agents.split(",") if name]
    refusals = Refusals(log)
    with ExitStack() as stack:
        journal = skews = None
        if arguments.accepted is not None:
            journal = stack.enter_context(closing(FileJournal(arguments.accepted)))
        if arguments.skews is not None:
            skews = stack.enter_context(closing(SkewStore(arguments.skews)))
        if facility.bus is not None and facility.bus.held_by == "coordinator":
            stack.enter_context(refused_connections(refusals.add))
        async with open_bus(
            facility,
            Member("coordinator"),
            meet=arguments.meet,
            listen=arguments.listen,
            agents=agents,
            refusals=refusals,
        ) as bus:
            findings = FindingsFile(arguments.findings)
            coordinator = Coordinator(
                facility,
                bus,
                accepted=journal,
                skews=skews,
                findings=findings,
                reservations=QueueFile(arguments.reservations),
            )
            async with (
                publish_log(bus, facility.name, "coordinator"),
                coordinator.running(),
                growing(coordinator, facility, bus, read),
            ):
                await until_terminated(with_parent=True)


if __name__ == "__main__":
    sys.exit(main())

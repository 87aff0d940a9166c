"""Runs the supervisor: ``python -m podium.control.supervision.process``; ``podium up`` starts it.

It is no safety system: the fridge's own interlocks stay in charge.
"""

import asyncio
import socket
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from podium.control.bus.bus import Bus
from podium.control.bus.facility_growth import GrowTo, grown_key
from podium.control.bus.listener import Discarded, listen
from podium.control.bus.log import event_log, log_to_stderr
from podium.control.bus.log_publisher import publish_log
from podium.control.bus.process_bus import open_bus, run_process
from podium.control.bus.shutdown import until_terminated
from podium.control.facility.facility import Facility
from podium.control.facility.growth import NotGrown, grown
from podium.control.facility.load import load_facility
from podium.control.security.access import Member
from podium.control.supervision.supervisor import Supervisor

log = event_log("supervisor")


def main(argv: Sequence[str] | None = None) -> int:
    """Supervise until told to end; return the exit status."""
    parser = ArgumentParser(prog="podium supervisor")
    parser.add_argument("facility", type=Path)
    parser.add_argument("--endpoints", type=Path)
    parser.add_argument("--meet", help="where this user's processes meet, if no file says where")
    parser.add_argument("--listen", help="own endpoint, on a bus without a lock")
    parser.add_argument("--coordinator", help="endpoint to connect to, likewise")
    parser.add_argument("--metrics", type=int, help="listening socket for /metrics, inherited")
    parser.add_argument("--folder", type=Path, help="where alarms, history and journals are kept")
    arguments = parser.parse_args(argv)
    log_to_stderr("supervisor")
    return run_process(_be(arguments))


async def _be(arguments: Namespace) -> None:
    read = partial(load_facility, arguments.facility, arguments.endpoints)
    facility = read()
    async with open_bus(
        facility,
        Member("supervisor"),
        meet=arguments.meet,
        listen=arguments.listen,
        connect=arguments.coordinator,
    ) as bus:
        supervisor = Supervisor(facility, bus, folder=arguments.folder)
        metrics = None
        if arguments.metrics is not None:
            metrics = socket.socket(fileno=arguments.metrics)
        async with (
            publish_log(bus, facility.name, "supervisor"),
            supervisor.running(metrics),
            asyncio.TaskGroup() as tasks,
        ):
            growth = tasks.create_task(_growing(supervisor, facility, bus, read), name="growth")
            await until_terminated(with_parent=True)
            growth.cancel()


async def _growing(
    supervisor: Supervisor, facility: Facility, bus: Bus, read: Callable[[], Facility]
) -> None:
    """Take over what ``read`` returns each time that the coordinator has, until cancelled."""
    present = facility

    async def take_over(_: str, wanted: GrowTo) -> None:
        nonlocal present
        try:
            present = await asyncio.to_thread(grown, present, wanted.facility_hash, read)
        except NotGrown as error:
            log.warning("facility not taken over", reason=str(error))
            return
        supervisor.grow(present)

    async with bus.subscribe(grown_key(facility.name)) as told:
        await listen(told, GrowTo, take_over, Discarded(log))


if __name__ == "__main__":
    sys.exit(main())

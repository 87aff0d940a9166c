"""Runs the router: ``python -m podium.control.bus.router``; ``podium up`` starts it.

All processes of a facility connect to it; it passes on what the rules allow, and nothing else.
"""

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path

from podium.control.bus.log import event_log, log_to_stderr
from podium.control.bus.log_publisher import publish_log
from podium.control.bus.process_bus import open_bus, run_process
from podium.control.bus.refusals import Refusals, refused_connections
from podium.control.bus.shutdown import until_terminated
from podium.control.facility.load import load_facility
from podium.control.security.access import Member

log = event_log("router")


def main(argv: Sequence[str] | None = None) -> int:
    """Be the router until told to end; return the exit status."""
    parser = ArgumentParser(prog="podium router")
    parser.add_argument("facility", type=Path)
    parser.add_argument("--agents", default="", help="those that are let in, with commas")
    parser.add_argument("--meet", help="where this user's processes meet, if no file says where")
    arguments = parser.parse_args(argv)
    log_to_stderr("router")
    return run_process(_be(arguments))


async def _be(arguments: Namespace) -> None:
    facility = load_facility(arguments.facility)
    agents = arguments.agents.split(",")
    refusals = Refusals(log)
    with refused_connections(refusals.add):
        async with (
            open_bus(
                facility, Member("router"), meet=arguments.meet, agents=agents, refusals=refusals
            ) as bus,
            publish_log(bus, facility.name, "router"),
        ):
            log.info("router up", facility=facility.name)
            await until_terminated(with_parent=True)


if __name__ == "__main__":
    sys.exit(main())

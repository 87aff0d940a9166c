"""Runs an agent: ``python -m podium.control.agent.process``; ``podium up`` starts it."""

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from podium.control.agent.agent import Agent
from podium.control.agent.facility_growth import growing
from podium.control.agent.instruments import Instruments
from podium.control.agent.operation_journal import OperationJournal, operations_file
from podium.control.agent.ramp_journal import RampJournal
from podium.control.bus.log import log_to_stderr
from podium.control.bus.log_publisher import publish_log
from podium.control.bus.process_bus import open_bus, run_process
from podium.control.bus.shutdown import until_terminated
from podium.control.facility.load import load_facility
from podium.control.families.family import compiler_for, wirings_of
from podium.control.security.access import Member
from podium.control.timebase.short_slices import ask_for_exact_timers, ask_for_short_slices


def main(argv: Sequence[str] | None = None) -> int:
    """Be an agent until told to end; return the exit status."""
    parser = ArgumentParser(prog="podium agent")
    parser.add_argument("facility", type=Path)
    parser.add_argument("--endpoints", type=Path)
    parser.add_argument("--name", required=True)
    parser.add_argument("--instruments", required=True, help="names, with commas between")
    parser.add_argument("--meet", help="where this user's processes meet, if no file says where")
    parser.add_argument("--listen", help="own endpoint, on a bus without a lock")
    parser.add_argument("--coordinator", help="endpoint to connect to, likewise")
    parser.add_argument("--journal", type=Path, help="where ramps are written down")
    parser.add_argument("--epochs", type=Path, help="folder in which epochs of clocks are kept")
    parser.add_argument("--store", help="told where the bias of a ramp that was cut off ended")
    arguments = parser.parse_args(argv)
    log_to_stderr(f"agent {arguments.name}")
    ask_for_short_slices()
    ask_for_exact_timers()
    return run_process(_be(arguments))


async def _be(arguments: Namespace) -> None:
    read = partial(load_facility, arguments.facility, arguments.endpoints)
    facility = read()
    instruments = Instruments.of(facility, arguments.instruments.split(","))
    me = Member("agent", arguments.name)
    async with open_bus(
        facility,
        me,
        meet=arguments.meet,
        listen=arguments.listen,
        connect=arguments.coordinator,
    ) as bus:
        agent = Agent(
            arguments.name,
            facility,
            instruments,
            compiler_for(facility),
            bus,
            journal=RampJournal(arguments.journal),
            operations=OperationJournal(
                None if arguments.journal is None else operations_file(arguments.journal)
            ),
            store=arguments.store,
            starts=wirings_of(facility, instruments.names),
            epochs=arguments.epochs,
        )
        async with (
            publish_log(bus, facility.name, f"agent {arguments.name}"),
            agent.running(),
            growing(agent, arguments.name, facility, bus, read),
        ):
            await until_terminated(with_parent=True)


if __name__ == "__main__":
    sys.exit(main())

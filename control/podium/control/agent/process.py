"""The process of an agent: ``python -m podium.control.agent.process``; ``podium up`` starts it."""

import asyncio
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path

from podium.control.agent.agent import Agent
from podium.control.agent.instruments import Instruments
from podium.control.agent.journal import Journal
from podium.control.agent.start_wiring import wirings_of
from podium.control.agent.targets import compiler_for
from podium.control.bus.ending import until_told_to_end
from podium.control.bus.log import log_to_stderr
from podium.control.bus.told_log import log_told
from podium.control.bus.zenoh_bus import ZenohBus
from podium.control.facility.load import load_facility
from podium.control.timebase.short_slices import ask_for_short_slices


def main(argv: Sequence[str] | None = None) -> int:
    """Be an agent until told to end; return the exit status."""
    parser = ArgumentParser(prog="podium agent")
    parser.add_argument("facility", type=Path)
    parser.add_argument("--endpoints", type=Path)
    parser.add_argument("--name", required=True)
    parser.add_argument("--instruments", required=True, help="names, with commas between")
    parser.add_argument("--listen", required=True, help="own endpoint on the bus")
    parser.add_argument("--coordinator", required=True, help="endpoint to connect to")
    parser.add_argument("--journal", type=Path, help="where ramps are written down")
    parser.add_argument("--epochs", type=Path, help="folder in which epochs of clocks are kept")
    parser.add_argument("--store", help="told where the bias of a ramp that was cut off ended")
    arguments = parser.parse_args(argv)
    log_to_stderr(f"agent {arguments.name}")
    ask_for_short_slices()
    asyncio.run(_be(arguments))
    return 0


async def _be(arguments: Namespace) -> None:
    facility = load_facility(arguments.facility, arguments.endpoints)
    instruments = Instruments.of(facility, arguments.instruments.split(","))
    bus = await ZenohBus.open([arguments.listen], [arguments.coordinator])
    try:
        agent = Agent(
            arguments.name,
            facility,
            instruments,
            compiler_for(facility),
            bus,
            journal=Journal(arguments.journal),
            store=arguments.store,
            starts=wirings_of(facility, instruments.names),
            epochs=arguments.epochs,
        )
        async with log_told(bus, facility.name, f"agent {arguments.name}"), agent.running():
            await until_told_to_end(with_parent=True)
    finally:
        await asyncio.shield(bus.close())


if __name__ == "__main__":
    sys.exit(main())

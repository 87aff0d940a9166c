"""The coordinator's process: ``python -m podium.control.coordinator.process``.

``podium up`` starts it.
"""

import asyncio
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path

from podium.control.bus.ending import until_told_to_end
from podium.control.bus.log import log_to_stderr
from podium.control.bus.told_log import log_told
from podium.control.bus.zenoh_bus import ZenohBus
from podium.control.coordinator.coordinator import Coordinator
from podium.control.facility.load import load_facility
from podium.control.timebase.short_slices import ask_for_short_slices
from podium.control.timebase.skew_store import SkewStore
from podium.control.timebase.start.journal import FileJournal


def main(argv: Sequence[str] | None = None) -> int:
    """Be the coordinator until told to end; return the exit status."""
    parser = ArgumentParser(prog="podium coordinator")
    parser.add_argument("facility", type=Path)
    parser.add_argument("--endpoints", type=Path)
    parser.add_argument("--listen", required=True, help="own endpoint on the bus")
    parser.add_argument(
        "--accepted", type=Path, help="where runs that start at a time are kept once accepted"
    )
    parser.add_argument("--skews", type=Path, help="where measured skews are kept")
    arguments = parser.parse_args(argv)
    log_to_stderr("coordinator")
    ask_for_short_slices()
    asyncio.run(_be(arguments))
    return 0


async def _be(arguments: Namespace) -> None:
    facility = load_facility(arguments.facility, arguments.endpoints)
    journal = None if arguments.accepted is None else FileJournal(arguments.accepted)
    skews = None if arguments.skews is None else SkewStore(arguments.skews)
    bus = await ZenohBus.open([arguments.listen])
    try:
        async with (
            log_told(bus, facility.name, "coordinator"),
            Coordinator(facility, bus, accepted=journal, skews=skews).running(),
        ):
            await until_told_to_end(with_parent=True)
    finally:
        await asyncio.shield(bus.close())
        if journal is not None:
            journal.close()
        if skews is not None:
            skews.close()


if __name__ == "__main__":
    sys.exit(main())

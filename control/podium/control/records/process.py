"""Runs the records: ``python -m podium.control.records.process``; ``podium up`` starts it."""

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from podium.control.bus.log import log_to_stderr
from podium.control.bus.log_publisher import publish_log
from podium.control.bus.process_bus import open_bus, run_process
from podium.control.bus.shutdown import until_terminated
from podium.control.facility.load import load_facility
from podium.control.records.record_folder import RecordFolder
from podium.control.records.record_service import RecordService
from podium.control.security.access import Member


def main(argv: Sequence[str] | None = None) -> int:
    """Keep the records until told to end; return the exit status."""
    parser = ArgumentParser(prog="podium records")
    parser.add_argument("facility", type=Path)
    parser.add_argument("--endpoints", type=Path)
    parser.add_argument("--meet", help="where this user's processes meet, if no file says where")
    parser.add_argument("--listen", help="own endpoint, on a bus without a lock")
    parser.add_argument("--coordinator", help="endpoint to connect to, likewise")
    parser.add_argument("--folder", type=Path, required=True, help="where records are kept")
    parser.add_argument("--records", help="URL of the index's database")
    arguments = parser.parse_args(argv)
    log_to_stderr("records")
    return run_process(_be(arguments))


async def _be(arguments: Namespace) -> None:
    facility = load_facility(arguments.facility, arguments.endpoints)
    opened = partial(RecordFolder, arguments.folder, arguments.records)
    async with (
        open_bus(
            facility,
            Member("records"),
            meet=arguments.meet,
            listen=arguments.listen,
            connect=arguments.coordinator,
        ) as bus,
        publish_log(bus, facility.name, "records"),
        RecordService(facility.name, bus, opened).running(),
    ):
        await until_terminated(with_parent=True)


if __name__ == "__main__":
    sys.exit(main())

"""``podium twin record``: write down what passes between a client and a real instrument.

Without a facility file, and without the control layer; ``podium record`` does the same for an
instrument of a facility.
"""

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from podium.sim_instruments.serve_command import DONE, WRONG_USE, CommandFailed

if TYPE_CHECKING:
    from podium.sim_instruments.servers.recorder import RecordedInstrument

RECORD_HELP = "write down what passes between a client and a real instrument, as a trace"


def add_record(record: ArgumentParser) -> None:
    """Add the arguments of ``podium twin record``."""
    record.add_argument("--model", required=True, metavar="MODEL", help="what it is")
    record.add_argument(
        "--to",
        required=True,
        metavar="HOST[:PORT]",
        help="where it is; the port, of the instrument's first socket, if it is not the usual one",
    )
    record.add_argument(
        "--out", type=Path, required=True, metavar="TRACE", help="trace to write (JSON lines)"
    )
    record.add_argument(
        "--listen",
        metavar="ADDRESS",
        help="loopback address for clients (default: one is drawn); the ports are the instrument's",
    )
    record.add_argument("--name", metavar="NAME", help="what the instrument is called")
    record.add_argument(
        "--option",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="what it consists of, e.g. modules=2:QRM-RF,4:QCM-RF, devices=12000:SHFQC",
    )


def run_record(arguments: Namespace) -> int:
    """Record until told to end."""
    import asyncio

    from podium.firmware_interfaces.models import ModelError
    from podium.sim_instruments.facilities.one_instrument import NAMES, option_of
    from podium.sim_instruments.facilities.tree import NoSuchFacility
    from podium.sim_instruments.servers.recorder import recorded

    try:
        name = arguments.name or NAMES.get(arguments.model, arguments.model)
        options = dict(map(option_of, arguments.option))
        one = recorded(arguments.model, name, arguments.to, options)
        asyncio.run(_record(one, arguments.out, arguments.listen))
    except (NoSuchFacility, ModelError, OSError, ValueError) as error:
        raise CommandFailed(error, WRONG_USE) from error
    return DONE


async def _record(one: "RecordedInstrument", out: Path, listen: str | None) -> None:
    import asyncio
    import signal
    import sys

    from podium.sim_instruments.servers.recorder import recording

    told_to_end = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, told_to_end.set)

    def trouble(what: str) -> None:
        print(f"podium twin record: {what}", file=sys.stderr, flush=True)

    with out.open("w", encoding="utf-8") as trace:
        async with recording(one, trace, listen, trouble) as clients:
            print(f"recording {one.head.instrument} at {one.host} to {out}; connect to it by")
            for client, line in clients.items():
                print(f"    {client}: {line}")
            print(f"until Ctrl-C; then: podium replay {out}", flush=True)
            await told_to_end.wait()

"""``podium twin save`` and ``podium twin fork``: a running simulation is kept, and branched."""

import json
import shlex
from argparse import ArgumentParser, Namespace
from pathlib import Path

from podium.sim_instruments.serve_command import DONE, FOUND_PROBLEM, CommandFailed

SAVE_HELP = "keep a running simulation as it is, in memory, to fork it later"
FORK_HELP = "branch a simulation, saved or running: the same again, on addresses of its own"


def add_save(save: ArgumentParser) -> None:
    """Add the arguments of ``podium twin save``."""
    save.add_argument(
        "file",
        type=Path,
        metavar="FILE",
        help="file to write: it tells where the saved copy waits, which ends when it is removed",
    )
    save.add_argument(
        "--endpoints", type=Path, required=True, metavar="FILE", help="of a running simulation"
    )


def add_fork(fork: ArgumentParser) -> None:
    """Add the arguments of ``podium twin fork``."""
    fork.add_argument(
        "file",
        type=Path,
        metavar="FILE",
        help="written by `podium twin save`, or the endpoints file of a running simulation",
    )
    fork.add_argument(
        "--endpoints",
        type=Path,
        required=True,
        metavar="FILE",
        help="endpoints file to write; the fork ends when it is removed",
    )
    fork.add_argument("--json", action="store_true", help="answer as JSON")


def run_save(arguments: Namespace) -> int:
    """Save a simulation."""
    from podium.sim_instruments.servers.back_door_client import BackDoorError, ask

    file = arguments.file.absolute()
    try:
        told = ask(arguments.endpoints, {"do": "save", "file": str(file)})
    except BackDoorError as error:
        raise CommandFailed(error, FOUND_PROBLEM) from error
    print(
        f"saved {told['facility']} at TAI {told['tai_s']:.6f} s, in memory (process {told['pid']}) "
        f"until {arguments.file} is removed or the computer ends\n"
        f"podium twin fork {shlex.quote(str(arguments.file))} --endpoints FILE"
    )
    return DONE


def run_fork(arguments: Namespace) -> int:
    """Fork a simulation."""
    from podium.sim_instruments.servers.back_door_client import (
        BackDoorError,
        ask_at,
        back_door_file,
    )

    running = back_door_file(arguments.file)
    request = {"do": "fork", "file": str(arguments.endpoints.absolute())}
    try:
        told = ask_at(running if running.exists() else arguments.file, request)
    except BackDoorError as error:
        raise CommandFailed(error, FOUND_PROBLEM) from error
    if arguments.json:
        print(json.dumps({"endpoints": str(arguments.endpoints), **told}, indent=2))
        return DONE
    print(
        f"{told['facility']} goes on in process {told['pid']} until {arguments.endpoints} is "
        f"removed: {len(told['endpoints']['instruments'])} instruments"
    )
    return DONE

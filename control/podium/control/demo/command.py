"""``podium demo``: two nodes from nothing to one start, on simulated instruments, with a report."""

import asyncio
import math
import signal
import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from podium.control.facility.command import DONE, FOUND_PROBLEM, WRONG_USE, Command

if TYPE_CHECKING:
    from podium.control.demo.children import Children

TERMINATED = 128 + signal.SIGTERM
"""Exit status after SIGTERM, as shells have it."""


def spreads(text: str) -> float:
    """Return the K of ``--wrong``."""
    try:
        found = float(text)
    except ValueError:
        found = math.nan
    if not 0 <= found < math.inf:
        raise ArgumentTypeError(f"{text!r} is no number of spreads; 3 is three spreads off")
    return found


def add_arguments(parser: ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "--node-only",
        action="store_true",
        help="bring up single nodes and nothing else: the example then has one",
    )
    parser.add_argument(
        "--seed", type=int, default=0, metavar="N", help="which hidden world to draw (default 0)"
    )
    parser.add_argument(
        "--report",
        type=Path,
        default=Path("podium_demo"),
        metavar="DIR",
        help="folder for the report and the data (default podium_demo)",
    )
    parser.add_argument(
        "--facility",
        type=Path,
        metavar="FILE",
        help="facility file (default: the example of two nodes, with --node-only that of one)",
    )
    add_world_arguments(parser)
    parser.add_argument(
        "--thoroughness",
        type=float,
        default=1.0,
        metavar="X",
        help="factor on the number of shots (default 1)",
    )
    add_reset_argument(parser)
    parser.add_argument(
        "--clock",
        choices=("leap", "manual"),
        default="leap",
        help="of the simulated laboratory: leap over waits, and count what the computer takes for "
        "the physics (default); or manual, in which laboratory time is what programs, ramps and "
        "answers take, however busy the computer is",
    )


def add_reset_argument(parser: ArgumentParser) -> None:
    """Add the choice of how qubits are brought to 0 before a shot."""
    parser.add_argument(
        "--reset",
        choices=("passive", "active"),
        default="passive",
        help="bring qubits to 0 by waiting, or by measuring and flipping them from the first "
        "classification on, in the routines that can (default passive: simulated instruments "
        "play feedback slowly)",
    )


def add_world_arguments(parser: ArgumentParser) -> None:
    """Add the arguments that say what kind of world is drawn."""
    parser.add_argument(
        "--wrong",
        type=spreads,
        metavar="K",
        help="a world K spreads off the facility file, see `podium twin sample`",
    )
    parser.add_argument(
        "--mixers", action="store_true", help="a world with imperfect I/Q mixers, likewise"
    )
    parser.add_argument(
        "--drift", action="store_true", help="a world that drifts while it is measured, likewise"
    )


def world_options(arguments: Namespace) -> tuple[str, ...]:
    """Return what `podium twin sample` is asked for besides a seed."""
    wrong = () if arguments.wrong is None else ("--wrong", f"{arguments.wrong:g}")
    flags = [f"--{name}" for name in ("mixers", "drift") if getattr(arguments, name)]
    return (*wrong, *flags)


def run(arguments: Namespace) -> int:
    """Do it; 0 when every qubit was found, every promise kept, and nothing failed."""
    from podium.control.demo.children import Children
    from podium.control.demo.example import ONE_NODE, TWO_NODES, NoExample, example_facility
    from podium.control.demo.together.starting import marked
    from podium.control.facility.load import load_facility
    from podium.control.facility.problems import FacilityError
    from podium.control.facility.whole_files import check_writable

    if not arguments.thoroughness > 0:
        print("podium demo: --thoroughness is a factor above zero", file=sys.stderr)
        return WRONG_USE
    try:
        example = ONE_NODE if arguments.node_only else TWO_NODES
        path = arguments.facility or example_facility(example)
        facility = load_facility(path)
        check_writable(arguments.report)
    except FacilityError as error:
        print(error, file=sys.stderr)
        return FOUND_PROBLEM
    except (OSError, NoExample) as error:
        print(f"podium demo: {error}", file=sys.stderr)
        return WRONG_USE
    if not facility.qubits():
        print(f"podium demo: {path} describes no qubits to bring up", file=sys.stderr)
        return WRONG_USE
    if not arguments.node_only and not marked(facility):
        print(
            f"podium demo: {path} has no two nodes with markers on one time tagger (timing > "
            "markers), which could be seen to start together; --node-only brings nodes up alone",
            file=sys.stderr,
        )
        return WRONG_USE
    children = Children()
    try:
        return asyncio.run(_guarded(arguments, path, children))
    except OSError as error:
        print(f"podium demo: {error}", file=sys.stderr)
        return FOUND_PROBLEM
    finally:
        # After a second Ctrl-C nothing more is awaited; no process is left behind all the same.
        children.kill()


async def _guarded(arguments: Namespace, facility: Path, children: "Children") -> int:
    """Work until done or told to end: SIGTERM and a lost terminal end it like Ctrl-C does."""
    from podium.control.demo.demonstration import Wanted, demonstrate

    work = asyncio.current_task()
    told_to_end = False

    def end() -> None:
        nonlocal told_to_end
        told_to_end = True
        if work is not None:
            work.cancel()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, end)
    wanted = Wanted(
        facility,
        arguments.seed,
        arguments.report,
        arguments.thoroughness,
        together=not arguments.node_only,
        world=world_options(arguments),
        active_reset=arguments.reset == "active",
        clock=arguments.clock,
    )
    try:
        good = (await demonstrate(wanted, children)).good
    except asyncio.CancelledError:
        if not told_to_end:
            raise
        print("podium demo: told to end; all its processes have ended", file=sys.stderr)
        return TERMINATED
    return DONE if good else FOUND_PROBLEM


command = Command(
    name="demo",
    help="bring up two nodes from nothing on simulated instruments, and start them together",
    add_arguments=add_arguments,
    run=run,
)

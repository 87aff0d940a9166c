"""Defines arguments of commands that measure simulated worlds: demo and campaign."""

import math
from argparse import ArgumentParser, ArgumentTypeError, BooleanOptionalAction, Namespace
from pathlib import Path

COLD_RATE = 1800
"""A day of cooling shields in less than a minute."""


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
    _add_story_arguments(parser)
    _add_place_arguments(parser)
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
    parser.add_argument(
        "--split",
        action="store_true",
        help="simulate nodes that share no line in processes of their own",
    )


def _add_story_arguments(parser: ArgumentParser) -> None:
    """Add what says which story is told."""
    parser.add_argument(
        "--node-only",
        action="store_true",
        help="bring up single nodes and nothing else: the example then has one",
    )
    parser.add_argument(
        "--two-qubit",
        action="store_true",
        help="bring up one node and the gates of its edges: to a Bell state from nothing",
    )
    parser.add_argument(
        "--link",
        action="store_true",
        help="bring up two nodes, calibrate the quantum link between them, and share a pair",
    )
    parser.add_argument(
        "--benchmark",
        action=BooleanOptionalAction,
        help="with --two-qubit: interleaved benchmarking of each gate (default: where all gates "
        "are CZ by flux pulses on an end without a coupler, which take the simulation less than a "
        "minute; others take minutes)",
    )
    parser.add_argument(
        "--ideal-lines",
        action="store_true",
        help="flux lines pass pulses as they are; without it they distort them and remember them",
    )
    parser.add_argument(
        "--cold",
        action="store_true",
        help="the cold side instead: a fridge goes from room temperature to base, its compressor "
        "trips and is recovered (--seed, --report, --facility, --rate and --page count)",
    )


def _add_place_arguments(parser: ArgumentParser) -> None:
    """Add what says of which facility and world, and where the report goes."""
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
    parser.add_argument(
        "--rate",
        type=int,
        default=COLD_RATE,
        metavar="N",
        help=f"with --cold: world time goes up to N times as fast as the wall's (default "
        f"{COLD_RATE}), and slower where mixture moves or something is set",
    )
    parser.add_argument(
        "--page",
        default="127.0.0.1:0",
        metavar="HOST:PORT",
        help="with --cold: where the page is served (default: a free port of this computer)",
    )


def add_reset_argument(parser: ArgumentParser, *, simulated: bool = True) -> None:
    """Add the choice of how qubits are brought to 0 before a shot.

    ``simulated``: whether the instruments are, always.
    """
    why = "a computer simulates waits in less time than feedback"
    parser.add_argument(
        "--reset",
        choices=("passive", "active"),
        default="passive" if simulated else "active",
        help="bring qubits to 0 by waiting, or by measuring and flipping them from the first "
        "classification on, in the routines that can "
        + (f"(default passive: {why})" if simulated else f"(default active; {why})"),
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

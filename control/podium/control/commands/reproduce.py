"""``podium reproduce`` holds published experiments against what comes out here."""

import json
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from podium.control.facility.command import DONE, FOUND_PROBLEM, WRONG_USE, Command

if TYPE_CHECKING:
    from podium.control.reproductions.quantities import Reproduction


def add_arguments(parser: ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("name", nargs="?", metavar="NAME", help="which; without it, list them")
    parser.add_argument(
        "--seed", type=int, default=0, metavar="N", help="of what is random (default 0)"
    )
    parser.add_argument(
        "--machine-code",
        action="store_true",
        help="by the machine code of two nodes on their twins, calibrated from nothing: a quarter "
        "of an hour (kurpiers2018, magnard2020)",
    )
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="with --machine-code: keep all that it makes there"
    )
    parser.add_argument("--json", action="store_true", help="answer as JSON on standard output")


def run(arguments: Namespace) -> int:
    """Print what was published and what comes out; 1 where an established one differs."""
    import asyncio

    from podium.control.processes.child_processes import ProcessFailed
    from podium.control.reproductions.machine_code import reproduce_by_machine_code
    from podium.control.reproductions.quantities import CannotReproduce
    from podium.control.reproductions.reproductions import NOT_THERE, REPRODUCTIONS, reproduce

    if arguments.name is None:
        if arguments.json:
            print(json.dumps({"there": list(REPRODUCTIONS), "not_there": dict(NOT_THERE)}))
        else:
            print("\n".join(REPRODUCTIONS))
            print("\n".join(f"{name}: not there: {why}" for name, why in NOT_THERE.items()))
        return DONE
    try:
        if arguments.machine_code:
            work = reproduce_by_machine_code(arguments.name, arguments.seed, arguments.out)
        else:
            work = reproduce(arguments.name, arguments.seed)
        found = asyncio.run(work)
    except CannotReproduce as error:
        print(f"podium reproduce: {error}", file=sys.stderr)
        return WRONG_USE
    except ProcessFailed as error:
        print(f"podium reproduce: {error}", file=sys.stderr)
        return FOUND_PROBLEM
    print(json.dumps(found.plainly(), indent=2) if arguments.json else table(found))
    return FOUND_PROBLEM if found.verdict == "differs" else DONE


def table(found: "Reproduction") -> str:
    """Return a reproduction as lines for a person."""
    lines = [f"{found.name}: {found.source}", f"  {found.verdict}"]
    if found.missing:
        lines[-1] += f": {found.missing}"
    for one in found.quantities:
        agrees = "agrees" if one.within else "DIFFERS"
        least = "more than " if one.at_least else ""
        lines += [
            f"  {one.quantity}: published {least}{one.published:.5g} ± {one.published_sigma:.2g}, "
            f"ours {one.ours:.5g} ± {one.ours_sigma:.2g}: {agrees}",
            f"    {one.model}",
        ]
    return "\n".join(lines)


command = Command(
    name="reproduce",
    help="hold published experiments with links against what comes out here",
    add_arguments=add_arguments,
    run=run,
)

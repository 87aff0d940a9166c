"""``podium reproduce`` holds published experiments against what comes out here."""

import json
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from podium.control.facility.command import DONE, FOUND_PROBLEM, WRONG_USE, Command

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

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
        "--out",
        type=Path,
        metavar="DIR",
        help="with --machine-code or --from: keep all that it makes there",
    )
    parser.add_argument(
        "--from",
        dest="table",
        type=Path,
        metavar="TABLE",
        help="play a link of one's own by machine code, from its device table, a YAML file: what "
        "it gives, and which part to improve first",
    )
    parser.add_argument("--json", action="store_true", help="answer as JSON on standard output")


def run(arguments: Namespace) -> int:
    """Print what was published and what comes out; 1 where an established one differs."""
    import asyncio

    from podium.control.processes.child_processes import ProcessFailed
    from podium.control.reproductions.machine_code import reproduce_by_machine_code, reproduce_table
    from podium.control.reproductions.quantities import CannotReproduce
    from podium.control.reproductions.reproductions import NOT_THERE, REPRODUCTIONS, reproduce

    if arguments.name is not None and arguments.table is not None:
        print(f"podium reproduce: either {arguments.name} or --from", file=sys.stderr)
        return WRONG_USE
    if arguments.name is None and arguments.table is None:
        if arguments.json:
            print(json.dumps({"there": list(REPRODUCTIONS), "not_there": dict(NOT_THERE)}))
        else:
            print("\n".join(REPRODUCTIONS))
            for name, why in NOT_THERE.items():
                print(f"{name}: not there: {why}")
        return DONE
    budget: Mapping[str, Any] = {}
    try:
        if arguments.table is not None:
            found, budget = asyncio.run(
                reproduce_table(arguments.table, arguments.seed, arguments.out)
            )
        elif arguments.machine_code:
            found = asyncio.run(
                reproduce_by_machine_code(arguments.name, arguments.seed, arguments.out)
            )
        else:
            found = asyncio.run(reproduce(arguments.name, arguments.seed))
    except CannotReproduce as error:
        print(f"podium reproduce: {error}", file=sys.stderr)
        return WRONG_USE
    except ProcessFailed as error:
        print(f"podium reproduce: {error}", file=sys.stderr)
        return FOUND_PROBLEM
    if arguments.json:
        print(json.dumps({**found.plainly(), **budget}, indent=2))
    else:
        print("\n".join([table(found), *(_costs(budget) if budget else [])]))
    return FOUND_PROBLEM if found.verdict == "differs" else DONE


def _costs(told: "Mapping[str, Any]") -> list[str]:
    """Return what was found of a link, and what each of its parts costs, as lines for a person."""
    lines = [
        f"  {name}: {one['value']:.4f} ± {one['sigma']:.4f}" for name, one in told["found"].items()
    ]
    lines.append(f"  best pair of sech photons in this world: {told['best_bell_fidelity']:.4f}")
    for model in ("number_operator", "two_sigma_z"):
        one = told["budget"][model]
        costs = ", ".join(f"{part} {cost:.4f}" for part, cost in one["costs"].items())
        lines += [
            f"  by what was measured, {model}: Bell fidelity {one['bell_fidelity']:.4f}",
            f"    perfect by itself each part would add: {costs}",
        ]
    return lines


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

"""``podium twin debug``: stop programs of a running simulation, look, and let them go on."""

import json
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

from podium.sim_instruments.serve_command import DONE, FOUND_PROBLEM, WRONG_USE, CommandFailed

DEBUG_HELP = "stop machine code at a line or a condition, look, step, go on"
ACTIONS = ("break", "list", "clear", "wait", "step", "go")
WAIT_S = 30.0


def add_debug(debug: ArgumentParser) -> None:
    """Add the arguments of ``podium twin debug``."""
    debug.add_argument(
        "action",
        choices=ACTIONS,
        metavar="ACTION",
        help="break: stop a sequencer at --line or --when, from its next start on; list, clear: "
        "breakpoints; wait: until one stands there, and tell how; step: one instruction; go: on",
    )
    debug.add_argument(
        "place", nargs="?", default="", metavar="SEQUENCER", help="slot2.seq0, sgchannels/0"
    )
    debug.add_argument(
        "--endpoints", type=Path, required=True, metavar="FILE", help="of a running simulation"
    )
    debug.add_argument(
        "--on", default="", metavar="INSTRUMENT", help="where several have sequencers"
    )
    debug.add_argument("--line", type=int, metavar="N", help="of the program's text, from 1")
    debug.add_argument(
        "--when",
        default="",
        metavar="CONDITION",
        help="R3 == 5, time >= 1000, zero ...",
    )
    debug.add_argument(
        "--within",
        type=float,
        default=WAIT_S,
        metavar="S",
        help=f"of wait (default {WAIT_S:g})",
    )
    debug.add_argument("--json", action="store_true", help="answer as JSON")


def run_debug(arguments: Namespace) -> int:
    """Carry out one action; 1 where none stands at a breakpoint within the time."""
    from podium.sim_instruments.servers.back_door_client import BackDoorError, ask

    action = arguments.action
    if action != "break" and (arguments.line is not None or arguments.when):
        raise CommandFailed("--line and --when go with break", WRONG_USE)
    request = {
        "do": "debug",
        "action": action,
        "on": arguments.on,
        "sequencer": arguments.place,
        "line": arguments.line,
        "when": arguments.when,
        "within_s": arguments.within,
    }
    try:
        found = ask(arguments.endpoints, request)
    except BackDoorError as error:
        raise CommandFailed(error, FOUND_PROBLEM) from error
    if arguments.json:
        print(json.dumps(found, indent=2))
    elif action == "break":
        print(f"{found[0]}.{found[1]} stops there from its next start on")
    elif action == "list":
        for one in found:
            where = f"line {one['line']}" if one["line"] is not None else one["when"]
            print(f"{one['on']}.{one['sequencer']}: {where}")
    elif found:
        print("\n".join(_told(one) for one in found))
    elif action == "wait":
        raise CommandFailed(
            f"nothing stood at a breakpoint within {arguments.within:g} s", FOUND_PROBLEM
        )
    return DONE


def _told(one: dict[str, Any]) -> str:
    """Return how one sequencer stands, in lines."""
    registers = ", ".join(f"{name} = {value}" for name, value in one["registers"].items())
    flags = ", ".join(name for name, up in one["flags"].items() if up)
    where = f"line {one['line']}" if one["line"] else f"address {one['address']}"
    if source := one.get("source"):
        where += f" ({source}), address {one['address']}"
    lines = [
        f"{one['on']}.{one['sequencer']} before {where}: {one['instruction']}",
        f"  real-time side {one['time_ns']} ns, classical side {one['classical_ns']} ns, "
        f"{one['instructions']} instructions",
        f"  registers {registers or 'all 0'}; flags {flags or 'none'}",
        f"  queue: {len(one['queue_ns'])} timed instructions"
        + (f", the next at {one['queue_ns'][0]} ns" if one["queue_ns"] else ""),
    ]
    for row in one["played"]:
        more = ", ".join(
            f"{key} {value}" for key, value in row.items() if key not in ("time_ns", "what")
        )
        lines.append(f"  {row['time_ns']:>10} ns  {row['what']}: {more}")
    for qubit, shares in one.get("populations", {}).items():
        told = ", ".join(f"P({level}) {share:.4f}" for level, share in enumerate(shares))
        lines.append(f"  {qubit}: {told}")
    return "\n".join(lines)

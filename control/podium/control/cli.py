"""``podium``: the command line. It imports a subcommand when that is asked for, not before.

Exit status: 0 done, 1 it ran and found a problem, 2 wrong use. Other packages add
subcommands by entry points of the group ``podium.commands``.
"""

import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Mapping, Sequence
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points, version

from podium.control.facility.command import DONE, WRONG_USE
from podium.control.facility.problems import suggest
from podium_command_line import Command, Parser, as_a_process, carry_out

ENTRY_POINT_GROUP = "podium.commands"
GROUPS: dict[str, dict[str, tuple[str, str]]] = {
    "start": {
        "demo": (
            "podium.control.commands.demo:command",
            "bring up two nodes from nothing on simulated instruments, and start them together",
        ),
        "tutorial": (
            "podium.control.commands.tutorial:command",
            "copy the notebook of the tutorials, and say how to open it",
        ),
        "check": (
            "podium.control.commands.check:command",
            "check a facility file; every error with its place and what would be right",
        ),
        "doctor": (
            "podium.control.commands.doctor:command",
            "compare what the instruments say with the facility file, by reading alone",
        ),
        "up": (
            "podium.control.commands.up:command",
            "start the agents, the coordinator and the page of a facility",
        ),
        "join": (
            "podium.control.commands.join:command",
            "let new nodes of a facility file that has grown join what is up",
        ),
        "status": (
            "podium.control.commands.status:command",
            "say which instruments answer, what runs, and who asked for it",
        ),
        "queue": (
            "podium.control.commands.queue:command",
            "say who waits for whom and how long; cancel, rank and reserve",
        ),
    },
    "daily work": {
        "cold": (
            "podium.control.commands.cold:command",
            "say how the fridges are, their alarms and history; run and rehearse procedures",
        ),
        "calibrate": (
            "podium.control.commands.calibrate:command",
            "run calibration routines and store what they find",
        ),
        "run": (
            "podium.control.commands.run:command",
            "run a program and save what it measured",
        ),
        "data": (
            "podium.control.commands.data:command",
            "find the data of earlier runs, show, open, label, export, prune and check them",
        ),
        "params": (
            "podium.control.commands.params:command",
            "look into the parameter store, set values by hand, go back to older ones",
        ),
        "ask": (
            "podium.control.commands.ask:command",
            "ask one instrument one thing, or set it, through its owner",
        ),
        "release": (
            "podium.control.commands.release:command",
            "hand an instrument to a person's own program, and take it back",
        ),
        "snapshot": (
            "podium.control.commands.snapshot:command",
            "take, show and compare snapshots of how all instruments are set",
        ),
        "scope": (
            "podium.control.commands.scope:command",
            "draw what a stored run played, from its program and from its machine code",
        ),
        "refit": (
            "podium.control.commands.refit:command",
            "fit the stored data of a run once more, from what was known then",
        ),
        "skew": (
            "podium.control.commands.skew:command",
            "measure by how much nodes start apart, and show what is known of it",
        ),
        "link": (
            "podium.control.commands.link:command",
            "calibrate a quantum link, share a Bell pair over it, show what is known of it",
        ),
        "reproduce": (
            "podium.control.commands.reproduce:command",
            "hold published experiments with links against what comes out here",
        ),
    },
    "files": {
        "schema": (
            "podium.control.commands.schema:command",
            "print the JSON schema of the facility file, for editors",
        ),
        "part": (
            "podium.control.commands.part:command",
            "write the facility file of some of a facility's nodes",
        ),
        "import-station": (
            "podium.control.commands.import_station:command",
            "make a facility file from a QCoDeS Station file",
        ),
        "compile": (
            "podium.control.commands.compile:command",
            "compile a program for its controllers, print what they would play, and draw it",
        ),
        "certificates": (
            "podium.control.commands.certificates:command",
            "list the certificates that a facility on several computers needs, and make them",
        ),
        "record": (
            "podium.control.commands.record:command",
            "write down what passes between a client and an instrument",
        ),
        "completion": (
            "podium.control.commands.completion:command",
            "print what a shell needs to complete these commands",
        ),
    },
    "twins": {
        "campaign": (
            "podium.control.commands.campaign:command",
            "measure many hidden worlds, and judge values and sigmas together",
        ),
    },
}
"""Ours, as the help groups them: where each stands (module:object), and its help line, known
without importing it."""

COMMANDS = {name: command for group in GROUPS.values() for name, command in group.items()}
TWINS = "twins"
OTHERS = "others"

HELP_OF_OTHERS = {
    "replay": "play a recorded trace to the instrument's twin and tell where it answers otherwise",
    "scenario": "play written incidents into a running simulation, and score who masters them",
    "twin": "draw, start, question and disturb the simulated instruments",
}
"""Help lines of commands that come with Podium by entry points."""


class CommandUnavailable(Exception):
    """There is no such subcommand, or it cannot be loaded. The message says which and why."""


def build_parser(chosen: str | None = None) -> ArgumentParser:
    """Return the parser, with the subcommand ``chosen`` alone, which is imported; None: with all,
    those of other packages too, but without their arguments.

    Raises :class:`CommandUnavailable` when there is no such command or it cannot be loaded.
    """
    targets = {name: target for name, (target, _) in COMMANDS.items()}
    helps = {name: text for name, (_, text) in COMMANDS.items()}
    for point in () if chosen in COMMANDS else _others():
        targets[point.name] = point.value
        helps[point.name] = HELP_OF_OTHERS.get(point.name, f"from {point.value}")
    parser = Parser(
        prog="podium",
        usage="podium [-h] [--version] COMMAND ...",
        description=_in_groups(helps),
        formatter_class=RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"podium {version('podium')}")
    subparsers = parser.add_subparsers(
        dest="command", metavar="COMMAND", required=True, prog="podium"
    )
    if chosen is not None and chosen not in targets:
        raise CommandUnavailable(f"podium: no command {chosen!r}; {suggest(chosen, targets)}")
    for name in targets if chosen is None else (chosen,):
        subparser = subparsers.add_parser(name, description=helps[name])
        if name == chosen:
            command = _load(name, targets[name])
            command.add_arguments(subparser)
            subparser.set_defaults(run=command.run)
    return parser


def _in_groups(helps: Mapping[str, str]) -> str:
    """Return all commands with their help lines, group by group."""
    groups = {group: list(commands) for group, commands in GROUPS.items()}
    groups[TWINS] += [name for name in HELP_OF_OTHERS if name in helps]
    listed = {name for names in groups.values() for name in names}
    groups[OTHERS] = [name for name in helps if name not in listed]
    lines = ["Runs a quantum data centre as one instrument."]
    for group, names in groups.items():
        if names:
            lines += ["", f"{group}:", *(f"    {name:15} {helps[name]}" for name in names)]
    return "\n".join([*lines, "", "podium COMMAND --help tells more."])


def _others() -> list[EntryPoint]:
    """Return the subcommands of other packages; the names that are ours are not theirs to take."""
    found = {point.name: point for point in entry_points(group=ENTRY_POINT_GROUP)}
    return [point for name, point in found.items() if name not in COMMANDS]


def _load(name: str, target: str) -> Command:
    module_name, _, attribute = target.partition(":")
    try:
        command: Command = getattr(import_module(module_name), attribute)
    except (ImportError, AttributeError) as error:
        raise CommandUnavailable(f"podium {name} cannot be loaded ({target}): {error}") from error
    return command


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line ``argv`` (default: the process's own); return the exit status."""
    if argv is None:
        as_a_process()
    words = sys.argv[1:] if argv is None else argv
    try:
        if not words:
            build_parser().print_help()
            return DONE
        return carry_out(words, build_parser)
    except CommandUnavailable as error:
        print(error, file=sys.stderr)
        return WRONG_USE


if __name__ == "__main__":
    sys.exit(main())

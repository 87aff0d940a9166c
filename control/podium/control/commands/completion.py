"""``podium completion`` writes what a shell needs to complete commands, options and files."""

import importlib
import sys
from argparse import SUPPRESS, ArgumentParser, Namespace, _SubParsersAction
from importlib.metadata import entry_points
from typing import Any

from podium.control.facility.command import DONE

SHELLS = ("bash", "zsh", "tcsh")


class CompletionCommand:
    """The subcommand."""

    name = "completion"
    help = "print what a shell needs to complete these commands"

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the shell's name."""
        parser.epilog = 'eval "$(podium completion bash)" in ~/.bashrc; zsh likewise'
        parser.add_argument("shell", choices=SHELLS)

    def run(self, arguments: Namespace) -> int:
        """Print the script."""
        import shtab

        sys.stdout.write(shtab.complete(whole_parser(), shell=arguments.shell) + "\n")
        return DONE


def whole_parser() -> ArgumentParser:
    """Return the parser with the arguments of all commands; arguments that name files know it."""
    import shtab

    from podium.control.cli import COMMANDS, ENTRY_POINT_GROUP, HELP_OF_OTHERS

    parser = ArgumentParser(prog="podium")
    parser.add_argument("--version", action="store_true")
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND")
    targets = {point.name: point.value for point in entry_points(group=ENTRY_POINT_GROUP)}
    targets |= {name: target for name, (target, _) in COMMANDS.items()}
    for name, target in targets.items():
        text = COMMANDS[name][1] if name in COMMANDS else HELP_OF_OTHERS.get(name, "")
        subparser = subparsers.add_parser(name, help=text, description=text)
        module, _, attribute = target.partition(":")
        getattr(importlib.import_module(module), attribute).add_arguments(subparser)
    _complete_files(parser, shtab.FILE)
    return parser


def _complete_files(parser: ArgumentParser, files: Any) -> None:
    """Let what takes any word complete files, in this parser and in those of its commands."""
    for action in parser._actions:
        if isinstance(action, _SubParsersAction):
            for subparser in action.choices.values():
                _complete_files(subparser, files)
        elif action.nargs != 0 and action.choices is None and action.help != SUPPRESS:
            action.complete = files  # type: ignore[attr-defined]  # shtab asks for it


command = CompletionCommand()

"""Writes docs/reference/command_line.md from the parsers of the command line.

``python docs/tools/command_line.py`` writes it; a test says when it is no longer current.
"""

from argparse import SUPPRESS, Action, ArgumentParser, _SubParsersAction
from collections.abc import Iterator
from pathlib import Path

from podium.control.cli import build_parser

PAGE = Path(__file__).parents[1] / "reference" / "command_line.md"
BEFORE = """\
# The command line

Written by `python docs/tools/command_line.py`; do not edit.

Exit status: 0 done, 1 it ran and found a problem, 2 wrong use. Errors go to standard error, one
line first, then detail. Options and arguments of a command may stand in any order. `podium COMMAND
--help` says what stands here.

**Which facility.** The same rule in all commands: the file is the first argument or `--facility
FILE`. Without either it is the one whose state file `--state` names, else what the variable
`PODIUM_FACILITY` says, else the facility that is up, else `./facility.yaml`. `podium scope` and
`refit` take the file that was kept beside the data; `podium demo` brings its own; twins know of no
facility that is up.

**How long a program may take.** An instrument whose program has not ended a minute after its
computed duration counts as hung: the run fails and names it. `PODIUM_RUN_ALLOWANCE` says another
number of seconds. Simulated instruments compute what they play: commands that start them wait ten
minutes, and so does who is given the endpoints file of `podium twin serve` (its `run_allowance_s`).

`podium up` writes where its coordinator is into a state file, by default under
`$XDG_STATE_HOME/podium` or `~/.local/state/podium`, named after the facility file. `status`, `run`,
`skew` and `calibrate` look there: if the facility is up they ask its processes, otherwise they own
the instruments for as long as they work. Where the facility file names a meeting point (`bus`), the
processes are asked there, whether or not any of them runs on this computer. Two owners at a time on
one machine are refused. Beside the state file lies the journal of ramps (`....ramps.sqlite`): what
a ramp is to do is written there before it begins. So do the skews that were measured
(`....skews.sqlite`).
"""
OTHERS = """
Other packages add commands by the entry-point group `podium.commands`; `podium twin` comes to the
command line that way.
"""


def page() -> str:
    """Return the text of the page."""
    commands = [name for name, _, _ in _subparsers(build_parser())]
    parts = [BEFORE, _summary(build_parser())]
    for name in commands:
        parser = next(sub for n, sub, _ in _subparsers(build_parser(name)) if n == name)
        parts += _sections(f"podium {name}", parser, 2)
    return "\n".join([*parts, OTHERS.strip(), ""])


def _sections(title: str, parser: ArgumentParser, level: int) -> Iterator[str]:
    yield f"{'#' * level} {title}\n"
    if parser.description:
        yield f"{_sentence(parser.description)}.\n"
    arguments = [action for action in parser._actions if _own(action)]
    if arguments:
        yield "| argument | meaning |\n| --- | --- |"
        yield "\n".join(f"| {_usage(action)} | {_meaning(action)} |" for action in arguments) + "\n"
    for name, sub, told in _subparsers(parser):
        sub.description = sub.description or told
        yield from _sections(f"{title} {name}", sub, level + 1)


def _summary(parser: ArgumentParser) -> str:
    rows = [f"| `podium {name}` | {told} |" for name, _, told in _subparsers(parser)]
    return "\n".join(["| command | does |", "| --- | --- |", *rows, ""])


def _subparsers(parser: ArgumentParser) -> Iterator[tuple[str, ArgumentParser, str]]:
    for action in parser._actions:
        if isinstance(action, _SubParsersAction):
            told = {choice.dest: choice.help or "" for choice in action._choices_actions}
            yield from (
                (name, sub, told.get(name) or sub.description or "")
                for name, sub in action.choices.items()
            )


def _own(action: Action) -> bool:
    return (
        not isinstance(action, _SubParsersAction)
        and action.help != SUPPRESS
        and ("--help" not in action.option_strings)
    )


def _usage(action: Action) -> str:
    metavar = action.metavar if isinstance(action.metavar, str) else None
    value = metavar or (
        "|".join(map(str, action.choices)) if action.choices else action.dest.upper()
    )
    required = ", required" if action.option_strings and action.required else ""
    if action.option_strings:
        text = action.option_strings[-1] + ("" if action.nargs == 0 else f" {value}")
    else:
        text = {"?": f"[{value}]", "*": f"[{value} ...]"}.get(str(action.nargs), value)
    return f"`{text}`{required}".replace("|", "\\|")


def _meaning(action: Action) -> str:
    return (action.help or "").replace("|", "\\|")


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")

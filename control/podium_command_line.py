"""Words of a command line, for the commands of every room. Outside the package, as podium_start is.

``podium twin`` and ``podium replay`` are run from here without the control layer.
"""

import logging
import os
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import takewhile
from pathlib import Path
from typing import Any, NoReturn, Protocol, TextIO

WRONG_USE = 2
INTERRUPTED = 130
"""Exit status after Ctrl-C, as shells have it (128 + SIGINT)."""


FACILITY_VARIABLE = "PODIUM_FACILITY"
"""Environment variable that may name the facility file."""
USUAL_FACILITY = Path("facility.yaml")
"""Where a facility file is looked for last."""
FACILITY_SUFFIXES = (".yaml", ".yml")


class FacilityTwice(ValueError):
    """A facility file is named as an argument and as an option, and they differ."""

    def __str__(self) -> str:
        return str(self.args[0])


def add_facility(parser: ArgumentParser, described: str, *, before: Sequence[str] = ()) -> None:
    """Let ``parser`` take the facility file: as its first argument, or as an option.

    ``before``: the arguments that come after it, the last of which may be left out: a first word
    that is no facility file belongs to them. To be called before these are added.
    """
    parser.add_argument("facility_word", nargs="?", metavar="FACILITY", help=described)
    parser.add_argument(
        "--facility", type=Path, metavar="FILE", help="the same, in place of the argument"
    )
    parser.set_defaults(words_after_facility=tuple(before))


def named_facility(arguments: Namespace) -> Path | None:
    """Return the facility file that ``arguments`` name; None: they name none.

    What was taken for it and is none is put where it belongs. Raises :class:`FacilityTwice`.
    """
    word = getattr(arguments, "facility_word", None)
    after = getattr(arguments, "words_after_facility", ())
    if word is not None and after and not _names_a_facility(word):
        last = getattr(arguments, after[-1])
        if isinstance(last, list):
            last.insert(0, word)
            word = None
        elif last is None:
            words = [word, *(getattr(arguments, name) for name in after)]
            for name, value in zip(after, words, strict=False):
                setattr(arguments, name, value)
            word = None
    arguments.facility_word = word
    option = getattr(arguments, "facility", None)
    if word is not None and option is not None and Path(word) != Path(option):
        raise FacilityTwice(f"the facility is {word} and --facility {option}: name one")
    if word is not None or option is not None:
        return Path(word if option is None else option)
    return None


def facility_of_environment() -> Path | None:
    """Return the facility file that the environment names; None: it names none."""
    named = os.environ.get(FACILITY_VARIABLE)
    return Path(named) if named else None


def _names_a_facility(word: str) -> bool:
    return Path(word).suffix in FACILITY_SUFFIXES or Path(word).is_file()


class Command(Protocol):
    """Defines the contents of a subcommand's module."""

    @property
    def name(self) -> str:
        """The word after ``podium``."""
        ...

    @property
    def help(self) -> str:
        """One line."""
        ...

    def add_arguments(self, parser: ArgumentParser, /) -> None:
        """Add the command's arguments to its parser."""
        ...

    def run(self, arguments: Namespace, /) -> int:
        """Do the work and return the exit status."""
        ...


class Parser(ArgumentParser):
    """argparse, except that options may stand anywhere, and an error is one line first."""

    _mixing = False

    def parse_known_args(  # type: ignore[override]  # the stub's overloads say the same
        self, args: Sequence[str] | None = None, namespace: Namespace | None = None
    ) -> tuple[Namespace, list[str]]:
        """Parse as argparse does; arguments of one command may stand among its options."""
        if self._mixing or self._subparsers is not None:
            return super().parse_known_args(args, namespace)
        self._mixing = True
        try:
            return self.parse_known_intermixed_args(args, namespace)
        finally:
            self._mixing = False

    def error(self, message: str) -> NoReturn:
        """Say what is wrong on standard error and end the process."""
        self.exit(WRONG_USE, f"{self.prog}: {message}\n{self.format_usage()}")


class Readers:
    """Standard output. When who read it has gone (``podium ... | head``) the work goes on."""

    def __init__(self, output: TextIO) -> None:
        self._output = output

    def write(self, text: str) -> int:
        """Write, as far as somebody reads."""
        with self._while_they_read():
            self._output.write(text)
        return len(text)

    def flush(self) -> None:
        """Flush, as far as somebody reads."""
        with self._while_they_read():
            self._output.flush()

    @contextmanager
    def _while_they_read(self) -> Iterator[None]:
        try:
            yield
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), self._output.fileno())

    def __getattr__(self, name: str) -> Any:
        return getattr(self._output, name)


def as_a_process() -> None:
    """Write to readers that may go; say nothing twice."""
    sys.stdout = Readers(sys.stdout)
    # What goes wrong is told by the command itself; services turn their log on again.
    logging.getLogger("podium").setLevel(logging.ERROR)


def carry_out(words: Sequence[str], parser_of: Callable[[str | None], ArgumentParser]) -> int:
    """Run the command that ``words`` name; return the exit status.

    ``parser_of`` returns the parser in which the subcommand of that name has its arguments; it is
    asked for that of none where help is asked for before a subcommand.
    """
    before = list(takewhile(lambda word: word.startswith("-"), words))
    asks_help = any(word == "-h" or "--help".startswith(word) for word in before)
    chosen = None if asks_help else next(iter(words[len(before) :]), None)
    try:
        arguments = parser_of(chosen).parse_args(words)
        status: int = arguments.run(arguments)
        sys.stdout.flush()
    except KeyboardInterrupt as ended:
        print(str(ended) or "interrupted", file=sys.stderr)
        return getattr(ended, "status", INTERRUPTED)
    return status


def parser_of_one(name: str, command: Command) -> Parser:
    """Return ``podium``'s parser with one command only."""
    parser = Parser(prog="podium")
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    subparser = subparsers.add_parser(name, help=command.help, description=command.help)
    command.add_arguments(subparser)
    subparser.set_defaults(run=command.run)
    return parser

"""``podium campaign`` measures many hidden worlds, keeps and judges them together."""

import json
import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from podium.control.facility.command import DONE, FOUND_PROBLEM, WRONG_USE, Command

if TYPE_CHECKING:
    from podium.control.campaign.campaign import CampaignPlan

TABLE_WIDTH = 120
"""Columns, where nobody's terminal sets them."""
NAMES = ("bring-up", "two-qubit", "link", "repeatability", "cold")
OURS = {"--seed", "--report"}
"""Options of the command that measures a world, that the campaign gives itself."""


class BadOptions(ValueError):
    """Options for the worlds that no world can be measured with. The message says which."""


def seeds(text: str) -> range:
    """Return the seeds of ``A:B``, from A up to but not including B."""
    first, colon, end = text.partition(":")
    try:
        found = range(int(first), int(end))
    except ValueError:
        found = range(0)
    if not colon or not found or found.start < 0:
        raise ArgumentTypeError(
            f"{text!r} names no seeds; 0:20 stands for the twenty seeds 0, 1 ... 19"
        )
    return found


def jobs(text: str) -> int:
    """Return a number of worlds at a time."""
    if not text.isdecimal() or int(text) < 1:
        raise ArgumentTypeError(f"{text!r} is no number of worlds at a time; 1, 2, 3 ... are")
    return int(text)


def add_arguments(parser: ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "name",
        choices=NAMES,
        metavar="NAME",
        help="bring-up: podium demo for each world; two-qubit, link: podium demo "
        "--two-qubit, --link; repeatability: each world again and again; cold: a fridge supervised "
        "through weeks of faults",
    )
    parser.add_argument(
        "options",
        nargs="*",
        metavar="-- OPTION",
        help="after --: options for each world, as podium demo has them (bring-up, two-qubit, "
        "link), or --facility, --repeats, --moved, --steps and those of the world "
        "(repeatability), or --faults, --kinds, --model, --vary, --sockets and --rate (cold)",
    )
    parser.add_argument(
        "--seeds",
        type=seeds,
        required=True,
        metavar="A:B",
        help="worlds A, A+1 ... B-1; those that DIR holds already are not measured again",
    )
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "--jobs",
        type=jobs,
        default=1,
        metavar="N",
        help="worlds at a time on this machine (default 1)",
    )
    where.add_argument(
        "--dask", metavar="ADDRESS", help="measure on the workers of this Dask scheduler"
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("podium_campaign"),
        metavar="DIR",
        help="folder for worlds.jsonl, seeds.json and the picture (default podium_campaign)",
    )
    parser.add_argument(
        "--reports", type=Path, metavar="DIR", help="keep what each world leaves, in DIR/seed_N"
    )
    parser.add_argument("--json", action="store_true", help="print seeds.json, without its worlds")


def run(arguments: Namespace) -> int:
    """Measure and judge; 0 when every world came to its end and every window is kept."""
    from rich.console import Console

    from podium.control.bus.shutdown import run_until_terminated
    from podium.control.campaign.campaign import PICTURE, SEEDS, run_campaign
    from podium.control.campaign.executor import NoDask
    from podium.control.campaign.results_file import ResultsFileError
    from podium.control.facility.atomic_files import check_writable
    from podium.control.facility.example import NoExample
    from podium.control.facility.problems import FacilityError

    stream = sys.stderr if arguments.json else sys.stdout
    console = Console(file=stream, width=None if stream.isatty() else TABLE_WIDTH)

    def say(text: str) -> None:
        console.print(text, markup=False, highlight=False, soft_wrap=True)

    try:
        plan = _plan(arguments)
        check_writable(plan.folder)
    except FacilityError as error:
        print(error, file=sys.stderr)
        return FOUND_PROBLEM
    except (OSError, NoExample, BadOptions) as error:
        print(f"podium campaign: {error}", file=sys.stderr)
        return WRONG_USE
    try:
        end = run_until_terminated(run_campaign(plan, say))
    except (ResultsFileError, NoDask) as error:
        print(f"podium campaign: {error}", file=sys.stderr)
        return WRONG_USE
    except OSError as error:
        print(f"podium campaign: {error}", file=sys.stderr)
        return FOUND_PROBLEM
    if arguments.json:
        print(json.dumps({**end.report.content, "lost": end.lost}, indent=2))
    else:
        for table in end.report.tables:
            console.print(table)
    for complaint in end.report.complaints:
        say(f"broken: {complaint}")
    say(f"{plan.folder / SEEDS}")
    if end.report.svg is not None:
        say(f"{plan.folder / PICTURE}")
    return FOUND_PROBLEM if end.lost or end.report.complaints else DONE


def _plan(arguments: Namespace) -> "CampaignPlan":
    """Return the plan; raises FacilityError, NoExample, OSError, BadOptions."""
    from podium.control.campaign.campaign import CampaignPlan
    from podium.control.facility.example import (
        LINKED,
        ONE_NODE,
        TWO_NODES,
        TWO_QUBIT,
        example_facility,
    )
    from podium.control.facility.load import load_facility

    options = list(arguments.options)
    for word in options:
        if word.partition("=")[0] in OURS:
            raise BadOptions(f"{word} is given by the campaign itself; leave it out")
    parser = _options_parser(arguments.name)
    try:
        known = parser.parse_args(options)
    except SystemExit as error:  # it has said what is wrong
        raise BadOptions(f"the options after -- are none of {parser.prog}") from error
    if arguments.name == "cold":  # a fridge alone: the facility plays no part
        path = example_facility(ONE_NODE)
    elif arguments.name in ("two-qubit", "link"):
        path = known.facility or example_facility(
            TWO_QUBIT if arguments.name == "two-qubit" else LINKED
        )
    else:
        one_node = arguments.name == "repeatability" or known.node_only
        path = known.facility or example_facility(ONE_NODE if one_node else TWO_NODES)
    return CampaignPlan(
        arguments.name,
        arguments.seeds,
        _without_facility(options),
        load_facility(path),
        path.read_text(encoding="utf-8"),
        arguments.out,
        None if arguments.reports is None else arguments.reports.resolve(),
        arguments.jobs,
        arguments.dask,
    )


def _options_parser(name: str) -> ArgumentParser:
    """Return a parser of the options of one world, to refuse wrong ones before any is measured."""
    if name in ("bring-up", "two-qubit", "link"):
        from podium.control.demo.arguments import add_arguments as add_demo

        parser = ArgumentParser(prog="podium demo", add_help=False)
        add_demo(parser)
        return parser
    from podium.control.campaign.repetition import add_arguments as add_repetition

    if name == "cold":
        from podium.control.campaign.cold_story import add_arguments as add_story

        parser = ArgumentParser(prog="cold", add_help=False)
        add_story(parser)
        return parser
    parser = ArgumentParser(prog="repeatability", add_help=False)
    add_repetition(parser)
    parser.add_argument("--facility", type=Path)
    return parser


def _without_facility(options: list[str]) -> tuple[str, ...]:
    """Return the options without the facility file, whose text goes with each world."""
    kept: list[str] = []
    words = iter(options)
    for word in words:
        if word == "--facility":
            next(words, None)
        elif not word.startswith("--facility="):
            kept.append(word)
    return tuple(kept)


command = Command(
    name="campaign",
    help="measure many hidden worlds, and judge values and sigmas together",
    add_arguments=add_arguments,
    run=run,
)

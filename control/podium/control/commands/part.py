"""``podium part`` writes a facility file of some of a facility's nodes."""

import sys
from argparse import ArgumentParser, Namespace
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

from podium.control.commands.options.facility_file import add_facility_arguments, with_facility
from podium.control.facility.command import DONE, FOUND_PROBLEM, WRONG_USE, Command

if TYPE_CHECKING:
    from podium.control.facility.part import Tree


def _add_arguments(parser: ArgumentParser) -> None:
    add_facility_arguments(parser, before=("names",), endpoints=False, state=False)
    parser.add_argument("names", nargs="*", metavar="NODE", help="the nodes to keep")
    parser.add_argument("--nodes", type=int, metavar="N", help="keep the first N nodes of the file")
    parser.add_argument("--name", help="name of the facility; else as it was")
    parser.add_argument(
        "--out", type=Path, metavar="FILE", help="write it there instead of standard output"
    )


def _run(arguments: Namespace) -> int:
    from podium.control.facility.part import NoSuchNode

    try:
        text = part_text(arguments.facility, arguments.names, arguments.nodes, arguments.name)
    except (NoSuchNode, _WrongUse, OSError) as error:
        print(f"podium part: {error}", file=sys.stderr)
        return WRONG_USE
    except ValueError as error:  # FacilityError: what is wrong with the file, place by place
        print(error, file=sys.stderr)
        return FOUND_PROBLEM
    if arguments.out is None:
        print(text, end="")
        return DONE
    try:
        arguments.out.write_text(text, encoding="utf-8")
    except OSError as error:
        print(f"podium part: {error}; give another --out", file=sys.stderr)
        return WRONG_USE
    return DONE


class _WrongUse(Exception):
    """The words do not go together."""


def part_text(
    facility: Path, names: list[str], first: int | None = None, name: str | None = None
) -> str:
    """Return the text of a facility file of the nodes ``names``, or of the ``first`` ones.

    Raises what :func:`.load.load_facility` and :func:`.part.part_of` raise.
    """
    from podium.control.facility.load import load_facility
    from podium.control.facility.part import part_of
    from podium.control.facility.source import read_source

    every = list(load_facility(facility).nodes)
    if bool(names) == (first is not None):
        raise _WrongUse("say which nodes: their names, or --nodes N")
    if first is not None and not 0 < first <= len(every):
        raise _WrongUse(f"--nodes {first}: the facility has {len(every)} nodes")
    source, _ = read_source(facility)
    tree = part_of(source.data if isinstance(source.data, dict) else {}, names or every[:first])
    if name is not None:
        tree["facility"] = name
    return written(tree)


def written(tree: "Tree") -> str:
    """Return a facility file's content as the text of one."""
    from ruamel.yaml import YAML

    yaml = YAML(typ="safe", pure=True)
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
    yaml.default_flow_style = False
    yaml.width = 100
    text = StringIO()
    yaml.dump(tree, text)
    return text.getvalue()


command = Command(
    name="part",
    help="write the facility file of some of a facility's nodes",
    add_arguments=_add_arguments,
    run=with_facility(_run),
)

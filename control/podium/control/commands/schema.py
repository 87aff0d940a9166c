"""``podium schema`` prints the JSON schema of the facility file, for editors."""

import json
from argparse import ArgumentParser, Namespace
from pathlib import Path

from podium.control.facility.command import DONE, Command


def _add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--out", type=Path, metavar="FILE", help="write it there instead of standard output"
    )


def _run(arguments: Namespace) -> int:
    from podium.control.facility.json_schema import facility_json_schema

    text = json.dumps(facility_json_schema(), indent=2, ensure_ascii=False) + "\n"
    if arguments.out is None:
        print(text, end="")
    else:
        arguments.out.write_text(text, encoding="utf-8")
    return DONE


command = Command(
    name="schema",
    help="print the JSON schema of the facility file, for editors",
    add_arguments=_add_arguments,
    run=_run,
)

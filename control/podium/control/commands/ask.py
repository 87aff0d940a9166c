"""``podium ask`` asks or sets one thing of one instrument, through its owner, logged."""

import json
import re
import sys
from argparse import ArgumentParser, Namespace
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from podium.control.commands.options.facility_file import add_facility_arguments, with_facility
from podium.control.facility.command import DONE, FOUND_PROBLEM, WRONG_USE, Command
from podium.firmware_interfaces.json_text import parse_json
from podium.firmware_interfaces.printable_text import printable
from podium.firmware_interfaces.quantity import QuantityError

if TYPE_CHECKING:
    from podium.control.bus.manual_access import Answered, Ask


def add_arguments(parser: ArgumentParser) -> None:
    """Add the command's arguments."""
    add_facility_arguments(parser, before=("instrument", "what", "value"))
    parser.add_argument("instrument", metavar="INSTRUMENT", help="its name in the facility file")
    parser.add_argument(
        "what",
        metavar="PARAMETER|TEXT",
        help="a parameter (power, module2.out0_att) or a message in its words ('*IDN?')",
    )
    parser.add_argument(
        "value", nargs="?", metavar="VALUE", help="what to set it to: 5.9e9 or '5.9 GHz'"
    )
    parser.add_argument("--write", action="store_true", help="allow what sets something")
    parser.add_argument(
        "--dry-run",
        action="store_true",
        help="print each message that would set something, send none",
    )
    parser.add_argument("--json", action="store_true", help="answer as JSON on standard output")


def run(arguments: Namespace) -> int:
    """Ask, and print what came back."""
    from podium.control.bus.shutdown import run_until_terminated
    from podium.control.commands.options.dry_run import tell_ask
    from podium.control.facility.load import load_facility
    from podium.control.facility.problems import FacilityError
    from podium.control.facility.state_file import AlreadyUp
    from podium.control.runs.errors import RunError

    try:
        if arguments.dry_run:
            facility = load_facility(arguments.facility, arguments.endpoints)
            return run_until_terminated(tell_ask(facility, _request(arguments)))
        answer = run_until_terminated(_ask(arguments, arguments.facility))
    except FacilityError as error:
        print(error, file=sys.stderr)
        return FOUND_PROBLEM
    except OSError as error:
        print(f"podium ask: {error}", file=sys.stderr)
        return WRONG_USE
    except QuantityError as error:
        print(f"podium ask: {arguments.what}: {error}", file=sys.stderr)
        return WRONG_USE
    except (RunError, AlreadyUp) as error:
        print(f"podium ask: {error}", file=sys.stderr)
        return FOUND_PROBLEM
    if arguments.json:
        print(json.dumps({"value": answer.value, "unit": answer.unit}))
    elif answer.value is not None:
        print(printable(f"{answer.value} {answer.unit}".rstrip()))
    return DONE


async def _ask(arguments: Namespace, facility: Path) -> "Answered":
    from podium.control.processes.lab_access import reached

    asked = _request(arguments)
    async with reached(
        facility, arguments.endpoints, arguments.state, all_of_it=False, reading_only=True
    ) as lab:
        if isinstance(asked.value, str) and QUANTITY.fullmatch(asked.value):
            here = await lab.answer(asked.instrument, asked.what)
            asked = replace(asked, value=in_unit(asked, here.unit))
        return await lab.answer(asked.instrument, asked.what, asked.value, write=asked.write)


def _request(arguments: Namespace) -> "Ask":
    from podium.control.bus.client_name import own_name
    from podium.control.bus.manual_access import Ask

    value = None if arguments.value is None else value_of(arguments.value)
    return Ask(arguments.instrument, arguments.what, value, arguments.write, own_name())


QUANTITY = re.compile(r"\s*+[+-]?(?:\d++\.?+\d*+|\.\d++)(?:[eE][+-]?\d++)?\s*+[a-zA-Zµμ%]\S*+")
"""A number with something behind it that may be its unit."""


def in_unit(asked: "Ask", unit: str) -> object:
    """Return a value that was written with a unit as the parameter wants it, in ``unit``.

    A parameter without a unit takes the text as it is. Raises ``QuantityError``.
    """
    from podium.control.parameters.quantities import parse_told

    return parse_told(str(asked.value), unit)[0] if unit else asked.value


def value_of(text: str) -> object:
    """Return a number, true or false as what it is; anything else as text."""
    if text in ("True", "False"):
        return text == "True"
    try:
        value: object = parse_json(text)
    except ValueError:
        return text
    return value if isinstance(value, int | float | bool) else text


command = Command(
    name="ask",
    help="ask one instrument one thing, or set it, through its owner",
    add_arguments=add_arguments,
    run=with_facility(run),
)

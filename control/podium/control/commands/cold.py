"""``podium cold``: the cold side as its supervisor sees it. It is no safety system."""

import json
import sys
from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from podium.control.commands.options.facility_file import add_facility_arguments, with_facility
from podium.control.facility.command import DONE, FOUND_PROBLEM, WRONG_USE, Command

if TYPE_CHECKING:
    from podium.control.bus.cold import ColdNews
    from podium.control.client.cold_client import ColdClient

NO_SAFETY_SYSTEM = "This is no safety system: the fridge's own interlocks stay in charge."


class WrongWords(ValueError):
    """A request makes no sense; nothing was asked."""


def add_arguments(parser: ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.epilog = NO_SAFETY_SYSTEM
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    status = _action(actions, "status", "readings, alarms, procedures and countdowns")
    _common(status)
    alarms = _action(
        actions, "alarms", "alarms; acknowledge, shelve, reset one, or stop its service"
    )
    _common(alarms, before=("words",))
    alarms.add_argument(
        "words",
        nargs="*",
        metavar="acknowledge|reset|shelve NAME | service NAME on|off",
        help="what to do with an alarm; without it they are listed",
    )
    alarms.add_argument(
        "--for", dest="for_", metavar="TIME", help="how long it is shelved, of the facility's time"
    )


def _action(actions: "object", name: str, words: str) -> ArgumentParser:
    add = getattr(actions, "add_parser")  # noqa: B009  # argparse does not name this class
    parser: ArgumentParser = add(name, help=words, description=words, epilog=NO_SAFETY_SYSTEM)
    return parser


def _common(parser: ArgumentParser, before: tuple[str, ...] = ()) -> None:
    add_facility_arguments(parser, endpoints=False, before=before)
    parser.add_argument("--json", action="store_true", help="answer as JSON on standard output")


def run(arguments: Namespace) -> int:
    """Do what is asked; 1 when the supervisor does not do it or does not answer."""
    from podium.control.bus.shutdown import run_until_terminated
    from podium.control.facility.problems import FacilityError
    from podium.control.processes.state_file import NotUp
    from podium.control.runs.errors import RunError
    from podium.firmware_interfaces.quantity import QuantityError

    try:
        return run_until_terminated(_asked(arguments))
    except FacilityError as error:
        print(error, file=sys.stderr)
        return FOUND_PROBLEM
    except OSError as error:
        print(f"podium cold: {error}", file=sys.stderr)
        return WRONG_USE
    except (WrongWords, QuantityError) as error:
        print(f"podium cold: {error}", file=sys.stderr)
        return WRONG_USE
    except (NotUp, RunError) as error:
        print(f"podium cold: {error}", file=sys.stderr)
        return FOUND_PROBLEM


async def _asked(arguments: Namespace) -> int:
    from podium.control.client.cold_client import join_supervisor
    from podium.control.commands.options.facility_file import state_of

    state = state_of(arguments, arguments.facility)
    async with join_supervisor(arguments.facility, state.coordinator) as supervisor:
        return await ACTIONS[arguments.action](arguments, supervisor)


async def _status(arguments: Namespace, supervisor: "ColdClient") -> int:
    from podium.control.bus.cold import AskCold, ColdNews
    from podium.control.commands.cold_words import status_json, status_lines

    news = await supervisor.ask(AskCold(), ColdNews)
    if arguments.json:
        print(json.dumps(status_json(news)))
    else:
        print("\n".join(status_lines(news)))
        print(NO_SAFETY_SYSTEM)
    return FOUND_PROBLEM if _in_alarm(news) else DONE


async def _alarms(arguments: Namespace, supervisor: "ColdClient") -> int:
    from podium.control.bus.cold import AskCold, ColdNews
    from podium.control.bus.messages import Done
    from podium.control.commands.cold_words import alarm_lines, alarms_json

    if arguments.words:
        await supervisor.ask(_alarm_request(arguments), Done)
    news = await supervisor.ask(AskCold(), ColdNews)
    if arguments.json:
        print(json.dumps(alarms_json(news)))
    else:
        print("\n".join(alarm_lines(news.alarms)) or "no alarms")
        print(NO_SAFETY_SYSTEM)
    return FOUND_PROBLEM if _in_alarm(news) and not arguments.words else DONE


def _alarm_request(arguments: Namespace) -> object:
    from podium.control.bus.client_name import own_name
    from podium.control.bus.cold import Acknowledge, ResetAlarm, SetService, Shelve
    from podium.firmware_interfaces.quantity import parse_quantity

    by = own_name()
    match arguments.words:
        case ["acknowledge", name]:
            return Acknowledge(name, by)
        case ["reset", name]:
            return ResetAlarm(name, by)
        case ["shelve", name] if arguments.for_ is not None:
            return Shelve(name, parse_quantity(arguments.for_, "s"), by)
        case ["shelve", _]:
            raise WrongWords("for how long? --for 2h; --for 0s ends it")
        case ["service", name, ("on" | "off") as word]:
            return SetService(name, word == "on", by)
    raise WrongWords(
        f"{' '.join(arguments.words)!r} is nothing that is done with an alarm: acknowledge NAME, "
        "reset NAME, shelve NAME --for 2h, service NAME on or off"
    )


def _in_alarm(news: "ColdNews") -> bool:
    """Tell whether something wants a person's eye."""
    return any(one.state in ("unacknowledged", "returned", "latched") for one in news.alarms)


ACTIONS = {"status": _status, "alarms": _alarms}

command = Command(
    name="cold",
    help="say how the fridges are, their alarms and history; run and rehearse procedures",
    add_arguments=add_arguments,
    run=with_facility(run),
)

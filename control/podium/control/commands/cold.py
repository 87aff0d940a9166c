"""``podium cold``: the cold side as its supervisor sees it. It is no safety system."""

import asyncio
import json
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from podium.control.commands.options.facility_file import add_facility_arguments, with_facility
from podium.control.facility.command import DONE, FOUND_PROBLEM, WRONG_USE, Command

if TYPE_CHECKING:
    from podium.control.bus.cold import ColdNews, ColdProcedureNews
    from podium.control.client.cold_client import ColdClient

LOOK_S = 0.5
"""A dry run is asked for so often, until it is over."""
SPELLED = {"warmup": "warm_up", "warm-up": "warm_up"}
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
    _add_times(actions)
    _add_procedures(actions)


def _add_times(actions: "object") -> None:
    history = _action(actions, "history", "courses of readings: least, mean and greatest")
    _common(history, before=("names",))
    history.add_argument("names", nargs="*", metavar="NAME", help="readings (default: all)")
    history.add_argument(
        "--last", default="1h", metavar="TIME", help="so far back, of the facility's time"
    )
    history.add_argument("--points", type=int, default=60, metavar="N", help="at most so many each")
    incident = _action(actions, "incident", "ten minutes before and after each alarm, as files")
    _common(incident, before=("names",))
    incident.add_argument("names", nargs="*", metavar="NAME", help="copy this one, with --out")
    incident.add_argument("--out", type=Path, metavar="FILE", help="where it is copied to")


def _add_procedures(actions: "object") -> None:
    run_ = _action(actions, "run", "begin a procedure; dangerous ones ask a second person")
    rehearse = _action(actions, "rehearse", "run a procedure on a copy of the live state")
    for parser in (run_, rehearse):
        _common(parser, before=("names",))
        parser.add_argument("names", nargs="*", metavar="PROCEDURE", help="e.g. warm_up")
        parser.add_argument("--fridge", metavar="NAME", help="default: the only one")
    run_.add_argument("--by", metavar="NAME", help="who asks (default: the user)")
    run_.add_argument("--dry-run", action="store_true", help="only say what would be done")
    for name, words in (
        ("confirm", "agree to what a procedure is about to do, as another person"),
        ("stop", "end a procedure where it is; what it has set stays"),
    ):
        parser = _action(actions, name, words)
        _common(parser, before=("names",))
        parser.add_argument("names", nargs="*", metavar="ID", help="as status shows it")
        parser.add_argument("--by", metavar="NAME", help="who asks (default: the user)")


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
    from podium.control.facility.state_file import NotUp
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
        request = _alarm_request(arguments)
        await supervisor.ask(request, Done)
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


async def _history(arguments: Namespace, supervisor: "ColdClient") -> int:
    from podium.control.bus.cold import AskHistory, ColdHistory
    from podium.control.commands.cold_words import history_json, history_lines
    from podium.firmware_interfaces.quantity import parse_quantity

    asked = AskHistory(
        tuple(arguments.names), parse_quantity(arguments.last, "s"), arguments.points
    )
    history = await supervisor.ask(asked, ColdHistory)
    unknown = [name for name in arguments.names if name not in history.courses]
    if arguments.json:
        print(json.dumps(history_json(history)))
    else:
        print("\n".join(history_lines(history)) or "nothing is recorded yet")
        print(NO_SAFETY_SYSTEM)
    for name in unknown:
        print(f"podium cold: nothing is recorded of {name!r}", file=sys.stderr)
    return FOUND_PROBLEM if unknown else DONE


async def _incident(arguments: Namespace, supervisor: "ColdClient") -> int:
    from dataclasses import asdict
    from shutil import copyfile

    from podium.control.bus.cold import AskIncidents, Incidents
    from podium.control.facility.problems import suggest
    from podium.firmware_interfaces.tai import Tai

    found = (await supervisor.ask(AskIncidents(), Incidents)).incidents
    if arguments.names:
        (name,) = _one_name(arguments, "incident")
        files = {one.name: one.file for one in found}
        if name not in files:
            raise WrongWords(f"there is no incident {name!r}; {suggest(name, files)}")
        if arguments.out is not None:
            copyfile(files[name], arguments.out)
        found = tuple(one for one in found if one.name == name)
    if arguments.json:
        print(json.dumps({"incidents": [asdict(one) for one in found]}))
        return DONE
    for one in found:
        at = "" if one.at is None else Tai(*one.at).date()
        state = "complete" if one.complete else "still being recorded"
        print(f"{one.name}: {one.alarm}, {at}, {state}\n  {one.file}")
    if not found:
        print("no incidents")
    print(NO_SAFETY_SYSTEM)
    return DONE


async def _run(arguments: Namespace, supervisor: "ColdClient") -> int:
    from podium.control.bus.cold import BeginProcedure, ColdProcedureNews

    (procedure,) = _one_name(arguments, "procedure")
    begin = BeginProcedure(
        procedure, _fridge(arguments, supervisor), _person(arguments), arguments.dry_run
    )
    news = await supervisor.once(begin, ColdProcedureNews)
    while arguments.dry_run and news.state in ("running", "asking"):
        news = await _again(news, supervisor)
    return _show(arguments, news)


async def _again(news: "ColdProcedureNews", supervisor: "ColdClient") -> "ColdProcedureNews":
    """Return how a procedure is a while later."""
    from podium.control.bus.cold import AskCold, ColdNews

    await asyncio.sleep(LOOK_S)
    now = await supervisor.ask(AskCold(), ColdNews)
    return next((one for one in now.procedures if one.id == news.id), news)


async def _confirm(arguments: Namespace, supervisor: "ColdClient") -> int:
    from podium.control.bus.cold import ColdProcedureNews, ConfirmProcedure, StopProcedure

    (name,) = _one_name(arguments, "procedure's id")
    asked = ConfirmProcedure if arguments.action == "confirm" else StopProcedure
    news = await supervisor.once(asked(name, _person(arguments)), ColdProcedureNews)
    return _show(arguments, news)


def _show(arguments: Namespace, news: "ColdProcedureNews") -> int:
    from podium.control.commands.cold_words import procedure_json, procedure_lines

    if arguments.json:
        print(json.dumps(procedure_json(news)))
    else:
        print("\n".join(procedure_lines(news)))
        if news.state == "asking":
            print(f"another person agrees by: podium cold confirm {news.id} --by NAME")
        print(NO_SAFETY_SYSTEM)
    return FOUND_PROBLEM if news.state == "failed" else DONE


async def _rehearse(arguments: Namespace, supervisor: "ColdClient") -> int:
    from podium.control.bus.cold import Rehearsal, Rehearse
    from podium.control.commands.cold_words import rehearsal_json, rehearsal_lines

    (procedure,) = _one_name(arguments, "procedure")
    asked = Rehearse(procedure, _fridge(arguments, supervisor))
    rehearsal = await supervisor.ask(asked, Rehearsal)
    if arguments.json:
        print(json.dumps(rehearsal_json(rehearsal)))
    else:
        print("\n".join(rehearsal_lines(rehearsal)))
        print(NO_SAFETY_SYSTEM)
    return DONE


def _one_name(arguments: Namespace, what: str) -> tuple[str]:
    if len(arguments.names) != 1:
        raise WrongWords(f"name one {what}: podium cold {arguments.action} NAME")
    name = str(arguments.names[0])
    return (SPELLED.get(name, name),)


def _fridge(arguments: Namespace, supervisor: "ColdClient") -> str:
    known = [name for name, one in supervisor.facility.fridges.items() if one.model is not None]
    if arguments.fridge is not None:
        return str(arguments.fridge)
    if len(known) != 1:
        raise WrongWords(f"which fridge? --fridge {' or '.join(known) or 'NAME'}")
    return known[0]


def _person(arguments: Namespace) -> str:
    """Return who asks: a person, so that two of them can be told apart."""
    import getpass

    return str(arguments.by or getpass.getuser())


ACTIONS = {
    "status": _status,
    "alarms": _alarms,
    "history": _history,
    "incident": _incident,
    "run": _run,
    "rehearse": _rehearse,
    "confirm": _confirm,
    "stop": _confirm,
}

command = Command(
    name="cold",
    help="say how the fridges are, their alarms and history; run and rehearse procedures",
    add_arguments=add_arguments,
    run=with_facility(run),
)

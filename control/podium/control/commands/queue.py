"""``podium queue`` says who waits for whom and how long; it cancels, ranks and reserves."""

import json
import sys
import time
from argparse import ArgumentParser, Namespace
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING

from podium.control.commands.options.facility_file import add_facility_arguments, with_facility
from podium.control.facility.command import DONE, FOUND_PROBLEM, WRONG_USE, Command

if TYPE_CHECKING:
    from podium.control.bus.queue import QueueEntry, QueueNews
    from podium.control.client.lab import Lab


class WrongWords(ValueError):
    """Options that make no sense; nothing was asked."""


def add_arguments(parser: ArgumentParser) -> None:
    """Add the command's arguments."""
    add_facility_arguments(parser, endpoints=False)
    parser.add_argument("--cancel", metavar="TICKET", help="cancel what waits under this ticket")
    parser.add_argument("--reason", default="", metavar="TEXT", help="why, for who asked for it")
    parser.add_argument(
        "--priority", metavar="TICKET=N", help="give it another priority, from -10 to 10"
    )
    parser.add_argument(
        "--reserve", metavar="NODE,...", help="keep these nodes for yourself, or --by NAME"
    )
    parser.add_argument("--begins", default="now", metavar="TIME", help="'2026-11-20 09:30', now")
    parser.add_argument("--lasts", metavar="TIME", help="of a reservation: '2 h', '30 min'")
    parser.add_argument("--by", default="", metavar="NAME", help="whose work goes in")
    parser.add_argument("--give-back", metavar="ID", help="give a reservation back")
    parser.add_argument("--json", action="store_true", help="answer as JSON on standard output")


def run(arguments: Namespace) -> int:
    """Do what is asked, and print the queue."""
    from podium.control.bus.shutdown import run_until_terminated
    from podium.control.facility.problems import FacilityError
    from podium.control.facility.state_file import NotUp
    from podium.control.records.run_times import NoTime
    from podium.control.runs.errors import RunError

    try:
        news = run_until_terminated(_queue(arguments))
    except FacilityError as error:
        print(error, file=sys.stderr)
        return FOUND_PROBLEM
    except (OSError, WrongWords, NoTime) as error:
        print(f"podium queue: {error}", file=sys.stderr)
        return WRONG_USE
    except (NotUp, RunError) as error:
        print(f"podium queue: {error}", file=sys.stderr)
        return FOUND_PROBLEM
    print(json.dumps(asdict(news)) if arguments.json else table(news))
    return DONE


async def _queue(arguments: Namespace) -> "QueueNews":
    from podium.control.client.facility_access import join_facility
    from podium.control.commands.options.facility_file import state_of

    state = state_of(arguments, arguments.facility)
    async with join_facility(arguments.facility, state.coordinator, recorded=False) as lab:
        await _change(lab, arguments)
        return await lab.queue.news()


async def _change(lab: "Lab", arguments: Namespace) -> None:
    from podium.control.records.run_times import begin_of, length_s

    if arguments.cancel:
        await lab.queue.cancel(arguments.cancel, arguments.reason)
    if arguments.priority:
        ticket, _, number = arguments.priority.partition("=")
        try:
            priority = int(number)
        except ValueError:
            raise WrongWords(f"--priority {arguments.priority}: as TICKET=2") from None
        await lab.queue.set_priority(ticket, priority)
    if arguments.reserve:
        if arguments.lasts is None:
            raise WrongWords("--reserve: say how long: --lasts '2 h'")
        begins_s = begin_of(arguments.begins, time.time())
        ends_s = begins_s + length_s(arguments.lasts)
        names = [one for one in arguments.reserve.split(",") if one]
        await lab.queue.reserve(
            *names, begins_s=begins_s, ends_s=ends_s, why=arguments.reason, by=arguments.by
        )
    if arguments.give_back:
        await lab.queue.give_back(arguments.give_back)


def table(news: "QueueNews") -> str:
    """Return the queue as lines for a person."""
    lines = [_on(one, news.at_s) for one in news.on]
    lines += [_waiting(one) for one in news.waiting]
    if news.waiting_in_all > len(news.waiting):
        lines.append(f"and {news.waiting_in_all - len(news.waiting)} more wait")
    for one in news.reservations:
        why = f": {one.why}" if one.why else ""
        when = f"{_moment(one.begins_s)} to {_moment(one.ends_s)}"
        lines.append(f"reserved {', '.join(one.agents)}, {when}, for {one.by}{why}  {one.id}")
    return "\n".join(lines) or "nothing is on, and nobody waits"


def _on(one: "QueueEntry", now_s: float) -> str:
    from podium.control.parameters.validity import told_age

    left_s = max(0.0, one.began_s + one.lasts_s - now_s)
    off = f" (± {told_age(one.lasts_sigma_s)})" if one.lasts_sigma_s else ""
    return (
        f"on       {one.what}, by {one.by}, on {', '.join(one.agents)}, "
        f"about {told_age(left_s)}{off} left  {one.ticket}"
    )


def _waiting(one: "QueueEntry") -> str:
    rank = f", priority {one.priority}" if one.priority else ""
    return f"waits    {one.what}, by {one.by}{rank}: {one.why}  {one.ticket}"


def _moment(at_s: float) -> str:
    return datetime.fromtimestamp(at_s).strftime("%Y-%m-%d %H:%M")


command = Command(
    name="queue",
    help="say who waits for whom and how long; cancel, rank and reserve",
    add_arguments=add_arguments,
    run=with_facility(run),
)

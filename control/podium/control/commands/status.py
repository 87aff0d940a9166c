"""``podium status``: which instruments answer, what runs and who asked. It changes nothing."""

import json
import sys
import time
from argparse import ArgumentParser, Namespace
from dataclasses import asdict
from typing import TYPE_CHECKING

from podium.control.commands.options.facility_file import add_facility_arguments, with_facility
from podium.control.facility.command import DONE, FOUND_PROBLEM, WRONG_USE, Command

if TYPE_CHECKING:
    from podium.control.bus.messages import FacilityStatus, LoggedRequest
    from podium.control.bus.queue import QueueNews
    from podium.control.bus.refusals import Refusal

LATELY = 8
"""So many of the requests in the log are shown."""


def add_arguments(parser: ArgumentParser) -> None:
    """Add the command's arguments."""
    add_facility_arguments(parser, endpoints=False)
    parser.add_argument(
        "--looked",
        metavar="ID",
        help="say that you have looked at this finding, or at all: it is not shown any longer",
    )
    parser.add_argument("--json", action="store_true", help="answer as JSON on standard output")


def run(arguments: Namespace) -> int:
    """Print how the facility is; 1 if something is missing, lost, or found and not looked at."""
    from podium.control.bus.shutdown import run_until_terminated
    from podium.control.facility.problems import FacilityError
    from podium.control.facility.state_file import NotUp
    from podium.control.runs.errors import RunError

    try:
        status, queue, page, metrics = run_until_terminated(_status(arguments))
    except FacilityError as error:
        print(error, file=sys.stderr)
        return FOUND_PROBLEM
    except OSError as error:
        print(f"podium status: {error}", file=sys.stderr)
        return WRONG_USE
    except (NotUp, RunError) as error:
        print(f"podium status: {error}", file=sys.stderr)
        return FOUND_PROBLEM
    if arguments.json:
        print(json.dumps(asdict(status) | {"queue": asdict(queue)}))
    else:
        print(table(status, time.time()))
        for one in queue.waiting:
            print(f"waits: {one.what}, by {one.by}: {one.why}")
    if page and not arguments.json:
        print(f"page: {page}")
    if metrics and not arguments.json:
        print(f"metrics: {metrics}")
    instruments = [one for agent in status.agents for one in agent.instruments]
    well = (
        not status.missing
        and not status.findings
        and all(one.state == "connected" for one in instruments)
    )
    return DONE if well else FOUND_PROBLEM


async def _status(
    arguments: Namespace,
) -> "tuple[FacilityStatus, QueueNews, str | None, str | None]":
    from podium.control.client.facility_access import join_facility
    from podium.control.facility.state_file import where_up
    from podium.control.facility.state_folder import default_state_file
    from podium.control.security.page_key import with_key

    file = arguments.state or default_state_file(arguments.facility)
    state = where_up(arguments.facility, file)
    async with join_facility(arguments.facility, state.coordinator) as lab:
        status = await lab.status()
        for one in status.findings:
            if arguments.looked in (one.id, "all"):
                await lab.looked_at(one.id)
        if arguments.looked not in (None, "all", *(one.id for one in status.findings)):
            await lab.looked_at(arguments.looked)  # refused, with the reason
        page = None if state.page is None else with_key(state.page, state.page_key)
        status = status if arguments.looked is None else await lab.status()
        return status, await lab.queue.news(), page, state.metrics


def table(status: "FacilityStatus", now_s: float) -> str:
    """Return the status as lines for a person; ``now_s``: Unix time."""
    from podium.control.parameters.validity import told_age

    lost = f", {status.starts_lost} late starts" if status.starts_lost else ""
    counted = f"{status.runs_done} runs done, {status.runs_failed} failed{lost}"
    lines = [f"{status.facility}: {counted}"]
    for agent in status.agents:
        lines.append(f"agent {agent.agent}: {agent.doing}")
        for one in agent.instruments:
            told = one.identity if one.state == "connected" else one.last_error
            if one.heard_s:
                told += f" (heard {told_age(max(0.0, now_s - one.heard_s))} ago)"
            lines.append(f"  {one.name:<20} {one.model:<24} {one.state:<10} {told}")
        lines += [f"  note: {note}" for note in agent.notes]
    lines += [f"missing: {entry}" for entry in status.missing]
    lines += [f"found {one.id}: {one.what}" for one in status.findings]
    if status.findings:
        lines.append("once you have looked: podium status FACILITY --looked ID (or all)")
    lines += ["refused:"] if status.refused else []
    lines += [f"  {_refused(one, now_s)}" for one in status.refused[-LATELY:]]
    lines += ["asked lately:"] if status.asked else []
    lines += [f"  {_asked(one, now_s)}" for one in status.asked[-LATELY:]]
    return "\n".join(lines)


def _refused(one: "Refusal", now_s: float) -> str:
    from podium.control.parameters.validity import told_age

    times = f", {one.count} times" if one.count > 1 else ""
    return f"{one.what}{times}, {told_age(max(0.0, now_s - one.last_s))} ago"


def _asked(one: "LoggedRequest", now_s: float) -> str:
    from podium.control.parameters.validity import told_age

    if one.state == "on":
        how = f"on for {told_age(max(0.0, now_s - one.at_s))}"
    else:
        how = f"{one.state} {told_age(max(0.0, now_s - one.at_s - one.took_s))} ago"
    reason = f": {one.error}" if one.error else ""
    return f"{one.number:>4}  {one.what}, {how}, by {one.by}{reason}"


command = Command(
    name="status",
    help="say which instruments answer, what runs, and who asked for it",
    add_arguments=add_arguments,
    run=with_facility(run),
)

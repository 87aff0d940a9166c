"""``podium join`` adds new nodes to a facility that is up; nothing is started again."""

import asyncio
import json
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from podium.control.commands.options.facility_file import add_facility_arguments, with_facility
from podium.control.commands.up import DEFAULT_STORE, READY_S
from podium.control.facility.command import DONE, FOUND_PROBLEM, WRONG_USE, Command
from podium.control.processes.process_layout import free_endpoints

if TYPE_CHECKING:
    from podium.control.bus.messages import FacilityStatus
    from podium.control.client.lab import Lab
    from podium.control.facility.facility import Facility

ANSWER_S = 30.0
"""Deadline for all that is up to read its copy of the file."""
LOOK_S = 1.0
"""How often it is looked whether the facility is up still."""


class CannotJoin(Exception):
    """The new nodes cannot join as things run. The message says why."""


def add_arguments(parser: ArgumentParser) -> None:
    """Add the command's arguments."""
    add_facility_arguments(parser)
    parser.add_argument(
        "--store",
        metavar="FILE|URL",
        help=f"the parameter store (default {DEFAULT_STORE}, as podium up)",
    )
    parser.add_argument("--json", action="store_true", help="answer as JSON on standard output")
    parser.add_argument(
        "--with-parent", action="store_true", help="end also when standard input is closed"
    )


def run(arguments: Namespace) -> int:
    """Keep the agents of new nodes running until told to end, or until the facility is not up."""
    from podium.control.bus.gather import ungrouped
    from podium.control.facility.load import load_facility
    from podium.control.facility.problems import FacilityError
    from podium.control.facility.state_file import NotUp
    from podium.control.runs.errors import RunError

    async def joined(facility: "Facility") -> int:
        async with ungrouped():
            return await _join(facility, arguments)

    try:
        return asyncio.run(joined(load_facility(arguments.facility, arguments.endpoints)))
    except FacilityError as error:
        print(error, file=sys.stderr)
        return FOUND_PROBLEM
    except (RunError, CannotJoin) as error:
        print(f"podium join: {error}", file=sys.stderr)
        return FOUND_PROBLEM
    except (OSError, NotUp) as error:
        print(f"podium join: {error}", file=sys.stderr)
        return WRONG_USE


async def _join(facility: "Facility", arguments: Namespace) -> int:
    from podium.control.agent.owners import owners_of
    from podium.control.bus.facility_growth import FacilityGrown, GrowTo, coordinator_grow_key
    from podium.control.bus.messages import Failed, ask
    from podium.control.bus.process_bus import client_of, join_bus
    from podium.control.bus.shutdown import until_terminated
    from podium.control.client.lab import Lab
    from podium.control.facility.state_file import read_state
    from podium.control.facility.state_folder import default_state_file
    from podium.control.processes.process_layout import files_of, keep_agents
    from podium.control.processes.supervisor import kept_processes

    def report(text: str) -> None:
        print(f"podium join: {text}", file=sys.stderr, flush=True)

    if facility.bus is not None and facility.bus.certificates is not None:
        raise CannotJoin(
            f"the {facility.bus.held_by} of {facility.name} has read whose certificates it lets in "
            f"when it was started: start it again, then `podium up --only` the new nodes"
        )
    state_file = arguments.state or default_state_file(arguments.facility)
    state = read_state(state_file)
    async with AsyncExitStack() as stack:
        me = client_of(facility.bus)
        bus = await stack.enter_async_context(join_bus(facility, me, state.coordinator))
        lab = Lab(facility, bus)
        new = newcomers(owners_of(facility), await lab.status())
        grow = coordinator_grow_key(facility.name)
        answer = await ask(bus, grow, GrowTo(facility.digest), FacilityGrown, timeout_s=ANSWER_S)
        if isinstance(answer, Failed):
            raise CannotJoin(answer.message)
        for left in answer.not_by:
            report(f"not used until it has read the file: {left}")
        words = {
            name: ("--meet", state.coordinator)
            if state.coordinator.startswith("tls/")
            else ("--listen", endpoint, "--coordinator", state.coordinator)
            for name, endpoint in zip(new, free_endpoints(len(new)), strict=True)
        }
        kept = await stack.enter_async_context(kept_processes(report))
        store = str(arguments.store or DEFAULT_STORE)
        await keep_agents(kept, facility, new, words, files_of(arguments), state_file, store)
        async with asyncio.TaskGroup() as tasks:
            telling = tasks.create_task(
                _tell_when_ready(lab, frozenset(new), as_json=arguments.json)
            )
            told = tasks.create_task(until_terminated(with_parent=arguments.with_parent))
            gone = tasks.create_task(_until_gone(state_file, state.coordinator))
            await asyncio.wait({told, gone}, return_when=asyncio.FIRST_COMPLETED)
            if gone.done():
                report("the facility is not up any longer")
            for task in (telling, told, gone):
                task.cancel()
        report("ending")
    return DONE


def newcomers(
    owners: Mapping[str, tuple[str, ...]], status: "FacilityStatus"
) -> dict[str, tuple[str, ...]]:
    """Return those of ``owners`` who are not there yet, with their instruments.

    ``status``: of the facility as it is up. Raises :class:`CannotJoin` where somebody who is
    there would have to own other instruments.
    """
    there = {one.agent: {each.name for each in one.instruments} for one in status.agents}
    owned = {name: agent for agent, names in there.items() for name in names}
    new: dict[str, tuple[str, ...]] = {}
    for name, instruments in owners.items():
        more = [one for one in instruments if owned.get(one, name) != name]
        if more:
            raise CannotJoin(
                f"{name} would own {', '.join(more)}, which {owned[more[0]]} owns now: nodes that "
                "share instruments share an agent; start `podium up` again"
            )
        if name not in there:
            new[name] = instruments
        elif not set(instruments) <= there[name]:
            more = sorted(set(instruments) - there[name])
            raise CannotJoin(
                f"{', '.join(more)} would belong to agent {name}, which runs without: an agent "
                "owns what it began with; start `podium up` again"
            )
    if not new:
        raise CannotJoin("nobody is new in the facility file: each of its agents is there")
    return new


async def _tell_when_ready(lab: "Lab", new: frozenset[str], *, as_json: bool) -> None:
    from podium.control.runs.errors import RunFailed

    while True:
        try:
            status = await lab.ready(READY_S)
        except RunFailed as error:
            print(f"podium join: not ready: {error}", file=sys.stderr, flush=True)
            continue
        mine = [one for one in status.agents if one.agent in new]
        lost = [box for one in mine for box in one.instruments if box.state != "connected"]
        if not lost and len(mine) == len(new):
            count = sum(len(one.instruments) for one in mine)
            who = ", ".join(one.agent for one in mine)
            joined = {"joined": [one.agent for one in mine], "facility": lab.facility.name}
            said = f"{who} joined {lab.facility.name}: {count} instruments"
            print(json.dumps(joined | {"instruments": count}) if as_json else said, flush=True)
            return
        for box in lost:
            print(f"podium join: {box.name}: {box.last_error}", file=sys.stderr, flush=True)
        await asyncio.sleep(LOOK_S)


async def _until_gone(state_file: Path, coordinator: str) -> None:
    """Return once nobody keeps up the facility that was joined."""
    from podium.control.facility.state_file import NotUp, read_state

    while True:
        await asyncio.sleep(LOOK_S)
        try:
            if read_state(state_file).coordinator != coordinator:
                return
        except NotUp:
            return


command = Command(
    name="join",
    help="let new nodes of a facility file that has grown join what is up",
    add_arguments=add_arguments,
    run=with_facility(run),
)

"""The process of one part of a divided facility: ``python -m ... FACILITY TWIN --part NAME``.

Messages (:mod:`.messages`) come on standard input and go to standard output. It ends when standard
input is closed, which is when the process that divides the facility ends, however it ends.
"""

import asyncio
import os
import random
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from contextlib import suppress
from dataclasses import fields
from pathlib import Path
from typing import Any

from podium.sim_instruments.servers.back_door import BackDoor, BadRequest
from podium.sim_instruments.servers.clock import ClockMode, ClockState, WorldClock
from podium.sim_instruments.servers.incident_recording import NoIncident, read_incident
from podium.sim_instruments.servers.kernel_compilation import compiling
from podium.sim_instruments.servers.kernel_loading import loading
from podium.sim_instruments.servers.laboratory import Laboratory
from podium.sim_instruments.servers.loopback import at_host
from podium.sim_instruments.servers.one_line import facility_in
from podium.sim_instruments.servers.parts.cables import PartCables
from podium.sim_instruments.servers.parts.division import divide, plan_of_part, world_of_part
from podium.sim_instruments.servers.parts.messages import LINE_MAX, Message, decode, encode
from podium.sim_instruments.servers.parts.part_timekeeper import PartTimekeeper, take
from podium.sim_instruments.servers.refusals import refusals
from podium.sim_instruments.servers.serve import quiet_collector
from podium.sim_instruments.servers.serving import ServedLaboratory, open_laboratory
from podium.sim_instruments.wiring import plan_of


def build(arguments: Namespace, clock: WorldClock) -> Laboratory:
    """Build the laboratory of the part that the arguments name; raises what may be refused."""
    from podium.sim_instruments.physics.world_file import read_world

    tree = facility_in(arguments.facility)
    plan = plan_of(tree)
    part = {one.name: one for one in divide(plan, tree)}[arguments.part]
    world = world_of_part(read_world(arguments.twin), part)
    laboratory = Laboratory(plan_of_part(plan, part), world, clock)
    if arguments.incident is not None:
        recording = read_incident(arguments.incident)
        here = {name: one for name, one in recording.fridges.items() if name in part.fridges}
        if here:
            laboratory.plants.play(recording)
    return laboratory


class PartServer:
    """Serves one part and takes messages of the process that divides the facility."""

    def __init__(self, serving: ServedLaboratory, post: Callable[[Message], object]) -> None:
        self._serving = serving
        self._post = post
        self._tasks: set[asyncio.Task[None]] = set()
        self._door = BackDoor(serving)
        self._cables = PartCables(serving.laboratory, self._to_others)
        keeper = serving.timekeeper
        if not isinstance(keeper, PartTimekeeper):
            raise TypeError("a part's time is agreed with others")
        self._keeper = keeper
        keeper.asking = self._cables.asking
        keeper.go_on = serving.poll

    def take(self, message: Message) -> None:
        """Carry out a message; an answer follows where one is wanted."""
        if take(self._keeper, message):
            return
        match message["type"]:
            case "from":
                self._cables.take(message["value"])
                self._serving.look()
            case "rate":
                self._keeper.clock.set_rate(int(message["rate"]), int(message["at_ns"]))
            case "ask":
                task = asyncio.ensure_future(self._answer(message))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
            case kind:
                raise ValueError(f"a part takes no message {kind!r}")

    async def end(self) -> None:
        """Wait for what is being answered."""
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _answer(self, message: Message) -> None:
        number = message["id"]
        try:
            answer: dict[str, Any] = {"ok": await self._door.do(message["request"])}
        except BadRequest as error:
            answer = {"error": str(error)}
        except Exception as error:  # whatever was asked, the simulation goes on
            answer = {"error": f"that cannot be done: {type(error).__name__}: {error!s:.200}"}
        self._post({"type": "answer", "id": number, **answer})

    def _to_others(self, value: Message) -> None:
        self._post({"type": "to", "value": value})


async def serve_part(arguments: Namespace, answers: int) -> None:
    """Serve until standard input is closed; ``answers``: the file that messages go to."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=LINE_MAX)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    sink, _ = await loop.connect_write_pipe(asyncio.Protocol, os.fdopen(answers, "wb", 0))

    def post(message: Message) -> None:
        if not sink.is_closing():
            sink.write(encode(message))

    begin = decode(await reader.readline())
    clock = WorldClock(ClockMode(arguments.clock))
    clock.follow(ClockState(**{one.name: int(begin[one.name]) for one in fields(ClockState)}))
    places = None
    if arguments.host is not None:
        places = at_host(arguments.host, arguments.shift, random.Random())

    def timed(laboratory: Laboratory) -> PartTimekeeper:
        return PartTimekeeper(
            clock, laboratory.twins, laboratory.kernels, post, chip=laboratory.plays
        )

    def tell(line: str) -> None:
        post({"type": "progress", "line": line})

    try:
        async with (
            open_laboratory(
                lambda clock: build(arguments, clock), clock, places, arguments.log, timed
            ) as serving,
            compiling(serving.laboratory, tell),
            loading(serving.laboratory) as loaded,
        ):
            server = PartServer(serving, post)
            post({"type": "listens", **serving.endpoints()})
            loaded.add_done_callback(lambda _: post({"type": "ready"}))
            with quiet_collector():
                while line := await reader.readline():
                    server.take(decode(line))
            await server.end()
            post({"type": "tallies", "tallies": serving.tallies()})
    except Exception as error:
        if not isinstance(error, (*refusals(), NoIncident, OSError)):
            raise
        post({"type": "refused", "why": str(error)})
    finally:
        sink.close()
        await asyncio.sleep(0)


def arguments_of(words: list[str]) -> Namespace:
    """Return the arguments of the process."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("facility", type=Path)
    parser.add_argument("twin", type=Path)
    parser.add_argument("--part", required=True)
    parser.add_argument("--clock", required=True)
    parser.add_argument("--host")
    parser.add_argument("--shift", type=int)
    parser.add_argument("--incident", type=Path)
    parser.add_argument("--log", action="store_true")
    return parser.parse_args(words)


def main() -> None:
    """Run the process. Whatever prints does so on standard error: messages have the output."""
    arguments = arguments_of(sys.argv[1:])
    answers = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    with suppress(KeyboardInterrupt):
        asyncio.run(serve_part(arguments, answers))


if __name__ == "__main__":
    main()

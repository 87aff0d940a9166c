"""The process in which the twins of tests live: one world after the other, the process stays.

Requests come on standard input, one JSON object a line, and are answered on standard output as by
the back door, whose verbs it knows, and four more: ``open`` (a facility's words, a seed, a clock),
``close``, ``replay`` (a recorded trace to its twin), and ``in_copy`` (a request to a fork). It ends
when standard input is closed, or its parent is gone.
"""

import asyncio
import json
import os
import sys
from collections.abc import Callable
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Any

from podium.firmware_interfaces.json_text import parse_json
from podium.sim_instruments.facilities.one_instrument import facility_of
from podium.sim_instruments.facilities.tree import NoSuchFacility
from podium.sim_instruments.servers.back_door import BackDoor, BadRequest
from podium.sim_instruments.servers.back_door_client import BackDoorError, ask
from podium.sim_instruments.servers.clock import ClockMode, WorldClock
from podium.sim_instruments.servers.kernel_compilation import compiling
from podium.sim_instruments.servers.laboratory import Laboratory
from podium.sim_instruments.servers.one_line import DrawnFacility, draw_any, facility_in
from podium.sim_instruments.servers.refusals import refusals
from podium.sim_instruments.servers.serve import quiet_collector
from podium.sim_instruments.servers.serving import ServedLaboratory, open_laboratory

ORPHAN_S = 1.0
"""How often is looked whether the parent is still there: a child of it may hold our input open."""


def told(error: Exception) -> bool:
    """Tell whether an error is one of who asked; others are ours, and end the process."""
    from podium.firmware_interfaces.trace import TraceError

    asked = BackDoorError, BadRequest, NoSuchFacility, OSError, TraceError, UnicodeDecodeError
    return isinstance(error, (*asked, *refusals()))


class Host:
    """Holds at most one world at a time."""

    def __init__(self, tell: Callable[[str], object]) -> None:
        """``tell`` is called with lines of progress."""
        self._tell = tell
        self._stack = AsyncExitStack()
        self._serving: ServedLaboratory | None = None

    async def do(self, request: dict[str, Any]) -> Any:
        """Carry out one request; raises what :func:`told` is true of."""
        match request.get("do"):
            case "open":
                await self.close()
                return await self._open(request)
            case "close":
                await self.close()
                return None
            case "replay":
                return await asyncio.to_thread(_replayed, request)
            case "in_copy":
                return await asyncio.to_thread(ask, Path(request["file"]), request["request"])
        if self._serving is None:
            raise BadRequest("no facility is open")
        return await BackDoor(self._serving).do(request)

    async def close(self) -> None:
        """Let go of the world that there is: its sockets are closed, clients are cut off."""
        self._serving = None
        await self._stack.aclose()

    async def _open(self, request: dict[str, Any]) -> Any:
        drawn = await asyncio.to_thread(_drawn, request)
        clock = WorldClock(ClockMode(request["clock"]))
        build = partial(Laboratory, drawn.plan(), drawn.world)
        self._serving = await self._stack.enter_async_context(
            open_laboratory(build, clock, logged=True)
        )
        async with compiling(self._serving.laboratory, self._tell) as work:
            if work is not None:
                await work
        return self._serving.endpoints()


def _drawn(request: dict[str, Any]) -> DrawnFacility:
    if "facility" in request:
        tree = facility_in(Path(request["facility"]))
    else:
        words = request["instrument"]
        options = {name: _option(given) for name, given in words["options"].items()}
        tree = facility_of(words["model"], words["chip"], words["qubits"], words["name"], options)
    if request.get("twin") is not None:
        from podium.sim_instruments.physics.world_file import read_world

        return DrawnFacility(tree, read_world(Path(request["twin"])))
    return draw_any(tree, request["seed"], request["mixers"])


def _replayed(request: dict[str, Any]) -> dict[str, Any]:
    from podium.firmware_interfaces.trace import read_trace
    from podium.sim_instruments.servers.replay import replay, told, twin_of

    with Path(request["trace"]).open(encoding="utf-8") as lines:
        head, pieces = read_trace(lines)
    found = replay(twin_of(head, pieces), pieces, leap=request["leap"])
    return {"instrument": head.instrument, "model": head.model, "commands": told(found)}


def _option(given: Any) -> Any:
    """Return an option with the numbers that JSON has made texts of."""
    return {int(key): word for key, word in given.items()} if isinstance(given, dict) else given


async def serve_requests(answers: int) -> None:
    """Answer requests from standard input until it is closed; ``answers``: file descriptor."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=1 << 24)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)

    def tell(line: str) -> None:
        os.write(answers, json.dumps({"progress": line}).encode() + b"\n")

    parent, host = os.getppid(), Host(tell)

    looking: asyncio.TimerHandle | None = None

    def look_for_parent() -> None:
        nonlocal looking
        if os.getppid() != parent:
            reader.feed_eof()
        looking = loop.call_later(ORPHAN_S, look_for_parent)

    look_for_parent()
    try:
        with quiet_collector():
            while line := await reader.readline():
                answer: dict[str, Any]
                try:
                    answer = {"ok": await host.do(parse_json(line))}
                except Exception as error:
                    if not told(error):
                        raise
                    answer = {"error": str(error)}
                await asyncio.to_thread(os.write, answers, json.dumps(answer).encode() + b"\n")
    finally:
        if looking is not None:
            looking.cancel()
        await host.close()


def main() -> None:
    """Run the process. Whatever prints does so on standard error: answers have the output."""
    answers = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    asyncio.run(serve_requests(answers))
    sys.stderr.flush()
    os._exit(0)  # nothing is open any longer; to take the modules down would take half a second


if __name__ == "__main__":
    main()

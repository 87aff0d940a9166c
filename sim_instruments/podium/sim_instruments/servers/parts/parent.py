"""The process that divides a facility: starts the parts, keeps their common time, passes values."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass, field
from typing import Any

from podium.sim_instruments.servers.clock import WorldClock
from podium.sim_instruments.servers.parts.agreement import Agreement, RoundState
from podium.sim_instruments.servers.parts.division import FacilityPart
from podium.sim_instruments.servers.parts.messages import (
    LINE_MAX,
    Message,
    MessageError,
    decode,
    encode,
)
from podium.sim_instruments.twins.twin import Horizon

MODULE = "podium.sim_instruments.servers.parts.part_process"
ANSWER_S = 1.0
"""So long (wall time) a round waits for a part; then time does not leap until it answers."""
REQUEST_S = 120.0
"""So long a request to a part is waited for: a truth with all its optima takes a minute for many
qubits."""
END_S = 10.0
"""So long a part has to end by itself."""


class PartRefused(ValueError):
    """A part cannot be simulated. The message says why."""


class PartGone(LookupError):
    """A part has ended or does not answer; the message says which."""


@dataclass(slots=True, eq=False)
class ServedPart:
    """One part and its process."""

    part: FacilityPart
    process: Process
    endpoints: dict[str, Any] = field(default_factory=dict)
    listens: asyncio.Event = field(default_factory=asyncio.Event)
    """It listens, or has ended."""
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    """Its kernels are compiled, too, or it has ended."""
    refused: str = ""
    ended: bool = False
    tallies: dict[str, dict[str, int]] = field(default_factory=dict)
    answers: dict[int, "asyncio.Future[Message]"] = field(default_factory=dict)

    def send(self, message: Message) -> None:
        """Send it a message, if it is there."""
        sink = self.process.stdin
        if not self.ended and sink is not None and not sink.is_closing():
            sink.write(encode(message))


class DividedWorld:
    """All parts of a facility that is served."""

    def __init__(self, clock: WorldClock, tell: Callable[[str], object]) -> None:
        """``tell`` is called with lines about what happens to parts."""
        self.clock = clock
        self.parts: dict[str, ServedPart] = {}
        self.ending = False
        """All parts are to end."""
        self.none_left = asyncio.Event()
        self._tell = tell
        self._agreement = Agreement(clock, self._send, {}, self._paused)
        self._part_of: dict[str, str] = {}
        self._requests = 0
        self._pauses = asyncio.Lock()
        self._pause: asyncio.Future[None] | None = None
        self._watched = 0
        """The round whose answers are waited for."""

    @property
    def living(self) -> list[ServedPart]:
        """Return the parts that have not ended."""
        return [one for one in self.parts.values() if not one.ended]

    @property
    def silent(self) -> frozenset[str]:
        """Return those that do not answer."""
        return frozenset(self._agreement.silent)

    def part_of(self, instrument: str) -> ServedPart:
        """Return the part that has an instrument; KeyError where there is none."""
        return self.parts[self._part_of[instrument]]

    def add(self, served: ServedPart) -> None:
        """Take a part in: it takes part in what is agreed from now on."""
        part = served.part
        self.parts[part.name] = served
        self._part_of |= dict.fromkeys(part.instruments, part.name)
        self._agreement.parts[part.name] = None
        served.send({"type": "clock", **asdict(self.clock.state())})

    # --- messages ---------------------------------------------------------------------

    async def listen_to(self, served: ServedPart) -> None:
        """Take a part's messages until it ends."""
        source = served.process.stdout
        if source is None:
            raise RuntimeError("a process without pipes")
        try:
            while line := await source.readline():
                self._take(served, decode(line))
        except (MessageError, ValueError, KeyError, TypeError) as error:
            self._tell(f"part {served.part.name} is out of order and is ended: {error!r:.200}")
            with suppress(ProcessLookupError):
                served.process.kill()
        finally:
            self._lose(served)

    def _take(self, served: ServedPart, message: Message) -> None:
        name, agreement = served.part.name, self._agreement
        match message["type"]:
            case "leap":
                agreement.wants_leap(name)
            case "free":
                agreement.is_free(name)
            case "horizon":
                agreement.take_horizon(
                    name, int(message["round"]), _horizon(message), int(message["leapt_fs"])
                )
            case "turn":
                agreement.wants_turn(name)
            case "released":
                computing = bool(message["computing"])
                agreement.take_release(name, int(message["leapt_fs"]), computing=computing)
            case "to":
                self._pass_on(served, message["value"])
            case "answer":
                answer = served.answers.pop(int(message["id"]), None)
                if answer is not None and not answer.done():
                    answer.set_result(message)
            case "listens":
                served.endpoints = dict(message["instruments"])
                served.listens.set()
            case "ready":
                served.ready.set()
            case "progress":
                self._tell(f"{name}: {message['line']}")
            case "refused":
                served.refused = str(message["why"])
            case "tallies":
                served.tallies = dict(message["tallies"])
            case kind:
                raise MessageError(f"no message {kind!r} comes from a part")
        self._watch()

    def _pass_on(self, sender: ServedPart, value: Message) -> None:
        name = sender.part.name
        passed = {"type": "from", "value": {**value, "part": name}}
        if "to_part" in value:
            self._send(str(value["to_part"]), passed)
        elif value["to"]:
            to = self.part_of(str(value["to"]))
            if to.ended:
                sender.send({"type": "from", "value": _end_of(to.part)})
            else:
                to.send(passed)
        else:
            for other in self.living:
                if other is not sender:
                    other.send(passed)

    def _send(self, name: str, message: Message) -> None:
        self.parts[name].send(message)

    def _lose(self, served: ServedPart) -> None:
        served.ended = True
        part = served.part
        if not self.ending and not served.refused:
            gone = ", ".join(part.instruments)
            self._tell(f"part {part.name} has ended, and with it {gone}; the others go on")
        if not self.living:
            self.none_left.set()
        served.listens.set()
        served.ready.set()
        for answer in served.answers.values():
            if not answer.done():
                answer.set_result({"error": f"part {part.name} has ended"})
        self._agreement.lose(part.name)
        for other in self.living:
            other.send({"type": "from", "value": _end_of(part)})
        self._watch()

    def _watch(self) -> None:
        """Wait for the answers to a new round for so long and no longer."""
        agreement = self._agreement
        if agreement.state is RoundState.ASKING and agreement.round != self._watched:
            self._watched = agreement.round
            loop = asyncio.get_running_loop()
            loop.call_later(ANSWER_S, self._give_up, agreement.round)

    def _give_up(self, number: int) -> None:
        before = set(self._agreement.silent)
        self._agreement.give_up(number)
        for name in sorted(self._agreement.silent - before):
            self._tell(f"part {name} does not answer: world time does not leap until it does")
        self._watch()

    # --- requests ---------------------------------------------------------------------

    @asynccontextmanager
    async def paused(self) -> AsyncIterator[None]:
        """Hold all parts meanwhile: no command reaches an instrument, and time is one."""
        async with self._pauses:
            self._pause = asyncio.get_running_loop().create_future()
            self._agreement.pause()
            self._watch()
            try:
                await self._pause
                yield
            finally:
                self._agreement.go_on()
                self._watch()

    def _paused(self) -> None:
        if self._pause is not None and not self._pause.done():
            self._pause.set_result(None)

    async def ask(self, served: ServedPart, request: Mapping[str, Any]) -> Any:
        """Return a part's answer to a request of the back door.

        Raises :class:`PartGone`, and LookupError with the part's words where it refuses.
        """
        name = served.part.name
        if served.ended:
            raise PartGone(f"part {name} has ended")
        self._requests += 1
        number = self._requests
        answer = served.answers[number] = asyncio.get_running_loop().create_future()
        asked = {key: value for key, value in request.items() if key != "token"}
        served.send({"type": "ask", "id": number, "request": asked})
        try:
            async with asyncio.timeout(REQUEST_S):
                message = await answer
        except TimeoutError:
            raise PartGone(f"part {name} does not answer") from None
        finally:
            served.answers.pop(number, None)
        if "ok" not in message:
            raise LookupError(str(message["error"]))
        return message["ok"]

    def set_rate(self, rate: int, at_ns: int) -> None:
        """Have world time go at another rate everywhere, from a reading of the monotonic clock."""
        self.clock.set_rate(rate, at_ns)
        for served in self.living:
            served.send({"type": "rate", "rate": rate, "at_ns": at_ns})


def _end_of(part: FacilityPart) -> Message:
    return {"do": "ended", "instruments": part.instruments}


def _horizon(message: Message) -> Horizon:
    def instant(name: str) -> int | None:
        return None if message[name] is None else int(message[name])

    return Horizon(
        bool(message["armed"]),
        instant("busy_until_fs"),
        bool(message["computing"]),
        instant("not_beyond_fs"),
    )


@asynccontextmanager
async def open_parts(
    parts: Sequence[FacilityPart],
    words: Sequence[object],
    clock: WorldClock,
    tell: Callable[[str], object],
) -> AsyncIterator[DividedWorld]:
    """Start a process for each part, and yield when all listen.

    ``words``: files and options of :mod:`.part_process`. Raises :class:`PartRefused`.
    """
    world = DividedWorld(clock, tell)
    tasks: list[asyncio.Task[None]] = []
    try:
        for part in parts:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-P", "-m", MODULE, *map(str, words), "--part", part.name),
                *("--clock", clock.mode.value),
                stdin=PIPE,
                stdout=PIPE,
                env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
                limit=LINE_MAX,
                start_new_session=True,
            )
            served = ServedPart(part, process)
            world.add(served)
            tasks.append(asyncio.create_task(world.listen_to(served)))
        for served in world.parts.values():
            await served.listens.wait()
            if served.ended:
                why = served.refused or "its process ended: its last words are above"
                raise PartRefused(f"part {served.part.name}: {why}")
        yield world
    finally:
        world.ending = True
        await _end(world)
        if tasks:
            await asyncio.wait(tasks)


async def _end(world: DividedWorld) -> None:
    for served in world.parts.values():
        if served.process.stdin is not None:
            served.process.stdin.close()
    for served in world.parts.values():
        try:
            async with asyncio.timeout(END_S):
                await served.process.wait()
        except TimeoutError:
            with suppress(ProcessLookupError):
                served.process.kill()
            await served.process.wait()

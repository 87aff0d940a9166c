"""The one back door of a divided facility: asks the part that has what a request is about."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.sim_instruments.servers.back_door import BackDoor, BadRequest, span_fs
from podium.sim_instruments.servers.clock import ClockMode
from podium.sim_instruments.servers.clock_rate import check_rate
from podium.sim_instruments.servers.parts.parent import DividedWorld, PartGone, ServedPart
from podium.sim_instruments.wiring import Plan, PlanError

RATE_AHEAD_NS = 20_000_000
"""A change of rate is announced so long ahead, for every part to take it at one instant."""
END_OF_TIME_FS = 4_102_444_800 * FS_PER_S
"""2100-01-01, as of a world in one process."""
VERBS = (
    *("truth", "played", "samples", "clocks", "advance"),
    *("time", "rate", "tallies", "log", "fault", "parts"),
    *("state", "operate"),
)
COUNT = "interventions"
"""Of what was done by hand: that of all parts is the sum."""


class PartsBackDoor(BackDoor):
    """Answers requests about a divided facility."""

    def __init__(self, world: DividedWorld, plan: Plan) -> None:
        self._open_door()
        self._world = world
        self._plan = plan
        self._gathered: dict[str, list[dict[str, Any]]] = {"played": [], "log": []}
        """Entries of all parts in the order in which they were first asked for."""
        self._until: dict[tuple[str, str], int] = {}

    async def do(self, request: Any) -> Any:
        """Carry out one request. Raises :class:`.back_door.BadRequest`."""
        verb = request.get("do") if isinstance(request, Mapping) else None
        try:
            match verb:
                case "parts":
                    return self._parts()
                case "time":
                    return await self._time_of_all()
                case "rate":
                    return await self._set_rate_of_all(request.get("rate"))
                case "advance":
                    return await self._advance_all(request)
                case "truth" | "tallies" | "clocks":
                    return await self._joined(request)
                case "played" | "log":
                    return await self._numbered(str(verb), request)
                case "samples":
                    return await self._about(request)
                case "fault" | "operate":
                    return await self._by_name(request)
                case "state":
                    return await self._state(request)
        except LookupError as error:
            raise BadRequest(str(error.args[0])) from error
        raise BadRequest(
            f'the back door of a facility in parts knows {{"do": one of {", ".join(VERBS)}}}, '
            f"not {verb!r}"
        )

    def _parts(self) -> dict[str, Any]:
        silent = self._world.silent
        return {
            name: {
                "state": "ended" if one.ended else "silent" if name in silent else "serves",
                "pid": one.process.pid,
                "nodes": list(one.part.nodes),
                "instruments": list(one.part.instruments),
            }
            for name, one in self._world.parts.items()
        }

    @asynccontextmanager
    async def _at_one_time(self) -> AsyncIterator[None]:
        """Where time goes by answers, hold all: only then is it the same in all parts."""
        if self._world.clock.mode is not ClockMode.MANUAL:
            yield
            return
        async with self._world.paused():
            yield

    async def _of_all(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Return the answers of all parts that live and answer, by part."""
        silent = self._world.silent
        asked = [one for one in self._world.living if one.part.name not in silent]
        answers = await asyncio.gather(*(self._world.ask(one, request) for one in asked))
        return {one.part.name: answer for one, answer in zip(asked, answers, strict=True)}

    async def _joined(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Return what all parts say, each of what is its own."""
        found: dict[str, Any] = {}
        async with self._at_one_time():
            for name, answer in (await self._of_all(request)).items():
                mine = self._world.parts[name].part.instruments
                shared = request["do"] == "clocks"  # a part has those that it follows, too
                found |= {key: one for key, one in answer.items() if not shared or key in mine}
        return found

    async def _numbered(self, verb: str, request: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return what is new in all parts, numbered in the order in which it was found here."""
        since = request.get("since", 0)
        if not isinstance(since, int) or since < 0:
            raise BadRequest(f"{verb} wants since, the number of an entry, from 0 up: {since!r}")
        kept, new = self._gathered[verb], []
        for one in self._world.living:
            until = self._until.get((verb, one.part.name), 0)
            entries = await self._world.ask(one, {"do": verb, "since": until})
            new += entries
            last = max((int(entry["number"]) for entry in entries), default=until)
            self._until[verb, one.part.name] = last
        new.sort(key=_when)
        kept += [{**entry, "number": len(kept) + n} for n, entry in enumerate(new, start=1)]
        last = request.get("last", 0)
        found = [entry for entry in kept if entry["number"] > since]
        return found[-last:] if isinstance(last, int) and last > 0 else found

    async def _about(self, request: Mapping[str, Any]) -> Any:
        name = str(request.get("on", ""))
        async with self._at_one_time():
            return await self._world.ask(self._having(name), request)

    def _having(self, instrument: str) -> ServedPart:
        try:
            return self._world.part_of(instrument)
        except KeyError:
            raise BadRequest(f"there is no instrument {instrument!r} here") from None

    async def _state(self, request: Mapping[str, Any]) -> dict[str, float]:
        """Return how all stands, each thing as the part tells that has it."""
        found: dict[str, float] = {COUNT: 0.0}
        async with self._at_one_time():
            answers = await self._of_all(request)
        owners = {
            thing: name
            for name, one in self._world.parts.items()
            for thing in (*one.part.instruments, *one.part.fridges, *one.part.nodes)
        }
        for name, state in answers.items():
            found[COUNT] += state.pop(COUNT)
            found |= {
                key: value
                for key, value in state.items()
                if owners.get(key.partition(".")[0], name) == name
            }
        return found

    async def _by_name(self, request: Mapping[str, Any]) -> Any:
        """Ask the part that has the thing; where none has, say what there is in all of them."""
        on = str(request.get("on", ""))
        refusals: list[str] = []
        async with self._at_one_time():
            for one in self._likely(on):
                try:
                    return await self._world.ask(one, request)
                except PartGone:
                    raise
                except LookupError as error:
                    refusals.append(str(error.args[0]))
        raise BadRequest("; ".join(dict.fromkeys(refusals)) or "every part has ended")

    def _likely(self, on: str) -> list[ServedPart]:
        """Return the parts that may have a thing; the one that has it alone where that is known."""
        first = on.partition(".")[0]
        for one in self._world.parts.values():
            if on in (*one.part.instruments, *one.part.fridges):
                return [one]
        mine = [one for one in self._world.living if first in one.part.nodes]
        return [*mine, *(one for one in self._world.living if one not in mine)]

    # --- time -------------------------------------------------------------------------

    async def _time_of_all(self) -> dict[str, Any]:
        clock = self._world.clock
        async with self._at_one_time():
            answers = await self._of_all({"do": "time"})
        return {
            "tai_s": clock.now_fs() / FS_PER_S,
            "since_start_s": (clock.now_fs() - clock.start_fs) / FS_PER_S,
            "leapt_s": clock.leapt_fs / FS_PER_S,
            "running_s": sum(answer["running_s"] for answer in answers.values()),
        }

    async def _advance_all(self, request: Mapping[str, Any]) -> Any:
        span = span_fs(request)
        clock = self._world.clock
        if clock.now_fs() + span > END_OF_TIME_FS:
            raise BadRequest("advance ends at the year 2100: clocks are set in dates")
        async with self._world.paused():
            await self._of_all(request)
            clock.advance(span)
        return await self._time_of_all()

    async def _set_rate_of_all(self, rate: Any) -> Any:
        if type(rate) is not int:
            raise BadRequest(f"a rate is a whole number of seconds in one of the wall's: {rate!r}")
        try:
            check_rate(self._plan, rate)
            async with self._world.paused():
                self._world.set_rate(rate, time.monotonic_ns() + RATE_AHEAD_NS)
        except (PlanError, ValueError) as error:
            raise BadRequest(str(error)) from error
        return await self._time_of_all()


def _when(entry: Mapping[str, Any]) -> int:
    at_fs = entry["at_fs"]
    return int(at_fs if isinstance(at_fs, int) else at_fs[0])

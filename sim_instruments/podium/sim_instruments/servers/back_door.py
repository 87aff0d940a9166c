"""The simulation's second door: hidden truth, faults, and time. One JSON object a line.

A request ``{"do": ..., "token": ..., ...}`` is answered by ``{"ok": ...}`` or ``{"error": ...}``.
While an answer is worked out, blanks come before it: who asks knows that somebody is there.
The token stands in a file that only this user reads. Vendors' clients never see this door, and
control never opens it.
"""

import asyncio
import hmac
import json
import math
import secrets
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.firmware_interfaces.json_text import parse_json
from podium.sim_instruments.execution.breakpoints import Breakpoint
from podium.sim_instruments.servers.clock_rate import check_rate
from podium.sim_instruments.servers.debugger import CannotStop
from podium.sim_instruments.servers.faults import bring_about
from podium.sim_instruments.servers.laboratory_truth import played_gate, truth_now
from podium.sim_instruments.servers.serving import ServedLaboratory
from podium.sim_instruments.servers.world_state import operate, world_state
from podium.sim_instruments.wiring import PlanError

if TYPE_CHECKING:
    from podium.sim_instruments.physics.truth import Span

NOT_LET_IN = {
    "error": "the token is missing or wrong: it stands in the file ENDPOINTS.back_door, which its "
    "own user can read"
}
ADVANCE_MAX_S = 366 * 86400.0
"""Of one request. ASSUMED: no story is longer; clocks and messages hold it easily."""

ADVANCE_PIECE_FS = 600 * FS_PER_S
"""Where fridges are integrated: some milliseconds of work."""
ACTING_PIECE_FS = 20 * FS_PER_S
"""Where instruments regulate them: likewise."""

END_OF_TIME_FS = 4_102_444_800 * FS_PER_S
"""2100-01-01: many requests go no further."""

DEBUG_WAIT_MAX_S = 50.0
"""Of one request; clients of the back door wait longer."""

VERBS = (
    *("truth", "gate", "played", "samples", "signals", "clocks", "advance"),
    *("time", "rate", "tallies", "log", "fault"),
    *("state", "operate"),
    *("debug", "save", "fork", "end"),
)
BY_SCENARIO = "scenario"
"""Says ``by`` of a request that is part of a story, and nobody's answer to it."""

TOKEN_BYTES = 16
ALIVE_S = 5.0
"""Of two blanks before an answer: clients of the back door wait longer."""


class BadRequest(ValueError):
    """A request makes no sense here. The message says what would."""


class BackDoor:
    """Answers requests about a laboratory that is served."""

    def __init__(
        self,
        serving: ServedLaboratory,
        verbs: tuple[str, ...] = VERBS,
        end: Callable[[], object] | None = None,
    ) -> None:
        """``verbs``: those that it knows; ``end``: ends a copy, None: of what is no copy."""
        self._serving = serving
        self._verbs = verbs
        self._end = end
        self._open_door()

    def _open_door(self) -> None:
        self.token = secrets.token_hex(TOKEN_BYTES)
        """What a request over the socket has to know."""
        self._clients: set[asyncio.StreamWriter] = set()

    @asynccontextmanager
    async def listen(self) -> AsyncIterator[tuple[str, int]]:
        """Listen on a free loopback port meanwhile, and yield where."""
        server = await asyncio.start_server(self._client, "127.0.0.1", 0)
        try:
            host, port = server.sockets[0].getsockname()[:2]
            yield str(host), int(port)
        finally:
            server.close()
            for client in self._clients:
                client.transport.abort()
            await server.wait_closed()

    async def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._clients.add(writer)
        try:
            while line := await reader.readline():
                answer = await self._answered(line, writer)
                writer.write(json.dumps(answer).encode() + b"\n")
                await writer.drain()
                if answer == NOT_LET_IN:
                    break
        except (ConnectionError, ValueError):
            pass  # it has gone, or sends lines without end
        finally:
            self._clients.discard(writer)
            writer.close()

    async def _answered(self, line: bytes, writer: asyncio.StreamWriter) -> dict[str, Any]:
        """Return the answer to a line; a blank is sent each :data:`ALIVE_S` meanwhile."""
        async with asyncio.TaskGroup() as tasks:
            answer = tasks.create_task(self._answer(line))
            while not (await asyncio.wait((answer,), timeout=ALIVE_S))[0]:
                writer.write(b" ")
        return answer.result()

    async def _answer(self, line: bytes) -> dict[str, Any]:
        try:
            request = parse_json(line)
        except ValueError as error:
            return {"error": f"one JSON object a line is wanted: {error}"}
        token = request.get("token") if isinstance(request, Mapping) else None
        if not isinstance(token, str) or not hmac.compare_digest(
            token.encode("utf-8", "replace"), self.token.encode()
        ):
            return NOT_LET_IN
        try:
            return {"ok": await self.do(request)}
        except BadRequest as error:
            return {"error": str(error)}
        except Exception as error:  # whatever was asked, the simulation goes on
            return {"error": f"that cannot be done: {type(error).__name__}: {error!s:.200}"}

    async def do(self, request: Any) -> Any:
        """Carry out one request. Raises :class:`BadRequest`."""
        verb = request.get("do") if isinstance(request, Mapping) else None
        if verb not in self._verbs:
            raise BadRequest(
                f'the back door knows {{"do": one of {", ".join(self._verbs)}}}, not {verb!r}'
            )
        match verb:
            case "truth":
                laboratory, optima = self._serving.laboratory, request.get("optima", True) is True
                at_rest = request.get("at_rest", False) is True
                telling = truth_now(laboratory, optima, _span(request), at_rest=at_rest)
                found = await self._serving.in_thread(telling)
                return {name: {"value": t.value, "unit": t.unit} for name, t in found.items()}
            case "gate":
                return await self._gate(request)
            case "played":
                played = self._serving.laboratory.played
                return [asdict(one) for one in played.since(_since(request), _names(request))]
            case "samples":
                return self._samples(request)
            case "signals":
                return await self._signals(request)
            case "clocks":
                return self._clocks()
            case "advance":
                clock, asked_fs = self._serving.timekeeper.clock, span_fs(request)
                if clock.now_fs() + asked_fs > END_OF_TIME_FS:
                    raise BadRequest("advance ends at the year 2100: clocks are set in dates")
                await self._advance(asked_fs)
                self._serving.look()
                return self._time()
            case "time":
                return self._time()
            case "rate":
                return self._set_rate(request.get("rate"))
            case "tallies":
                return self._serving.tallies()
            case "log":
                if self._serving.log is None:
                    raise BadRequest("no log of commands is kept here: `podium twin serve --log`")
                heard = self._serving.log.since(_since(request))
                return [asdict(one) for one in heard[-_last(request) :]]
            case "fault":
                fault, on = str(request.get("fault", "")), str(request.get("on", ""))
                return self._by_hand(request, lambda: bring_about(self._serving, fault, on))
            case "state":
                return world_state(self._serving)
            case "operate":
                return self._by_hand(request, lambda: operate(self._serving, request))
            case "debug":
                return await self._debug(request)
            case "save" | "fork":
                return await self._copy(request)
            case "end" if self._end is not None:
                self._end()
                return None
        raise BadRequest(f"{verb}: this simulation is no copy, and ends by SIGTERM")

    async def _debug(self, request: Mapping[str, Any]) -> Any:
        """Set breakpoints, look at what stands there, and let it go on."""
        debugger, action = self._serving.laboratory.debugger, request.get("action")
        on, sequencer = str(request.get("on", "")), str(request.get("sequencer", ""))
        line, within_s = request.get("line"), request.get("within_s", 0)
        if type(line) not in (int, type(None)) or not isinstance(within_s, int | float):
            raise BadRequest("debug wants line, a whole number, and within_s, a number")
        try:
            match action:
                case "break":
                    when = str(request.get("when", ""))
                    return list(debugger.add(on, sequencer, Breakpoint(line, when)))
                case "list":
                    return [
                        {"on": place[0], "sequencer": place[1], **asdict(one)}
                        for place, several in debugger.breakpoints.items()
                        for one in several
                    ]
                case "clear":
                    debugger.clear()
                    return None
                case "wait":
                    await debugger.wait(min(max(float(within_s), 0.0), DEBUG_WAIT_MAX_S))
                    return await self._standing()
                case "step":
                    await debugger.step(debugger.place(on, sequencer))
                    return await self._standing()
                case "go":
                    debugger.go_on(debugger.place(on, sequencer))
                    return None
        except CannotStop as error:
            raise BadRequest(str(error)) from error
        raise BadRequest(f"debug wants action: break, list, clear, wait, step, go; not {action!r}")

    async def _standing(self) -> list[dict[str, Any]]:
        """Return how each sequencer stands at its breakpoint, with the qubits' populations."""
        laboratory = self._serving.laboratory
        found: list[dict[str, Any]] = laboratory.debugger.halts()
        for one in found:
            telling = partial(laboratory.populations, one["on"], one["sequencer"])
            try:
                one["populations"] = await self._serving.in_thread(telling)
            except Exception as error:  # the world says what it cannot simulate
                one["populations"], one["why"] = {}, f"{type(error).__name__}: {error}"
        return found

    async def _copy(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Save the facility as it is, or branch it."""
        from podium.sim_instruments.servers.facility_copies import CopyPlan, make_copy

        file = request.get("file")
        if not isinstance(file, str) or not Path(file).is_absolute():
            raise BadRequest(f"{request['do']} wants file, the absolute path of one, not {file!r}")
        bound = request.get("bound", False) is True
        return await make_copy(self._serving, CopyPlan(Path(file), request["do"] == "save", bound))

    def _by_hand(self, request: Mapping[str, Any], do: Callable[[], str]) -> str:
        """Do something to the simulation, and count it unless a scenario does it."""
        try:
            done = do()
        except (LookupError, ValueError) as error:
            raise BadRequest(str(error.args[0])) from error
        self._serving.interventions += request.get("by") != BY_SCENARIO
        return done

    async def _advance(self, span_fs: int) -> None:
        """Let time pass; where fridges are integrated, in pieces, so that readings go on."""
        plants, clock = self._serving.laboratory.plants, self._serving.timekeeper.clock
        while plants and span_fs > 0:
            piece_fs = min(span_fs, ACTING_PIECE_FS if plants.acts else ADVANCE_PIECE_FS)
            clock.advance(piece_fs)
            span_fs -= piece_fs
            plants.advance()
            await self._serving.in_thread(plants.integrate)
        clock.advance(span_fs)

    def _samples(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Return what a channel of a twin plays, sample by sample."""
        from podium.sim_instruments.twins.played_samples import SAMPLES_MAX, PlaysSamples

        name = str(request.get("on", ""))
        twin = self._serving.laboratory.twins.get(name)
        if not isinstance(twin, PlaysSamples):
            raise BadRequest(f"{name!r} is no instrument here whose samples are known")
        given = {word: request.get(word) for word in ("channel", "first", "count")}
        wanted = [one for one in given.values() if isinstance(one, int) and 0 <= one < 2**62]
        if len(wanted) < len(given) or wanted[2] > SAMPLES_MAX:
            raise BadRequest(
                f"samples wants channel, first and count, up to {SAMPLES_MAX}, not {given!r:.100}"
            )
        try:
            return asdict(twin.samples(*wanted))
        except ValueError as error:
            raise BadRequest(f"{name}: {error}") from error

    async def _gate(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Return how an edge's gates were in the latest run that pulsed it."""
        edge, phases = str(request.get("edge", "")), request.get("phases")
        if phases is not None:
            known = isinstance(phases, list) and len(phases) == 2
            if not known or not all(
                isinstance(p, int | float) and math.isfinite(p) for p in phases
            ):
                raise BadRequest(f"phases are two finite numbers, turns, not {phases!r:.100}")
            phases = float(phases[0]), float(phases[1])
        laboratory = self._serving.laboratory
        if not laboratory.plays:
            raise BadRequest("there is no chip here, and no gate")
        try:
            found = await self._serving.in_thread(partial(played_gate, laboratory, edge, phases))
        except LookupError as error:
            raise BadRequest(str(error.args[0])) from error
        if found is None:
            raise BadRequest(f"no run has pulsed {edge} yet; play one that does, without branches")
        return asdict(found)

    async def _signals(self, request: Mapping[str, Any]) -> str:
        """Return a value change dump of what was played, of one instrument or of all."""
        from podium.sim_instruments.servers.signal_dump import NothingPlayed, dump_runs

        log, on = self._serving.laboratory.signals, str(request.get("on", ""))
        try:
            return await self._serving.in_thread(partial(dump_runs, log, _since(request), on))
        except (NothingPlayed, ValueError) as error:
            raise BadRequest(str(error)) from error

    def _set_rate(self, rate: Any) -> dict[str, float]:
        if type(rate) is not int:
            raise BadRequest(f"a rate is a whole number of seconds in one of the wall's: {rate!r}")
        try:
            check_rate(self._serving.laboratory.plan, rate)
            self._serving.timekeeper.clock.set_rate(rate)
        except (PlanError, ValueError) as error:
            raise BadRequest(str(error)) from error
        return self._time()

    def _clocks(self) -> dict[str, dict[str, Any]]:
        now_fs = self._serving.timekeeper.clock.now_fs()
        return {
            name: {
                "state": clock.state(now_fs).value,
                "epoch": clock.epoch(now_fs),
                "error_s": clock.error_fs(now_fs) / FS_PER_S,
            }
            for name, clock in self._serving.laboratory.clocks.items()
        }

    def _time(self) -> dict[str, float]:
        clock = self._serving.timekeeper.clock
        return {
            "tai_s": clock.now_fs() / FS_PER_S,
            "since_start_s": (clock.now_fs() - clock.start_fs) / FS_PER_S,
            "leapt_s": clock.leapt_fs / FS_PER_S,
            "running_s": self._serving.laboratory.running_fs / FS_PER_S,
        }


def _span(request: Mapping[str, Any]) -> "Span | None":
    """Return the stretch of world time that is asked about; None: now."""
    when = request.get("at", "now")
    if when == "now":
        return None
    from podium.sim_instruments.physics.truth import Span

    try:
        return Span.of_text(str(when))
    except ValueError as error:
        raise BadRequest(f"truth wants at: {error}") from error


def _since(request: Mapping[str, Any]) -> int:
    number = request.get("since", 0)
    if not isinstance(number, int) or number < 0:
        raise BadRequest(
            f"{request.get('do')} wants since, the number of an entry, from 0 up, not {number!r}"
        )
    return number


def _names(request: Mapping[str, Any]) -> list[str]:
    names = request.get("connectors", [])
    if not isinstance(names, list) or not all(isinstance(one, str) for one in names):
        raise BadRequest(
            f"{request.get('do')} wants connectors, a list of their names, not {names!r}"
        )
    return names


def _last(request: Mapping[str, Any]) -> int:
    """Return how many entries are wanted at most; 0: all."""
    number = request.get("last", 0)
    if not isinstance(number, int) or number < 0:
        raise BadRequest(f"log wants last, a number of entries, from 0 up, not {number!r}")
    return number


def span_fs(request: Mapping[str, Any]) -> int:
    """Return the span of a request to advance; raises :class:`BadRequest`."""
    seconds: Any = request.get("seconds")
    number = isinstance(seconds, int | float) and not isinstance(seconds, bool)
    if not number or not 0 <= seconds < math.inf:
        said = f"{seconds!r:.60}"
        raise BadRequest(f"advance wants seconds, from 0 up, not {said}: time goes forward")
    if seconds > ADVANCE_MAX_S:
        raise BadRequest(
            f"advance wants seconds, {ADVANCE_MAX_S:.0f} (a year) at most, not {seconds:g}"
        )
    advance_fs: int = round(seconds * FS_PER_S)
    return advance_fs

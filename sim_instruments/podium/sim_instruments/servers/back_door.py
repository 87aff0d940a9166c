"""The simulation's second door: hidden truth, faults, and time. One JSON object a line.

Vendors' clients never see it, and control never opens it.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.sim_instruments.servers.connection import LineFaults
from podium.sim_instruments.servers.laboratory import Laboratory, UnknownName

FAULTS = {
    "unplug": "LINE: take the cable off a line (node_a.q0.drive, node_a.feedline, node_a.q0.flux)",
    "plug": "LINE: put it back",
    "freeze": "INSTRUMENT: it keeps its connections and answers nothing",
    "thaw": "INSTRUMENT: it answers again",
    "drop": "INSTRUMENT: cut its connections once",
    "refuse": "INSTRUMENT: cut its connections and take no new ones",
    "accept": "INSTRUMENT: take connections again",
    "halve": "INSTRUMENT: send only the first half of every answer",
    "whole": "INSTRUMENT: send whole answers again",
    "warm": "FRIDGE: let it warm up",
    "cool": "FRIDGE: let it cool back down",
}
"""Every fault: what it takes and does."""


class BackDoor:
    """Answers requests ``{"do": ..., ...}`` with ``{"ok": ...}`` or ``{"error": ...}``."""

    def __init__(
        self, laboratory: Laboratory, faults: Mapping[str, LineFaults], look: Callable[[], None]
    ) -> None:
        self._laboratory = laboratory
        self._faults = faults
        self._look = look

    @asynccontextmanager
    async def listen(self) -> AsyncIterator[tuple[str, int]]:
        """Listen on a free loopback port and yield where."""
        server = await asyncio.start_server(self._client, "127.0.0.1", 0)
        try:
            host, port = server.sockets[0].getsockname()[:2]
            yield str(host), int(port)
        finally:
            server.close()
            await server.wait_closed()

    async def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                writer.write(json.dumps(await self._answer(line)).encode() + b"\n")
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()

    async def _answer(self, line: bytes) -> dict[str, Any]:
        try:
            request = json.loads(line)
            return {"ok": await self.do(request)}
        except (ValueError, KeyError, UnknownName) as error:
            return {"error": str(error)}

    async def do(self, request: Mapping[str, Any]) -> Any:
        """Carry out one request. Raises ValueError, KeyError or UnknownName for a wrong one."""
        laboratory = self._laboratory
        match request.get("do"):
            case "truth":
                found = await asyncio.to_thread(laboratory.truth_now)
                return {name: {"value": t.value, "unit": t.unit} for name, t in found.items()}
            case "advance":
                laboratory.clock.advance(round(float(request["seconds"]) * FS_PER_S))
                self._look()
                return self._time()
            case "time":
                return self._time()
            case "tallies":
                return {name: twin.tallies() for name, twin in laboratory.twins.items()}
            case "fault":
                return self.fault(str(request["fault"]), str(request.get("on", "")))
        raise ValueError(
            f"the back door does not know {request.get('do')!r}; it knows truth, advance, time, "
            "tallies, fault"
        )

    def _time(self) -> dict[str, float]:
        clock = self._laboratory.clock
        return {
            "tai_s": clock.now_fs() / FS_PER_S,
            "since_start_s": (clock.now_fs() - clock.start_fs) / FS_PER_S,
            "leapt_s": clock.leapt_fs / FS_PER_S,
            "running_s": self._laboratory.spent.running_fs / FS_PER_S,
        }

    def fault(self, name: str, on: str) -> str:
        """Bring about the fault ``name`` of :data:`FAULTS` and return what was done, in words."""
        if name not in FAULTS:
            raise ValueError(f"no fault {name!r}; there are {', '.join(FAULTS)}")
        kind = FAULTS[name].partition(":")[0]
        known = {
            "LINE": self._lines(),
            "INSTRUMENT": set(self._faults),
            "FRIDGE": set(self._laboratory.fridges),
        }[kind]
        if on not in known:
            raise UnknownName(f"{name} needs one of {', '.join(sorted(known))}, not {on!r}")
        now_fs = self._laboratory.clock.now_fs()
        match name:
            case "unplug":
                self._laboratory.unplugged.add(on)
            case "plug":
                self._laboratory.unplugged.discard(on)
            case "warm":
                self._laboratory.fridges[on].fail(now_fs)
            case "cool":
                self._laboratory.fridges[on].recover(now_fs)
            case _:
                self._line_fault(name, self._faults[on])
        return f"{name} {on}"

    def _line_fault(self, name: str, faults: LineFaults) -> None:
        match name:
            case "freeze" | "thaw":
                faults.frozen = name == "freeze"
            case "halve" | "whole":
                faults.half_answers = name == "halve"
            case "refuse" | "accept":
                faults.refused = name == "refuse"
        if name in ("drop", "refuse"):
            for connection in tuple(faults.open):
                connection.drop()

    def _lines(self) -> set[str]:
        plan = self._laboratory.plan
        driven = {cable.line for cables in plan.outputs.values() for cable in cables.values()}
        return driven | set(plan.biases)

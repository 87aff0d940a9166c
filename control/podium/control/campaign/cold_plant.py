"""Speaks with a simulated fridge in a process of its own: ``podium twin fridge --dialogue``."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

from podium.control.campaign.world_task import WorldLost
from podium.control.facility.fridge_wiring import FridgeWiring, Part
from podium.control.processes.child_processes import podium
from podium.firmware_interfaces import fridge_signals as signals

FRIDGE = "fridge_a"
LONGEST_LINE = 1 << 22


@dataclass(slots=True)
class ColdPlant:
    """A fridge at the other end of a pipe."""

    process: asyncio.subprocess.Process
    signals: Mapping[str, str]
    """By reading: what it shows."""
    units: Mapping[str, str]

    async def advance(self, to_s: float) -> Mapping[str, float | None]:
        """Let time pass; return what all sensors show then."""
        answer = await self._ask({"do": "advance", "to_s": to_s})
        readings: Mapping[str, float | None] = answer["readings"]
        return readings

    async def write(self, values: Mapping[str, float]) -> None:
        """Set inputs of the fridge."""
        await self._ask({"do": "write", "values": dict(values)})

    async def do(self, what: str, **words: Any) -> None:
        """Bring about a fault, or put one right."""
        await self._ask({"do": what, **words})

    async def truth(self) -> dict[str, Any]:
        """Return what has become of the fridge; nothing can be asked afterwards."""
        return await self._ask({"do": "truth"})

    def wiring(self) -> FridgeWiring:
        """Return which readings there are of each signal, and which part sets it."""
        readings: dict[str, list[str]] = {}
        parts = {}
        for reading, signal in self.signals.items():
            readings.setdefault(signal, []).append(reading)
            if signal in signals.INPUTS:
                instrument, _, part = reading.partition(".")
                parts[signal] = Part(instrument, part)
        return FridgeWiring(FRIDGE, {one: tuple(names) for one, names in readings.items()}, parts)

    async def _ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
        if self.process.stdin is None or self.process.stdout is None:
            raise WorldLost("the simulated fridge has no pipes")
        self.process.stdin.write(json.dumps(request).encode() + b"\n")
        await self.process.stdin.drain()
        line = await self.process.stdout.readline()
        if not line:
            raise WorldLost(f"the simulated fridge ended at {request}")
        answer: dict[str, Any] = json.loads(line)
        if "refused" in answer:
            raise WorldLost(f"the simulated fridge refused {request}: {answer['refused']}")
        return answer


@asynccontextmanager
async def cold_plant(model: str, seed: int, vary: float) -> AsyncIterator[ColdPlant]:
    """Start a fridge whose constants differ by up to ``vary``; it ends with the block."""
    words = podium("twin", "fridge", model, "--dialogue", "--seed", seed, "--vary", vary)
    process = await asyncio.create_subprocess_exec(
        *words,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=LONGEST_LINE,
    )
    try:
        plant = ColdPlant(process, {}, {})
        told = (await plant._ask({"do": "hello"}))["readings"]
        plant.signals = {reading: one["signal"] for reading, one in told.items()}
        plant.units = {reading: one["unit"] for reading, one in told.items()}
        yield plant
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()

"""The agent of the room, as far as others hear of it: its fridges are cold."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from podium.control.agent.owners import owners_of
from podium.control.bus.bus import Bus
from podium.control.bus.fridge_report import FridgeReport, fridge_key
from podium.control.bus.wire import encode
from podium.control.facility.facility import Facility

AGAIN_S = 0.5


async def tell(facility: Facility, bus: Bus, kelvin: float | None, problem: str = "") -> None:
    """Tell once of all fridges what the owner of each thermometer would."""
    for fridge in facility.fridges.values():
        for agent, instruments in owners_of(facility).items():
            if fridge.thermometer.instrument in instruments:
                told = encode(FridgeReport(fridge.name, kelvin, problem))
                await bus.publish(fridge_key(facility.name, agent), told)


@asynccontextmanager
async def cold_room(facility: Facility, bus: Bus, kelvin: float = 0.012) -> AsyncIterator[None]:
    """Tell of all fridges that they are at ``kelvin``, again and again."""

    async def tell_on() -> None:
        while True:
            await tell(facility, bus, kelvin)
            await asyncio.sleep(AGAIN_S)

    telling = asyncio.create_task(tell_on())
    try:
        yield
    finally:
        telling.cancel()
        await asyncio.wait({telling})

"""The agent of the room, as far as others hear of it: its fridges are cold."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from podium.control.agent.owners import owners_of
from podium.control.bus.bus import Bus
from podium.control.bus.readings import ChannelReading, InstrumentReadings, Quality, readings_key
from podium.control.bus.wire import encode
from podium.control.facility.facility import Facility, Fridge

AGAIN_S = 0.5


def reading_of(fridge: Fridge, kelvin: float | None, problem: str = "") -> InstrumentReadings:
    """Return what the owner of a fridge's thermometer publishes."""
    place = fridge.thermometer
    quality: Quality = "good" if kelvin is not None else "disconnected"
    reading = ChannelReading(place.channel, kelvin, "K", quality, problem)
    return InstrumentReadings(place.instrument, 1, None, 1.0, (reading,))


async def tell(facility: Facility, bus: Bus, kelvin: float | None, problem: str = "") -> None:
    """Tell once of all fridges what the owner of each thermometer would."""
    for fridge in facility.fridges.values():
        for agent, instruments in owners_of(facility).items():
            if fridge.thermometer.instrument in instruments:
                told = encode(reading_of(fridge, kelvin, problem))
                await bus.publish(readings_key(facility.name, agent), told)


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

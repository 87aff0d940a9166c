"""Takes over a facility file that has grown, while the agent runs."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

from podium.control.agent.agent import Agent
from podium.control.bus.bus import Bus
from podium.control.bus.facility_growth import FacilityGrown, GrowTo, agent_grow_key
from podium.control.bus.log import event_log
from podium.control.bus.messages import Failed
from podium.control.bus.wire import BadMessage, decode, encode
from podium.control.facility.facility import Facility
from podium.control.facility.growth import NotGrown, grown
from podium.control.families.family import compiler_for

log = event_log("agent")


@asynccontextmanager
async def growing(
    agent: Agent, name: str, facility: Facility, bus: Bus, read: Callable[[], Facility]
) -> AsyncGenerator[None]:
    """Take over what ``read`` returns whenever it is asked for, while the context is open.

    ``facility``: what the agent has begun with; ``read`` raises OSError or FacilityError.
    """
    present = facility

    async def answer(payload: bytes) -> bytes:
        nonlocal present
        try:
            wanted = decode(payload, GrowTo).facility_hash
            larger = await asyncio.to_thread(grown, present, wanted, read)
        except (BadMessage, NotGrown) as error:
            return encode(Failed("refused", f"{name}: {error}"))
        if larger is not present:
            agent.grow(larger, compiler_for(larger))
            present = larger
            log.info("facility has grown", agent=name, nodes=len(larger.nodes))
        return encode(FacilityGrown())

    async with bus.serve(agent_grow_key(facility.name, name), answer):
        yield

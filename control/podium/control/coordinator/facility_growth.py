"""Has coordinator and agents take over a facility file that has grown."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

from podium.control.bus.bus import Bus
from podium.control.bus.facility_growth import (
    FacilityGrown,
    GrowTo,
    agent_grow_key,
    coordinator_grow_key,
    grown_key,
)
from podium.control.bus.log import event_log
from podium.control.bus.messages import Failed, ask
from podium.control.bus.wire import BadMessage, decode, encode
from podium.control.coordinator.coordinator import Coordinator
from podium.control.facility.facility import Facility
from podium.control.facility.growth import NotGrown, grown

ANSWER_S = 15.0
"""Deadline for an agent to read its copy of the file."""

log = event_log("coordinator")


@asynccontextmanager
async def growing(
    coordinator: Coordinator, facility: Facility, bus: Bus, read: Callable[[], Facility]
) -> AsyncGenerator[None]:
    """Take over what ``read`` returns whenever it is asked for, while the context is open.

    ``facility``: what the coordinator has begun with; ``read`` raises OSError or FacilityError.
    Agents that are there are asked first; one that does not take the file over is not used until
    it has read it. Runs that are on are not touched.
    """
    present = facility
    turn = asyncio.Lock()

    async def answer(payload: bytes) -> bytes:
        nonlocal present
        try:
            wanted = decode(payload, GrowTo)
        except BadMessage as error:
            return encode(Failed("refused", f"coordinator: {error}"))
        async with turn:
            try:
                larger = await asyncio.to_thread(grown, present, wanted.facility_hash, read)
            except NotGrown as error:
                return encode(Failed("refused", f"coordinator: {error}"))
            not_by = await _agents_asked(wanted)
            if larger is not present:
                present = larger
                coordinator.grow(larger)
                log.info("facility has grown", nodes=len(larger.nodes), not_by=not_by)
            await coordinator.agents.greet_again()
            await bus.publish(grown_key(facility.name), encode(wanted))
        return encode(FacilityGrown(tuple(not_by)))

    async def _agents_asked(wanted: GrowTo) -> list[str]:
        names = [seen.name for seen in coordinator.agents.agents if seen.here]
        answers = await asyncio.gather(
            *(
                ask(
                    bus,
                    agent_grow_key(facility.name, name),
                    wanted,
                    FacilityGrown,
                    timeout_s=ANSWER_S,
                )
                for name in names
            )
        )
        return [
            f"agent {name}: {said.message}"
            for name, said in zip(names, answers, strict=True)
            if isinstance(said, Failed)
        ]

    async with bus.serve(coordinator_grow_key(facility.name), answer):
        yield

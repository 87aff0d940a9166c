"""A fridge's twins over their sockets, an agent that reads them, and the supervisor above."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from podium.control.agent.agent import Agent
from podium.control.agent.instruments import Instruments
from podium.control.bus.bus import Bus
from podium.control.bus.cold import (
    Acknowledge,
    AskHistory,
    AskIncidents,
    ColdHistory,
    ColdNews,
    Incidents,
    ResetAlarm,
    cold_key,
    cold_news_key,
)
from podium.control.bus.memory import MemoryBus
from podium.control.bus.messages import Done, agent_key, ask
from podium.control.bus.operations import Operate, Operated
from podium.control.bus.wire import decode
from podium.control.facility.load import load_facility
from podium.control.families.family import compiler_for
from podium.control.supervision.black_box import read_head
from podium.control.supervision.supervisor import Supervisor
from podium.sim_instruments.testing import twin_facility
from podium.sim_instruments.testing.facility import TwinFacility

COLD = Path(__file__).parents[3] / "examples" / "cold" / "facility.yaml"
LEADER = "fridge_a.compressor_stopped"
WITHIN_S = 60.0
"""Of the wall; the bound of an idle machine is some seconds."""


@dataclass
class Supervised:
    twins: TwinFacility
    bus: Bus

    async def until(self, holds: Callable[[ColdNews], bool], span: str = "") -> ColdNews:
        """Return the first news for which a condition holds; ``span``: passes between two."""
        news = None
        try:
            async with asyncio.timeout(WITHIN_S), self.bus.subscribe(cold_news_key("cold")) as told:
                async for _, payload in told:
                    news = decode(payload, ColdNews)
                    if holds(news):
                        return news
                    if span:
                        await self.advance(span)
        except TimeoutError:
            pass
        raise AssertionError(news and {one.name: one.state for one in news.alarms})

    async def advance(self, span: str) -> None:
        await asyncio.to_thread(self.twins.advance, span)

    async def ask(self, request: object, expected: type) -> object:
        return await ask(self.bus, cold_key("cold"), request, expected, timeout_s=30.0)


def states(news: ColdNews) -> dict[str, str]:
    return {one.name: one.state for one in news.alarms if one.state != "suppressed"}


@asynccontextmanager
async def supervised(folder: Path) -> AsyncIterator[Supervised]:
    with twin_facility(COLD, clock="manual", seed=3) as twins:
        endpoints = folder / "endpoints.json"
        endpoints.write_text(json.dumps(twins.endpoints))
        facility = load_facility(COLD, endpoints)
        bus = MemoryBus()
        instruments = Instruments.of(facility, facility.instruments)
        agent = Agent("room", facility, instruments, compiler_for(facility), bus)
        supervisor = Supervisor(facility, bus, folder=folder / "supervision")
        async with supervisor.running(), agent.running():
            yield Supervised(twins, bus)


async def test_a_trip_is_seen_within_seconds_grouped_acknowledged_and_over(tmp_path) -> None:
    async with supervised(tmp_path) as side:
        await side.advance("10 min")
        quiet = await side.until(
            lambda news: all(one.quality in ("good", "out_of_range") for one in news.readings)
        )
        assert states(quiet) == {}
        await asyncio.to_thread(side.twins.fault, "compressor_trip", "fridge_a")
        await side.until(lambda news: states(news).get(LEADER) == "unacknowledged", "3 s")
        news = await side.until(
            lambda news: (
                {"fridge_a.pulse_tube_off", "fridge_a.second_stage_warm"} <= states(news).keys()
            ),
            "10 s",
        )
        leaders = {one.leader for one in news.alarms if one.state != "suppressed"}
        assert leaders == {"", LEADER}, states(news)
        assert [one.name for one in news.alarms if not one.leader] == [LEADER]
        assert all(one.fridge == "fridge_a" for one in news.countdowns)

        assert await side.ask(Acknowledge(LEADER, "ann"), Done) == Done()
        await side.until(lambda news: set(states(news).values()) == {"acknowledged"})
        await asyncio.to_thread(side.twins.fault, "repair", "fridge_a")
        start = Operate("compressor_a", "compressor", 1.0, "ann", "start it again")
        key = agent_key("cold", "room")
        assert isinstance(await ask(side.bus, key, start, Operated, timeout_s=30.0), Operated)
        await side.until(lambda news: states(news) == {LEADER: "latched"}, "10 min")
        (incident,) = (await side.ask(AskIncidents(), Incidents)).incidents
        head = read_head(Path(incident.file))
        assert head is not None
        assert (head.alarm, head.complete) == (LEADER, True)
        assert await side.ask(ResetAlarm(LEADER, "ann"), Done) == Done()
        await side.until(lambda news: states(news) == {})

        asked = AskHistory(("compressor_a.running",), 12 * 3600.0, 500)
        history = await side.ask(asked, ColdHistory)
        course = history.courses["compressor_a.running"]
        assert (course.low.min(), course.high.max()) == (0.0, 1.0)
        assert not side.twins.unknown

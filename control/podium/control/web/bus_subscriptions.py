"""Keeps the picture up to date: receives the news of the bus, and asks for earlier news."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeVar

from podium.control.bus import messages, news
from podium.control.bus.bus import Bus, Presence
from podium.control.bus.cold import ColdNews, cold_news_key
from podium.control.bus.findings import FindingsNews
from podium.control.bus.listener import Discarded, listen
from podium.control.bus.log import event_log
from podium.control.bus.messages import Failed, ask
from podium.control.bus.procedures import ProcedureNews
from podium.control.bus.progress import (
    OutcomeNews,
    PastOutcomes,
    ProgressNews,
    outcomes_key,
    past_outcomes_key,
    progress_key,
)
from podium.control.bus.queue import AskQueue, QueueNews, queue_key
from podium.control.bus.readings import InstrumentReadings, readings_key
from podium.control.bus.records import Recorded, recorded_key
from podium.control.bus.wire import BadMessage, decode, encode
from podium.control.web.cold_actions import ColdActions
from podium.control.web.cold_picture import seconds_of
from podium.control.web.page_actions import NotDone
from podium.control.web.picture import FacilityPicture

ASK_S = 5.0
"""Deadline for an answer; nothing that is shown waits for it."""
CORRIDOR_S = 2.0
"""Corridors of procedures that have none are asked for so often."""
RECORDS_S = 10.0
"""Records that do not answer are asked so often for the latest outcome."""
CLOCK_S = 5.0
"""Facility time is asked for so often."""

Message = TypeVar("Message")
log = event_log("page")


@asynccontextmanager
async def follow_bus(picture: FacilityPicture, bus: Bus) -> AsyncGenerator[None]:
    """Keep ``picture`` up to date while the context is open."""
    name = picture.facility.name
    follower = _Follower(picture, bus)
    async with (
        bus.subscribe(messages.heartbeat_key(name, "*")) as beats,
        bus.subscribe(news.status_key(name, "*")) as statuses,
        bus.subscribe(news.events_key(name, "*")) as events,
        bus.subscribe(readings_key(name, "*")) as readings,
        bus.subscribe(news.runs_key(name)) as runs,
        bus.subscribe(news.data_key(name)) as data,
        bus.subscribe(queue_key(name)) as queue,
        bus.subscribe(progress_key(name)) as progress,
        bus.subscribe(outcomes_key(name)) as outcomes,
        bus.subscribe(recorded_key(name)) as recorded,
        bus.subscribe(cold_news_key(name)) as cold,
        bus.watch(messages.agent_key(name, "*")) as agents,
        bus.watch(messages.coordinator_key(name)) as coordinators,
        asyncio.TaskGroup() as tasks,
    ):
        works = [
            follower.hear(beats, messages.Heartbeat, follower.beat),
            follower.hear(statuses, messages.AgentStatus, follower.status),
            follower.hear(events, news.Event, lambda _, event: picture.add_events((event,))),
            follower.hear(readings, InstrumentReadings, follower.readings),
            follower.hear_runs(runs),
            follower.hear(data, news.DataSummary, lambda _, one: picture.add_data(one)),
            follower.hear(queue, QueueNews, follower.queue),
            follower.hear(progress, ProgressNews, follower.progress),
            follower.hear(outcomes, OutcomeNews, follower.outcome),
            follower.hear(recorded, Recorded, follower.recorded),
            listen(cold, ColdNews, follower.cold, follower.discarded),
            follower.watch_agents(agents),
            follower.watch_coordinator(coordinators),
            follower.ask_corridors(),
            follower.read_clock(),
            follower.ask_outcome(),
        ]
        running = [tasks.create_task(work) for work in works]
        try:
            yield
        finally:
            for task in running:
                task.cancel()


class _Follower:
    def __init__(self, picture: FacilityPicture, bus: Bus) -> None:
        self._picture = picture
        self._bus = bus
        self._name = picture.facility.name
        self._coordinator = messages.coordinator_key(self._name)
        self.discarded = Discarded(log)

    def hear(
        self,
        told: AsyncIterator[tuple[str, bytes]],
        kind: type[Message],
        note: Callable[[str, Message], None],
    ) -> Coroutine[Any, Any, None]:
        """Note every message of ``kind``, for ever, and have the page drawn anew."""

        def noted(name: str, message: Message) -> None:
            note(name, message)
            if kind is not messages.Heartbeat:
                self._picture.changed.set()

        return listen(told, kind, noted, self.discarded)

    def hear_runs(self, told: AsyncIterator[tuple[str, bytes]]) -> Coroutine[Any, Any, None]:
        """Note how runs, and the procedures that they are parts of, go."""

        def noted(_: str, message: object) -> None:
            if isinstance(message, ProcedureNews):
                self._picture.add_procedure(message)
            elif isinstance(message, FindingsNews):
                self._picture.findings = message.findings
            elif isinstance(message, news.RunNews):
                self._picture.add_run(message)
            self._picture.changed.set()

        kinds = news.RunNews, ProcedureNews, FindingsNews
        return listen(told, kinds, noted, self.discarded)

    def queue(self, _: str, told: QueueNews) -> None:
        self._picture.queue = told

    def progress(self, _: str, told: ProgressNews) -> None:
        self._picture.progress = {one.id: one for one in told.on}

    def outcome(self, _: str, told: OutcomeNews) -> None:
        self._picture.outcome = told

    def recorded(self, _: str, told: Recorded) -> None:
        self._picture.recorded = told.run

    def beat(self, agent: str, _: messages.Heartbeat) -> None:
        self._picture.agent(agent).beaten = time.monotonic()

    def status(self, agent: str, status: messages.AgentStatus) -> None:
        self._picture.agent(agent).status = status

    async def watch_agents(self, presences: AsyncIterator[Presence]) -> None:
        async for presence in presences:
            agent = self._picture.agent(presence.key.rpartition("/")[2])
            agent.present = presence.alive
            if presence.alive:
                agent.beaten = time.monotonic()
                await self._ask_events()
            self._picture.changed.set()

    async def watch_coordinator(self, presences: AsyncIterator[Presence]) -> None:
        async for presence in presences:
            self._picture.coordinator = presence.alive
            if presence.alive:
                await self._ask_runs()
                await self._ask_queue()
                await self._ask_events()
            self._picture.changed.set()

    async def _ask_runs(self) -> None:
        key = news.past_runs_key(self._name)
        past = await ask(self._bus, key, news.Recent(), news.PastRuns, timeout_s=ASK_S)
        if not isinstance(past, Failed):
            self._picture.add_past(past)

    async def _ask_queue(self) -> None:
        answer = await ask(self._bus, self._coordinator, AskQueue(), QueueNews, timeout_s=ASK_S)
        if not isinstance(answer, Failed):
            self._picture.queue = answer

    async def ask_outcome(self) -> None:
        """Ask the records for the latest outcome, until they have answered or told of a newer."""
        key = past_outcomes_key(self._name)
        while self._picture.outcome is None:
            past = await ask(self._bus, key, news.Recent(), PastOutcomes, timeout_s=ASK_S)
            if not isinstance(past, Failed):
                if past.outcomes and self._picture.outcome is None:
                    self._picture.outcome = past.outcomes[-1]
                    self._picture.changed.set()
                return
            await asyncio.sleep(RECORDS_S)

    async def _ask_events(self) -> None:
        pattern = news.past_events_key(self._name, "*")
        answers = await self._bus.request_all(pattern, encode(news.Recent()), ASK_S)
        for payload in answers.values():
            with suppress(BadMessage):
                self._picture.add_events(decode(payload, news.PastEvents).events)

    async def read_clock(self) -> None:
        """Ask for the facility's time when nothing is on: a run has the clock's box in hand."""
        while True:
            if self._picture.coordinator and not self._picture.runs_on():
                now = await ask(
                    self._bus, self._coordinator, messages.Now(), messages.Time, timeout_s=ASK_S
                )
                if not isinstance(now, Failed):
                    self._picture.clock_said(now.tai_s + now.tai_fs * 1e-15)
                    self._picture.changed.set()
            await asyncio.sleep(CLOCK_S if self._picture.tai_s() is not None else 0.2)

    def readings(self, agent: str, told: InstrumentReadings) -> None:
        """Note what an instrument reads, if the agent that tells it owns it."""
        here = self._picture.agent(agent).status
        if here is not None and told.instrument in {one.name for one in here.instruments}:
            self._picture.take_readings(told)

    def cold(self, _: str, told: ColdNews) -> None:
        """Note what the supervisor of the cold side tells."""
        picture = self._picture
        picture.cold.take(told)
        if told.tai is not None:
            picture.clock_said(seconds_of(told.tai))
        picture.changed.set()

    async def ask_corridors(self) -> None:
        """Ask for the corridor of each procedure under way: what is live is drawn over it."""
        actions = ColdActions(self._picture, self._bus)
        while True:
            for one in self._picture.cold.without_corridor():
                with suppress(NotDone):  # it is being rehearsed, or nobody has
                    await actions.corridor(one)
            await asyncio.sleep(CORRIDOR_S)

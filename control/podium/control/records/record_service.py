"""Answers who records runs and asks for them, and listens to the news of runs.

What a client sends with its data is the record of a run; the coordinator's news add when its turn
came, and tell of runs whose client has died before it could say anything.
"""

import asyncio
import time
from collections import deque
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING

from podium.control.bus.bus import Bus, BusError
from podium.control.bus.findings import FindingsNews
from podium.control.bus.listener import Discarded, listen
from podium.control.bus.log import event_log
from podium.control.bus.messages import Done, Failed
from podium.control.bus.news import Event, Recent, RunNews, events_key, runs_key
from podium.control.bus.procedures import ProcedureNews
from podium.control.bus.progress import (
    OutcomeNews,
    PastOutcomes,
    outcomes_key,
    past_outcomes_key,
)
from podium.control.bus.readings import InstrumentReadings, readings_key
from podium.control.bus.records import (
    AskEvents,
    AskPreview,
    AskReadings,
    AskRun,
    AskSlice,
    AskSnapshot,
    EventsFound,
    FetchFile,
    FileContent,
    FindRuns,
    KeepFile,
    KeepOutcome,
    KeepPart,
    KeepRun,
    LabelRun,
    LocateFile,
    ReadingsFound,
    Recorded,
    RunFacts,
    RunsFound,
    recorded_key,
    records_key,
)
from podium.control.bus.wire import BadMessage, decode, encode
from podium.control.records.disk_forecast import disk_forecast
from podium.control.records.reading_recorder import READINGS, Recorder
from podium.control.records.records_error import NoRun, RecordsAway, RecordsError
from podium.control.records.run_attributes import qubits_of

if TYPE_CHECKING:
    from podium.control.records.record_folder import RecordFolder

GRACE_S = 20.0
"""A run that has ended is recorded from its news alone, if its client says nothing for so long."""
LEFT_S = 120.0
"""A stream whose client has sent nothing for so long, and that is not on, is recorded as it is."""
LEFT_ON_S = 3600.0
"""The same of one that was never seen to end: it waits for others, or its coordinator has died."""
OUTCOMES_KEPT = 20
"""So many outcomes are kept in memory for who comes late."""
LOOK_S = 2.0
EVENTS_MAX = 10_000
"""So many events at most wait to be kept; the oldest are lost, and stand in the logs."""
DISK_S = 600.0
"""How the disk fills is looked at so often."""
DISK_TOLD_S = 86_400.0
"""That it fills is said so often."""
ON_MAX = 10_000
"""So many runs at most are remembered that were never seen to end."""
REQUESTS = (
    KeepRun,
    KeepPart,
    KeepOutcome,
    KeepFile,
    FindRuns,
    LocateFile,
    FetchFile,
    LabelRun,
    AskRun,
    AskSnapshot,
    AskPreview,
    AskReadings,
    AskEvents,
    AskSlice,
)

log = event_log("records")


class RecordService:
    """Serves the records of a facility while :meth:`running`."""

    def __init__(
        self,
        facility: str,
        bus: Bus,
        opened: "Callable[[], RecordFolder]",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``opened`` opens the records; it is called in a thread, once they are needed, and again
        where that did not work."""
        self._facility = facility
        self._bus = bus
        self._opened = opened
        self._folder: RecordFolder | None = None
        self._opening = asyncio.Lock()
        self._clock = clock
        self._on: dict[str, RunNews] = {}
        self._ended: dict[str, tuple[float, RunNews]] = {}
        self._outcomes: dict[str, OutcomeNews] = {}
        """The latest, by their tickets."""
        self._events: deque[Event] = deque(maxlen=EVENTS_MAX)
        """Not kept yet."""
        self._lost_events = False
        self._away = False
        """Whether it was said that the database takes nothing now."""
        self._heard: deque[tuple[float, InstrumentReadings]] = deque(maxlen=EVENTS_MAX)
        """Not kept yet, with the Unix time at which they came."""
        self._recorder: Recorder | None = None
        self._not_kept: set[str] = set()
        self._told = 0
        self._disk_due = 0.0
        self._discarded = Discarded(log)

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Record and answer while the context is open."""
        async with (
            self._bus.subscribe(runs_key(self._facility)) as told,
            self._bus.subscribe(events_key(self._facility, "*")) as events,
            self._bus.subscribe(readings_key(self._facility, "*")) as readings,
            self._bus.serve(records_key(self._facility), self._answer),
            self._bus.serve(past_outcomes_key(self._facility), self._past_outcomes),
            self._bus.announce(records_key(self._facility)),
            asyncio.TaskGroup() as tasks,
        ):
            kinds = (RunNews, ProcedureNews, FindingsNews)
            work = [
                tasks.create_task(listen(told, kinds, self._note, self._discarded)),
                tasks.create_task(listen(events, Event, self._note_event, self._discarded)),
                tasks.create_task(
                    listen(readings, InstrumentReadings, self._note_reading, self._discarded)
                ),
                tasks.create_task(self._keep_news()),
            ]
            try:
                yield
            finally:
                for task in work:
                    task.cancel()
        await self.flush_news(0.0)
        await self.flush_events()
        await self.flush_readings()
        if self._recorder is not None:
            await self._recorder.flush()
            self._recorder.close()
        if self._folder is not None:
            await asyncio.to_thread(self._folder.close)

    def _note(self, _: str, news: object) -> None:
        if not isinstance(news, RunNews) or news.fired:
            return
        run = str(news.run)
        if news.state == "on":
            self._on.setdefault(run, news)
            while len(self._on) > ON_MAX:
                del self._on[next(iter(self._on))]
        elif run in self._on:  # of any other a client has spoken already
            self._ended[run] = (self._clock(), news)

    def _note_event(self, _: str, event: Event) -> None:
        self._events.append(event)

    def _note_reading(self, _: str, told: InstrumentReadings) -> None:
        self._heard.append((time.time(), told))

    async def _reading_recorder(self) -> Recorder:
        """Return what keeps readings, with those that have come; raises :class:`RecordsError`."""
        records = await self.records()
        if self._recorder is None:
            self._recorder = Recorder(records.folder / READINGS)
        while self._heard:
            at_s, told = self._heard.popleft()
            self._recorder.hear(told, at_s)
        return self._recorder

    async def flush_readings(self) -> None:
        """Keep the readings that have come since, if it is time to."""
        if not self._heard:
            return
        try:
            recorder = await self._reading_recorder()
        except RecordsError as error:
            if not self._lost_events:
                self._lost_events = True
                log.error("readings not kept", problem=str(error))
            return
        await recorder.flush_if_due(time.monotonic())

    async def records(self) -> "RecordFolder":
        """Return the records, opened; raises :class:`RecordsError`."""
        async with self._opening:
            if self._folder is None:
                self._folder = await asyncio.to_thread(self._opened)
            return self._folder

    async def _keep_news(self) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            await self.flush_news(GRACE_S)
            await self.flush_events()
            await self.flush_readings()
            await self.keep_streams_left(LEFT_S)
            await self.look_at_disk()

    async def look_at_disk(self) -> None:
        """Say once in a day that the disk fills, days before it is full."""
        now = self._clock()
        if self._folder is None or now < self._disk_due:
            return
        self._disk_due = now + DISK_S
        try:
            disk = await asyncio.to_thread(disk_forecast, self._folder, time.time())
        except RecordsError as error:
            log.error("records", problem=str(error))
            return
        if disk.fills:
            self._disk_due = now + DISK_TOLD_S
            log.warning("disk fills", said=str(disk))

    async def flush_news(self, grace_s: float) -> None:
        """Record the runs that ended so long ago and of which no client has spoken."""
        now = self._clock()
        for run, (ended_s, news) in tuple(self._ended.items()):
            if now - ended_s < grace_s:
                continue
            try:
                records = await self.records()
                await asyncio.to_thread(records.keep_news, _facts(news), news.at_s)
            except RecordsError as error:
                log.error("run not recorded", run=run, problem=str(error))
                return
            self._forget(run)

    async def flush_events(self) -> None:
        """Keep the events that have come since."""
        if not self._events:
            return
        events = tuple(self._events)
        self._events.clear()
        try:
            records = await self.records()
            await asyncio.to_thread(records.events.add, events)
        except RecordsError as error:
            self._events.extendleft(reversed(events))
            if not self._lost_events:  # it is said once; what is said is an event, too
                self._lost_events = True
                log.error("events not kept", problem=str(error))

    async def keep_streams_left(self, silent_s: float) -> None:
        """Record what streams had whose clients have not spoken for so long."""
        if self._folder is None:
            return
        streams, now_s = self._folder.streams, time.time()
        for run in await asyncio.to_thread(streams.runs):
            least_s = max(silent_s, LEFT_ON_S) if run in self._on else silent_s
            if now_s - streams.written_s(run) < least_s:
                continue
            try:
                await asyncio.to_thread(self._folder.keep_stream_left, run)
            except (RecordsError, ValueError) as error:
                if run not in self._not_kept:  # it is said once, and stays where it is
                    self._not_kept.add(run)
                    log.error("stream not recorded", run=run, problem=str(error))

    def _forget(self, run: str) -> None:
        self._ended.pop(run, None)
        self._on.pop(run, None)

    # Requests

    async def _answer(self, payload: bytes) -> bytes:
        try:
            answer = await self._do(decode(payload, *REQUESTS))
        except NoRun as error:
            answer = Failed("refused", str(error))
        except BadMessage as error:
            answer = Failed("refused", f"records: {error}")
        except RecordsAway as error:
            if not self._away:  # it is said once: who is told asks again
                self._away = True
                log.error("records", problem=str(error))
            return await asyncio.to_thread(encode, Failed("later", str(error)))
        except RecordsError as error:
            log.error("records", problem=str(error))
            answer = Failed("failed", str(error))
        self._away = False
        return await asyncio.to_thread(encode, answer)

    async def _do(self, asked: object) -> object:
        records = await self.records()
        match asked:
            case KeepRun():
                return await self._keep(records, asked)
            case KeepPart():
                await asyncio.to_thread(records.keep_part, asked)
                return Done()
            case KeepOutcome():
                await asyncio.to_thread(records.keep_outcome, asked)
                await self._tell_outcome(asked)
                return Done()
            case KeepFile():
                return await asyncio.to_thread(records.keep_file, asked)
            case FindRuns():
                return RunsFound(await asyncio.to_thread(records.index.find, asked))
            case LocateFile(run, name, version):
                return await asyncio.to_thread(records.located, run, name, version)
            case FetchFile(run, name, version):
                file = await asyncio.to_thread(records.located, run, name, version)
                return FileContent(file, await asyncio.to_thread(records.content, file))
            case AskRun(run):
                return await asyncio.to_thread(records.description, run)
            case AskSnapshot(run):
                return await asyncio.to_thread(records.snapshot, run)
            case AskPreview(run):
                return await asyncio.to_thread(records.preview, run)
            case AskReadings(names, since_s, until_s, points):
                recorder = await self._reading_recorder()
                return ReadingsFound(await recorder.courses(names, since_s, until_s, points))
            case AskEvents(at_s, process, number, limit):
                await self.flush_events()
                find = partial(records.events.find_before, at_s, process, number, limit=limit)
                return EventsFound(await asyncio.to_thread(find))
            case AskSlice(run, variable, select, name, version):
                return await asyncio.to_thread(
                    records.slice_of, run, variable, select, name, version
                )
            case LabelRun(run, by, tags, without, note):
                label = records.index.label
                await asyncio.to_thread(label, run, by, time.time(), tags, without, note)
                return Done()
            case _:
                raise BadMessage(f"{type(asked).__name__} is nothing that the records are asked")

    async def _keep(self, records: "RecordFolder", wanted: KeepRun) -> Recorded:
        run = wanted.facts.run
        news = self._on.get(run)
        began_s = None if news is None else news.at_s
        found = await asyncio.to_thread(records.keep, wanted, began_s)
        self._forget(run)
        with suppress(BusError):
            await self._bus.publish(recorded_key(self._facility), encode(found))
        return found

    # News of outcomes

    async def _tell_outcome(self, kept: KeepOutcome) -> None:
        """Tell what a routine has found, once, however often it was sent."""
        if kept.ticket in self._outcomes:
            return
        self._told += 1
        news = OutcomeNews(
            self._told,
            time.time(),
            kept.routine,
            kept.title,
            kept.runs,
            kept.values,
            kept.failures,
            kept.notes,
            kept.panels_json,
        )
        self._outcomes[kept.ticket] = news
        while len(self._outcomes) > OUTCOMES_KEPT:
            del self._outcomes[next(iter(self._outcomes))]
        with suppress(BusError):
            payload = await asyncio.to_thread(encode, news)
            await self._bus.publish(outcomes_key(self._facility), payload)

    async def _past_outcomes(self, payload: bytes) -> bytes:
        decode(payload, Recent)
        return await asyncio.to_thread(encode, PastOutcomes(tuple(self._outcomes.values())))


def _facts(news: RunNews) -> RunFacts:
    lost = "its client ended before it sent the data" if news.state == "done" else ""
    return RunFacts(
        ticket="",
        run=str(news.run),
        program=news.program,
        state=news.state,
        by=news.by,
        nodes=news.nodes,
        qubits=qubits_of(news.ports),
        asked_s=news.at_s,
        ended_s=news.at_s + news.took_s,
        procedure=news.procedure,
        error=news.error or (lost if news.ports else ""),
        tai_s=news.tai_s,
    )

import asyncio
import time
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial

import pytest
from tests.benches.records.recorded_runs import NOON_S, outcome_of, wanted

from podium.control.bus.memory import MemoryBus
from podium.control.bus.messages import Done, Failed, RunId, ask
from podium.control.bus.news import Event, RunNews, events_key, runs_key
from podium.control.bus.readings import ChannelReading, InstrumentReadings, readings_key
from podium.control.bus.records import (
    AskEvents,
    AskReadings,
    EventsFound,
    FetchFile,
    FileContent,
    FindRuns,
    LabelRun,
    ReadingsFound,
    Recorded,
    RunsFound,
    recorded_key,
    records_key,
)
from podium.control.bus.wire import decode, encode
from podium.control.records.record_folder import RecordFolder
from podium.control.records.record_service import RecordService
from podium.control.records.records_error import RecordsError

NEWS = RunNews(
    RunId(1, 7), "scan", ("node_a.q0.drive", "node_a.feedline"), (), 1, 10, "on", NOON_S, 0, 0, "",
    by="ann", nodes=("node_a",),
)  # fmt: skip


class Desk:
    """A service on a bus, with a clock in hand."""

    def __init__(self, folder) -> None:
        self.now_s = 0.0
        self.bus = MemoryBus()
        opened = partial(RecordFolder, folder)
        self.service = RecordService("lab", self.bus, opened, clock=lambda: self.now_s)

    async def ask(self, request: object, *expected: type):
        return await ask(self.bus, records_key("lab"), request, *expected, timeout_s=5.0)

    async def tell(self, news: RunNews) -> None:
        await self.bus.publish(runs_key("lab"), encode(news))
        for _ in range(5):
            await asyncio.sleep(0)

    async def runs(self):
        return (await self.ask(FindRuns(), RunsFound)).runs


@pytest.fixture
def desk(tmp_path):
    @asynccontextmanager
    async def opened():
        desk = Desk(tmp_path / "records")
        async with desk.service.running():
            yield desk

    return opened


async def test_what_is_announced_is_in_the_records_with_when_its_turn_came(desk) -> None:
    async with desk() as one, one.bus.subscribe(recorded_key("lab")) as told:
        await one.tell(NEWS)
        request = wanted("1-00007", asked_s=NOON_S - 3.0, ended_s=NOON_S + 2.0)
        request = replace(request, facts=replace(request.facts, run=str(NEWS.run)))
        kept = await one.ask(request, Recorded)
        _, payload = await anext(told)
        assert decode(payload, Recorded) == kept
        (run,) = await one.runs()
        assert (run.run, run.waited_s, run.took_s) == (str(NEWS.run), 3.0, 2.0)
        content = await one.ask(FetchFile(run.run), FileContent)
        assert content.content == request.content


async def test_a_run_whose_client_died_is_recorded_from_the_news_after_a_while(desk) -> None:
    async with desk() as one:
        await one.tell(NEWS)
        await one.tell(replace(NEWS, state="failed", took_s=1.5, error="no trigger"))
        await one.service.flush_news(20.0)
        assert await one.runs() == ()
        one.now_s = 21.0
        await one.service.flush_news(20.0)
        (run,) = await one.runs()
        assert (run.state, run.error, run.took_s, run.by) == ("failed", "no trigger", 1.5, "ann")
        assert (run.qubits, run.file) == (("node_a.q0",), "")


async def test_what_ends_with_the_records_is_recorded_at_their_end(desk, tmp_path) -> None:
    async with desk() as one:
        await one.tell(NEWS)
        await one.tell(replace(NEWS, state="done", took_s=1.0))
    with RecordFolder(tmp_path / "records") as records:
        (run,) = records.index.find(FindRuns())
        assert (run.run, run.state) == (str(NEWS.run), "done")
        assert "before it sent the data" in run.error


async def test_what_processes_tell_is_kept_while_they_do(desk, tmp_path) -> None:
    event = Event(1, NOON_S, "agent node_a", "warning", "instrument lost", {"instrument": "lo_a"})
    async with desk() as one:
        await one.service.flush_events()
        assert not (tmp_path / "records").exists()
        await one.bus.publish(events_key("lab", "agent node_a"), encode(event))
        await asyncio.sleep(0)
        await one.service.flush_events()
        events = (await one.service.records()).events
        assert events.find() == (event,)
        later = replace(event, number=2, at_s=NOON_S + 1.0)
        await one.bus.publish(events_key("lab", "agent node_a"), encode(later))
        await asyncio.sleep(0)
        for at_s, number, found in ((NOON_S + 2.0, 0, (event, later)), (NOON_S + 1.0, 2, (event,))):
            asked = AskEvents(at_s, "agent node_a", number)
            assert (await one.ask(asked, EventsFound)).events == found
        await one.bus.publish(events_key("lab", "page"), encode(replace(event, process="page")))
        for _ in range(5):
            await asyncio.sleep(0)
    with RecordFolder(tmp_path / "records") as records:
        processes = [told.process for told in records.events.find()]
        assert processes == ["agent node_a", "page", "agent node_a"]


async def test_events_that_cannot_be_kept_are_kept_once_they_can(desk, monkeypatch, caplog) -> None:
    event = Event(1, NOON_S, "page", "info", "started", {})
    async with desk() as one:
        store = (await one.service.records()).events

        def full(_: object) -> None:
            raise RecordsError("the disk is full")

        monkeypatch.setattr(store, "add", full)
        for number in (1, 2):
            await one.bus.publish(events_key("lab", "page"), encode(replace(event, number=number)))
            for _ in range(5):
                await asyncio.sleep(0)
            await one.service.flush_events()
        assert caplog.text.count("events not kept") == 1
        monkeypatch.undo()
        await one.service.flush_events()
        assert sorted(told.number for told in store.find()) == [1, 2]


async def test_programs_that_are_fired_by_the_hundred_are_not_recorded(desk) -> None:
    async with desk() as one:
        await one.tell(replace(NEWS, fired=True))
        await one.tell(replace(NEWS, fired=True, state="done"))
        await one.service.flush_news(0.0)
        assert await one.runs() == ()


async def test_labels_outcomes_and_refusals(desk) -> None:
    async with desk() as one:
        await one.ask(wanted("1-1"), Recorded)
        assert await one.ask(LabelRun("1-1", "ann", ("good",), note="odd"), Done) == Done()
        assert await one.ask(outcome_of("1-1"), Done) == Done()
        (run,) = await one.runs()
        assert (run.tags, run.parameters) == (("good",), ("node_a.q0.t1",))
        answer = await one.ask(LabelRun("1-9", "ann", ("good",)), Done)
        assert isinstance(answer, Failed)
        assert answer.kind == "refused"
        payload = await one.bus.request(records_key("lab"), b"rubbish", 5.0)
        assert decode(payload, Failed).kind == "refused"


async def test_records_that_cannot_be_opened_say_so_and_are_tried_again(tmp_path) -> None:
    desk = Desk(tmp_path / "records")
    broken = [True]

    def opened() -> RecordFolder:
        if broken:
            raise RecordsError("the database is away")
        return RecordFolder(tmp_path / "records")

    desk.service = RecordService("lab", desk.bus, opened)
    async with desk.service.running():
        answer = await desk.ask(wanted("1-1"), Recorded)
        assert answer == Failed("failed", "the database is away")
        broken.clear()
        assert (await desk.ask(wanted("1-1"), Recorded)).run == "1-1"


def reading(kelvin: float | None, quality="good") -> bytes:
    one = ChannelReading("still", kelvin, "K", quality)
    return encode(InstrumentReadings("bridge", 1, (5, 0), 1.0, (one,)))


async def test_what_instruments_read_is_kept_over_unix_time(desk, tmp_path) -> None:
    asked = AskReadings(("bridge.still", "bridge.none"), 0.0, 4e9, 10)
    async with desk() as one:
        for payload in (reading(0.8), reading(None, "disconnected"), reading(0.9)):
            await one.bus.publish(readings_key("lab", "agent node_a"), payload)
            await asyncio.sleep(0)
        courses = (await one.ask(asked, ReadingsFound)).courses
        assert list(courses) == ["bridge.still"]
        course = courses["bridge.still"]
        assert (course.unit, course.mean.tolist()) == ("K", [0.8, 0.9])
        assert abs(course.at_s[0] - time.time()) < 60
        await one.bus.publish(readings_key("lab", "agent node_a"), reading(1.0))
        for _ in range(5):
            await asyncio.sleep(0)
    async with desk() as one:  # what was not flushed was kept at the end
        course = (await one.ask(asked, ReadingsFound)).courses["bridge.still"]
        assert course.mean.tolist() == [0.8, 0.9, 1.0]

"""Readings of every box travel, each with its quality; what is slow or dead delays nobody."""

import asyncio
import math
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace

import pytest

from podium.control.agent.facility_clock import FacilityClock
from podium.control.agent.instruments import Instruments
from podium.control.agent.reading_publisher import ReadingPublisher
from podium.control.bus.memory import MemoryBus
from podium.control.bus.messages import Reading
from podium.control.bus.readings import ChannelReading, InstrumentReadings, readings_key
from podium.control.bus.wire import decode
from podium.control.facility.facility import Facility, HostAddress, InstrumentEntry
from podium.control.facility.frozen_map import FrozenMap
from podium.drivers.channel_readings import ChannelReadings, Missing
from podium.drivers.errors import Refused, Unreachable
from podium.drivers.roles import Identity
from podium.drivers.worker import Worker
from podium.firmware_interfaces.models import known_models
from podium.firmware_interfaces.tai import Tai

EVERY_S = 0.01


@dataclass
class Box:
    """A box with two gauges, in the test's hand."""

    answer: Callable[[], ChannelReadings] = lambda: ChannelReadings.of({"p1": (2.0, "Pa")})
    closed: threading.Event = field(default_factory=threading.Event)

    def identity(self) -> Identity:
        return Identity("nobody", "box", "1", "0")

    def read_channels(self) -> ChannelReadings:
        return self.answer()

    def close(self) -> None:
        self.closed.set()

    def hang(self) -> ChannelReadings:
        self.closed.wait(30)
        raise Unreachable("its connection was closed")


class Clock(Box):
    def __init__(self) -> None:
        super().__init__()
        self.asked = 0

    def now(self) -> Tai:
        self.asked += 1
        return Tai(1_800_000_000 + self.asked, 5)


def entry(name: str, model: str = "pfeiffer_tpg366") -> InstrumentEntry:
    gauges = {"gauges": FrozenMap({1: "p1", 2: "p2"})} if model == "pfeiffer_tpg366" else {}
    return InstrumentEntry(
        name, model, HostAddress("192.0.2.1", FrozenMap({"x": 1})), FrozenMap(gauges)
    )


@dataclass
class Room:
    facility: Facility
    told: asyncio.Queue[InstrumentReadings] = field(default_factory=asyncio.Queue)
    doing: str = ""
    publisher: ReadingPublisher | None = None

    async def next(self, name: str) -> InstrumentReadings:
        async with asyncio.timeout(10):
            while (one := await self.told.get()).instrument != name:
                pass
            return one

    async def until(self, name: str, quality: str) -> InstrumentReadings:
        while True:
            told = await self.next(name)
            if {one.quality for one in told.readings} == {quality}:
                return told


@pytest.fixture
def pace(monkeypatch) -> None:
    monkeypatch.setattr("podium.control.agent.facility_clock.WAIT_S", 0.05)


@asynccontextmanager
async def room(example: Facility, **boxes: Box | None) -> AsyncIterator[Room]:
    """Poll these boxes; None: one that takes no connection."""
    kinds = {
        name: "wrtd_node" if isinstance(box, Clock) else "pfeiffer_tpg366"
        for name, box in boxes.items()
    }
    entries = {name: entry(name, kind) for name, kind in kinds.items()}
    facility = replace(
        example, nodes=FrozenMap({}), fridges=FrozenMap({}), instruments=FrozenMap(entries)
    )
    models = {
        name: replace(known_models()[kind], read_every_s=EVERY_S) for name, kind in kinds.items()
    }

    def connect(name: str) -> Box:
        box = boxes[name]
        if box is None:
            raise Unreachable(f"{name} takes no connection")
        return box

    workers = {name: Worker(name, lambda name=name: connect(name)) for name in boxes}
    instruments, bus = Instruments(workers, models), MemoryBus()
    found = Room(facility)

    async def now() -> Tai:
        clocks = instruments.playing("Clock")
        return await workers[clocks[0]].call("time", lambda box: box.now(), 5.0)

    clock = FacilityClock("room", facility, instruments, bus, now, lambda: found.doing)
    publisher = found.publisher = ReadingPublisher(
        "room", facility, instruments, bus, clock, lambda: found.doing
    )

    async def hear() -> None:
        async with bus.subscribe(readings_key(facility.name, "*")) as told:
            async for _, payload in told:
                found.told.put_nowait(decode(payload, InstrumentReadings))

    async with asyncio.TaskGroup() as tasks:
        works = (*(one.keep() for one in workers.values()), hear(), clock.keep(), publisher.keep())
        keeping = [tasks.create_task(work) for work in works]
        try:
            yield found
        finally:
            for task in keeping:
                task.cancel()


async def test_every_channel_that_is_known_appears_with_its_quality(example, pace) -> None:
    said = {"p1": (2.0, "Pa"), "flow": (math.nan, "mol/s")}
    box = Box(lambda: ChannelReadings.of(said, ("its filter is full",)))
    async with room(example, gauges=box) as here:
        told = await here.next("gauges")
    assert told.readings == (
        ChannelReading("p1", 2.0, "Pa", "good"),
        ChannelReading("p2", None, "Pa", "out_of_range", "it does not tell of it"),
        ChannelReading("flow", None, "mol/s", "out_of_range", "it says nan"),
    )
    assert told.complaints == ("its filter is full",)
    assert told.every_s == EVERY_S


async def test_a_reading_that_fails_is_never_a_number(example, pace) -> None:
    said = {"p1": Missing("Pa", "over range"), "p2": (3.0, "Pa")}
    async with room(example, gauges=Box(lambda: ChannelReadings.of(said))) as here:
        told = await here.next("gauges")
    assert told.readings[0] == ChannelReading("p1", None, "Pa", "out_of_range", "over range")


async def test_a_gauge_under_its_range_tells_a_bound_and_no_number(example, pace) -> None:
    said = {"p1": Missing("Pa", "under range", 5e-7), "p2": (3.0, "Pa")}
    async with room(example, gauges=Box(lambda: ChannelReadings.of(said))) as here:
        told = await here.next("gauges")
    assert told.readings[0] == ChannelReading("p1", None, "Pa", "out_of_range", "under range", 5e-7)


async def test_a_box_that_refuses_answers_and_has_no_value(example, pace) -> None:
    def refuse() -> ChannelReadings:
        raise Refused("gauges: no data")

    async with room(example, gauges=Box(refuse)) as here:
        told = await here.until("gauges", "out_of_range")
    assert {one.problem for one in told.readings} == {"gauges: no data"}


async def test_a_box_that_takes_no_connection_is_told_with_all_its_channels(example, pace) -> None:
    async with room(example, gauges=None) as here:
        told = await here.until("gauges", "disconnected")
    assert [(one.channel, one.value) for one in told.readings] == [("p1", None), ("p2", None)]
    assert "takes no connection" in told.readings[0].problem


async def test_a_box_that_is_lost_tells_all_that_it_ever_read(example, pace) -> None:
    box = Box(lambda: ChannelReadings.of({"p1": (2.0, "Pa"), "p2": (3.0, "Pa"), "x": (1.0, "1")}))
    async with room(example, gauges=box) as here:
        await here.until("gauges", "good")

        def break_off() -> ChannelReadings:
            raise Unreachable("gauges: the cable is off")

        box.answer = break_off
        told = await here.until("gauges", "disconnected")
    assert [one.channel for one in told.readings] == ["p1", "p2", "x"]
    assert "the cable is off" in told.readings[0].problem


async def test_twenty_boxes_that_hang_or_are_dead_delay_nobody(example, pace) -> None:
    hanging = {f"hangs_{number}": Box() for number in range(10)}
    for box in hanging.values():
        box.answer = box.hang
    dead = dict.fromkeys((f"dead_{number}" for number in range(10)), None)
    async with room(example, gauges=Box(), **hanging, **dead) as here:
        first = await here.next("gauges")
        async with asyncio.timeout(2.0):  # three seconds would be the first attempt of a dead one
            while (await here.next("gauges")).number < first.number + 20:
                pass
        for box in hanging.values():
            box.close()


async def test_readings_bear_the_time_of_the_facility_s_clock(example, pace) -> None:
    clock = Clock()
    async with room(example, gauges=Box(), more=Box(), clock_a=clock) as here:
        while (told := await here.next("gauges")).tai_fs is None:
            pass
        assert told.tai_fs[0] > 1_800_000_000
        assert told.tai_fs[1] == 5
        before = clock.asked
        for _ in range(5):
            await here.next("more")
        assert clock.asked - before <= 2 * 5


async def test_a_clock_that_hangs_takes_the_date_and_not_the_reading(example, pace) -> None:
    clock = Clock()
    clock.now = clock.hang
    async with room(example, gauges=Box(), clock_a=clock) as here:
        for _ in range(3):
            told = await here.next("gauges")
            assert told.tai_fs is None
            assert told.readings[0].value == 2.0
        clock.close()


async def test_without_a_clock_they_bear_that_of_this_computer(example, pace, caplog) -> None:
    caplog.set_level("INFO")
    async with room(example, gauges=Box()) as here:
        told = await here.next("gauges")
    assert told.tai_fs is not None
    assert told.tai_fs[0] > 1_790_000_000
    assert "no instrument tells the time" in caplog.text


async def test_what_takes_part_in_runs_is_left_alone_meanwhile(example, pace, monkeypatch) -> None:
    monkeypatch.setattr(
        "podium.control.agent.reading_publisher.IN_RUNS", frozenset({"HasReadings"})
    )
    box = Box(lambda: ChannelReadings.of({"p1": (2.0, "Pa"), "p2": (3.0, "Pa")}))
    async with room(example, gauges=box) as here:
        await here.until("gauges", "good")
        here.doing = "run 7 is playing"
        told = await here.until("gauges", "stale")
        assert told.readings[0].value == 2.0
        assert told.readings[0].problem == "not read while run 7 is playing"
        here.doing = ""
        await here.until("gauges", "good")


async def test_a_reading_leaves_the_number_of_calls_as_it_was(example) -> None:
    worker = Worker("box", Box)
    keeping = asyncio.create_task(worker.keep())
    await worker.connected()
    await worker.call("readings", lambda box: box.read_channels(), 5.0, polls=True)
    assert worker.health.calls == 0
    assert worker.health.heard is not None
    keeping.cancel()
    with suppress(asyncio.CancelledError):
        await keeping


async def test_within_its_pace_a_reading_is_known_and_nobody_is_asked_again(example, pace) -> None:
    async with room(example, gauges=Box()) as here:
        await here.next("gauges")
        publisher = here.publisher
        last = publisher._latest["gauges"]
        publisher._latest["gauges"] = replace(last, every_s=60.0)
        assert publisher.fresh("gauges", "p1") == Reading(2.0, "Pa")
        assert publisher.fresh("gauges", "p2") is None
        publisher._latest["gauges"] = replace(last, every_s=0.0)
        assert publisher.fresh("gauges", "p1") is None

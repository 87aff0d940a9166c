"""The loop that all who subscribe use: nothing that comes ends it, and it says what it left."""

import asyncio
import logging
import random
from pathlib import Path

import pytest
from tests.benches.bus.message_mutants import mutants, sample

from podium.control.bus import listener as listener_module
from podium.control.bus.listener import IN_ONE_GO, LOG_EVERY_S, NEWS_BYTES_MAX, Discarded, listen
from podium.control.bus.log import event_log
from podium.control.bus.memory import MemoryBus
from podium.control.bus.messages import Heartbeat
from podium.control.bus.wire import encode

KEY = "podium/x/heartbeat/node_a"


class Listening:
    """One who listens to heartbeats on a bus."""

    def __init__(self, bus: MemoryBus) -> None:
        self.bus = bus
        self.heard: list[tuple[str, int]] = []
        self.last = asyncio.Event()
        self.discarded = Discarded(event_log("test"))

    def note(self, agent: str, beat: Heartbeat) -> None:
        if beat.beat < 0:
            raise ZeroDivisionError("of no use")
        self.heard.append((agent, beat.beat))
        if beat.beat == 77:
            self.last.set()

    async def throw(self, *payloads: bytes) -> None:
        """Publish these, then a good one, and return once that has been heard."""
        async with (
            self.bus.subscribe("podium/x/heartbeat/*") as told,
            asyncio.TaskGroup() as tasks,
        ):
            task = tasks.create_task(listen(told, Heartbeat, self.note, self.discarded))
            for payload in (*payloads, encode(Heartbeat(77, 0.0))):
                await self.bus.publish(KEY, payload)
            async with asyncio.timeout(30):
                await self.last.wait()
            task.cancel()


@pytest.fixture
def listening() -> Listening:
    return Listening(MemoryBus())


async def test_what_is_no_message_is_counted_and_the_next_one_heard(listening) -> None:
    await listening.throw(b"\x81\x90\x01", encode(Heartbeat(3, 0.0)), b"", b"\xc1")
    assert listening.heard == [("node_a", 3), ("node_a", 77)]
    assert listening.discarded.count == 3


async def test_what_cannot_be_noted_is_counted_too(listening) -> None:
    await listening.throw(encode(Heartbeat(-1, 0.0)))
    assert listening.heard == [("node_a", 77)]
    assert listening.discarded.count == 1


async def test_a_message_that_is_too_large_is_not_looked_at(listening) -> None:
    await listening.throw(bytes(NEWS_BYTES_MAX + 1))
    assert listening.discarded.count == 1


async def test_thousands_of_damaged_messages_do_not_end_it(listening) -> None:
    good = encode(sample(Heartbeat, random.Random(1)))
    await listening.throw(*mutants(good, 3000, seed=2))
    assert listening.discarded.count > 1000


async def test_who_never_stops_talking_does_not_keep_the_loop_for_himself(listening) -> None:
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    queue = [encode(Heartbeat(number, 0.0)) for number in range(100 * IN_ONE_GO)]

    async def at_once():
        for payload in queue:
            yield KEY, payload

    other = asyncio.ensure_future(others())
    await listen(at_once(), Heartbeat, listening.note, listening.discarded)
    other.cancel()
    assert turns >= 100


def test_everybody_who_subscribes_listens_in_this_loop() -> None:
    room = Path(listener_module.__file__).parents[1]
    files = [file for file in room.rglob("*.py") if file.parent.name != "bus"]
    subscribing = [file for file in files if ".subscribe(" in file.read_text()]
    assert len(subscribing) >= 8
    assert all("listen(" in file.read_text() for file in subscribing)


def test_a_flood_is_logged_now_and_then_with_how_many_there_were(caplog) -> None:
    now = [0.0]
    discarded = Discarded(event_log("test"), clock=lambda: now[0])
    with caplog.at_level(logging.WARNING, "podium"):
        for _ in range(500):
            discarded.add(KEY, "it is bad")
        now[0] = LOG_EVERY_S
        discarded.add(KEY, "it is worse")
    first, second = (record.told for record in caplog.records)
    assert first == {"key": KEY, "reason": "it is bad", "now": "1", "in_all": "1"}
    assert second == {"key": KEY, "reason": "it is worse", "now": "500", "in_all": "501"}

"""The coordinator's news of its queue, and of how far all is that is on."""

import asyncio
from types import SimpleNamespace

import pytest

from podium.control.bus import progress
from podium.control.bus.memory import MemoryBus
from podium.control.bus.messages import RunId
from podium.control.bus.news import RunNews
from podium.control.bus.progress import ProgressNews, progress_key
from podium.control.bus.wire import decode
from podium.control.coordinator import queue_news
from podium.control.coordinator.queue import WorkQueue
from podium.control.coordinator.queue_news import QueuePublisher

ON = RunNews(
    run=RunId(1, 1),
    program="rabi",
    ports=("node_a.q0.drive",),
    axes=(),
    points=1,
    shots=10,
    state="on",
    at_s=0.0,
    took_s=0,
    tai_s=0,
    error="",
    by="ada",
    nodes=("node_a",),
)


async def test_however_often_a_run_moves_one_more_publication_is_due(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(progress, "EVERY_S", 3600.0)
    monkeypatch.setattr(queue_news, "EVERY_S", 0.0)
    loop, timers = asyncio.get_running_loop(), []
    later = loop.call_later

    def recorded(delay_s, *what):
        handle = later(delay_s, *what)
        if delay_s == 3600.0:
            timers.append(handle)
        return handle

    monkeypatch.setattr(loop, "call_later", recorded)
    bus, runs = MemoryBus(), SimpleNamespace(runs_on=(ON,), procedures=SimpleNamespace(latest=()))
    publisher = QueuePublisher(bus, "x", WorkQueue(), runs)
    due = []
    async with bus.subscribe(progress_key("x")) as told, publisher.telling():
        for _ in range(3):
            runs.changed()
            assert len(decode((await anext(told))[1], ProgressNews).on) == 1
            while len(timers) == len(due):  # noqa: ASYNC110  the loop is what is waited for
                await asyncio.sleep(0)
            due.append(sum(not timer.cancelled() for timer in timers))
        runs.runs_on = ()
        runs.changed()
        assert decode((await anext(told))[1], ProgressNews).on == ()
    assert due == [1, 1, 1]
    assert all(timer.cancelled() for timer in timers), "nothing is on any longer"

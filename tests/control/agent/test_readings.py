"""An instrument that nobody asks is asked now and then: a frozen one does not stay connected."""

import asyncio
import threading

import pytest

from podium.control.agent import readings
from podium.control.agent.instruments import Instruments
from podium.drivers.roles import Identity
from podium.drivers.worker import Worker


class Box:
    """A driver whose box can freeze: it hangs in its next question."""

    def __init__(self) -> None:
        self.asked = 0
        self.frozen = threading.Event()
        self.ended = threading.Event()

    def identity(self) -> Identity:
        self.asked += 1
        if self.frozen.is_set():
            self.ended.wait()
        return Identity("nobody", "box", "1", "0")

    def close(self) -> None:
        self.ended.set()


@pytest.fixture
def soon(monkeypatch) -> None:
    monkeypatch.setattr(readings, "QUIET_S", 0.02)
    monkeypatch.setattr(readings, "LOOK_EVERY_S", 0.01)
    monkeypatch.setattr(readings, "ANSWER_S", 0.05)


async def connected(box: Box) -> tuple[Worker[Box], list[asyncio.Task[None]], list[str]]:
    """Return a worker, connected, what keeps and asks it, and what its agent does."""
    boxes = iter([box])
    worker = Worker("source", lambda: next(boxes, None) or Box(), "192.0.2.1")
    doing: list[str] = []
    instruments = Instruments({"source": worker}, {})
    asking = readings.ask_quiet_instruments(instruments, lambda: "".join(doing))
    tasks = [asyncio.create_task(worker.keep()), asyncio.create_task(asking)]
    await worker.connected()
    return worker, tasks, doing


async def until(condition) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110  # a worker's state announces nothing
            await asyncio.sleep(0.005)


async def test_a_quiet_box_is_asked_and_then_heard(soon) -> None:
    box = Box()
    worker, tasks, _ = await connected(box)
    heard = worker.health.heard
    await until(lambda: box.asked > 2)
    assert worker.health.state == "connected"
    assert worker.health.heard > heard
    assert worker.health.connections == 1
    await ended(tasks)


async def test_a_frozen_box_that_nobody_asks_does_not_stay_connected(soon) -> None:
    box = Box()
    worker, tasks, _ = await connected(box)
    box.frozen.set()
    await until(lambda: worker.health.connections == 2)  # it was lost, and is back
    assert box.ended.is_set()
    await ended(tasks)


async def test_nothing_is_asked_while_the_agent_is_busy(soon) -> None:
    box = Box()
    worker, tasks, doing = await connected(box)
    doing.append("run 1 is fired")
    calls = worker.health.calls
    await asyncio.sleep(0.1)  # ten looks
    assert worker.health.calls - calls <= 1  # one may have begun before
    doing.clear()
    await until(lambda: worker.health.calls > calls + 1)
    await ended(tasks)


async def ended(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)

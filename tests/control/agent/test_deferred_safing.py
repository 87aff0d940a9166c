"""Instruments that could not be made safe at once, and who waits for that."""

import asyncio
from types import SimpleNamespace

import pytest

from podium.control.agent import deferred_safing
from podium.control.agent.deferred_safing import DeferredSafing
from podium.drivers.errors import Unreachable


class Slow:
    """A worker whose first calls are cut off; each takes longer than any wait was before."""

    name = "cluster_a"
    health = SimpleNamespace(last_error="no answer within 10.0 s")

    def __init__(self, cut_off: int, answers: bool = True) -> None:
        self.cut_off, self.answers = cut_off, answers
        self.asked = 0
        self.go_on = asyncio.Semaphore(0)

    async def call(self, what, work, deadline_s) -> None:
        self.asked += 1
        if self.asked > 2:  # of the later attempts each takes its time
            await self.go_on.acquire()
        if self.asked <= self.cut_off:
            raise Unreachable("cluster_a: make safe: no answer within 10.0 s")

    async def attempted(self) -> bool:
        return self.answers

    async def connected(self) -> None: ...


async def kept(worker: Slow, monkeypatch, within_s: float) -> asyncio.Task[None]:
    """Return who waits for an instrument that two attempts have left as it was."""
    monkeypatch.setattr(deferred_safing, "AGAIN_S", 0.0)
    monkeypatch.setattr(deferred_safing, "SETTLE_S", within_s)
    safing = DeferredSafing([worker])
    assert "made safe as soon as it answers" in await safing.make_safe("cluster_a")
    keeping = asyncio.ensure_future(safing.keep())
    waiting = asyncio.ensure_future(safing.settled("cluster_a"))
    waiting.add_done_callback(lambda _: keeping.cancel())
    return waiting


def test_an_attempt_under_way_and_one_more_are_waited_for() -> None:
    assert deferred_safing.SETTLE_S > 2 * deferred_safing.SAFE_S


async def test_whoever_waits_goes_on_once_a_later_attempt_has_done_it(monkeypatch) -> None:
    worker = Slow(cut_off=3)
    waiting = await kept(worker, monkeypatch, 60.0)
    for _ in range(2):
        worker.go_on.release()
    await waiting
    assert worker.asked == 4


async def test_whoever_has_waited_long_enough_learns_why(monkeypatch) -> None:
    for answers in (True, False):
        waiting = await kept(Slow(3, answers), monkeypatch, 0.05)
        with pytest.raises(Unreachable, match=r"could not be made safe.*: no answer within 10.0 s"):
            await waiting

"""Agents that go while they play: what the machine of the runs hears of it."""

import asyncio

import pytest

from podium.control.bus.memory import MemoryBus
from podium.control.coordinator import jobs
from podium.control.coordinator.agent_directory import ENDED, AgentDirectory
from podium.control.coordinator.jobs import Jobs, MemoryJournal
from podium.control.coordinator.queue import WorkQueue
from podium.control.runs.coordinator_values import Gone, Withdrawn


@pytest.fixture
def watched(example, monkeypatch):
    """Jobs of which one is played by an agent alone, and that agent as it is seen."""
    monkeypatch.setattr(jobs, "GONE_S", 0.2)
    bus = MemoryBus()
    agents = AgentDirectory(example, bus)
    made = Jobs(example, bus, agents, WorkQueue(), MemoryJournal(), 1)
    monkeypatch.setattr(made._side, "plays_alone", lambda _: True)
    seen = agents.named("room")
    seen.present.set()
    return made, seen


async def test_an_agent_that_goes_is_told_whoever_hears_of_it_first(watched) -> None:
    made, seen = watched
    told = asyncio.create_task(made._gone("room"))
    await asyncio.sleep(0)
    seen.present.clear()
    seen.absent.set()
    await told
    assert made._events.popleft() == Gone("room", ENDED)


async def test_one_that_is_soon_back_goes_on_with_what_it_plays_alone(watched) -> None:
    made, seen = watched
    seen.present.clear()
    seen.absent.set()
    told = asyncio.create_task(made._gone("room"))
    await asyncio.sleep(0)
    seen.absent.clear()
    seen.present.set()
    await told
    assert not made._events


async def test_an_event_at_which_the_machine_breaks_down_ends_the_coordinator_and_no_caller(
    watched, monkeypatch
) -> None:
    made, _ = watched

    def breaks(event, now_s):
        if isinstance(event, Withdrawn):
            raise KeyError("broken")
        return ()

    with pytest.RaisesGroup(pytest.RaisesExc(KeyError, match="broken")):
        async with made.running():
            monkeypatch.setattr(made._side, "handle", breaks)
            made.withdraw("t")  # raises nothing here
            await asyncio.Event().wait()


async def test_events_that_an_event_leads_to_are_handled_after_it(watched, monkeypatch) -> None:
    made, _ = watched
    seen = []

    def handle(event, now_s):
        seen.append(event)
        if event == Withdrawn("first"):
            made.withdraw("second")
            made.withdraw("third")
            assert len(seen) == 1
        return ()

    async with made.running():
        monkeypatch.setattr(made._side, "handle", handle)
        made.withdraw("first")
    assert seen == [Withdrawn("first"), Withdrawn("second"), Withdrawn("third")]

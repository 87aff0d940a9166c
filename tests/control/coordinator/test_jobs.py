"""Agents that go while they play: what the machine of the runs hears of it."""

import asyncio

import pytest

from podium.control.bus.memory import MemoryBus
from podium.control.coordinator import jobs
from podium.control.coordinator.agent_directory import ENDED, AgentDirectory
from podium.control.coordinator.jobs import Jobs, MemoryJournal
from podium.control.runs.coordinator_values import Gone


@pytest.fixture
def watched(example, monkeypatch):
    """Jobs of which one is played by an agent alone, and that agent as it is seen."""
    monkeypatch.setattr(jobs, "GONE_S", 0.2)
    bus = MemoryBus()
    agents = AgentDirectory(example, bus)
    made = Jobs(example, bus, agents, MemoryJournal(), 1)
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

"""Agents that go while they play: what the machine of the runs hears of it."""

import asyncio
import threading

import pytest

from podium.control.bus.memory import MemoryBus
from podium.control.coordinator import jobs
from podium.control.coordinator.agent_directory import ENDED, AgentDirectory
from podium.control.coordinator.jobs import Jobs
from podium.control.coordinator.queue import WorkQueue
from podium.control.runs.coordinator_values import Gone, Keep, Withdrawn
from podium.control.runs.journal import Entry, JobAccepted, JobEnded, JobForgotten, MemoryJournal


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


async def test_of_jobs_with_much_data_the_latest_are_held(example) -> None:
    """Others as many as ever; what was let go is not on the disk either."""
    bus, much = MemoryBus(), bytes(jobs.KEPT_BYTES + 1)
    entries = [
        entry
        for k in range(2 * jobs.KEPT_LARGE)
        for ticket, data in ((f"large {k}", much), (f"small {k}", b"few"))
        for entry in (
            JobAccepted(ticket, "{}", ("room",)),
            JobEnded(ticket, f"1-{k:05d}", "", (("room", data),)),
        )
    ]
    kept: list[Entry] = []
    all_kept = asyncio.Event()

    class Journal(MemoryJournal):
        def entries(self) -> tuple[Entry, ...]:
            return tuple(entries)

        def keep(self, entry: Entry) -> None:
            kept.append(entry)
            if sum(isinstance(one, JobForgotten) for one in kept) == jobs.KEPT_LARGE:
                all_kept.set()

    made = Jobs(example, bus, AgentDirectory(example, bus), WorkQueue(), Journal(), 1)
    latest = [f"large {k}" for k in range(jobs.KEPT_LARGE, 2 * jobs.KEPT_LARGE)]
    async with made.running():
        held = [ticket for ticket in made._jobs if ticket.startswith("large")]
        assert held == latest
        assert sum(ticket.startswith("small") for ticket in made._jobs) == 2 * jobs.KEPT_LARGE
        assert [one for one in made._side._ended if one.startswith("large")] == latest
        await asyncio.wait_for(all_kept.wait(), 60.0)
        gone = {one.ticket for one in kept if isinstance(one, JobForgotten)}
    assert gone == {f"large {k}" for k in range(jobs.KEPT_LARGE)}


async def test_a_journal_in_memory_is_written_by_the_loop_and_one_on_a_disk_by_a_thread(
    example,
) -> None:
    bus, by = MemoryBus(), []

    class InMemory(MemoryJournal):
        def keep(self, entry: Entry) -> None:
            by.append(threading.get_ident())

    class OnDisk:
        takes_time = True

        def entries(self) -> tuple[Entry, ...]:
            return ()

        def keep(self, entry: Entry) -> None:
            by.append(threading.get_ident())

    for journal in (InMemory(), OnDisk()):
        made = Jobs(example, bus, AgentDirectory(example, bus), WorkQueue(), journal, 1)
        await made._keep_one(Keep(JobAccepted("ticket", "{}", ("room",))))
    here = threading.get_ident()
    assert by[0] == here
    assert by[1] != here

"""A run on one agent: it outlives its coordinator, and silence alone does not end it."""

import asyncio
import errno
import shutil
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from podium.control.bus import messages
from podium.control.bus.memory import MemoryBus
from podium.control.bus.messages import ask
from podium.control.client.lab import Lab
from podium.control.coordinator import jobs
from podium.control.coordinator.coordinator import Coordinator
from podium.control.facility.facility import Facility
from podium.control.program.serialise import to_json
from podium.control.runs import attendance
from podium.control.runs.journal import Entry, FileJournal, JobAccepted, JobEnded

AWAIT_S = 20.0


class Gate:
    """Holds a driver's thread until it is opened."""

    def __init__(self) -> None:
        self.reached, self.open = threading.Event(), threading.Event()

    def __call__(self) -> None:
        self.reached.set()
        self.open.wait(AWAIT_S)


@asynccontextmanager
async def coordinating(
    facility: Facility, bus: MemoryBus, kept: Path
) -> AsyncIterator[FileJournal]:
    """Coordinate with the journal in a file."""
    with closing(FileJournal(kept)) as journal:
        async with Coordinator(facility, bus, accepted=journal).running():
            yield journal


async def end_of(bus: MemoryBus, facility: str, ticket: str) -> messages.RunDone:
    key = messages.coordinator_key(facility)
    request = messages.Await(ticket, AWAIT_S)
    done = await ask(bus, key, request, messages.RunDone, timeout_s=AWAIT_S + 5)
    assert isinstance(done, messages.RunDone), done
    return done


@pytest.mark.parametrize("step", ["load", "wait"])
async def test_a_coordinator_after_a_crash_plays_what_the_one_before_has_accepted(
    example, bench, trial, open_agent, tmp_path, step
) -> None:
    bus, gate = MemoryBus(), Gate()
    kept, as_it_was = tmp_path / "accepted", tmp_path / "as_it_was"
    async with open_agent(example, bench, bus):
        lab = Lab(example, bus)
        bench.hooks[f"cluster_a.{step}"] = gate
        async with coordinating(example, bus, kept):
            await lab.ready(10)
            running = asyncio.create_task(lab.run(trial()))
            assert await asyncio.to_thread(gate.reached.wait, AWAIT_S)
            shutil.copy(kept, as_it_was)
            gate.open.set()
        running.cancel()
        await asyncio.wait({running})
        bench.hooks.clear()
        bench.done.clear()
        with closing(FileJournal(as_it_was)) as journal:
            (ticket,) = [one.ticket for one in journal.entries() if isinstance(one, JobAccepted)]
            async with Coordinator(example, bus, accepted=journal).running():
                done = await end_of(bus, example.name, ticket)
                assert bench.done.count("cluster_a.start") == 1
                assert done.captures
                await lab.ready(10)
                await lab.run(trial())


async def test_what_has_ended_is_told_by_the_next_coordinator_and_not_played_again(
    example, bench, trial, open_agent, tmp_path
) -> None:
    bus, kept = MemoryBus(), tmp_path / "accepted"
    async with open_agent(example, bench, bus):
        lab = Lab(example, bus)
        async with coordinating(example, bus, kept):
            await lab.ready(10)
            data = await lab.run(trial())
        with closing(FileJournal(kept)) as journal:
            (ended,) = [one for one in journal.entries() if isinstance(one, JobEnded)]
            bench.done.clear()
            async with Coordinator(example, bus, accepted=journal).running():
                done = await end_of(bus, example.name, ended.ticket)
        assert str(done.run) == data.attrs["run"]
        assert done.program_hash == data.attrs["program_hash"]
        assert "cluster_a.load" not in bench.done


@pytest.mark.parametrize("ends", ["by a crash", "well"])
async def test_more_data_than_are_kept_are_measured_again_after_a_crash_only(
    example, bench, trial, open_agent, tmp_path, monkeypatch, ends
) -> None:
    monkeypatch.setattr(jobs, "KEPT_BYTES", 10)
    bus, kept, as_it_was = MemoryBus(), tmp_path / "accepted", tmp_path / "as_it_was"
    async with open_agent(example, bench, bus):
        lab = Lab(example, bus)
        async with coordinating(example, bus, kept):
            await lab.ready(10)
            before = await lab.run(trial())
            shutil.copy(kept, as_it_was)
        if ends == "well":
            with closing(FileJournal(kept)) as journal:
                jobs_left = [one for one in journal.entries() if isinstance(one, JobAccepted)]
            assert jobs_left == []
            return
        with closing(FileJournal(as_it_was)) as journal:
            (left,) = [one for one in journal.entries() if isinstance(one, JobAccepted | JobEnded)]
            assert isinstance(left, JobAccepted)
            async with Coordinator(example, bus, accepted=journal).running():
                done = await end_of(bus, example.name, left.ticket)
        assert str(done.run) != before.attrs["run"]
        assert done.program_hash == before.attrs["program_hash"]


async def test_a_while_after_its_end_a_run_is_not_measured_again_by_anybody(
    example, bench, trial, open_agent, tmp_path, monkeypatch
) -> None:
    monkeypatch.setattr(jobs, "KEPT_BYTES", 10)
    monkeypatch.setattr(jobs, "RECEIVED_S", 0.0)
    bus, kept = MemoryBus(), tmp_path / "accepted"
    async with open_agent(example, bench, bus):
        lab = Lab(example, bus)
        async with coordinating(example, bus, kept) as journal:
            await lab.ready(10)
            await lab.run(trial())
            async with asyncio.timeout(AWAIT_S):
                while any(isinstance(one, JobAccepted) for one in journal.entries()):
                    await lab.status()


@dataclass
class FullDisk:
    """A journal on a disk that is full once it comes to entries of a kind."""

    at: type
    takes_time: ClassVar = True

    def entries(self) -> tuple[Entry, ...]:
        return ()

    def keep(self, entry: Entry) -> None:
        if isinstance(entry, self.at):
            raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("at", [JobAccepted, JobEnded])
async def test_a_coordinator_whose_journal_cannot_be_written_ends_and_says_why(
    example, bench, trial, open_agent, at
) -> None:
    """``podium up`` then starts it again; it had stood still, with all that asked of it."""
    bus = MemoryBus()
    async with open_agent(example, bench, bus):
        lab = Lab(example, bus)
        up = asyncio.Event()

        async def coordinate() -> None:
            async with Coordinator(example, bus, accepted=FullDisk(at)).running():
                up.set()
                await asyncio.Event().wait()

        ending = asyncio.create_task(coordinate())
        await up.wait()
        await lab.ready(10)
        running = asyncio.create_task(lab.run(trial()))
        with pytest.raises(BaseExceptionGroup) as ended:
            await asyncio.wait_for(ending, AWAIT_S)
        cause, _ = ended.value.split(OSError)
        assert cause is not None
        assert "No space left" in repr(cause.exceptions)
        running.cancel()
        await asyncio.wait({running})


async def test_an_agent_that_is_named_in_an_old_journal_only_is_none_that_is_gone(
    example, bench, trial, open_agent, tmp_path
) -> None:
    bus, kept = MemoryBus(), tmp_path / "accepted"
    program = to_json(trial())
    with closing(FileJournal(kept)) as journal:
        journal.keep(JobAccepted("left over", program, ("node_b",)))
    async with open_agent(example, bench, bus):
        lab = Lab(example, bus)
        async with coordinating(example, bus, kept):
            await lab.ready(10)
            waiting = asyncio.create_task(end_of(bus, example.name, "left over"))
            await lab.run(trial())
            assert not any("node_b" in missing for missing in (await lab.status()).missing)
            waiting.cancel()
            await asyncio.wait({waiting})


async def test_an_agent_whose_loop_is_silent_goes_on_with_what_it_plays_alone(
    example, bench, trial, open_agent, monkeypatch
) -> None:
    bus, gate = MemoryBus(), Gate()
    coordinator = Coordinator(example, bus)
    async with coordinator.running(), open_agent(example, bench, bus):
        lab = Lab(example, bus)
        await lab.ready(10)
        bench.hooks["cluster_a.wait"] = gate
        running = asyncio.create_task(lab.run(trial()))
        assert await asyncio.to_thread(gate.reached.wait, AWAIT_S)
        monkeypatch.setattr(attendance, "STALE_S", -1.0)
        async with asyncio.timeout(AWAIT_S):
            while not any("silent" in missing for missing in (await lab.status()).missing):
                pass
        monkeypatch.setattr(attendance, "STALE_S", 5.0)
        gate.open.set()
        assert np.all(np.isfinite((await running)["q0_i"]))

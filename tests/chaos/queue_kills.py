"""Kills processes of a facility while many wait, again and again, and judges what became of them.

They run on the stand-in hardware of ``live_plant``. What the queue had announced goes on in its
place, or is done; what is done was played whole, and is told once. What was recorded is judged by
``record_watch``.
"""

import asyncio
import signal
import time
from collections import Counter
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.benches.nodes.triggered import Node, together
from tests.benches.records.postgresql_server import PostgresServer
from tests.chaos.live import NODES, RUN_S, Laboratory
from tests.chaos.record_watch import RecordWatch

from podium.control.bus.queue import QueueEntry, QueueNews
from podium.control.client.facility_access import join_facility
from podium.control.client.lab import Lab
from podium.control.runs.errors import RunError

PEOPLE = 6


@dataclass(slots=True, eq=False)
class QueueKills:
    """Several people who want runs, and what they were told."""

    laboratory: Laboratory
    kills: int
    victims: tuple[str, ...] = ("coordinator",)
    """Who is killed: ``coordinator``, ``agent`` (any), ``records``, ``page``, ``postgresql``."""
    watch: RecordWatch | None = None
    """Who looks at what is recorded; None: nothing is."""
    killed: Counter[str] = field(default_factory=Counter)
    runs: list[str] = field(default_factory=list)
    """Ids of those that are complete."""
    problems: list[str] = field(default_factory=list)
    seen: int = 0
    """Announced entries that were looked for after a kill."""
    done: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Nodes of complete jobs, by name."""
    tags: dict[str, dict[str, int]] = field(default_factory=dict)
    _jobs: int = 0
    _killing: bool = False
    _enough: bool = False
    _patience: list[asyncio.Timeout] = field(default_factory=list)
    """Of those who wait for a job: a busy machine may take longer to start what was killed than the
    next kill takes to come, so they begin to count when the last has."""

    async def play(self) -> None:
        """Kill so often, and judge."""
        laboratory, watch = self.laboratory, self.watch
        await laboratory.begin(*(() if watch is None else ("records", "page")))
        try:
            async with AsyncExitStack() as stack:
                if watch is not None:
                    await stack.enter_async_context(watch.watching(laboratory))
                lab = await stack.enter_async_context(
                    join_facility(
                        laboratory.file,
                        laboratory.coordinator,
                        who="judge",
                        recorded=watch is not None,
                    )
                )
                await self._until_one_has_run(lab)
                begins_s = time.time() + 86_400
                reserved = await lab.queue.reserve(
                    "node_c", begins_s=begins_s, ends_s=begins_s + 3600
                )
                async with asyncio.TaskGroup() as tasks:
                    for number in range(PEOPLE):
                        tasks.create_task(self._want(lab.at_priority(number % 3 - 1), number))
                    self._killing = True
                    for _ in range(self.kills):
                        await asyncio.sleep(laboratory.draw.uniform(0.3, 1.5))
                        before = await self._news(lab)
                        await self._kill(laboratory.draw.choice(self.victims))
                        after = await self._news(lab)
                        self._compare(before, after)
                        if after.reservations != (reserved,):
                            self.problems.append("the reservation is lost")
                    self._killing, self._enough = False, True
                    for one in self._patience:
                        one.reschedule(asyncio.get_running_loop().time() + RUN_S)
            self._judge()
            if watch is not None:
                await asyncio.to_thread(laboratory.processes.kill, "records")
                self.problems += await asyncio.to_thread(watch.judged, laboratory)
        finally:
            await laboratory.end()

    async def _kill(self, victim: str) -> None:
        """Kill it, and have it started as ``podium up`` and a service manager would."""
        laboratory = self.laboratory
        self.killed[victim] += 1
        if victim == "postgresql":
            server = None if self.watch is None else self.watch.server
            assert server is not None
            await asyncio.to_thread(server.stop, signal.SIGKILL)
            await asyncio.to_thread(server.start)
            return
        name = laboratory.draw.choice(NODES) if victim == "agent" else victim
        await asyncio.to_thread(laboratory.processes.kill, name)
        laboratory.start(name)

    async def _news(self, lab: Lab) -> QueueNews:
        give_up = time.monotonic() + 3 * RUN_S
        while True:
            try:
                return await lab.queue.news()
            except RunError:
                if time.monotonic() > give_up:
                    raise

    async def _until_one_has_run(self, lab: Lab) -> None:
        give_up = time.monotonic() + 3 * RUN_S
        while not self.runs:
            if time.monotonic() > give_up:
                raise AssertionError((self.laboratory.folder / "log").read_text()[-4000:])
            with suppress(RunError):
                await self._one(lab, NODES)

    async def _want(self, lab: Lab, number: int) -> None:
        while not self._enough:
            count = 2 + (number + self._jobs) % 2
            first = number % len(NODES)
            names = tuple(sorted((*NODES, *NODES)[first : first + count]))
            with suppress(RunError):  # a start that came too late, a coordinator that was killed
                await self._one(lab, names)

    async def _one(self, lab: Lab, names: tuple[str, ...]) -> None:
        self._jobs += 1
        job = f"job_{self._jobs}"
        program = together([Node(name.removeprefix("node_")) for name in names], name=job)
        try:
            async with asyncio.timeout(None if self._killing else RUN_S) as patience:
                self._patience.append(patience)
                try:
                    data = await lab.run(program)
                finally:
                    self._patience.remove(patience)
        except TimeoutError:
            self.problems.append(
                f"{job} was asked for and has not ended {RUN_S} s after the last kill"
            )
            return
        except RunError as error:
            if "no work under ticket" in str(error):
                self.problems.append(f"{job} was accepted and is no longer known")
            raise
        self.runs.append(data.attrs["run"])
        if self.watch is not None:
            self.watch.returned.append(data)
        self.done[job] = names
        self.tags[job] = {name: int(data[f"of_{name[-1]}_i"][0]) for name in names}

    def _compare(self, before: QueueNews, after: QueueNews) -> None:
        """Complain of what had been announced, is not over, and has another place."""
        there = {one.ticket: one for one in (*after.on, *after.waiting)}
        for one in (*before.on, *before.waiting):
            self.seen += 1
            now = there.get(one.ticket)
            if now is not None and _place(now) != _place(one):
                self.problems.append(f"{one.what} was {_place(one)} and is {_place(now)}")

    def _judge(self) -> None:
        if len(set(self.runs)) < len(self.runs):
            self.problems.append("a run is told twice")
        pulses = [one for node in self.laboratory.plant.nodes.values() for one in node.pulses()]
        for job, names in self.done.items():
            mine = [
                one for one in pulses if one.job == job and self.tags[job].get(one.node) == one.tag
            ]
            if sorted(one.node for one in mine) != sorted(names):
                self.problems.append(f"{job} was told, and played by {[one.node for one in mine]}")
            if len({one.nominal_fs for one in mine}) > 1:
                self.problems.append(f"{job} is put together of several starts")


def _place(one: QueueEntry) -> tuple[str, int, float]:
    return one.by, one.priority, one.asked_s


async def queue_kills(folder: Path, seed: int, kills: int) -> QueueKills:
    """Kill the coordinator so often while six people want runs; return what came of it."""
    found = QueueKills(Laboratory(folder, seed), kills)
    await found.play()
    return found


async def facility_kills(
    folder: Path, seed: int, kills: int, server: PostgresServer | None = None
) -> QueueKills:
    """Kill any process so often while six people measure and one looks; return what came of it.

    ``server``: of the records' index, killed too; None: it is a file.
    """
    victims = ("coordinator", "agent", "records", "page")
    laboratory = Laboratory(folder, seed, "" if server is None else server.url)
    if server is not None:
        victims = (*victims, "postgresql")
    found = QueueKills(laboratory, kills, victims, RecordWatch(server))
    await found.play()
    return found

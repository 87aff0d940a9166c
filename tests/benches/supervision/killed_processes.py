"""A simulated fridge with all of its processes, of which a test kills one after the other.

Twins, router, coordinator, agents and supervisor are processes as ``podium twin serve`` and
``podium up`` start them; ``podium up`` starts again what dies. What is judged comes from outside:
the supervisor's news, and the commands that the twins have received.
"""

import asyncio
import json
import os
import random
import re
import signal
import sqlite3
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from podium.control.bus.cold import (
    Acknowledge,
    AskCold,
    BeginProcedure,
    ColdNews,
    ColdProcedureNews,
    ConfirmProcedure,
)
from podium.control.bus.messages import Done
from podium.control.client.cold_client import ColdClient, join_supervisor
from podium.control.facility.interlock_rules import RULES
from podium.control.facility.load import load_facility
from podium.control.facility.state_file import read_state
from podium.control.processes import simulation
from podium.control.processes.child_processes import Children, call, podium
from podium.control.processes.supervisor import process_of
from podium.control.runs.errors import RunError

COLD = Path(__file__).parents[3] / "examples" / "cold" / "facility.yaml"
FRIDGE, LEADER = "fridge_a", "fridge_a.compressor_stopped"
WITHIN_S = 120.0
"""Of the wall, for what takes seconds on an idle machine."""
STARTS_WITHIN_S = 600.0
"""Likewise, for a process that was started again: a busy machine has it wait for a processor."""
UP = re.compile(r"^.*\bsupervisor up\b", re.MULTILINE)
LAST = 2000
"""Characters of the log that a failure shows."""
RATE, LAST_RATE = 30, 60
"""World time in the wall's: while processes are killed, and afterwards. An agent reads once a
second of the wall, and a procedure waits a minute of the facility for what it has set."""
ORDER = {"waiting": 0, "running": 1, "done": 2, "skipped": 2, "failed": 2}
SEEN = frozenset({"acknowledged", "latched"})
"""States of an alarm that somebody has acknowledged."""
CONTROL = "control_a"
INTERLOCK_ACT = re.compile(
    r"operated instrument='control_a' part='(\S+)' value=(\S+) by='interlock"
)
BY_INTERLOCKS = frozenset(
    (signal.split(".")[1], value) for rule in RULES for signal, value in rule.then
)
"""Parts and values that interlocks set."""


@dataclass
class KilledFridge:
    """The facility, and what its supervisor has told so far."""

    supervisor: ColdClient
    children: Children
    clock: simulation.ClockRate
    endpoints: Path
    log: Path
    chance: random.Random
    rate: int
    last_rate: int
    kills: list[str] = field(default_factory=list)
    moments: list[str] = field(default_factory=list)
    """By kill: the step that ran."""
    told: dict[str, tuple[str, object]] = field(default_factory=dict)
    """By step of the procedure: its state, and when it began."""

    async def ask(self, request: object, expected: type[Any]) -> Any:
        """Return an answer of the supervisor, which may be starting again."""
        begun = up = time.monotonic()
        while True:
            try:
                return await self.supervisor.ask(request, expected)
            except RunError as error:
                now = time.monotonic()
                if not self.is_up():
                    up = now
                if now - up > WITHIN_S or now - begun > STARTS_WITHIN_S:
                    said = self.log.read_text(errors="replace")[-LAST:]
                    state = "up" if self.is_up() else "not up"
                    raise AssertionError(
                        f"no answer; the supervisor is {state}:\n{said}"
                    ) from error
                await asyncio.sleep(0.1)

    def is_up(self) -> bool:
        """Return whether the supervisor that was started last has said that it is up."""
        said = self.log.read_text(errors="replace")
        started = said.rfind("supervisor is process ")
        return UP.search(said, max(started, 0)) is not None

    async def news(self) -> ColdNews:
        news: ColdNews = await self.ask(AskCold(), ColdNews)
        return news

    async def until(self, holds: Any) -> ColdNews:
        ends = time.monotonic() + WITHIN_S
        while not holds(news := await self.news()):
            if time.monotonic() > ends:
                raise AssertionError({one.name: one.state for one in news.alarms})
            await asyncio.sleep(0.1)
        return news

    async def tripped(self) -> None:
        """Trip the compressor, acknowledge its alarm, and put the compressor right."""
        await simulation.fault(self.endpoints, "compressor_trip", FRIDGE)
        await self.until(lambda news: alarm_of(news) == "unacknowledged")
        assert await self.ask(Acknowledge(LEADER, "ann"), Done) == Done()
        await self.until(lambda news: alarm_of(news) in SEEN)
        await simulation.fault(self.endpoints, "repair", FRIDGE)

    async def begun(self) -> str:
        """Begin to recover, as two people; return the run's name."""
        request = BeginProcedure("recover", FRIDGE, "ada")
        run = await self.supervisor.once(request, ColdProcedureNews)
        if run.state == "asking":
            await self.supervisor.once(ConfirmProcedure(run.id, "grace"), ColdProcedureNews)
        self.told.clear()
        name: str = run.id
        return name

    async def recovered(
        self, run: str, kills: int, pace_s: float, longest_s: float, upto: str | None = None
    ) -> None:
        """Kill processes while a run goes on; its steps go forward only.

        The run ends well, or is followed until no process is left to kill and its step ``upto`` is
        over. Up to ``pace_s`` pass between a process that is there again and the next that is
        killed.
        """
        ends = time.monotonic() + longest_s
        due = time.monotonic() + self.chance.uniform(0.0, pace_s)
        self.clock.set(self.rate)
        while True:
            news = await self.news()
            assert alarm_of(news) in SEEN, "its acknowledgement is lost"
            now = next(one for one in news.procedures if one.id == run)
            assert now.state in ("running", "done"), (now.state, now.words)
            self._check(now)
            over = {one.name for one in now.steps if ORDER[one.state] == 2}
            if now.state == "done" or (not kills and upto in over):
                return
            assert time.monotonic() < ends, (now.words, self.told)
            if kills and time.monotonic() >= due:
                name = ("supervisor", "agent room", "coordinator")[len(self.kills) % 3]
                await self._kill(name, news, run)
                kills -= 1
                due = time.monotonic() + self.chance.uniform(0.0, pace_s)
                if not kills:
                    self.clock.set(self.last_rate)
            await asyncio.sleep(0.05)

    def _check(self, run: ColdProcedureNews) -> None:
        for one in run.steps:
            state, began = self.told.get(one.name, ("waiting", None))
            assert ORDER[one.state] >= ORDER[state], (one.name, state, one.state)
            assert one.state != "failed", (one.name, one.words)
            assert began in (None, one.began), f"{one.name} has begun twice"
            if one.began is not None and one.ended is not None:
                assert one.began <= one.ended, f"{one.name} ended before it began"
            self.told[one.name] = one.state, one.began

    async def _kill(self, name: str, news: ColdNews, run: str) -> None:
        """Kill a process, and wait until another one is started in its place."""
        said = self.log.read_text(errors="replace")
        before = process_of(said, name)
        os.kill(before, signal.SIGKILL)
        self.kills.append(name)
        now = next(one for one in news.procedures if one.id == run)
        self.moments += [one.name for one in now.steps if one.state == "running"][:1]
        ends = time.monotonic() + WITHIN_S
        while process_of(self.log.read_text(errors="replace"), name) == before:
            assert time.monotonic() < ends, f"{name} is not started again"
            await asyncio.sleep(0.05)

    async def check_operations(self) -> int:
        """Check that the fridge was told nothing more often than was asked; return how often.

        What the twin of the control unit received is held against the agent's journal, in which
        each operation stands once, and against what interlocks did. An interlock that is killed
        may have set a part before it could say so. An operation in which its agent was killed
        stays as begun where the step went on without it.
        """
        words = podium("twin", "log", "--json", "--endpoints", self.endpoints)
        lines = map(json.loads, (await call("podium twin log", words)).splitlines())
        sent = Counter(one for line in lines if (one := _setting(line)) is not None)
        asked: Counter[tuple[str, float]] = Counter()
        with closing(sqlite3.connect(self.endpoints.with_name("up.operations.sqlite"))) as journal:
            rows = journal.execute("SELECT instrument, part, value, outcome FROM operations")
            killed, cut_off = self.kills.count("agent room"), 0
            for instrument, part, value, outcome in rows.fetchall():
                cut_off += outcome == "begun"
                assert outcome in ("done", "begun"), (part, value, outcome)
                assert cut_off <= killed, (part, value, outcome)
                if instrument == CONTROL:
                    asked[part, value] += 1
        acts = INTERLOCK_ACT.findall(self.log.read_text(errors="replace"))
        asked.update((part, float(value)) for part, value in acts)
        for (part, value), count in sent.items():
            unsaid = killed if (part, value) in BY_INTERLOCKS else 0
            assert count <= asked[part, value] + unsaid, (part, value, count, asked[part, value])
        return sent.total()


def _setting(line: dict[str, Any]) -> tuple[str, float] | None:
    """Return the part and value that a command of the log sets; None: it sets none."""
    verb, _, body = line["text"].partition(" /values/ ")
    if line["instrument"] != CONTROL or verb != "POST":
        return None
    ((name, content),) = json.loads(body)["data"].items()
    if not name.startswith("mapper.bf."):
        return None  # a heater: four commands for one operation
    return name.rpartition(".")[2], float(content["content"]["value"])


def alarm_of(news: ColdNews) -> str:
    """Return the state of the alarm that leads after a trip."""
    return next((one.state for one in news.alarms if one.name == LEADER), "")


def reads(news: ColdNews) -> bool:
    """Tell whether instruments of the fridge are read."""
    signals = {one.signal for one in news.readings if one.quality == "good"}
    return {"temperature.mixing_chamber", "compressor.running"} <= signals


@asynccontextmanager
async def killed_fridge(
    folder: Path, seed: int, rate: int = RATE, last_rate: int = LAST_RATE
) -> AsyncIterator[KilledFridge]:
    """Start all processes; they end with the block."""
    children, names = Children(), tuple(load_facility(COLD).instruments)
    twin, endpoints, state = (folder / name for name in ("twin.yaml", "endpoints.json", "up.json"))
    try:
        await simulation.draw_world(children, COLD, seed, twin)
        words = podium("twin", "serve", COLD, "--twin", twin, "--endpoints", endpoints)
        words += ["--clock", "paced", "--rate", str(rate), "--with-parent", "--log"]
        children.start("twin", words, folder / "logs", names)
        await children.wait_for(endpoints)
        words = podium("up", COLD, "--endpoints", endpoints, "--state", state)
        words += ["--store", str(folder / "parameters.sqlite"), "--page", "none", "--with-parent"]
        up = children.start("up", words, folder / "logs")
        await children.wait_for(state)
        clock = simulation.ClockRate(children, endpoints, rate)
        async with (
            children.watched(),
            join_supervisor(COLD, read_state(state).coordinator) as supervisor,
        ):
            chance = random.Random(seed)
            fridge = KilledFridge(
                supervisor, children, clock, endpoints, up.log, chance, rate, last_rate
            )
            await fridge.until(reads)
            yield fridge
    finally:
        await children.end()

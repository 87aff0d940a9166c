"""Publishes news of runs: begin, progress, end, and data."""

import asyncio
import math
import time
from collections import deque
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

from podium.control.bus.bus import Bus, BusError
from podium.control.bus.findings import FindingsNews
from podium.control.bus.fire_data import FireData
from podium.control.bus.log import event_log
from podium.control.bus.messages import CaptureData, Played, RunId
from podium.control.bus.news import (
    DataSummary,
    PastRuns,
    Recent,
    RunNews,
    data_key,
    past_runs_key,
    runs_key,
)
from podium.control.bus.procedures import ProcedureNews
from podium.control.bus.wire import decode, encode
from podium.control.coordinator.findings_file import FindingsFile
from podium.control.coordinator.procedures import Procedures
from podium.control.coordinator.summaries import summary_of
from podium.control.program.program import Program
from podium.control.runs.errors import StartLate, StartPartial

RUNS_KEPT = 40
DATA_KEPT = 20
"""So many runs, and the data of so many, are kept for those who come late."""
FIRED_EVERY_S = 0.25
"""Of programs that are fired one after the other one is shown in so long: people look at it."""

log = event_log("coordinator")
Captures = Mapping[str, CaptureData]


@dataclass(frozen=True, slots=True, eq=False)
class _Data:
    program: Program
    run: RunId
    captures: Callable[[], Captures]
    complete: bool


News = RunNews | ProcedureNews | FindingsNews | _Data


class Stoppable(Protocol):
    """A run that somebody may have stopped."""

    @property
    def stopped(self) -> str:
        """Return the reason; empty: nobody has stopped it."""
        ...

    @property
    def stopped_by(self) -> str:
        """Return the name of who has stopped it."""
        ...


@dataclass(slots=True, eq=False)
class RunOutcome:
    """Holds a run's end, as far as is known."""

    played: Played | None = None
    """What it has brought back."""
    unsafe: str = ""
    """What could not be made safe after it; empty: all is."""


class RunPublisher:
    """Tells while :meth:`telling`; no run waits for it."""

    def __init__(self, bus: Bus, facility: str) -> None:
        self._bus = bus
        self._facility = facility
        self._news: dict[RunId, RunNews] = {}
        self._data: deque[DataSummary] = deque(maxlen=DATA_KEPT)
        self._fired_s = float("-inf")
        """When a fired program was reported last, monotonic wall time."""
        self.done = 0
        """Runs that ended well, since the coordinator started."""
        self.failed = 0
        """Runs that did not; what was stopped or started too late is not counted."""
        self.lost = 0
        """Starts that came too late: nothing was played, and who asked may make them again."""
        self._to_tell: asyncio.Queue[News] = asyncio.Queue()
        self.procedures = Procedures(self._put)
        self.changed: Callable[[], None] = lambda: None
        """Called when a run or a procedure begins, is further, or ends."""
        self.findings = FindingsFile(None)
        """What is wrong with files on the disk."""

    @property
    def runs_on(self) -> tuple[RunNews, ...]:
        """Return all runs that are on, in the order in which they began."""
        return tuple(one for one in self._news.values() if one.state == "on")

    @property
    def on(self) -> bool:
        """Return whether any run is on."""
        return any(one.state == "on" for one in self._news.values())

    @asynccontextmanager
    async def telling(self) -> AsyncGenerator[None]:
        """Publish news while the context is open."""
        async with (
            self._bus.serve(past_runs_key(self._facility), self._answer),
            asyncio.TaskGroup() as tasks,
        ):
            publishing = tasks.create_task(self._publish(), name="tell of runs")
            try:
                yield
            finally:
                publishing.cancel()

    @asynccontextmanager
    async def told(
        self,
        run: RunId,
        program: Program,
        by: str,
        on: "Stoppable",
        *,
        batches: bool = False,
        nodes: tuple[str, ...] = (),
        procedure: str = "",
    ) -> AsyncGenerator["RunOutcome"]:
        """Tell that ``run`` is on, and how it ended; the outcome is to be filled in.

        ``nodes`` take part; default: those of the ports that it plays on.
        """
        began = time.monotonic()
        news = _begun(run, program, by, nodes, procedure)
        news = replace(news, batches=batches)
        self._tell(news)
        outcome = RunOutcome()
        try:
            yield outcome
        except BaseException as error:
            took_s = time.monotonic() - began
            news = replace(self._news.get(run, news), took_s=took_s, unsafe=outcome.unsafe)
            if on.stopped:
                self._tell(
                    replace(news, state="stopped", error=on.stopped, stopped_by=on.stopped_by)
                )
            elif isinstance(error, StartLate | StartPartial):
                self.lost += 1
                self._tell(replace(news, state="late", error=str(error)))
            else:
                self.failed += 1
                given_up = isinstance(error, asyncio.CancelledError)
                state = "given up" if given_up else "failed"
                self._tell(replace(news, state=state, error=str(error)))
            raise
        self.done += 1
        took_s = time.monotonic() - began
        self._tell_done(news, program, outcome.played, took_s)
        log.info("run done", run=str(run), program=program.name, by=by, took=f"{took_s:.2f} s")

    def _tell_done(
        self, news: RunNews, program: Program, played: Played | FireData | None, took_s: float
    ) -> None:
        tai_s = 0.0 if played is None else played.started.tai_s + played.started.tai_fs * 1e-15
        news = replace(news, shots_done=program.shots, share=1.0)
        self._tell(replace(news, state="done", took_s=took_s, tai_s=tai_s))
        if played is not None and (captures := played.captures):  # a loopback has none to look at
            self._to_tell.put_nowait(_Data(program, news.run, partial(dict, captures), True))

    @property
    def fire_due(self) -> bool:
        """Return whether the next fired program is reported; of many in a row not each is."""
        return time.monotonic() - self._fired_s >= FIRED_EVERY_S

    def fired(
        self,
        run: RunId,
        program: Program,
        by: str,
        procedure: str,
        played: FireData | None,
        took_s: float,
    ) -> None:
        """Count a program that was fired, and tell of it if there is what it has ``played``."""
        self.done += 1
        if played is None:
            return
        self._fired_s = time.monotonic()
        begun = _begun(run, program, by, (), procedure)
        news = replace(begun, at_s=time.time() - took_s, fired=True)
        self._tell_done(news, program, played, took_s)

    def counted(self, times: int) -> None:
        """Count programs that were fired without the coordinator."""
        self.done += times

    def not_fired(
        self, run: RunId, program: Program, by: str, procedure: str, on: "Stoppable", error: str
    ) -> None:
        """Tell of a program that was fired and came to nothing."""
        news = replace(_begun(run, program, by, (), procedure), fired=True)
        if on.stopped:
            self._tell(replace(news, state="stopped", error=on.stopped, stopped_by=on.stopped_by))
            return
        self.failed += 1
        self._tell(replace(news, state="failed", error=error))

    def looked_at(self, finding: str, by: str) -> None:
        """Note that somebody has looked at a finding; raises ``KeyError`` where there is none."""
        self.findings.looked_at(finding, by)
        self._to_tell.put_nowait(FindingsNews(self.findings.unseen))

    def so_far(
        self,
        run: RunId,
        program: Program,
        far: tuple[int, float],
        captures: Callable[[], Captures],
    ) -> None:
        """Tell what a run that goes on has brought back so far; ``far``: shots done, share."""
        if run in self._news:
            self._tell(replace(self._news[run], shots_done=far[0], share=far[1]))
        self._to_tell.put_nowait(_Data(program, run, captures, False))

    def _tell(self, news: RunNews) -> None:
        self._news[news.run] = news
        while len(self._news) > RUNS_KEPT:
            over = next((run for run, one in self._news.items() if one.state != "on"), None)
            if over is None:
                break
            del self._news[over]
        self._put(news)

    def _put(self, news: RunNews | ProcedureNews) -> None:
        self._to_tell.put_nowait(news)
        self.changed()

    async def _publish(self) -> None:
        while True:
            told = await self._to_tell.get()
            with suppress(BusError):
                if isinstance(told, RunNews | ProcedureNews | FindingsNews):
                    await self._bus.publish(runs_key(self._facility), encode(told))
                    continue
                try:
                    summary = await asyncio.to_thread(_summary, told)
                except (ValueError, IndexError, ZeroDivisionError) as error:
                    log.warning("no summary", run=str(told.run), error=str(error))
                    continue
                if self._data and self._data[-1].run == summary.run:
                    self._data.pop()
                self._data.append(summary)
                payload = await asyncio.to_thread(encode, summary)
                await self._bus.publish(data_key(self._facility), payload)

    async def _answer(self, payload: bytes) -> bytes:
        decode(payload, Recent)
        past = PastRuns(
            tuple(self._news.values()),
            tuple(self._data),
            self.done,
            self.failed,
            self.lost,
            self.procedures.latest,
            self.findings.unseen,
        )
        return await asyncio.to_thread(encode, past)


def _begun(
    run: RunId, program: Program, by: str, nodes: tuple[str, ...], procedure: str
) -> RunNews:
    ports = tuple(dict.fromkeys(frame.port for frame in program.frames))
    return RunNews(
        run=run,
        program=program.name,
        ports=ports,
        axes=tuple(axis.name for axis in program.axes),
        points=math.prod(axis.count for axis in program.axes),
        shots=program.shots,
        state="on",
        at_s=time.time(),
        took_s=0,
        tai_s=0,
        error="",
        by=by,
        nodes=nodes or tuple(dict.fromkeys(port.partition(".")[0] for port in ports)),
        procedure=procedure,
    )


def _summary(data: _Data) -> DataSummary:
    return summary_of(data.program, data.run, data.captures(), complete=data.complete)

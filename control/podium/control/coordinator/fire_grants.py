"""Grants fires of a prepared program to the client who fires it again and again.

Each time it fires through the coordinator, a client may ask the agent directly for some fires that
follow. The agents' turn is held as long as that is so. It is given back as soon as anybody waits
for it, or the client has been quiet for a while: the grant is recalled first, so that whoever is
next finds the agent free.
"""

import asyncio
import uuid
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace

from podium.control.bus.bus import Bus
from podium.control.bus.direct_fires import FiresGranted, FiresRecalled, RecallFires, StillPlaying
from podium.control.bus.log import event_log
from podium.control.bus.messages import Failed, RunId, agent_key, ask
from podium.control.coordinator.queue import Turn, WorkQueue
from podium.control.coordinator.queue_values import QueuedWork
from podium.control.coordinator.request_log import RequestLog
from podium.control.coordinator.run_news import RunPublisher
from podium.control.coordinator.run_player import RunRecord
from podium.control.runs.messages import Abort, OfRun
from podium.control.runs.run_values import HeldProgram

GRANTED = 32
"""So many fires may follow one that was asked of the coordinator: their numbers are kept free."""
LONGEST_FS = 10**15
"""Of programs that take longer nothing is granted: they gain nothing by it."""
AGENT_S = 1.0
"""So long after the report the agent begins granted fires."""
QUIET_S = 0.5
"""Not fired again for so long, the turn is given back. Clients ask the coordinator more often."""
ANSWER_S = 5.0
"""Deadline for one answer of an agent."""
GONE_S = 5.0
"""Unanswered for so long, an agent is not waited for: the grant is over there by itself."""

log = event_log("coordinator")


@dataclass(slots=True, eq=False)
class FireSeries:
    """One client's fires of one program, and the turn that it holds for them."""

    id: str
    """Of the prepared program."""
    agent: str
    record: RunRecord
    """Of the last fire that was asked of the coordinator."""
    what: str
    stack: AsyncExitStack
    """Gives the turn back."""
    turn: Turn
    secret: str = ""
    """Of the grant that the agent has; empty: none."""
    run: RunId | None = None
    """After it come the granted ones; None: none is granted."""
    timer: asyncio.TimerHandle | None = None

    def covers(self, run: RunId) -> bool:
        """Return whether a run was granted."""
        return self.run is not None and self.run < run <= self.last

    @property
    def last(self) -> RunId:
        """Return the last run that is granted."""
        assert self.run is not None
        return RunId(self.run.session, self.run.number + GRANTED)


class FireGrants:
    """All grants of a coordinator, while it is :meth:`running`; one for each agent at most."""

    def __init__(
        self,
        bus: Bus,
        facility: str,
        queue: WorkQueue,
        runs: RunPublisher,
        request_log: RequestLog,
    ) -> None:
        self._bus = bus
        self._facility = facility
        self._queue = queue
        self._runs = runs
        self._request_log = request_log
        self._series: dict[str, FireSeries] = {}
        """By agent: those that may be fired directly now."""
        self._tasks: asyncio.TaskGroup
        self._recalls: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Recall what is granted when it is due, while the context is open."""
        async with asyncio.TaskGroup() as self._tasks:
            self._queue.waited = self._somebody_waits
            try:
                yield
            finally:
                for task in self._recalls:
                    task.cancel()
                for series in tuple(self._series.values()):
                    await self._take(series).stack.aclose()

    @asynccontextmanager
    async def turn(
        self, record: RunRecord, program: str, direct: int, wanted: QueuedWork, held: HeldProgram
    ) -> AsyncGenerator[tuple[FireSeries, HeldProgram]]:
        """Hold an agent for one fire, and for what is granted after it.

        ``program``: the id of what is fired; ``direct``: so many were since. Gives what is to be
        fired as well, with what is granted. Raises ``RunRefused`` as :meth:`.WorkQueue.held` does.
        """
        (agent,) = wanted.agents
        series = self._series.get(agent)
        if series is not None and series.id == program and not self._queue.is_wanted(agent):
            self._take(series)
            self._count(series, min(direct, GRANTED))
        else:
            series = await self._begun(record, program, agent, wanted)
        series.record, series.run = record, None
        if held.duration_fs <= LONGEST_FS and not self._queue.is_wanted(agent):
            secret = uuid.uuid4().hex
            held = replace(held, granted=GRANTED, secret=secret, granted_s=AGENT_S)
        try:
            yield series, held
        except BaseException:
            await self._give_back(series)
            raise
        if series.run is None:
            await self._give_back(series)
            return
        series.secret = held.secret
        series.turn.note_took()
        series.timer = asyncio.get_running_loop().call_later(QUIET_S, self._end, series)
        self._series[agent] = series

    def grant(self, series: FireSeries, run: RunId, held: HeldProgram) -> FiresGranted | None:
        """Return what follows a run that was played; None: nothing."""
        if not held.granted or self._queue.is_wanted(series.agent):
            return None
        series.run = run
        return FiresGranted(series.agent, held.secret, series.last)

    def find(self, run: str) -> tuple[FireSeries, RunId] | None:
        """Return the series of which a run (as text) is granted, None: it is of none."""
        session, _, number = run.partition("-")
        if not (session.isdecimal() and number.isdecimal()):
            return None
        known = RunId(int(session), int(number))
        found = next((one for one in self._series.values() if one.covers(known)), None)
        return None if found is None else (found, known)

    async def abort(self, series: FireSeries, run: RunId, reason: str) -> None:
        """Let a run that is granted not go on, nor any after it; return once none plays."""
        key = agent_key(self._facility, series.agent)
        await ask(self._bus, key, OfRun(Abort(run, reason)), OfRun, timeout_s=ANSWER_S)
        self._end(series)
        if self._recalls:
            await asyncio.wait(self._recalls)

    def end(self, program: str) -> FireSeries | None:
        """Grant nothing more of a prepared program; return what was."""
        found = next((one for one in self._series.values() if one.id == program), None)
        if found is not None:
            self._end(found)
        return found

    def end_all(self) -> None:
        """Grant nothing more of all there is."""
        for series in tuple(self._series.values()):
            self._end(series)

    # Inside

    async def _begun(
        self, record: RunRecord, program: str, agent: str, wanted: QueuedWork
    ) -> FireSeries:
        stack = AsyncExitStack()
        turn = await stack.enter_async_context(self._queue.held(wanted))
        return FireSeries(program, agent, record, wanted.what, stack, turn)

    def _somebody_waits(self, work: QueuedWork) -> None:
        for agent in work.agents:
            if (series := self._series.get(agent)) is not None:
                self._end(series)

    def _take(self, series: FireSeries) -> FireSeries:
        """Take a series from those that go on."""
        del self._series[series.agent]
        if series.timer is not None:
            series.timer.cancel()
        return series

    def _end(self, series: FireSeries) -> None:
        if self._series.get(series.agent) is series:
            self._recall_soon(self._take(series))

    async def _give_back(self, series: FireSeries) -> None:
        """Give back the turn of a series that does not go on."""
        if series.secret:
            self._recall_soon(series)
        else:
            await series.stack.aclose()

    def _recall_soon(self, series: FireSeries) -> None:
        task = self._tasks.create_task(self._recall(series))
        self._recalls.add(task)
        task.add_done_callback(self._recalls.discard)

    async def _recall(self, series: FireSeries) -> None:
        """Have a grant taken back, and then give back the turn."""
        loop = asyncio.get_running_loop()
        async with series.stack:
            key, give_up_s = agent_key(self._facility, series.agent), loop.time() + GONE_S
            while True:
                request = RecallFires(series.secret)
                answers = FiresRecalled, StillPlaying
                told = await ask(self._bus, key, request, *answers, timeout_s=ANSWER_S)
                match told:
                    case FiresRecalled(done):
                        self._count(series, done)
                        return
                    case StillPlaying():
                        give_up_s = loop.time() + GONE_S
                    case Failed(_, problem) if loop.time() > give_up_s:
                        log.warning("not recalled", agent=series.agent, problem=problem)
                        return
                    case Failed():
                        await asyncio.sleep(0.1)

    def _count(self, series: FireSeries, times: int) -> None:
        self._runs.counted(times)
        self._request_log.count(series.what, series.record.by, times)

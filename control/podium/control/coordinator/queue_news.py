"""Publishes the queue when it changes, and how far all is that is on."""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

from podium.control.bus import progress
from podium.control.bus.bus import Bus, BusError
from podium.control.bus.log import event_log
from podium.control.bus.news import RunNews
from podium.control.bus.procedures import ProcedureNews
from podium.control.bus.progress import Progress, ProgressNews, progress_key
from podium.control.bus.queue import EVERY_S, WAITING_MAX, queue_key
from podium.control.bus.wire import encode
from podium.control.coordinator.queue import WorkQueue
from podium.control.coordinator.queue_estimates import SURE, UNSURE
from podium.control.coordinator.run_news import RunPublisher

TITLES_MAX = 200
"""Of so many procedures it is remembered how long they take, by their titles."""

log = event_log("coordinator")


class QueuePublisher:
    """Publishes while :meth:`telling`; nobody waits for it."""

    def __init__(self, bus: Bus, facility: str, queue: WorkQueue, runs: RunPublisher) -> None:
        self._bus = bus
        self._facility = facility
        self._queue = queue
        self._runs = runs
        self._durations = ProcedureDurations()
        self._number = 0
        self._changed, self._moved = asyncio.Event(), asyncio.Event()
        self._next: asyncio.TimerHandle | None = None
        """Publishes progress again while something is on and does not move."""

    @asynccontextmanager
    async def telling(self) -> AsyncGenerator[None]:
        """Publish while the context is open."""
        self._queue.changed, self._runs.changed = self._changed.set, self._moved.set
        async with asyncio.TaskGroup() as tasks:
            work = [
                tasks.create_task(self._tell(self._changed, EVERY_S, self._queue_news)),
                tasks.create_task(self._tell(self._moved, progress.EVERY_S, self._progress_news)),
            ]
            try:
                yield
            finally:
                for task in work:
                    task.cancel()
                self._in_a_while(wanted=False)

    async def _tell(
        self, changed: asyncio.Event, every_s: float, news: Callable[[], Awaitable[None]]
    ) -> None:
        """Publish at the first change at once, and what follows together."""
        while True:
            await changed.wait()
            changed.clear()
            with suppress(BusError):  # whole each time: the next has it all
                await news()
            await asyncio.sleep(min(every_s, EVERY_S))

    async def _queue_news(self) -> None:
        news = self._queue.news(WAITING_MAX)
        await self._bus.publish(queue_key(self._facility), encode(news))

    async def _progress_news(self) -> None:
        news = self.progress()
        await self._bus.publish(progress_key(self._facility), encode(news))
        self._in_a_while(wanted=bool(news.on))

    def _in_a_while(self, *, wanted: bool) -> None:
        """Have progress published once more, if nothing moves before; or not."""
        if self._next is not None:
            self._next.cancel()
        loop = asyncio.get_running_loop()
        self._next = loop.call_later(progress.EVERY_S, self._moved.set) if wanted else None

    def progress(self) -> ProgressNews:
        """Return how far all runs and procedures are that are on."""
        self._number += 1
        now_s = time.time()
        runs = [self._of_run(one, now_s) for one in self._runs.runs_on]
        procedures = self._runs.procedures.latest
        for one in procedures:
            self._durations.note(one)
        on = [self._of_procedure(one, now_s) for one in procedures if one.state == "on"]
        both = sorted((*runs, *on), key=lambda one: one.began_s)
        return ProgressNews(self._number, now_s, tuple(both))

    def _of_run(self, news: RunNews, now_s: float) -> Progress:
        left = self._queue.left(str(news.run))
        age_s = max(0.0, now_s - news.at_s)
        share = news.share
        if left is not None and not news.batches:
            share = age_s / (age_s + left[0]) if age_s else 0.0
        return Progress(
            id=str(news.run),
            kind="run",
            title=news.program,
            by=news.by,
            nodes=news.nodes,
            procedure=news.procedure,
            step=news.shots_done,
            steps=news.shots,
            doing=news.program,
            began_s=news.at_s,
            share=share,
            left_s=None if left is None else left[0],
            left_sigma_s=0.0 if left is None else left[1],
        )

    def _of_procedure(self, news: ProcedureNews, now_s: float) -> Progress:
        said = news.said
        left_s, sigma_s = self._durations.left(news, now_s)
        age_s = max(0.0, now_s - news.at_s)
        share = (said.step - 1) / said.steps if said.steps and said.step else 0.0
        if left_s is not None and age_s:
            share = age_s / (age_s + left_s)
        return Progress(
            id=said.procedure,
            kind="procedure",
            title=said.title,
            by=said.by,
            nodes=said.nodes,
            procedure="",
            step=said.step,
            steps=said.steps,
            doing=said.doing,
            began_s=news.at_s,
            share=share,
            left_s=left_s,
            left_sigma_s=sigma_s,
        )


class ProcedureDurations:
    """Learns how long procedures take: of one that is on by its steps, and by those before."""

    def __init__(self) -> None:
        self._began: dict[str, tuple[int, float]] = {}
        """Of procedures that are on: the step, and when it began."""
        self._took: dict[str, float] = {}
        """By title: what the last one took that was done."""

    def note(self, news: ProcedureNews) -> None:
        """Note where a procedure is."""
        name, step = news.said.procedure, news.said.step
        if news.state == "on":
            if self._began.get(name, (-1, 0.0))[0] != step:
                self._began[name] = (step, news.heard_s)
        elif self._began.pop(name, None) is not None and news.state == "done":
            self._took.pop(news.said.title, None)
            self._took[news.said.title] = news.heard_s - news.at_s
            while len(self._took) > TITLES_MAX:
                del self._took[next(iter(self._took))]

    def left(self, news: ProcedureNews, now_s: float) -> tuple[float | None, float]:
        """Return what a procedure still takes, s, and the sigma of that; None: not known."""
        said, age_s = news.said, max(0.0, now_s - news.at_s)
        known_s = self._took.get(said.title)
        if known_s is not None:
            left_s = max(known_s - age_s, SURE * age_s)
            return left_s, max(2 * SURE * known_s, left_s * UNSURE * (known_s < age_s))
        done = said.step - 1
        if done < 1 or not said.steps:
            return None, 0.0
        _, began_s = self._began.get(said.procedure, (said.step, news.heard_s))
        each_s = max(0.0, began_s - news.at_s) / done
        in_step_s = max(0.0, now_s - began_s)
        steps = said.steps - said.step
        left_s = max(each_s - in_step_s, SURE * in_step_s) + steps * each_s
        return left_s, each_s * UNSURE * (steps + 1) ** 0.5

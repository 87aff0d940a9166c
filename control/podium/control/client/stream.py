"""Streams a measurement as it comes, for ``lab.stream``."""

import asyncio
import time
import uuid
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import TYPE_CHECKING, Any

from podium.control.bus import messages
from podium.control.bus.streams import BeginStream, Follow, Stop, StreamPart
from podium.control.client.coordinator_client import attributes_of
from podium.control.client.run_recorder import PART_S, RunRecorder
from podium.control.program.dataset import dataset_of
from podium.control.program.program import Program
from podium.control.program.serialise import to_json
from podium.control.records.snapshots import name_in
from podium.control.runs.errors import RunError

if TYPE_CHECKING:
    import xarray

FOLLOW_S = 2.0
"""One question for the next part waits so long; it is asked again."""
EVERY_S = 0.4
"""A batch takes about so long: with its surroundings, something new is seen twice a second."""

Ask = Callable[..., Awaitable[Any]]
"""Asks the coordinator: the request, then the classes of answers; raises ``RunError``."""


class Stream:
    """Iterate over it for the data so far: ``async for data in lab.stream(program): ...``.

    Every dataset is of the form that ``lab.run`` gives, over all points, averages (or shots) as
    far as they have come; points that were not visited yet are nan. Its ``attrs`` say how far:
    ``shots_done`` of ``shots``, ``done`` (share), ``complete`` (0 or 1), ``batches`` (how it was
    split), and, where it ended before its time, ``stopped`` (why) and ``stopped_by``. The last
    one is complete unless it was stopped. Leaving the loop, by ``break``, an error or a
    cancellation, stops the stream: what plays is aborted, outputs are safe, and :attr:`data` has
    what was measured. What it has at its end goes into the facility's records; meanwhile they keep
    what it has so far, should this process die.
    """

    def __init__(
        self,
        ask: Ask,
        stop: Ask,
        facility: str,
        program: Program,
        every_s: float,
        batch: int,
        recorder: RunRecorder,
        procedure: str,
        priority: int = 0,
    ) -> None:
        self._ask = ask
        self._stop = stop
        self._facility = facility
        self._program = program
        self._every_s = every_s
        self._batch = batch
        self._who = recorder.who
        self._recorder = recorder
        self._procedure = procedure
        self._priority = priority
        self._asked_s = 0.0
        self._recorded = False
        self._part_due_s = 0.0
        self._ticket = uuid.uuid4().hex
        self._text = ""
        self._begun = False
        self._data: xarray.Dataset | None = None

    @property
    def data(self) -> "xarray.Dataset | None":
        """The data so far, also after a stop; None: there are none."""
        return self._data

    async def stop(self, reason: str = "stopped by who began it") -> None:
        """Stop it; returns once outputs are safe. The loop gets the last dataset and ends."""
        answer = await self._stop(Stop(self._ticket, reason, self._who), StreamPart, messages.Done)
        if isinstance(answer, StreamPart):
            await self._take(answer)

    async def __aiter__(self) -> AsyncGenerator["xarray.Dataset"]:
        """Begin it, and yield the data so far whenever there are more."""
        if self._begun:
            raise RuntimeError(f"{self._program.name}: this stream was begun before; make another")
        self._begun = True
        self._asked_s = time.time()
        self._text = await asyncio.to_thread(to_json, self._program)
        over = False
        pace = self._every_s, self._batch
        begin = BeginStream(self._ticket, self._text, *pace, self._who, self._priority)
        try:
            await self._ask(begin, messages.Done)
            number = 0
            while not over:
                follow = Follow(self._ticket, number, FOLLOW_S)
                answer = await self._ask(follow, StreamPart, messages.Pending)
                if isinstance(answer, StreamPart):
                    number, over = answer.number, answer.ended
                    yield await self._take(answer)
        except RunError as error:
            over = True
            if self._data is not None:
                self._data.attrs["stopped"] = str(error)
                await self._record(self._data)
            else:
                asked = self._asked_s, self._procedure
                await self._recorder.keep_failure(self._program, error, *asked)
            raise
        finally:
            if not over:
                await asyncio.shield(self._leave())

    async def _leave(self) -> None:
        try:
            await self.stop("interrupted")
        except RunError as error:
            if self._data is not None:
                self._data.attrs["stopped"] = f"interrupted; whether it is safe: {error}"

    async def _take(self, part: StreamPart) -> "xarray.Dataset":
        complete = part.ended and not part.stopped
        attributes = attributes_of(part, self._program, self._facility, self._text, self._who)
        attributes |= {
            "complete": int(complete),
            "shots": self._program.shots,
            "shots_done": part.shots_done,
            "done": part.done,
            "batches": part.batches,
        }
        if part.stopped:
            attributes |= {"stopped": part.stopped, "stopped_by": part.stopped_by}
        data = await asyncio.to_thread(dataset_of, self._program, part.captures, attributes)
        name_in(data, part.snapshot)
        self._data = data
        if part.ended:
            await self._record(data)
        elif time.monotonic() >= self._part_due_s:
            asked = self._asked_s, self._procedure
            if self._recorder.keep_part(data, self._program, *asked):
                self._part_due_s = time.monotonic() + PART_S
        return data

    async def _record(self, data: "xarray.Dataset") -> None:
        if not self._recorded:
            self._recorded = True
            await self._recorder.keep(data, self._program, self._asked_s, self._procedure)

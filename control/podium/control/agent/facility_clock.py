"""Tells the facility's time to who dates readings: by a clock here, another agent's, or the host's.

The clock is asked once for all that is dated at about the same time, and one question is on its
way at a time: a clock that hangs delays nobody by more than :data:`WAIT_S`.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

from podium.control.agent.instruments import Instruments
from podium.control.agent.owners import owners_of
from podium.control.bus.bus import Bus
from podium.control.bus.log import event_log
from podium.control.bus.messages import Failed, Now, Time, ask
from podium.control.bus.readings import LOST_AFTER, clock_key
from podium.control.bus.wire import BadMessage, decode, encode
from podium.control.facility.facility import Facility
from podium.control.facility.instrument_models import clocks_of
from podium.control.timebase.host_clock import host_tai_s
from podium.drivers.errors import InstrumentError
from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.firmware_interfaces.tai import Tai

WAIT_S = 1.0
"""Readings are not kept back for longer by a clock that does not answer."""
TOGETHER_S = 0.02
"""What is dated within this by the wall's clock has one time."""

log = event_log("agent")


class FacilityClock:
    """One agent's way to the facility's time."""

    def __init__(
        self,
        agent: str,
        facility: Facility,
        instruments: Instruments,
        bus: Bus,
        now: Callable[[], Awaitable[Tai]],
        busy: Callable[[], str],
    ) -> None:
        """``now`` asks the clock among the own instruments; ``busy`` says what the agent does."""
        self._agent = agent
        self._facility = facility
        self._instruments = instruments
        self._bus = bus
        self._now = now
        self._busy = busy
        self._question: asyncio.Task[Tai | None] | None = None
        self._unanswered = 0
        self._asked_s = 0.0
        """When the last question began, by the wall's clock that never goes back."""
        self._tasks: asyncio.TaskGroup | None = None
        self._source = self._chosen()

    async def keep(self) -> None:
        """Let questions be asked until cancelled; before, there is no time."""
        if self.of_host:
            log.info("no instrument tells the time: readings bear the date of this computer")
        key = clock_key(self._facility.name, self._agent)
        async with AsyncExitStack() as held:
            if self._instruments.playing("Clock"):
                await held.enter_async_context(self._bus.serve(key, self._answer))
            async with asyncio.TaskGroup() as self._tasks:
                await asyncio.Event().wait()

    async def _answer(self, payload: bytes) -> bytes:
        """Tell another agent the time."""
        try:
            decode(payload, Now)
        except BadMessage as error:
            return encode(Failed("refused", f"{self._agent}: {error}"))
        told = await self.tai()
        if told is None:
            return encode(Failed("failed", f"{self._agent}: its clock does not answer now"))
        return encode(Time(*told))

    def grow(self, facility: Facility) -> None:
        """Take over a facility that has only grown."""
        self._facility = facility
        self._source = self._chosen()

    @property
    def of_host(self) -> bool:
        """Return whether this computer's clock is the facility's."""
        return self._source is None

    def _chosen(self) -> str | None:
        """Return the agent that owns the clock, an own one preferred; None: nobody does."""
        if self._instruments.playing("Clock"):
            return self._agent
        telling = clocks_of(self._facility)
        for agent, owned in owners_of(self._facility).items():
            if telling and telling[0] in owned:
                return agent
        return None

    async def tai(self) -> tuple[int, int] | None:
        """Return the time, TAI in s and fs; None: the clock does not answer now."""
        if self._source is None:
            now = Tai.from_fs(round(host_tai_s() * 1e6) * (FS_PER_S // 10**6))
            return now.seconds, now.femtoseconds
        if self._tasks is None or self._in_a_run():
            return None
        question, now_s = self._question, time.monotonic()
        if question is None or (question.done() and now_s - self._asked_s > TOGETHER_S):
            self._asked_s = now_s
            question = self._question = self._tasks.create_task(self._ask(self._source))
        await asyncio.wait({question}, timeout=max(0.0, self._asked_s + WAIT_S - now_s))
        told = question.result() if question.done() and not question.cancelled() else None
        return None if told is None else (told.seconds, told.femtoseconds)

    def _in_a_run(self) -> bool:
        """Return whether the own clock is a controller that has a run in hand."""
        clocks = self._instruments.playing("Clock")
        players = self._instruments.playing("PulseSequencer")
        return bool(clocks) and clocks[0] in players and bool(self._busy())

    async def _ask(self, source: str) -> Tai | None:
        owned = self._instruments.playing("Clock")
        told = await (self._own(owned[0]) if owned else self._other(source))
        self._unanswered = 0 if told is not None else self._unanswered + 1
        if self._unanswered == LOST_AFTER:
            log.warning("readings have no date: the clock does not answer", clock_of=source)
        return told

    async def _own(self, clock: str) -> Tai | None:
        if self._instruments.workers[clock].health.state != "connected":
            return None
        try:
            return await self._now()
        except InstrumentError:
            return None

    async def _other(self, source: str) -> Tai | None:
        key = clock_key(self._facility.name, source)
        told = await ask(self._bus, key, Now(), Time, timeout_s=WAIT_S)
        return None if isinstance(told, Failed) else Tai(told.tai_s, told.tai_fs)

"""Runs supervision: hears readings, steps the pure parts each second, publishes what it sees.

It owns no driver. What it wants set it asks of the agents, whose interlocks judge. It is no
safety system: the fridge's own interlocks stay in charge.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from podium.control.agent.owners import owners_of
from podium.control.bus.bus import Bus, BusError
from podium.control.bus.cold import (
    Acknowledge,
    AskCold,
    ColdNews,
    ResetAlarm,
    SetService,
    Shelve,
    cold_key,
    cold_news_key,
)
from podium.control.bus.listener import Discarded, listen
from podium.control.bus.log import event_log
from podium.control.bus.messages import Done, Failed
from podium.control.bus.readings import InstrumentReadings, readings_key
from podium.control.bus.wire import BadMessage, decode, encode
from podium.control.facility.facility import Facility
from podium.control.records.latest_readings import LatestReadings
from podium.control.supervision.alarm_keeper import AlarmKeeper, NotWritten
from podium.control.supervision.alarm_states import Instant, NotPossible
from podium.control.supervision.cold_picture import ReadingOwners, wirings_of
from podium.control.supervision.facility_time import FacilityTime
from podium.control.timebase.host_clock import host_tai_s

STEP_S = 1.0
"""Supervision takes a step, and publishes, so often by the wall's clock; sooner after a request."""
REQUESTS = (AskCold, Acknowledge, ResetAlarm, Shelve, SetService)

ALARMS_FILE = "alarms.sqlite"

log = event_log("supervisor")


class Refused(Exception):
    """A request cannot be done. The message says why, and what would be right."""


class Supervisor:
    """Supervises the fridges of a facility."""

    def __init__(
        self,
        facility: Facility,
        bus: Bus,
        *,
        folder: Path | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``folder``: where alarms and history are kept; None: in memory.

        ``clock`` tells s of the wall that never go back.
        """
        self._bus = bus
        self._clock = clock
        self._latest = LatestReadings()
        self._time = FacilityTime()
        self._alarms = AlarmKeeper(facility, None if folder is None else folder / ALARMS_FILE)
        self._number = 0
        self._broken = ""
        """Why the last step could not be taken; empty: it was."""
        self._wake = asyncio.Event()
        self._discarded = Discarded(log)
        self.grow(facility)

    def grow(self, facility: Facility) -> None:
        """Take over a facility that has only grown."""
        self._facility = facility
        self._wirings = wirings_of(facility)
        self._reading_owners = ReadingOwners(facility)
        self._alarms.grow(facility)
        self._agent_of = {
            instrument: agent
            for agent, instruments in owners_of(facility).items()
            for instrument in instruments
        }

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Supervise while the context is open."""
        name = self._facility.name
        async with (
            self._bus.subscribe(readings_key(name, "*")) as told,
            self._bus.serve(cold_key(name), self._answer),
            self._bus.announce(cold_key(name)),
            asyncio.TaskGroup() as tasks,
        ):
            log.info("supervisor up", facility=name)
            works = (
                tasks.create_task(self._hear(told), name="hear readings"),
                tasks.create_task(self._go_on(), name="step"),
            )
            try:
                yield
            finally:
                for work in works:
                    work.cancel()
                await asyncio.wait(works)
                await self._alarms.write()
                self._alarms.close()

    def news(self) -> ColdNews:
        """Return the cold side as it is known now."""
        wall_s = self._clock()
        readings = tuple(self._reading_owners.news(self._latest, wall_s))
        return ColdNews(
            self._number, self._now().tai, readings, self._alarms.news, (), (), (), self._notes()
        )

    def _notes(self) -> tuple[str, ...]:
        return (self._broken,) if self._broken else ()

    def wake(self) -> None:
        """Take the next step at once."""
        self._wake.set()

    def _now(self) -> Instant:
        return Instant(self._time.now(host_tai_s()), self._clock())

    async def _hear(self, told: AsyncIterator[tuple[str, bytes]]) -> None:
        await listen(told, InstrumentReadings, self._note, self._discarded)

    def _note(self, agent: str, readings: InstrumentReadings) -> None:
        """Take readings of an agent, if it owns the instrument that it speaks for."""
        if self._agent_of.get(readings.instrument) != agent:
            self._discarded.add(agent, f"it does not own {readings.instrument}")
            return
        self._latest.hear(readings, self._clock())
        self._time.hear(readings.instrument, readings.tai_fs)

    async def _go_on(self) -> None:
        while True:
            try:
                self._step()
                self._broken = ""
            except Exception as error:  # a mistake of ours must not blind people to the readings
                self._broken = f"supervision cannot go on: {type(error).__name__}: {error}"
                log.error("step failed", error=self._broken)
            await self._alarms.write()
            with suppress(BusError):  # it is published again soon
                await self._bus.publish(cold_news_key(self._facility.name), encode(self.news()))
            self._wake.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(STEP_S):
                    await self._wake.wait()

    def _step(self) -> None:
        self._number += 1
        now = self._now()
        readings = {one.name: one for one in self._latest.all(now.wall_s)}
        views = {
            name: self._latest.view(wiring, now.tai, now.wall_s)
            for name, wiring in self._wirings.items()
        }
        self._alarms.step(views, readings, now)

    async def _answer(self, payload: bytes) -> bytes:
        try:
            return encode(await self._do(decode(payload, *REQUESTS)))
        except (BadMessage, Refused, NotPossible) as error:
            return encode(Failed("refused", f"supervisor: {error}"))
        except NotWritten as error:
            return encode(Failed("failed", f"supervisor: {error}"))

    async def _do(self, request: object) -> object:
        match request:
            case AskCold():
                return self.news()
            case Acknowledge() | ResetAlarm() | Shelve() | SetService():
                await self._alarms.do(request, self._now())
                self.wake()
                return Done()
            case _:
                raise Refused(f"no answer to {type(request).__name__}")

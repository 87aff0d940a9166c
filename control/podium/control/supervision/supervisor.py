"""Runs supervision: hears readings, steps the pure parts each second, publishes what it sees.

It owns no driver. What it wants set it asks of the agents, whose interlocks judge. It is no
safety system: the fridge's own interlocks stay in charge.
"""

import asyncio
import socket
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

from podium.control.agent.owners import owners_of
from podium.control.bus.bus import Bus, BusError
from podium.control.bus.cold import ColdNews, Incidents, cold_key, cold_news_key
from podium.control.bus.listener import Discarded, listen
from podium.control.bus.log import event_log
from podium.control.bus.messages import AgentStatus, Failed, agent_key, ask
from podium.control.bus.news import status_key
from podium.control.bus.operations import Operate, Operated
from podium.control.bus.readings import InstrumentReadings, readings_key
from podium.control.bus.wire import encode
from podium.control.facility.facility import Facility
from podium.control.facility.instrument_models import clocks_of
from podium.control.records.latest_readings import FridgeView, LatestReadings
from podium.control.records.reading_recorder import Recorder
from podium.control.supervision.alarm_keeper import AlarmKeeper
from podium.control.supervision.alarm_states import Instant
from podium.control.supervision.background_work import BackgroundWork
from podium.control.supervision.black_box import BlackBox
from podium.control.supervision.cold_answers import ColdAnswers
from podium.control.supervision.expected_alarms import expected_of
from podium.control.supervision.facility_alarms import RECORDER
from podium.control.supervision.facility_time import FacilityTime
from podium.control.supervision.metrics import ColdCollector, metrics_served
from podium.control.supervision.node_activity import NodeActivity
from podium.control.supervision.notices import Notices, Send
from podium.control.supervision.observers import Observers, Sightings
from podium.control.supervision.procedure_keeper import ProcedureKeeper
from podium.control.supervision.reading_owners import ReadingOwners, wirings_of
from podium.control.supervision.rehearsals import Rehearsals
from podium.control.timebase.host_clock import host_tai_s
from podium.firmware_interfaces.exact_time import FS_PER_S

STEP_S = 1.0
"""Supervision takes a step, and publishes, so often by the wall's clock; sooner after a request."""
CLOCK_S = 30.0
"""After a start nothing is judged or dated before the facility's clock has told the time, or this
has passed; then the host's counts. # ASSUMED: an agent that was killed is there again within it."""
OPERATE_S = 60.0
"""An agent answers an operation within this, or counts as not having answered."""
ALARMS_FILE, HISTORY_FILE, JOURNAL_FILE, INCIDENTS = (
    "alarms.sqlite",
    "history.sqlite",
    "procedures.jsonl",
    "incidents",
)
"""Names within the supervisor's folder."""

log = event_log("supervisor")


class Supervisor:
    """Supervises the fridges of a facility."""

    def __init__(
        self,
        facility: Facility,
        bus: Bus,
        *,
        folder: Path | None = None,
        clock: Callable[[], float] = time.monotonic,
        send_notice: Send | None = None,
    ) -> None:
        """``folder``: where alarms, history and journals are kept; None: in memory.

        ``clock`` tells s of the wall that never go back; ``send_notice``: instead of Apprise.
        """

        def file(name: str) -> Path | None:
            return None if folder is None else folder / name

        self._bus = bus
        self._clock = clock
        self._latest = LatestReadings()
        self._time = FacilityTime()
        self._timed = False
        """Whether the facility's time is known, or its clock has had :data:`CLOCK_S` to tell it."""
        self._began_s = clock()
        self.alarms = AlarmKeeper(facility, file(ALARMS_FILE))
        self.recorder = Recorder(file(HISTORY_FILE))
        self.procedures = ProcedureKeeper(facility, file(JOURNAL_FILE), self._operate)
        incidents = file(INCIDENTS)
        self._black_box = None if incidents is None else BlackBox(incidents, facility.name)
        self._notices = Notices(facility.notices, send_notice)
        self._observers = Observers(facility)
        self.rehearsals = Rehearsals(self._observers)
        self._playing = NodeActivity(facility)
        self._seen = Sightings()
        self.views: Mapping[str, FridgeView] = {}
        """By fridge, as of the last step."""
        self._number = self._heard = 0
        self._step_s = 0.0
        """How long the last step took."""
        self._broken = ""
        """Why the last step could not be taken; empty: it was."""
        self._unwritten = ""
        """Why an incident could not be written; empty: it was."""
        self._wake = asyncio.Event()
        self._discarded = Discarded(log)
        self.grow(facility)

    def grow(self, facility: Facility) -> None:
        """Take over a facility that has only grown."""
        self._facility = facility
        self._timed = self._timed or not clocks_of(facility)
        self._wirings = wirings_of(facility)
        self._reading_owners = ReadingOwners(facility)
        for one in (self.alarms, self.procedures, self._observers, self._playing):
            one.grow(facility)
        self._agent_of = {
            instrument: agent
            for agent, instruments in owners_of(facility).items()
            for instrument in instruments
        }

    @asynccontextmanager
    async def running(self, metrics: socket.socket | None = None) -> AsyncGenerator[None]:
        """Supervise while the context is open; ``metrics``: bound, where they are served."""
        name = self._facility.name
        async with AsyncExitStack() as stack:
            stack.callback(self._close)
            if metrics is not None:
                collector = ColdCollector(self.news, self._counters)
                await stack.enter_async_context(metrics_served(metrics, collector))
            told = await stack.enter_async_context(self._bus.subscribe(readings_key(name, "*")))
            does = await stack.enter_async_context(self._bus.subscribe(status_key(name, "*")))
            work = await stack.enter_async_context(BackgroundWork.opened())
            answers = ColdAnswers(self, work)
            await stack.enter_async_context(self._bus.serve(cold_key(name), answers.answer))
            await stack.enter_async_context(self._bus.announce(cold_key(name)))
            log.info("supervisor up", facility=name)
            work.begin(self._hear(told), "hear readings")
            work.begin(self._hear_status(does), "hear agents")
            work.begin(self._notices.keep_sending(), "send notices")
            steps = work.begin(self._go_on(work), "step")
            try:
                yield
            finally:
                steps.cancel()
                await asyncio.wait((steps,))
                await self.alarms.write()
                await self.recorder.flush()

    def _close(self) -> None:
        for one in (self.alarms, self.recorder, self.procedures):
            one.close()

    def news(self) -> ColdNews:
        """Return the cold side as it is known now."""
        readings = tuple(self._reading_owners.news(self._latest, self._clock()))
        return ColdNews(
            self._number,
            self.now().tai,
            readings,
            self.alarms.news,
            self.procedures.news,
            self._seen.countdowns,
            self._seen.findings,
            self._notes(),
        )

    @property
    def incidents(self) -> Incidents:
        """The incidents that are kept."""
        return Incidents(() if self._black_box is None else self._black_box.incidents)

    def wake(self) -> None:
        """Take the next step at once."""
        self._wake.set()

    def now(self) -> Instant:
        """Return the facility's time, and the wall's."""
        return Instant(self._time.now(host_tai_s()), self._clock())

    def _notes(self) -> tuple[str, ...]:
        stands_still = self.procedures.problem
        notes = (
            self._broken,
            self._unwritten,
            self._notices.problem,
            f"procedures stand still: {stands_still}" if stands_still else "",
            *self._seen.notes,
        )
        return tuple(note for note in notes if note)

    def _counters(self) -> tuple[tuple[str, str, float], ...]:
        return (
            ("readings", "Readings of channels that were heard", self._heard),
            ("steps", "Steps taken", self._number),
            ("recorded", "Readings that were recorded", self.recorder.recorded),
            ("notices", "Notices that were sent", self._notices.sent),
            ("discarded", "Messages that could not be used", self._discarded.count),
        )

    # What agents tell

    async def _hear(self, told: AsyncIterator[tuple[str, bytes]]) -> None:
        await listen(told, InstrumentReadings, self._note, self._discarded)

    def _note(self, agent: str, readings: InstrumentReadings) -> None:
        """Take readings of an agent, if it owns the instrument that it speaks for."""
        if self._agent_of.get(readings.instrument) != agent:
            self._discarded.add(agent, f"it does not own {readings.instrument}")
            return
        self._heard += len(readings.readings)
        self._latest.hear(readings, self._clock())
        self._time.hear(readings.instrument, readings.tai_fs)
        self._timed = self._timed or self._time.told
        if self._timed:
            told = readings.tai_fs
            at_s = self.now().tai_s if told is None else told[0] + told[1] / FS_PER_S
            self.recorder.hear(readings, at_s)

    async def _hear_status(self, told: AsyncIterator[tuple[str, bytes]]) -> None:
        def note(agent: str, status: AgentStatus) -> None:
            self._playing.hear(agent, status, self._clock())

        await listen(told, AgentStatus, note, self._discarded)

    # Steps

    async def _go_on(self, work: BackgroundWork) -> None:
        while True:
            began_s = time.monotonic()
            self._timed = self._timed or self._clock() - self._began_s >= CLOCK_S
            try:
                if self._timed:
                    await self._step(work)
                self._broken = ""
            except Exception as error:  # a mistake of ours must not blind people to the readings
                self._broken = f"supervision cannot go on: {type(error).__name__}: {error}"
                log.error("step failed", error=self._broken)
            with suppress(BusError):  # it is published again soon
                await self._bus.publish(cold_news_key(self._facility.name), encode(self.news()))
            self._step_s = time.monotonic() - began_s
            self._wake.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(STEP_S):
                    await self._wake.wait()

    async def _step(self, work: BackgroundWork) -> None:
        self._number += 1
        now = self.now()
        readings = {one.name: one for one in self._latest.all(now.wall_s)}
        self.views = views = {
            name: self._latest.view(wiring, now.tai, now.wall_s)
            for name, wiring in self._wirings.items()
        }
        self._seen = self._observers.step(views, self._playing.now(now.wall_s))
        runs = self.procedures.running()
        dead = self.recorder.problem
        self.alarms.step(
            views,
            readings,
            now,
            contradictions={**self._seen.contradictions, **self.rehearsals.left(runs, views)},
            failures={} if dead is None else {RECORDER: dead},
            suppressed=expected_of(runs),
        )
        await self.procedures.step(views, work, now.wall_s)
        self._notices.hear(self.alarms.news, self._seen.countdowns)
        await self.alarms.write()
        await self.recorder.flush_if_due(now.wall_s)
        await self._keep_incidents(now)

    async def _keep_incidents(self, now: Instant) -> None:
        """Write the incidents that begin, with what was before, and those that are complete."""
        box = self._black_box
        if box is None:
            return
        begun = box.hear(self.alarms.news)
        for head, complete in (
            *((one, False) for one in begun),
            *((one, True) for one in box.due(now.tai_s)),
        ):
            courses = await self.recorder.between(*head.span_s)
            try:
                await asyncio.to_thread(
                    box.write, head.name, courses, self._reading_owners.of, complete=complete
                )
                self._unwritten = ""
            except OSError as error:
                self._unwritten = f"incident {head.name} cannot be written: {error}"
                log.error("incident not written", name=head.name, error=str(error))
                return

    async def _operate(self, one: Operate) -> Operated | str:
        """Ask the agent that owns the instrument; its interlocks judge."""
        agent = self._agent_of.get(one.instrument)
        if agent is None:
            return f"there is no instrument {one.instrument!r}"
        key = agent_key(self._facility.name, agent)
        answer = await ask(self._bus, key, one, Operated, timeout_s=OPERATE_S)
        return answer.message if isinstance(answer, Failed) else answer

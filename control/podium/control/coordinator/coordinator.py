"""Allots agents to runs, plays them, collects. The coordinator owns no instrument."""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace

from podium.control.bus import manual_access, messages
from podium.control.bus.bus import Bus
from podium.control.bus.direct_fires import DirectFireFailed
from podium.control.bus.findings import FindingSeen
from podium.control.bus.idle_memory import give_back_memory
from podium.control.bus.log import event_log
from podium.control.bus.messages import Failed
from podium.control.bus.mixers import CalibrateMixers
from podium.control.bus.offload import offload
from podium.control.bus.prepared_programs import ProgramFired, ProgramPrepared
from podium.control.bus.prepared_requests import FireProgram, PrepareProgram
from podium.control.bus.procedures import ProcedureStep
from podium.control.bus.queue import (
    AskQueue,
    CancelReservation,
    CancelWork,
    Reserve,
    SetPriority,
)
from podium.control.bus.snapshots import TakeSnapshot
from podium.control.bus.streams import AskStreams, BeginStream, Follow, Stop
from podium.control.bus.tickets import GivenUp, NoSuchTicket, Tickets
from podium.control.bus.wire import BadMessage, decode, encode
from podium.control.coordinator.agent_directory import AgentDirectory
from podium.control.coordinator.allocation import (
    Participants,
    participants_of,
    participants_of_loopback,
)
from podium.control.coordinator.findings_file import FindingsFile
from podium.control.coordinator.fire_grants import FireGrants
from podium.control.coordinator.jobs import BEFORE, Jobs
from podium.control.coordinator.manual_requests import ManualRequests
from podium.control.coordinator.outputs import Outputs
from podium.control.coordinator.prepared_programs import PreparedPrograms
from podium.control.coordinator.questions import Questions
from podium.control.coordinator.queue import WorkQueue, check_priority
from podium.control.coordinator.queue_file import QueueFile
from podium.control.coordinator.queue_news import QueuePublisher
from podium.control.coordinator.queue_requests import QUEUE_REQUESTS, QueueRequests, agents_of
from podium.control.coordinator.repeated_requests import as_failed
from podium.control.coordinator.request_log import RequestLog
from podium.control.coordinator.run_news import RunPublisher
from podium.control.coordinator.run_player import RunPlayer, RunRecord, Work, raise_stopped
from podium.control.coordinator.skews import Skews
from podium.control.coordinator.streaming import Streaming
from podium.control.facility.facility import Facility
from podium.control.program.loopback import Loopback
from podium.control.program.program import Program
from podium.control.program.serialise import NotAProgram
from podium.control.runs.errors import RunError, RunFailed, RunRefused
from podium.control.runs.journal import JobAccepted, Journal, MemoryJournal
from podium.control.runs.run_values import Patience
from podium.control.timebase.drift_filter import NO_THERMOMETER
from podium.control.timebase.host_clock import host_tai_s
from podium.control.timebase.lead_time import LeadTime
from podium.control.timebase.skew_ledger import MemorySkewStore, SkewLedger, SkewPersistence
from podium.control.timebase.skew_messages import (
    AskSkews,
    AskStartSettings,
    RecordSkews,
    SkewsKnown,
    StartSettings,
)
from podium.control.timebase.start_setting import StartSetting
from podium.control.timebase.timed_program import timed_from_json
from podium.firmware_interfaces.tai import Tai

log = event_log("coordinator")

REQUESTS = (
    messages.Begin,
    messages.Await,
    messages.Cancel,
    messages.Read,
    messages.Now,
    messages.Status,
    ProcedureStep,
    FindingSeen,
    BeginStream,
    Follow,
    Stop,
    DirectFireFailed,
    AskStreams,
    manual_access.Examine,
    manual_access.Ask,
    manual_access.Release,
    manual_access.TakeBack,
    TakeSnapshot,
    AskSkews,
    AskStartSettings,
    RecordSkews,
    *QUEUE_REQUESTS,
)


class Coordinator:
    """Answers clients; asks agents."""

    def __init__(
        self,
        facility: Facility,
        bus: Bus,
        *,
        accepted: Journal | None = None,
        patience: Patience | None = None,
        lead: LeadTime | None = None,
        skews: SkewPersistence | None = None,
        findings: FindingsFile | None = None,
        reservations: QueueFile | None = None,
    ) -> None:
        """``accepted``: where runs are kept that were accepted; None: they die with it.

        ``skews``: where measured skews are kept; None: they die with it, too. ``lead``: what is
        known of how long before a start FIRE is to be sent. ``findings``: what was found wrong with
        the files of the facility, and nobody has looked at yet. ``reservations``: where those are
        kept; None: they die with it.
        """
        self._facility = facility
        self._bus = bus
        self._agents = self.agents = AgentDirectory(facility, bus)
        self._runs = RunPublisher(bus, facility.name)
        if findings is not None:
            self._runs.findings = findings
        self._refused = 0
        """Programs that did not become runs."""
        self._request_log = RequestLog()
        queue = self._queue = WorkQueue(reservations)
        self._grants = FireGrants(bus, facility.name, queue, self._runs, self._request_log)
        self._outputs = Outputs(facility, bus, self._agents, queue, self._request_log)
        self._questions = Questions(facility, bus, self._agents)
        self._manual = ManualRequests(bus, self._agents, queue, self._questions, self._request_log)
        self._skews = Skews(facility, SkewLedger(skews or MemorySkewStore(), model=NO_THERMOMETER))
        self._unsettled: dict[str, RunRecord] = {}
        """Runs of which it is not known yet whether they will be done."""
        self._singles: dict[str, RunRecord] = {}
        """Runs in one piece that are on, by their ids."""
        kept, session = accepted or MemoryJournal(), int(host_tai_s())
        self._queue_publisher = QueuePublisher(bus, facility.name, queue, self._runs)
        self._jobs = Jobs(facility, bus, self._agents, queue, kept, session, patience, lead)
        self._queue_requests = QueueRequests(queue, self._agents_of, self._jobs.keep_priority)
        self._player = RunPlayer(
            bus,
            facility.digest,
            self._jobs,
            queue,
            self._runs,
            self._request_log,
            self._singles,
            self._questions.snapshot,
        )
        self._streams = Streaming(
            facility.digest,
            self._runs,
            self._work_of,
            self._player,
            queue,
            self._questions.snapshot,
            self._request_log,
        )
        about = facility.digest, self._work_of, self._player, self._runs, self._request_log
        self._prepared = PreparedPrograms(*about, self._questions.snapshot, self._grants)
        self._work: Tickets

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Coordinate while the context is open; leaving it aborts what is on."""
        key = messages.coordinator_key(self._facility.name)
        async with (
            self._agents.watching(),
            self._runs.telling(),
            self._queue_publisher.telling(),
            self._jobs.running(),
            self._grants.running(),
            Tickets.opened() as self._work,
            self._bus.serve(key, self._answer),
            self._bus.announce(key),
            asyncio.TaskGroup() as tasks,
        ):
            log.info("coordinator up", facility=self._facility.name)
            for left in self._jobs.left_over.values():
                self._go_on(left)
            memory = tasks.create_task(give_back_memory(lambda: self._runs.on), name="memory")
            try:
                yield
            finally:
                memory.cancel()
                self._queue.close()

    def grow(self, facility: Facility) -> None:
        """Take over a facility that has only grown; what runs goes on."""
        self._facility = facility
        for one in (self._agents, self._outputs, self._questions, self._skews):
            one.grow(facility)
        self._streams.grow(facility.digest)
        self._prepared.grow(facility.digest)
        self._player.grow(facility.digest)

    async def _answer(self, payload: bytes) -> bytes:
        try:
            return encode(await self._do(decode(payload, *REQUESTS)))
        except (BadMessage, NoSuchTicket) as error:
            return encode(Failed("refused", f"coordinator: {error}"))
        except GivenUp as error:
            return encode(Failed("failed", str(error)))
        except RunError as error:
            return encode(as_failed(error))

    async def _do(self, request: object) -> object:
        if isinstance(request, messages.Begin) and not self._work.known(request.ticket):
            self._runs.procedures.check(request.procedure)
            check_priority(request.priority)
        match request:
            case messages.Begin(
                ticket, messages.RunProgram() | messages.RunLoopback() as work, wait_s, by
            ):
                single = RunRecord(ticket, by, work, request.procedure, priority=request.priority)
                if not self._work.known(ticket):
                    self._work.begin(ticket, lambda: self._counted(single, work.program))
                    self._unsettled[ticket] = single
                ended = await self._end(ticket, wait_s)
                if isinstance(ended, messages.Pending) and ticket in self._unsettled:
                    await self._work.meanwhile(ticket, self._unsettled[ticket].settled)
                return ended
            case messages.Begin(
                ticket, PrepareProgram() | FireProgram() as asked, wait_s, by, procedure, priority
            ):
                record = RunRecord(ticket, by, asked, procedure, priority=priority)
                self._work.begin(ticket, lambda: self._stoppable(record))
                return await self._end(ticket, wait_s)
            case messages.Begin(ticket, messages.Bias(volts), wait_s):
                self._work.begin(ticket, lambda: self._outputs.move(request, volts))
                return await self._end(ticket, wait_s)
            case messages.Begin(ticket, CalibrateMixers(ports), wait_s):
                self._work.begin(ticket, lambda: self._outputs.calibrate_mixers(request, ports))
                return await self._end(ticket, wait_s)
            case messages.Await(ticket, wait_s):
                return await self._end(ticket, wait_s)
            case messages.Cancel(ticket):
                await self._work.cancel(ticket)
                return messages.Done()
            case FindingSeen(finding, by):
                return await self._looked_at(finding, by)
            case ProcedureStep():
                self._runs.procedures.note(request)
                return messages.Done()
            case Stop(name) if self._runs.procedures.knows(name):
                return await self._stop_procedure(request)
            case Stop(run) if run in self._singles:
                return await self._stop(self._singles[run], request)
            case Stop() | DirectFireFailed() if self._prepared.concerns(request):
                return await self._prepared.answer(request)
            case BeginStream() | Follow() | Stop() | AskStreams():
                return await self._streams.answer(request, self._work)
            case messages.Read(instrument, _) as read:
                return await self._questions.of_owner(instrument, read, messages.Reading)
            case manual_access.Examine(instrument):
                return await self._questions.of_owner(instrument, request, manual_access.Examined)
            case TakeSnapshot():
                return await self._questions.snapshot()
            case manual_access.Ask() | manual_access.Release() | manual_access.TakeBack():
                return await self._manual.do(request)
            case AskQueue() | CancelWork() | SetPriority() | Reserve() | CancelReservation():
                return await self._queue_requests.answer(request)
            case messages.Now():
                return await self._questions.now()
            case RecordSkews(ticket):
                self._work.begin(ticket, lambda: self._record(request))
                return await self._end(ticket, None)
            case AskSkews():
                return await self._known_skews()
            case AskStartSettings(nodes, corrected):
                named = nodes or tuple(self._facility.timing.markers)
                return StartSettings(await self._settings_of(Loopback(named), corrected))
            case messages.Status():
                return await self._status()
            case _:
                raise RunRefused(f"coordinator: no answer to {type(request).__name__}")

    async def _end(self, ticket: str, wait_s: float | None) -> object:
        ended = await self._work.end(ticket, wait_s)
        return messages.Pending(self._queue.why(ticket)) if ended is None else ended

    # Runs

    async def _stoppable(self, record: RunRecord) -> ProgramPrepared | ProgramFired:
        try:
            return await self._prepared.do(record)
        except asyncio.CancelledError:
            raise_stopped(record)
            raise

    async def _counted(self, single: RunRecord, text: str) -> messages.RunDone:
        try:
            return await self._run(single, text)
        except asyncio.CancelledError:
            raise_stopped(single)
            raise
        except RunError as error:
            self._refused += not single.run
            run = {"run": single.run} if single.run else {}
            log.warning("run failed", **run, by=single.by, error=str(error))
            raise
        finally:
            self._unsettled.pop(single.ticket, None)

    def _go_on(self, left: JobAccepted) -> None:
        """Go on with what a coordinator before this one has accepted."""
        work = messages.RunProgram(left.program)
        asked_s = left.asked_s or time.time()
        by, ticket = left.by or BEFORE, left.ticket
        single = RunRecord(ticket, by, work, priority=left.priority, asked_s=asked_s)
        self._work.begin(ticket, lambda: self._counted(single, left.program))

    def _agents_of(self, name: str) -> tuple[str, ...]:
        owned = {one.name: one.welcome.instruments for one in self._agents.agents if one.welcome}
        return agents_of(self._facility, lambda: owned)(name)

    async def _stop(self, single: RunRecord, request: Stop) -> messages.Done:
        if not single.stopped:
            single.stopped = request.reason or "stopped"
            single.stopped_by = request.by
            log.warning("run stopped", run=single.run, reason=single.stopped, by=request.by)
        await self._work.cancel(single.ticket)
        return messages.Done()

    async def _looked_at(self, finding: str, by: str) -> messages.Done:
        try:
            await asyncio.to_thread(self._runs.looked_at, finding, by)
        except KeyError:
            raise RunRefused(f"there is no finding {finding!r}") from None
        except OSError as error:
            raise RunFailed(f"that somebody has looked could not be kept: {error}") from error
        return messages.Done()

    async def _stop_procedure(self, request: Stop) -> messages.Done:
        reason = self._runs.procedures.stop(request.stream, request.reason, request.by)
        mine = [one for one in self._unsettled.values() if one.procedure == request.stream]
        for single in mine:
            await self._stop(single, Stop(single.run, reason, request.by))
        return messages.Done()

    async def _run(self, single: RunRecord, text: str) -> messages.RunDone:
        try:
            timed = await offload(len(text), timed_from_json, text)
        except NotAProgram as error:
            raise RunRefused(f"the program cannot be read: {error}") from error
        if (left := self._jobs.left_over.get(single.ticket)) is not None:
            owners = tuple(map(self._agents.named, left.agents))
            work = Work(timed.program, owners, left.at_once, timed.starts, timed.lines)
            return await self._player.run(single, work, left.program)
        match timed.program, single.work:
            case Loopback() as loopback, messages.RunLoopback():
                players = await participants_of_loopback(loopback, self._facility, self._agents)
                work = Work(loopback, players.owners, False, timed.starts)
            case Program() as program, messages.RunProgram(_, at_a_time, corrected):
                work = await self._work_of(program, at_a_time=at_a_time, corrected=corrected)
                work = replace(work, lines=timed.lines)
                if work.starts:
                    text = await asyncio.to_thread(work.text)
            case other, _:
                raise RunRefused(f"a {type(other).__name__} is not what this request plays")
        return await self._player.run(single, work, text)

    async def _work_of(
        self, program: Program, *, at_a_time: bool = False, corrected: bool = True
    ) -> Work:
        """Return by whom ``program`` is played, and how it is started."""
        players = await participants_of(program, self._facility, self._agents)
        if not at_a_time and len(players.owners) == len(players.controllers) == 1:
            return Work(program, players.owners, at_once=True)
        settings = {}
        if self._facility.timing.triggers:
            corrected = corrected and len(players.nodes) > 1
            settings = await self._settings(program.name, players, corrected)
        return Work(program, players.owners, False, settings)

    async def _settings_of(self, loopback: Loopback, corrected: bool) -> dict[str, StartSetting]:
        players = await participants_of_loopback(loopback, self._facility, self._agents)
        return await self._settings(loopback.name, players, corrected)

    async def _settings(
        self, what: str, players: Participants, corrected: bool
    ) -> dict[str, StartSetting]:
        if not corrected:
            return self._skews.as_wired(players.controllers)
        now = await self._questions.ask(players.owners[0], messages.Now(), messages.Time)
        return self._skews.corrected(what, players.controllers, Tai(now.tai_s, now.tai_fs))

    async def _record(self, request: RecordSkews) -> messages.Done:
        with self._request_log.doing(f"record skews against {request.found.reference}", request.by):
            await self._skews.record(request)
        return messages.Done()

    async def _known_skews(self) -> SkewsKnown:
        told = await self._questions.now()
        epochs, unheard = await self._questions.epochs()
        return self._skews.known(Tai(told.tai_s, told.tai_fs), epochs, unheard)

    async def _status(self) -> messages.FacilityStatus:
        statuses: list[messages.AgentStatus] = []
        missing: list[str] = []
        for name, answer in (await self._questions.statuses()).items():
            if isinstance(answer, messages.AgentStatus):
                statuses.append(answer)
                problem = self._agents.named(name).condition() or self._jobs.problem(name)
            else:
                problem = answer
            if problem:
                missing.append(f"agent {name}: {problem}")
        owned = {one.name for status in statuses for one in status.instruments}
        missing += [
            f"{name}: no agent owns it" for name in self._facility.instruments if name not in owned
        ]
        return messages.FacilityStatus(
            self._facility.name,
            tuple(statuses),
            tuple(missing),
            self._runs.done,
            self._runs.failed + self._refused,
            self._request_log.latest(),
            await self._questions.refusals(),
            self._runs.lost,
            self._runs.findings.unseen,
        )

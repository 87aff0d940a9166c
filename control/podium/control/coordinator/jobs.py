"""Carries out the coordinator's side of the run protocol, over the bus.

What is accepted is on the disk before it is reported; the next coordinator goes on with it. For
agents it waits in the queue in which everything else does.
"""

import asyncio
import time
from collections import Counter, deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Any

from podium.control.bus import messages
from podium.control.bus.bus import Bus
from podium.control.bus.fire_data import FireData
from podium.control.bus.listener import Discarded, listen
from podium.control.bus.log import event_log
from podium.control.bus.messages import Failed, RunId, ask
from podium.control.bus.wire import BadMessage, decode
from podium.control.coordinator.agent_directory import ENDED, GONE_S, AgentDirectory
from podium.control.coordinator.queue import WorkQueue
from podium.control.coordinator.queue_values import QueuedWork
from podium.control.facility.facility import Facility
from podium.control.runs.coordinator_machine import CoordinatorSide
from podium.control.runs.coordinator_values import (
    Action,
    AskTurn,
    ClockKnown,
    ClockUnknown,
    Event,
    Gone,
    Keep,
    ResultReceived,
    StandAside,
    Submitted,
    Tell,
    TurnHeld,
    Withdrawn,
)
from podium.control.runs.errors import (
    RunDoesNotFit,
    RunError,
    RunFailed,
    RunRefused,
    StartLate,
    StartPartial,
)
from podium.control.runs.journal import (
    JobAccepted,
    JobEnded,
    JobForgotten,
    Journal,
    JournalTaken,
)
from podium.control.runs.messages import (
    Answer,
    Beat,
    Fire,
    Greet,
    OfRun,
    Prepare,
    Request,
    is_answer_to,
)
from podium.control.runs.run_values import AskTime, Patience, Send, TimePassed
from podium.control.timebase.lead_time import LeadTime
from podium.firmware_interfaces.tai import Tai

ANSWER_S = 5.0
"""Deadline for one answer; the request is said again, also before that."""
CLOCK_S = 5.0
FIRES = 3
"""So many FIREs of a run are on their way to an agent at once: a lost one costs a start, so it is
said again before its answer could be missed; a slow agent is not buried in them."""
KEPT = 32
"""So many jobs that have ended can be asked for by whoever missed the answer."""
BEFORE = "somebody, before the coordinator was started again"
KEPT_BYTES = 1 << 20
"""The end of a job with more data than this is not written to the disk: if the coordinator dies
before it has told it, or within a while after, the job is done again."""
KEPT_LARGE = 4
"""So many of those are held: runs of single shots bring some ten megabytes each."""
RECEIVED_S = 60.0
"""So long after such a job's end whoever asked has its data: no later coordinator plays it."""

RequestName = tuple[str, type[Request], RunId | None]
"""Agent, kind of request and run: of one run no two requests of a kind differ."""

log = event_log("coordinator")


class CoordinatorReplaced(RuntimeError):
    """Another coordinator has taken over: this one ends, and touches nothing."""


@dataclass(eq=False, slots=True)
class Job:
    """A run that was submitted, as far as it is known."""

    wanted: QueuedWork
    accepted: asyncio.Future[None]
    begun: asyncio.Future[RunId]
    ended: asyncio.Future[JobEnded]
    kept: bool = True
    """Whether it can be asked for once it has ended."""
    turn: AsyncExitStack | None = None
    """Gives back its agents; None: it has none."""
    taking: asyncio.Task[None] | None = None
    cancelled: str = ""
    """Why it does not begin: somebody has cancelled it while it waited."""
    waiting: list[asyncio.Future[None]] = field(default_factory=list)
    """Who waits for its end; woken as it comes, without a turn of the loop in between."""

    @property
    def ticket(self) -> str:
        """Return what names it."""
        return self.wanted.ticket

    async def over(self) -> None:
        """Return once it has ended; whoever gives up waiting ends nothing."""
        if not self.ended.done():
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self.waiting.append(waiter)
            await waiter


class Jobs:
    """Has jobs done while :meth:`running`.

    Events are handled as they come, in the task of whoever brings them: a fire of a prepared
    program has eight, and each would cost a turn of the loop. What comes before it runs waits.
    """

    def __init__(
        self,
        facility: Facility,
        bus: Bus,
        agents: AgentDirectory,
        queue: WorkQueue,
        journal: Journal,
        session: int,
        patience: Patience | None = None,
        lead: LeadTime | None = None,
    ) -> None:
        """``session``: above those of earlier coordinators; TAI seconds, as any clock has them."""
        self._facility = facility
        self._bus = bus
        self._agents = agents
        self._queue = queue
        self._journal = journal
        entries = journal.entries()
        self._side = CoordinatorSide(session, entries, patience, lead, asks_turns=True)
        self._events: deque[Event] = deque()
        """Waiting, in their order: while another is handled, or before it runs."""
        self._handles = False
        """Whether events may be handled now."""
        self._broken: asyncio.Future[None]
        """Fails with what broke down while an event was handled."""
        self._timer: asyncio.TimerHandle | None = None
        """Wakes the machine when it wants to know that time has passed."""
        self._to_keep: asyncio.Queue[Keep | Tell] = asyncio.Queue()
        self._keeping = 0
        """So many are in that queue, or on their way from it."""
        self._discarded = Discarded(log)
        self._jobs: dict[str, Job] = {}
        self._ended: list[str] = []
        self._told_unkept: dict[str, asyncio.TimerHandle] = {}
        """Jobs that have ended with too much data to be kept, as long as they may be missed."""
        self._on_its_way: Counter[RequestName] = Counter()
        self._tasks: asyncio.TaskGroup
        self._running: set[asyncio.Task[None]] = set()
        self._kept = {one.ticket: one for one in entries if isinstance(one, JobAccepted)}
        self._before = {one.ticket: one for one in entries if isinstance(one, JobEnded)}

    @property
    def session(self) -> int:
        """Number of this coordinator, above all before it."""
        return self._side.session

    @property
    def lead_fs(self) -> int:
        """The lead between the reading of the clock and the next start."""
        return self._side.lead.lead_fs

    def problem(self, agent: str) -> str:
        """Return why an agent takes no part in a start at a time; empty: it can, or was never
        seen."""
        seen = {one.agent: one.unwell for one in self._side.attendance.agents}
        return seen.get(agent, "")

    @property
    def left_over(self) -> Mapping[str, JobAccepted]:
        """Return what earlier coordinators have accepted and nobody was thanked for, by ticket."""
        return self._kept

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Do what is accepted while the context is open. Raises :class:`CoordinatorReplaced`."""
        name = self._facility.name
        for ticket, accepted in self._kept.items():
            job = self._job(_wanted_before(accepted))
            job.accepted.set_result(None)
            if (ended := self._before.get(ticket)) is not None:
                self._over(job, ended)
        async with (
            self._bus.subscribe(messages.heartbeat_key(name, "*")) as beats,
            self._bus.watch(messages.agent_key(name, "*")) as presences,
            asyncio.TaskGroup() as self._tasks,
        ):

            def note(agent: str, beat: messages.Heartbeat) -> None:
                self._happen(Beat(agent, beat.life))

            async def hear() -> None:
                await listen(beats, messages.Heartbeat, note, self._discarded)

            async def follow() -> None:
                async for presence in presences:
                    if not presence.alive:
                        self._soon(self._gone(presence.key.rpartition("/")[2]))

            for action in self._side.begin():
                await self._keep_one(action)
            self._broken = asyncio.get_running_loop().create_future()
            work = [
                self._tasks.create_task(self._ends_broken()),
                self._tasks.create_task(self._or_broken(hear)),
                self._tasks.create_task(self._or_broken(follow)),
                self._tasks.create_task(self._or_broken(self._keep)),
            ]
            self._handles = True
            self._happen(TimePassed())
            try:
                yield
            finally:
                self._handles = False
                if self._timer is not None:
                    self._timer.cancel()
                for task in (*work, *self._running):
                    task.cancel()
                self._forget_unkept()
                for job in self._jobs.values():
                    if job.taking is not None:
                        job.taking.cancel()
                    if job.turn is not None:
                        await job.turn.aclose()

    def _forget_unkept(self) -> None:
        """Have no later coordinator play again what has ended, though its data were not kept."""
        for ticket, timer in self._told_unkept.items():
            timer.cancel()
            try:
                self._journal.keep(JobForgotten(ticket))
            except (JournalTaken, OSError) as error:
                log.warning("the next coordinator may play it again", ticket=ticket, why=str(error))

    def submit(self, submitted: Submitted, wanted: QueuedWork) -> Job:
        """Have a program (JSON) played; the ticket is used once: of a job that is known already,
        or left over, that one is returned. ``wanted``: how it stands in the queue."""
        job = self._jobs.get(submitted.ticket)
        if job is not None:
            self._queue.name(wanted.ticket, wanted.what, wanted.procedure)
        else:
            job = self._job(wanted)
            job.kept = submitted.kept
            self._happen(submitted)
        return job

    def keep_priority(self, ticket: str, priority: int) -> None:
        """Have a job that waits keep another priority, should this process end."""
        accepted = self._side.accepted(ticket)
        if accepted is not None:
            self._keeping += 1
            self._to_keep.put_nowait(Keep(replace(accepted, priority=priority)))

    def withdraw(self, ticket: str) -> None:
        """Let a job not go on; it ends as soon as that can be done without harm."""
        self._happen(Withdrawn(ticket))

    async def until_ended(self, job: Job) -> None:
        """Return once a job has ended, or nothing is handled any longer: it then ends elsewhere."""
        either: set[asyncio.Future[Any]] = {job.ended, self._broken}
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)

    def _job(self, wanted: QueuedWork) -> Job:
        loop = asyncio.get_running_loop()
        futures = loop.create_future(), loop.create_future(), loop.create_future()
        job = self._jobs[wanted.ticket] = Job(wanted, *futures)
        return job

    # The machine

    def _happen(self, event: Event) -> None:
        """Handle an event, and after it those that came meanwhile."""
        self._events.append(event)
        if not self._handles:
            return
        self._handles = False
        try:
            while self._events:
                self._handle(self._events.popleft())
        except Exception as error:  # it is nobody's who brings an event: the coordinator ends
            self._break_down(error)
            return
        self._handles = True
        self._wake_when_due()

    def _handle(self, event: Event) -> None:
        try:
            actions = self._side.handle(event, time.monotonic())
        except (ValueError, OverflowError) as error:  # numbers that no instrument gives
            if not isinstance(event, Answer | Beat):
                raise
            self._discarded.add(event.agent, f"{type(error).__name__}: {error}"[:200])
            return
        self._do(actions)

    def _wake_when_due(self) -> None:
        loop, now_s = asyncio.get_running_loop(), time.monotonic()
        due_s = loop.time() + self._side.due_s(now_s) - now_s
        if self._timer is not None:
            if self._timer.when() <= due_s:
                return
            self._timer.cancel()
        self._timer = loop.call_at(due_s, self._tick)

    def _tick(self) -> None:
        self._timer = None
        self._happen(TimePassed())

    async def _ends_broken(self) -> None:
        await self._broken

    async def _or_broken(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Do work without which no job comes to an end: what fails in it has broken down all."""
        try:
            await work()
        except Exception as error:
            self._break_down(error)

    def _break_down(self, error: Exception) -> None:
        self._handles = False
        if not self._broken.done():
            self._broken.set_exception(error)

    def _do(self, actions: tuple[Action, ...]) -> None:
        for action in actions:
            match action:
                case Send(agent, request):
                    self._send(agent, request)
                case AskTime(run):
                    self._soon(self._ask_time(run))
                case AskTurn(ticket):
                    job = self._jobs[ticket]
                    job.taking = self._soon(self._wait_in_queue(job))
                case Tell() if not self._keeping and self._tell_now(action):
                    pass
                case Keep() | Tell():
                    self._keeping += 1
                    self._to_keep.put_nowait(action)
                case StandAside(session):
                    raise CoordinatorReplaced(
                        f"session {session} has taken over from {self.session}"
                    )

    async def _keep(self) -> None:
        """Keep what is to be kept, and tell it after that, in order and beside all else."""
        while True:
            await self._keep_one(await self._to_keep.get())
            self._keeping -= 1

    async def _keep_one(self, action: Action) -> None:
        match action:
            case Keep(JobEnded() as ended) if _too_much(ended):
                log.info("too much to be kept on the disk", ticket=ended.ticket)
            case Keep(entry) if not self._journal.takes_time:
                self._journal.keep(entry)
            case Keep(entry):
                try:
                    await asyncio.to_thread(self._journal.keep, entry)
                except JournalTaken as error:
                    raise CoordinatorReplaced(str(error)) from error
            case Tell() if not self._tell_now(action):
                assert isinstance(action.state, JobEnded)
                job = self._jobs[action.state.ticket]
                self._over(job, action.state)
                assert job.turn is not None
                await job.turn.aclose()

    def _tell_now(self, action: Tell) -> bool:
        """Report what became of a job; return False, and report nothing, if that takes time."""
        match action:
            case Tell(JobAccepted(ticket)):
                if ticket in self._jobs:
                    _tell(self._jobs[ticket].accepted, None)
            case Tell(JobEnded(ticket) as ended):
                job = self._jobs[ticket]
                if job.turn is not None:
                    return False
                self._over(job, ended)
        return True

    def _over(self, job: Job, ended: JobEnded) -> None:
        if job.cancelled:
            ended = replace(ended, failed=job.cancelled, refused=True)
        elif job.taking is not None:
            job.taking.cancel()
        _tell(job.accepted, None)
        _tell(job.ended, ended)
        for waiter in job.waiting:
            _tell(waiter, None)
        if job.kept and _too_much(ended):
            loop = asyncio.get_running_loop()
            timer = loop.call_later(RECEIVED_S, self._received, job.ticket)
            self._told_unkept[job.ticket] = timer
        if not job.kept:
            self._forget(job.ticket)
            return
        self._ended.append(job.ticket)
        large = [one for one in self._ended if _too_much(self._jobs[one].ended.result())]
        for ticket in large[:-KEPT_LARGE]:
            self._ended.remove(ticket)
            self._forget(ticket)
        while len(self._ended) > KEPT:
            self._forget(self._ended.pop(0))

    def _received(self, ticket: str) -> None:
        """Have a job whose data were not kept forgotten on the disk; here it can be asked for."""
        if self._told_unkept.pop(ticket, None) is not None:
            self._keeping += 1
            self._to_keep.put_nowait(Keep(JobForgotten(ticket)))

    def _forget(self, ticket: str) -> None:
        del self._jobs[ticket]
        if (timer := self._told_unkept.pop(ticket, None)) is not None:
            timer.cancel()
        self._happen(ResultReceived(ticket))

    def _soon(self, work: Any) -> asyncio.Task[None]:
        task = self._tasks.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task

    async def _wait_in_queue(self, job: Job) -> None:
        async with AsyncExitStack() as turn:
            try:
                await turn.enter_async_context(self._queue.held(job.wanted, kept=job.accepted))
            except RunRefused as refused:  # somebody has cancelled it
                job.cancelled = str(refused)
                self.withdraw(job.ticket)
                return
            job.turn = turn.pop_all()
        self._happen(TurnHeld(job.ticket))

    # Agents

    async def _gone(self, agent: str) -> None:
        """Tell that the way to an agent has ended: where it plays alone, unless it is soon back."""
        seen = self._agents.named(agent)
        if self._side.plays_alone(agent):
            with suppress(TimeoutError):
                async with asyncio.timeout(GONE_S):
                    await seen.absent.wait()  # whoever watches for it may hear it after this
                    await seen.present.wait()
                    return
        self._happen(Gone(agent, ENDED))

    def _send(self, agent: str, request: Request) -> None:
        ticket = None
        if isinstance(request, Prepare | Fire):
            ticket = self._side.ticket_of(request.run)
        job = None if ticket is None else self._jobs[ticket]
        if isinstance(request, Prepare) and job is not None:
            _tell(job.begun, request.run)
        most = FIRES if isinstance(request, Fire) else 1
        sent = _name_of(agent, request)
        if self._on_its_way[sent] < most:
            self._on_its_way[sent] += 1
            self._soon(self._say(agent, request, job))

    async def _say(self, agent: str, request: Request, job: Job | None) -> None:
        key = messages.agent_key(self._facility.name, agent)
        try:
            if isinstance(request, Fire) and job is not None:
                await asyncio.wait({job.accepted})  # nothing plays that is not on the disk
            answer = await ask(self._bus, key, OfRun(request), OfRun, timeout_s=ANSWER_S)
        finally:
            sent = _name_of(agent, request)
            self._on_its_way[sent] -= 1
            if not self._on_its_way[sent]:
                del self._on_its_way[sent]
        if isinstance(answer, OfRun):
            said = answer.said
            if isinstance(said, Answer) and said.agent == agent and is_answer_to(said, request):
                self._happen(said)
            else:
                reason = f"it is no answer of its own to {type(request).__name__}"
                self._discarded.add(key, reason)
        elif answer.kind == "failed":
            log.warning("not answered", agent=agent, problem=answer.message)

    async def _ask_time(self, run: RunId) -> None:
        start = next((one for one in self._side.runs if one.run == run), None)
        if start is None:
            return
        key = messages.agent_key(self._facility.name, start.nodes[0].agent)
        told = await ask(self._bus, key, messages.Now(), messages.Time, timeout_s=CLOCK_S)
        if isinstance(told, Failed):
            self._happen(ClockUnknown(run, told.message))
        else:
            try:
                self._happen(ClockKnown(run, Tai(told.tai_s, told.tai_fs)))
            except ValueError as error:
                self._happen(ClockUnknown(run, f"{start.nodes[0].agent} says {error}"))


async def until(job: Job, wanted: Awaitable[Any]) -> None:
    """Return once ``wanted`` of the job has come, or its end."""
    await asyncio.wait(
        {asyncio.ensure_future(wanted), job.ended}, return_when=asyncio.FIRST_COMPLETED
    )


def _too_much(ended: JobEnded) -> bool:
    return sum(len(data) for _, data in ended.data) > KEPT_BYTES


def check_played(ended: JobEnded) -> None:
    """Raise the ``RunError`` of a run that has failed."""
    if ended.failed:
        run = f"run {ended.run}: " if ended.run else ""
        kinds: tuple[tuple[bool, type[RunError]], ...]
        kinds = (
            (ended.late, StartLate),
            (ended.partial, StartPartial),
            (ended.unfit, RunDoesNotFit),
            (ended.refused, RunRefused),
        )
        kind = next((one for holds, one in kinds if holds), RunFailed)
        raise kind(f"{run}{ended.failed}")


def played(ended: JobEnded) -> messages.Played:
    """Return what all agents of a run have brought back together; raises ``RunError``."""
    check_played(ended)
    try:
        parts = [decode(data, messages.Played) for _, data in ended.data]
    except BadMessage as error:
        raise RunFailed(f"run {ended.run}: the data of an agent cannot be read: {error}") from error
    captures: dict[str, messages.CaptureData] = {}
    epochs: dict[str, int] = {}
    starts: dict[str, messages.Time] = {}
    tags: dict[str, messages.TagData] = {}
    leads_fs: dict[str, int] = {}
    for part in parts:
        captures |= part.captures
        epochs |= part.epochs
        starts |= part.starts
        tags |= part.tags
        leads_fs |= part.leads_fs
    quantised = tuple(one for part in parts for one in part.quantised)
    return messages.Played(
        parts[0].program_hash,
        parts[0].started,
        epochs,
        quantised,
        captures,
        starts,
        tags,
        leads_fs,
    )


def fire_data(ended: JobEnded) -> FireData:
    """Return what a fire has brought back; raises ``RunError``."""
    check_played(ended)
    ((_, data),) = ended.data
    try:
        return decode(data, FireData)
    except BadMessage as error:
        raise RunFailed(f"run {ended.run}: its data cannot be read: {error}") from error


def _wanted_before(accepted: JobAccepted) -> QueuedWork:
    """Return how a job that an earlier coordinator has accepted stands in the queue."""
    return QueuedWork(
        accepted.ticket,
        frozenset(accepted.agents),
        accepted.by or BEFORE,
        accepted.asked_s or time.time(),
        accepted.priority,
        what="a run that was accepted before",
    )


def _name_of(agent: str, request: Request) -> RequestName:
    return agent, type(request), None if isinstance(request, Greet) else request.run


def _tell(future: "asyncio.Future[Any]", value: object) -> None:
    if not future.done():
        future.set_result(value)

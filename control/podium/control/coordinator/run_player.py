"""Plays runs: as one job, or in parts whose data are one where it does not fit.

Whoever plays holds the agents until all of it is over: nobody moves a bias between two parts.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from podium.control.bus import messages
from podium.control.bus.bus import Bus
from podium.control.bus.log import event_log
from podium.control.bus.messages import Played, RunId, RunLoopback, RunProgram
from podium.control.bus.offload import offload
from podium.control.bus.prepared_programs import HoldProgram, ProgramHeld
from podium.control.bus.prepared_requests import FireProgram, PrepareProgram
from podium.control.bus.snapshots import FacilitySnapshot
from podium.control.bus.streams import AskDuration, AskParts, ProgramDuration, ProgramParts
from podium.control.coordinator.agent_directory import KnownAgent, unless_gone
from podium.control.coordinator.batch_data import BatchData
from podium.control.coordinator.jobs import Job, Jobs, check_played, played, until
from podium.control.coordinator.queue import Turn, WorkQueue
from podium.control.coordinator.queue_values import QueuedWork
from podium.control.coordinator.repeated_requests import insist
from podium.control.coordinator.request_log import RequestLog
from podium.control.coordinator.run_news import RunOutcome, RunPublisher
from podium.control.facility.line_response import LineResponse
from podium.control.program.batches import Batch, common, part_of
from podium.control.program.loopback import Loopback
from podium.control.program.program import Axis, Program
from podium.control.program.serialise import digest, to_json
from podium.control.runs.coordinator_values import Submitted
from podium.control.runs.errors import RunDoesNotFit, RunError, RunFailed, RunRefused
from podium.control.runs.journal import JobEnded
from podium.control.runs.run_values import HeldProgram
from podium.control.timebase.start_setting import StartSetting
from podium.control.timebase.timed_program import TimedProgram, settings_to_json, timed_to_json
from podium.firmware_interfaces.exact_time import FS_PER_S


@dataclass(slots=True, eq=False)
class RunRecord:
    """One such run, while it is on."""

    ticket: str
    by: str
    work: RunProgram | RunLoopback | PrepareProgram | FireProgram
    """What was asked for."""
    procedure: str = ""
    """Id of the procedure that it is a part of; empty: of none."""
    run: str = ""
    """Empty until it is its turn."""
    stopped: str = ""
    stopped_by: str = ""
    priority: int = 0
    asked_s: float = field(default_factory=time.time)
    settled: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once it has been accepted for good, or will be done while this process lives."""


COMPILE_S = 150.0
"""Deadline for an agent's answer to how long a program plays, or in which parts."""
AHEAD = 4
"""An agent keeps no more programs compiled than twice as many by their texts."""
MOST = 100
"""A run that starts at a time is not made in more parts than this."""

Known = dict[tuple[int, tuple[Axis, ...]], list[Batch]]
"""The parts of programs that differ in their shots and points only, by these."""

Answer = TypeVar("Answer")
log = event_log("coordinator")


@dataclass(frozen=True, slots=True)
class Work:
    """Describes what is to be played, by whom, and how it is started."""

    program: Program | Loopback
    owners: tuple[KnownAgent, ...]
    at_once: bool
    starts: Mapping[str, StartSetting] = field(default_factory=dict)
    """Of a start at a time, by controller."""
    lines: Mapping[str, LineResponse] = field(default_factory=dict)
    """By flux port: what its line does to pulses, which its controller undoes."""

    def of(self, batch: Batch) -> "Work":
        """Return a part of it."""
        assert isinstance(self.program, Program)
        return replace(self, program=part_of(self.program, batch))

    def text(self) -> str:
        """Return what agents are sent (JSON)."""
        if isinstance(self.program, Program) and not self.starts and not self.lines:
            return to_json(self.program)
        return timed_to_json(TimedProgram(self.program, self.starts, self.lines))

    @property
    def agents(self) -> frozenset[str]:
        """The names of all who play."""
        return frozenset(owner.name for owner in self.owners)

    @property
    def told(self) -> Program:
        """Return the fields of its news: of a loopback, that it plays no port."""
        one = self.program
        return Program(one.name, (), ()) if isinstance(one, Loopback) else one

    @property
    def nodes(self) -> tuple[str, ...]:
        """The nodes of a loopback; of a program none: its ports name them."""
        return self.program.nodes if isinstance(self.program, Loopback) else ()


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """Work that has begun, as one job."""

    work: Work
    job: Job
    by: str


class RunPlayer:
    """Plays work on agents. All methods raise ``RunError``.

    Cancelled, they return once nothing of the run can play any longer.
    """

    def __init__(
        self,
        bus: Bus,
        facility_hash: str,
        jobs: Jobs,
        queue: WorkQueue,
        runs: RunPublisher,
        request_log: RequestLog,
        singles: dict[str, RunRecord],
        snapshot: Callable[[], Awaitable[FacilitySnapshot]],
    ) -> None:
        """``singles``: the runs in one piece that are on, by their ids; it is kept up to date."""
        self._bus = bus
        self._facility_hash = facility_hash
        self._jobs = jobs
        self._queue = queue
        self._ahead = 0
        """So much work that waits is compiled, or will be."""
        self._compiles = asyncio.Lock()
        """Of works that wait one is compiled at a time, to say how long it takes."""
        self._runs = runs
        self._request_log = request_log
        self._singles = singles
        self._snapshot = snapshot

    def grow(self, facility_hash: str) -> None:
        """The facility has grown: data name the file by this hash from now on."""
        self._facility_hash = facility_hash

    async def run(self, single: RunRecord, work: Work, text: str) -> messages.RunDone:
        """Return what a run that somebody asked for has brought back; ``text``: of ``work``.

        It outlives the coordinator: of a ticket that one before has accepted its end is returned.
        """
        what = f"run {work.program.name}"
        with self._request_log.doing(what, single.by) as entry:
            entry.why_stopped = lambda: single.stopped
            job = self._submit(work, text, queued_run(single, work))
            await self._until(job, job.accepted)
            single.settled.set()
            async with self._estimated(job, work):
                await self._until(job, job.begun)
            run = job.begun.result() if job.begun.done() else run_of(job.ended.result().run)
            if run is None or (not job.begun.done() and not job.ended.result().unfit):
                return await self._done(run, work, await self._end(job, RunOutcome()))
            entry.what = f"run {run} {work.program.name}"
            self._queue.rename(single.ticket, entry.what, str(run))
            single.run = str(run)
            self._singles[single.run] = single
            try:
                async with self._runs.told(
                    run,
                    work.told,
                    single.by,
                    single,
                    nodes=work.nodes,
                    procedure=single.procedure,
                ) as outcome:
                    try:
                        outcome.played = await self._end(job, outcome)
                    except RunDoesNotFit as refused:
                        parts = await self._parts(work, refused)
                        rest = replace(
                            queued_run(single, work),
                            ticket=f"{single.ticket}.parts",
                            what=entry.what,
                            run=str(run),
                            yields=True,
                        )
                        async with self._queue.held(rest) as turn:
                            outcome.played = await self._in_parts(
                                work, parts, single.ticket, single.by, outcome, turn
                            )
            finally:
                del self._singles[single.run]
        return await self._done(run, work, outcome.played)

    async def begin(self, work: Work, ticket: str, by: str) -> Piece:
        """Begin a part of something larger, whose agents' turns are held."""
        text = await asyncio.to_thread(work.text)
        wanted = QueuedWork(ticket, work.agents, by, time.time())
        job = self._submit(work, text, wanted, part=True)
        await self._until(job, job.begun)
        if not job.begun.done():
            await self._end(job, RunOutcome())
        return Piece(work, job, by)

    async def end(self, piece: Piece, outcome: RunOutcome, known: Known) -> Played:
        """Return what a piece has brought back, played in parts where it does not fit.

        ``known``: what does not fit is noted there, and is not tried again.
        """
        program = piece.work.program
        assert isinstance(program, Program)
        try:
            return await self._end(piece.job, outcome)
        except RunDoesNotFit as refused:
            key = program.shots, program.axes
            if key not in known:
                known[key] = await self._parts(piece.work, refused)
            return await self._in_parts(piece.work, known[key], piece.job.ticket, piece.by, outcome)

    async def hold(self, owner: KnownAgent, text: str) -> ProgramHeld:
        """Have an agent hold a program prepared."""
        return await self._ask(owner, HoldProgram(text), ProgramHeld)

    async def fire(
        self, record: RunRecord, owner: KnownAgent, held: HeldProgram, what: str
    ) -> tuple[RunId, JobEnded]:
        """Return the end of a program that ``owner`` holds and has played; its turn is held."""
        agents = (owner.name,)
        submitted = Submitted(
            record.ticket, "", agents, True, kept=False, turn_held=True, held=held
        )
        wanted = QueuedWork(record.ticket, frozenset(agents), record.by, record.asked_s, what=what)
        job = self._jobs.submit(submitted, wanted)

        def begun(run: "asyncio.Future[RunId]") -> None:
            record.run = str(run.result())
            self._singles[record.run] = record

        job.begun.add_done_callback(begun)
        try:
            await self._over(job)
        finally:
            self._singles.pop(record.run, None)
        ended = job.ended.result()
        check_played(ended)
        run = run_of(ended.run)
        assert run is not None  # it was played
        return run, ended

    def leave(self, piece: Piece) -> None:
        """Let a piece not go on that is not over."""
        if not piece.job.ended.done():
            self._jobs.withdraw(piece.job.ticket)

    async def how_long(self, work: Work) -> ProgramDuration:
        """Return how long ``work`` plays, as it is or in parts."""
        try:
            return await self._lasts(work)
        except RunDoesNotFit as refused:
            parts = await self._parts(work, refused)
        each = [await self._lasts(work.of(batch)) for batch in parts]
        total_fs = sum(one.duration_fs for one in each)
        return ProgramDuration(total_fs, tuple(one for part in each for one in part.quantised))

    # Inside

    def _submit(self, work: Work, text: str, wanted: QueuedWork, *, part: bool = False) -> Job:
        for owner in work.owners:
            if not work.at_once and owner.welcome is not None and not owner.welcome.timed:
                raise RunRefused(
                    f"{work.program.name}: agent {owner.name} cannot start at a time: the facility "
                    "file names no trigger for its controllers"
                )
        names = tuple(owner.name for owner in work.owners)
        submitted = Submitted(
            wanted.ticket,
            text,
            names,
            work.at_once,
            kept=not part,
            turn_held=part,
            by=wanted.by,
            priority=wanted.priority,
            asked_s=wanted.asked_s,
        )
        return self._jobs.submit(submitted, wanted)

    @asynccontextmanager
    async def _estimated(self, job: Job, work: Work) -> AsyncGenerator[None]:
        """Have work compiled while it waits: its turn then begins at once, and its end is known.

        Of work that has ended before, whose end is known, :data:`AHEAD` at most.
        """
        known = self._queue.estimates.knows("run", job.wanted.what)
        if not self._queue.waits(job.ticket) or (known and self._ahead >= AHEAD):
            yield
            return

        async def estimate() -> None:
            async with self._compiles:
                with suppress(RunError):  # it is reported where it is run
                    lasts = await self.how_long(work)
                    self._queue.estimate_anew(job.ticket, lasts.duration_fs / FS_PER_S)

        task = asyncio.ensure_future(estimate())
        self._ahead += 1
        try:
            yield
        finally:
            self._ahead -= 1
            task.cancel()
            await asyncio.wait({task})

    async def _until(self, job: Job, wanted: "asyncio.Future[Any]") -> None:
        try:
            await until(job, wanted)
        except asyncio.CancelledError:
            await self._withdraw(job)
            raise

    async def _over(self, job: Job) -> None:
        """Wait for a job's end; whoever gives up waiting withdraws it."""
        try:
            await job.over()
        except asyncio.CancelledError:
            await self._withdraw(job)
            raise

    async def _withdraw(self, job: Job) -> None:
        self._jobs.withdraw(job.ticket)
        await self._jobs.until_ended(job)

    async def _end(self, job: Job, outcome: RunOutcome) -> Played:
        try:
            await self._over(job)
        finally:
            if job.ended.done():
                outcome.unsafe = job.ended.result().unsafe
        ended = job.ended.result()
        return await offload(sum(len(data) for _, data in ended.data), played, ended)

    async def _in_parts(
        self,
        work: Work,
        parts: list[Batch],
        ticket: str,
        by: str,
        outcome: RunOutcome,
        turn: Turn | None = None,
    ) -> Played:
        """Play part after part; nothing is kept where one fails, or a clock was reset between.

        Between two is a safe point of ``turn``, if one is given.
        """
        program = work.program
        assert isinstance(program, Program)
        combined = BatchData(program)
        done: list[Played] = []
        for number, batch in enumerate(parts):
            piece = await self.begin(work.of(batch), f"{ticket}.{number}", by)
            done.append(await self._end(piece.job, outcome))
            check_epochs(done[0].epochs, done[-1].epochs, "parts")
            combined.add(batch, done[-1].captures)
            if turn is not None and number + 1 < len(parts):
                turn.progress((number + 1) / len(parts))
                await turn.safe_point()
        return replace(
            done[0],
            program_hash=await asyncio.to_thread(digest, program),
            quantised=tuple(one for part in done for one in part.quantised),
            captures=await asyncio.to_thread(combined.so_far()),
        )

    async def _parts(self, work: Work, refused: RunDoesNotFit) -> list[Batch]:
        """Return the parts that all owners can play; raises ``refused`` where there are none."""
        if not isinstance(work.program, Program):
            raise refused
        text = await asyncio.to_thread(work.text)
        question = AskParts(text, not work.at_once)
        try:
            answers = await asyncio.gather(
                *(self._ask(owner, question, ProgramParts) for owner in work.owners)
            )
        except RunError:
            raise refused from None  # that says what is wrong
        several = [
            [
                Batch(one.first_shot, one.shots, tuple(map(slice, one.first, one.end)))
                for one in answer.parts
            ]
            for answer in answers
        ]
        parts = common(several) if all(several) else []
        if len(parts) < 2 or (not work.at_once and len(parts) > MOST):
            raise refused
        log.info("run in parts", parts=len(parts), because=str(refused))
        return parts

    async def _lasts(self, work: Work) -> ProgramDuration:
        question = AskDuration(await asyncio.to_thread(work.text), not work.at_once)
        each = [await self._ask(owner, question, ProgramDuration) for owner in work.owners]
        return ProgramDuration(
            max(one.duration_fs for one in each),
            tuple(one for part in each for one in part.quantised),
        )

    async def _ask(self, owner: KnownAgent, question: object, expected: type[Answer]) -> Answer:
        asking = insist(self._bus, owner.key, question, expected, timeout_s=COMPILE_S)
        return await unless_gone(owner, asking)

    async def _done(self, run: RunId | None, work: Work, all_of_it: Played) -> messages.RunDone:
        assert run is not None
        return messages.RunDone(
            run,
            all_of_it.program_hash,
            self._facility_hash,
            all_of_it.epochs,
            all_of_it.started,
            all_of_it.quantised,
            all_of_it.captures,
            await self._snapshot(),
            all_of_it.starts,
            all_of_it.tags,
            settings_to_json(work.starts) if work.starts else "",
            all_of_it.leads_fs,
        )


def queued_run(record: RunRecord, work: Work) -> QueuedWork:
    """Return how a run that somebody has asked for stands in the queue."""
    return QueuedWork(
        record.ticket,
        work.agents,
        record.by,
        record.asked_s,
        record.priority,
        what=f"run {work.program.name}",
        procedure=record.procedure,
    )


def check_epochs(before: Mapping[str, int], epochs: Mapping[str, int], of: str) -> None:
    """Raise ``RunFailed`` where a clock was reset between two ``of`` something."""
    if epochs != before:
        raise RunFailed(
            f"a clock was reset between two {of}: epochs {dict(before)} became {dict(epochs)}; "
            "data of both do not go together"
        )


def raise_stopped(record: RunRecord) -> None:
    """Raise ``RunFailed`` where somebody has stopped a run; a stop comes as a cancellation.

    What was playing was aborted, and is safe.
    """
    if record.stopped:
        name = f"run {record.run}: " if record.run else ""
        raise RunFailed(f"{name}{record.stopped}; nothing of it is kept") from None


def run_of(text: str) -> RunId | None:
    """Return the run that a job names; None: it came to none."""
    session, _, number = text.partition("-")
    return RunId(int(session), int(number)) if text else None

"""Keeps what agents hold prepared, and has it fired."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from podium.control.bus.direct_fires import DirectFireFailed
from podium.control.bus.messages import Done
from podium.control.bus.offload import offload
from podium.control.bus.prepared_programs import ProgramFired, ProgramPrepared
from podium.control.bus.prepared_requests import FireProgram, PrepareProgram
from podium.control.bus.snapshots import FacilitySnapshot
from podium.control.bus.streams import Stop
from podium.control.coordinator.agent_directory import KnownAgent
from podium.control.coordinator.fire_grants import FireGrants
from podium.control.coordinator.jobs import fire_data
from podium.control.coordinator.queue_values import QueuedWork
from podium.control.coordinator.request_log import RequestLog
from podium.control.coordinator.run_news import RunPublisher
from podium.control.coordinator.run_player import RunPlayer, RunRecord, Work, run_of
from podium.control.program.program import Program
from podium.control.program.serialise import NotAProgram, from_json
from podium.control.runs.agent_values import Margins
from podium.control.runs.errors import RunRefused
from podium.control.runs.messages import FiredProgram, Token
from podium.control.runs.run_values import HeldProgram, Patience
from podium.control.timebase.epochs import Epochs

KEPT = 128
"""So many prepared programs are known; who has fired longest ago is forgotten first."""

WorkOf = Callable[[Program], Awaitable[Work]]


@dataclass(frozen=True, slots=True, eq=False)
class _Prepared:
    program: Program
    owner: KnownAgent
    life: int
    token: Token
    duration_fs: int


class PreparedPrograms:
    """The prepared programs of a facility; they die with the coordinator."""

    def __init__(
        self,
        facility_hash: str,
        work_of: WorkOf,
        player: RunPlayer,
        runs: RunPublisher,
        request_log: RequestLog,
        snapshot: Callable[[], Awaitable[FacilitySnapshot]],
        grants: FireGrants,
    ) -> None:
        self._facility_hash = facility_hash
        self._work_of = work_of
        self._player = player
        self._runs = runs
        self._request_log = request_log
        self._snapshot = snapshot
        self._grants = grants
        self._fired: dict[str, RunRecord] = {}
        """By program: the last fire that was asked of us."""
        self._known: OrderedDict[str, _Prepared] = OrderedDict()

    def grow(self, facility_hash: str) -> None:
        """The facility has grown: agents hold nothing any longer."""
        self._facility_hash = facility_hash
        self._known.clear()
        self._fired.clear()
        self._grants.end_all()

    async def do(self, record: RunRecord) -> ProgramPrepared | ProgramFired:
        """Do what a record asks for; raises ``RunError``."""
        match record.work:
            case PrepareProgram(text):
                return await self._prepare(record.ticket, text)
            case FireProgram() as request:
                return await self._fire(record, request)
        raise AssertionError(record.work)

    async def _prepare(self, ticket: str, text: str) -> ProgramPrepared:
        try:
            program = await asyncio.to_thread(from_json, text)
        except NotAProgram as error:
            raise RunRefused(f"the program cannot be read: {error}") from error
        work = await self._work_of(program)
        if not work.at_once:
            raise RunRefused(
                f"{program.name}: it is played by several controllers, which start at a time; what "
                "is prepared is started at once, by one: use run"
            )
        (owner,) = work.owners
        held = await self._player.hold(owner, text)
        token = Token(
            held.program_hash,
            Epochs.of(held.epochs),
            Margins().minimum_lead_fs,
            Patience().lease_s,
        )
        self._known[ticket] = _Prepared(program, owner, held.life, token, held.duration_fs)
        while len(self._known) > KEPT:
            self._fired.pop(self._known.popitem(last=False)[0], None)
        return ProgramPrepared(
            ticket,
            held.program_hash,
            self._facility_hash,
            held.epochs,
            held.duration_fs,
            held.quantised,
            await self._snapshot(),
        )

    async def _fire(self, record: RunRecord, request: FireProgram) -> ProgramFired:
        known = self._known.get(request.id)
        if known is None:
            raise RunRefused(
                f"no program is prepared as {request.id:.12}: the coordinator was started anew, "
                "the facility has grown, or many others were prepared since; prepare it again"
            )
        self._known.move_to_end(request.id)
        fired = FiredProgram(known.token.program_hash, request.values)
        held = HeldProgram(fired, known.life, known.token, known.duration_fs)
        what, began_s = f"fire {known.program.name}", time.monotonic()
        wanted = QueuedWork(
            record.ticket,
            frozenset((known.owner.name,)),
            record.by,
            record.asked_s,
            record.priority,
            kind="fire",
            what=what,
            procedure=record.procedure,
        )
        try:
            async with self._grants.turn(record, request.id, request.direct, wanted, held) as (
                series,
                held,
            ):
                self._fired[request.id] = record
                with self._request_log.repeated(what, record.by) as entry:
                    entry.why_stopped = lambda: record.stopped
                    run, ended = await self._player.fire(record, known.owner, held, what)
                granted = self._grants.grant(series, run, held)
        except BaseException as error:
            if (begun := run_of(record.run)) is not None:
                about = begun, known.program, record.by, record.procedure
                self._runs.not_fired(*about, record, str(error) or "given up")
            raise
        took_s = time.monotonic() - began_s
        ((_, data),) = ended.data
        told = await offload(len(data), fire_data, ended) if self._runs.fire_due else None
        self._runs.fired(run, known.program, record.by, record.procedure, told, took_s)
        return ProgramFired(run, data, granted)

    def concerns(self, request: Stop | DirectFireFailed) -> bool:
        """Return whether a request is about a fire of which we were not asked."""
        return isinstance(request, DirectFireFailed) or (
            self._grants.find(request.stream) is not None
        )

    async def answer(self, request: Stop | DirectFireFailed) -> Done:
        """Stop such a fire, or note that it has come to nothing."""
        match request:
            case Stop():
                await self._stop(request)
            case DirectFireFailed():
                self._note_failed(request)
        return Done()

    def _note_failed(self, said: DirectFireFailed) -> None:
        known, record = self._known.get(said.id), self._fired.get(said.id)
        self._grants.end(said.id)
        if known is None or record is None:
            return
        about = said.run, known.program, record.by, record.procedure
        self._runs.not_fired(*about, record, said.reason)

    async def _stop(self, request: Stop) -> None:
        found = self._grants.find(request.stream)
        if found is not None:
            series, run = found
            series.record.stopped = request.reason or "stopped"
            series.record.stopped_by = request.by
            await self._grants.abort(series, run, series.record.stopped)

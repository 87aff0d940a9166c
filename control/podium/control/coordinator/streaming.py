"""Streams measurements: one program, played in batches, one after the other.

A stream holds its agents, and between two batches lets others in who go first: they play programs
or only read. Nobody moves a bias until it has ended.
"""

import asyncio
import json
import math
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass, field, replace

from podium.control.bus import messages
from podium.control.bus.log import event_log
from podium.control.bus.messages import CaptureData, Played, Roundings, RunId
from podium.control.bus.snapshots import FacilitySnapshot
from podium.control.bus.streams import (
    ActiveStream,
    ActiveStreams,
    AskStreams,
    BeginStream,
    Follow,
    Stop,
    StreamPart,
)
from podium.control.bus.tickets import NoSuchTicket, Tickets
from podium.control.coordinator.batch_data import BatchData
from podium.control.coordinator.batch_size import BatchSize, power_of_two
from podium.control.coordinator.queue import Turn, WorkQueue
from podium.control.coordinator.queue_values import QueuedWork
from podium.control.coordinator.request_log import RequestEntry, RequestLog
from podium.control.coordinator.run_news import RunOutcome, RunPublisher
from podium.control.coordinator.run_player import (
    Known,
    Piece,
    RunPlayer,
    Work,
    check_epochs,
)
from podium.control.program.batches import Batch, pieces, whole
from podium.control.program.program import Program
from podium.control.program.serialise import NotAProgram, digest, from_json
from podium.control.runs.errors import RunError, RunFailed, RunRefused
from podium.firmware_interfaces.exact_time import FS_PER_S

UNFOLLOWED_S = 60.0
"""A stream that nobody has asked for in so long is stopped: who began it is gone."""
KEPT = 8
"""So many streams that are over are remembered."""

log = event_log("coordinator")

WorkOf = Callable[[Program], Awaitable[Work]]
TakeSnapshot = Callable[[], Awaitable[FacilitySnapshot]]


@dataclass(slots=True, eq=False)
class _Stream:
    """One stream, while it is on and for some time after."""

    request: BeginStream
    followed: float
    """When it was asked for last, monotonic wall time."""
    asked_s: float = field(default_factory=time.time)
    """Unix time."""
    program: Program | None = None
    run: str = ""
    part: StreamPart | None = None
    """The latest, its captures left out."""
    captures: Callable[[], dict[str, CaptureData]] = dict
    """Of the latest part."""
    stopped: str = ""
    stopped_by: str = ""
    over: bool = False
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def tell(self) -> None:
        """Let all who wait for news look."""
        self.changed.set()
        self.changed = asyncio.Event()

    async def newest(self) -> StreamPart | None:
        """Return the latest part with its captures."""
        part, captures = self.part, self.captures
        if part is None:
            return None
        return replace(part, captures=await asyncio.to_thread(captures))


class Streaming:
    """The streams of a facility."""

    def __init__(
        self,
        facility_hash: str,
        runs: RunPublisher,
        work_of: WorkOf,
        player: RunPlayer,
        queue: WorkQueue,
        snapshot: TakeSnapshot,
        request_log: RequestLog,
    ) -> None:
        self._facility_hash = facility_hash
        self._runs = runs
        self._work_of = work_of
        self._player = player
        self._queue = queue
        self._snapshot = snapshot
        self._request_log = request_log
        self._streams: dict[str, _Stream] = {}

    def grow(self, facility_hash: str) -> None:
        """The facility has grown: data name the file by this hash from now on."""
        self._facility_hash = facility_hash

    async def answer(
        self, request: BeginStream | Follow | Stop | AskStreams, work: Tickets
    ) -> object:
        """Answer a request about streams; raises ``RunError`` and what ``work`` raises."""
        match request:
            case BeginStream(ticket):
                if ticket not in self._streams:
                    self._forget_old()
                    stream = self._streams[ticket] = _Stream(request, time.monotonic())
                    work.begin(ticket, lambda: self._stream(stream))
                return messages.Done()
            case Follow(ticket, after, wait_s):
                return await self._follow(ticket, after, wait_s, work)
            case Stop():
                return await self._stop(request, work)
            case AskStreams():
                return ActiveStreams(
                    tuple(_seen(one) for one in self._streams.values() if not one.over)
                )

    def _forget_old(self) -> None:
        over = [ticket for ticket, one in self._streams.items() if one.over]
        for ticket in over[: max(0, len(over) - KEPT)]:
            del self._streams[ticket]

    async def _follow(self, ticket: str, after: int, wait_s: float, work: Tickets) -> object:
        stream = self._streams.get(ticket)
        if stream is None:
            raise NoSuchTicket(ticket)
        stream.followed = time.monotonic()
        try:
            async with asyncio.timeout(wait_s):
                while _number(stream) <= after and not stream.over:
                    await stream.changed.wait()
        except TimeoutError:
            return messages.Pending(self._queue.why(ticket))
        finally:
            stream.followed = time.monotonic()
        if _number(stream) <= after:
            return await work.end(ticket, None)  # raises why it ended
        return await stream.newest()

    async def _stop(self, request: Stop, work: Tickets) -> object:
        for ticket, stream in self._streams.items():
            if request.stream in (ticket, stream.run):
                if not stream.over and not stream.stopped:
                    stream.stopped = request.reason or "stopped"
                    stream.stopped_by = request.by
                    run, reason, by = stream.run, stream.stopped, request.by
                    log.warning("stream stopped", run=run, reason=reason, by=by)
                await work.cancel(ticket)
                stream.over = True  # where it was cancelled before it had begun
                stream.tell()
                return await stream.newest() or messages.Done()
        return messages.Done()

    async def _stream(self, stream: _Stream) -> messages.Done:
        try:
            await self._measure(stream)
        except asyncio.CancelledError:
            # A stop comes as a cancellation: what was playing was aborted and is safe.
            if not stream.stopped:
                raise
            if stream.part is None:
                raise RunFailed(f"stopped before anything was measured: {stream.stopped}") from None
            if not stream.part.ended:
                stream.part = replace(
                    stream.part,
                    number=stream.part.number + 1,
                    ended=True,
                    stopped=stream.stopped,
                    stopped_by=stream.stopped_by,
                )
        except RunError as error:
            run = {"run": stream.run} if stream.run else {}
            log.warning("stream failed", **run, by=stream.request.by, error=str(error))
            raise
        finally:
            stream.over = True
            stream.tell()
        return messages.Done()

    async def _measure(self, stream: _Stream) -> None:
        try:
            program = await asyncio.to_thread(from_json, stream.request.program)
        except NotAProgram as error:
            raise RunRefused(f"the program cannot be read: {error}") from error
        stream.program = program
        work = await self._work_of(program)
        what, request = f"run {program.name}", stream.request
        wanted = QueuedWork(
            request.ticket,
            work.agents,
            request.by,
            stream.asked_s,
            request.priority,
            yields=True,
            kind="stream",
            what=what,
        )
        async with self._queue.held(wanted) as turn:
            with self._request_log.doing(what, request.by) as entry:
                entry.why_stopped = lambda: stream.stopped
                await self._measure_now(stream, program, work, entry, turn)

    async def _measure_now(
        self, stream: _Stream, program: Program, work: Work, entry: RequestEntry, turn: Turn
    ) -> None:
        once = replace(program, shots=1, settle_fs=0)
        lasts = await self._player.how_long(replace(work, program=once))
        name = await asyncio.to_thread(digest, program)
        points, by = math.prod(axis.count for axis in program.axes), stream.request.by
        once_s = lasts.duration_fs / FS_PER_S
        pace = BatchSize(stream.request.every_s, once_s / points, points, program.shots)
        batches = _next(program, 0, pace.size(), stream.request.batch_shots)
        first = await self._begin(stream, work, batches[0], 0)
        run = first.job.begun.result()
        stream.run = str(run)
        entry.what = f"run {run} {program.name}"
        turn.rename(entry.what, stream.run)
        told = _StreamReport(run, self._facility_hash, name, lasts.quantised)
        try:
            async with self._runs.told(run, program, by, stream, batches=True) as outcome:
                await self._play_all(stream, program, first, told, pace, outcome, turn)
                outcome.played = told.whole(stream.captures())
        finally:
            self._player.leave(first)

    async def _begin(self, stream: _Stream, work: Work, batch: Batch, number: int) -> Piece:
        ticket = f"{stream.request.ticket}.{number}"
        return await self._player.begin(work.of(batch), ticket, stream.request.by)

    async def _play_all(
        self,
        stream: _Stream,
        program: Program,
        first: Piece,
        told: "_StreamReport",
        pace: BatchSize,
        outcome: RunOutcome,
        turn: Turn,
    ) -> None:
        """Play batch after batch, between which is a safe point; ``first`` has begun."""
        combined = BatchData(program)
        shot, number = 0, 0
        known: Known = {}
        work = replace(first.work, program=program)
        while shot < program.shots:
            batches = _next(program, shot, pace.size(), stream.request.batch_shots)
            for batch in batches:
                self._check_followed(stream)
                if number and await turn.safe_point():
                    self._check_followed(stream)
                began = time.monotonic()
                piece = await self._begin(stream, work, batch, number) if number else first
                number += 1
                played = await self._player.end(piece, outcome, known)
                pace.took(batch.shots * batch.points, time.monotonic() - began)
                if told.first is None:
                    told.snapshot = await self._snapshot()
                run = piece.job.begun.result()
                told.take(run, played, batch.shots, len(batches), batch is batches[0])
                combined.add(batch, played.captures)
                stream.captures = combined.so_far()
                stream.part = told.part(combined, ended=combined.shots_done == program.shots)
                stream.tell()
                turn.progress(combined.done)
                if not stream.part.ended:
                    far = (combined.shots_done, combined.done)
                    self._runs.so_far(told.run, program, far, stream.captures)
            shot += batches[-1].shots

    def _check_followed(self, stream: _Stream) -> None:
        silent_s = time.monotonic() - stream.followed
        if silent_s > UNFOLLOWED_S:
            raise RunFailed(f"nobody has asked for its data for {silent_s:.0f} s: given up")


@dataclass(slots=True)
class _BatchSeries:
    """Batches of one size in a row."""

    runs: list[str]
    """The first and the last."""
    shots: int
    pieces: int
    """In so many runs all points were visited once."""
    times: int = 0


@dataclass(slots=True, eq=False)
class _StreamReport:
    """Holds the fields of a stream's news beside its data."""

    run: RunId
    """Of the first batch; it stands for all."""
    facility_hash: str
    program_hash: str
    quantised: Roundings
    number: int = 0
    first: Played | None = None
    snapshot: FacilitySnapshot = field(default_factory=lambda: FacilitySnapshot(()))
    goes: list[_BatchSeries] = field(default_factory=list)

    def take(self, run: RunId, played: Played, shots: int, pieces: int, begins: bool) -> None:
        """Note a batch; raises ``RunFailed`` if a clock was reset since the first."""
        if self.first is None:
            self.first = played
        check_epochs(self.first.epochs, played.epochs, "batches")
        alike = bool(self.goes) and (self.goes[-1].shots, self.goes[-1].pieces) == (shots, pieces)
        if begins and not alike:
            self.goes.append(_BatchSeries([str(run), str(run)], shots, pieces))
        self.goes[-1].runs[1] = str(run)
        self.goes[-1].times += int(begins)

    def part(self, combined: BatchData, ended: bool) -> StreamPart:
        """Return the next part; captures are left out."""
        first = self._first()
        self.number += 1
        return StreamPart(
            number=self.number,
            ended=ended,
            stopped="",
            stopped_by="",
            shots_done=combined.shots_done,
            done=combined.done,
            run=self.run,
            program_hash=self.program_hash,
            facility_hash=self.facility_hash,
            epochs=first.epochs,
            started=first.started,
            quantised=self.quantised,
            batches=json.dumps([asdict(go) for go in self.goes]),
            captures={},
            snapshot=self.snapshot,
        )

    def whole(self, captures: Mapping[str, CaptureData]) -> Played:
        """Return all of it as if it had been one run."""
        return replace(self._first(), captures=captures)

    def _first(self) -> Played:
        if self.first is None:
            raise RunFailed("nothing was measured")
        return self.first


def _next(program: Program, shot: int, size: int, batch_shots: int) -> tuple[Batch, ...]:
    """Return the batches up to the next point of time at which every point was visited."""
    shape = tuple(axis.count for axis in program.axes)
    points = math.prod(shape)
    left = program.shots - shot
    if batch_shots:
        return (Batch(shot, min(batch_shots, left), whole(program)),)
    if size >= points:
        return (Batch(shot, min(power_of_two(size // points), left), whole(program)),)
    return tuple(Batch(shot, 1, piece) for piece in pieces(shape, power_of_two(size)))


def _number(stream: _Stream) -> int:
    return 0 if stream.part is None else stream.part.number


def _seen(stream: _Stream) -> ActiveStream:
    program = stream.program
    return ActiveStream(
        stream.request.ticket,
        stream.run,
        "" if program is None else program.name,
        0 if program is None else program.shots,
        0 if stream.part is None else stream.part.shots_done,
        stream.request.by,
    )

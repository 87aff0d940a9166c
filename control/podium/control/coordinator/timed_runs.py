"""Runs on several agents, or at a time on one: accepted, told of, played, put together."""

import asyncio
from collections.abc import Awaitable, Callable

from podium.control.bus import messages
from podium.control.bus.snapshots import FacilitySnapshot
from podium.control.calibration.runner import RunRefused
from podium.control.coordinator.agents_seen import AgentSeen
from podium.control.coordinator.run_news import RunsTold
from podium.control.coordinator.run_protocol import RunParts
from podium.control.coordinator.single import Single
from podium.control.coordinator.starts import Job, Starts, played, until
from podium.control.coordinator.turns import Journal
from podium.control.program.loopback import Loopback
from podium.control.program.program import Program
from podium.control.timebase.timed_program import TimedProgram, settings_to_json


class TimedRuns:
    """Plays them, one for each ticket."""

    def __init__(
        self,
        facility_hash: str,
        starts: Starts,
        runs: RunsTold,
        journal: Journal,
        singles: dict[str, Single],
        snapshot: Callable[[], Awaitable[FacilitySnapshot]],
    ) -> None:
        """``singles``: the runs that are on, by their ids; it is kept up to date."""
        self._facility_hash = facility_hash
        self._starts = starts
        self._runs = runs
        self._journal = journal
        self._singles = singles
        self._snapshot = snapshot

    def grow(self, facility_hash: str) -> None:
        """The facility has grown: data name the file by this hash from now on."""
        self._facility_hash = facility_hash

    async def play(
        self,
        single: Single,
        timed: TimedProgram,
        text: str,
        owners: tuple[AgentSeen, ...],
        ticket: str = "",
    ) -> messages.RunDone:
        """Return what a run on ``owners`` has brought back; ``text``: JSON of ``timed``.

        ``ticket``: of a part of it; else it has that of the whole. Raises ``RunError``. Cancelled,
        it returns once nothing of the run can play any more.
        """
        program = timed.program
        for owner in owners:
            if owner.welcome is not None and not owner.welcome.life:
                raise RunRefused(
                    f"{program.name}: agent {owner.name} cannot start at a time: the facility file "
                    "names no trigger for its controllers"
                )
        names = tuple(owner.name for owner in owners)
        what = f"run {program.name}"
        job = self._starts.submit(ticket or single.ticket, text, names, what, single.by)
        return await self._to_its_end(single, timed, job)

    async def go_on(self, single: Single, timed: TimedProgram) -> messages.RunDone:
        """Return what a run has brought back that a coordinator before this one has accepted."""
        single.settled.set()
        return await self._to_its_end(single, timed, self._starts.job(single.ticket))

    async def _to_its_end(self, single: Single, timed: TimedProgram, job: Job) -> messages.RunDone:
        program = _as_told(timed)
        with self._journal.doing(job.what, single.by) as entry:
            entry.why_stopped = lambda: single.stopped
            try:
                await until(job, job.accepted)
                single.settled.set()
                await until(job, job.begun)
                if not job.begun.done():
                    return await self._done(job, timed, None)
                begun = job.begun.result()
                run = messages.RunId(begun.session, begun.number)
                entry.what = f"run {run} {program.name}"
                single.run = str(run)
                self._singles[single.run] = single
                try:
                    async with self._runs.told(
                        run,
                        program,
                        single.by,
                        single,
                        nodes=nodes_of(timed),
                        procedure=single.procedure,
                    ) as told:
                        await asyncio.shield(job.ended)
                        return await self._done(job, timed, told)
                finally:
                    del self._singles[single.run]
            except asyncio.CancelledError:
                self._starts.withdraw(job.ticket)
                await asyncio.wait({job.ended})
                raise

    async def _done(
        self, job: Job, timed: TimedProgram, told: list[RunParts] | None
    ) -> messages.RunDone:
        ended = job.ended.result()
        all_of_it = await asyncio.to_thread(played, ended)
        session, _, number = ended.run.partition("-")
        run = messages.RunId(int(session), int(number))
        if told is not None:
            prepared = messages.Prepared(
                all_of_it.program_hash, all_of_it.epochs, 0, all_of_it.quantised
            )
            at = all_of_it.started
            fired = messages.Fired(at.tai_s, at.tai_fs)
            told.append(RunParts(prepared, fired, messages.Reported(all_of_it.captures)))
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
            settings_to_json(timed.starts) if timed.starts else "",
        )


def nodes_of(timed: TimedProgram) -> tuple[str, ...]:
    """Return the nodes of a loopback; of a program none: its ports name them."""
    return timed.program.nodes if isinstance(timed.program, Loopback) else ()


def _as_told(timed: TimedProgram) -> Program:
    """Return what is told of a run while it is on: of a loopback, that it plays no port."""
    program = timed.program
    return Program(program.name, (), ()) if isinstance(program, Loopback) else program

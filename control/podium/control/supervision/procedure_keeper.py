"""Drives procedures: steps them, writes each state down, then sends, then takes the answers.

So it goes on after a kill at any moment: what had no answer is sent again under the same token, and
an agent does each token once. What cannot be written down is not sent.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from podium.control.bus.cold import (
    BeginProcedure,
    ColdProcedureNews,
    ConfirmProcedure,
    StopProcedure,
    TaiFs,
)
from podium.control.bus.log import event_log
from podium.control.bus.operations import Operate, Operated
from podium.control.facility.facility import Facility
from podium.control.records.latest_readings import FridgeView
from podium.control.supervision import procedure_requests
from podium.control.supervision.background_work import BackgroundWork
from podium.control.supervision.procedure import answered, resumed, step
from podium.control.supervision.procedure_journal import ProcedureJournal, ProcedureJournalError
from podium.control.supervision.procedure_requests import ProcedureRefused
from podium.control.supervision.procedure_run import ProcedureRun
from podium.control.supervision.step_pace import StepPace, looked

ProcedureRequest = BeginProcedure | ConfirmProcedure | StopProcedure
Send = Callable[[Operate], Awaitable[Operated | str]]
"""Sends an operation to its agent; returns its answer, or why it was refused or lost."""

log = event_log("supervisor")


class ProcedureKeeper:
    """The procedures of a facility."""

    def __init__(self, facility: Facility, path: Path | None, send: Send) -> None:
        """``path``: the journal; None: there is none, and no procedure is begun."""
        self._facility, self._path, self._send = facility, path, send
        self._journal: ProcedureJournal | None = None
        self._changing = asyncio.Lock()
        self._runs: dict[str, ProcedureRun] = {}
        self._paces: dict[str, StepPace] = {}
        self.problem: str | None = None
        """Why procedures cannot go on; None: they can."""
        self._open()

    def grow(self, facility: Facility) -> None:
        """Take over a facility that has only grown."""
        self._facility = facility

    @property
    def news(self) -> tuple[ColdProcedureNews, ...]:
        """Procedures that are on, and of each fridge the last, and the last dry run."""
        last = {(run.fridge, run.dry_run): run.id for run in self._runs.values()}
        shown = [
            run
            for run in self._runs.values()
            if not run.over or last[run.fridge, run.dry_run] == run.id
        ]
        return tuple(procedure_requests.news_of(run) for run in shown)

    def running(self) -> tuple[ProcedureRun, ...]:
        """Return those that are on and set things."""
        return tuple(run for run in self._runs.values() if not run.over and not run.dry_run)

    async def step(
        self, views: Mapping[str, FridgeView], work: BackgroundWork, wall_s: float
    ) -> None:
        """Step all procedures that are on; answers to what they send are awaited beside it.

        ``wall_s``: by a clock of the wall that never goes back.
        """
        for name, run in tuple(self._runs.items()):
            view = views.get(run.fridge)
            if run.over or view is None:
                continue
            async with self._changing:
                run = self._runs[name]
                pace = looked(self._paces.get(name), run, view, wall_s)
                self._paces[name] = pace
                after, operations = step(run, view, pace.counted(wall_s))
                if not await self._keep(after):
                    continue
            if after.over:
                del self._paces[name]
                log.info("procedure over", id=name, state=after.state, words=after.words)
            for one in operations:
                work.begin(self._operate(name, one), f"operate {one.token}")

    async def do(self, request: ProcedureRequest, tai: TaiFs) -> ColdProcedureNews:
        """Begin, confirm or stop a procedure; returns once that is on the disk.

        Raises ``ProcedureRefused``.
        """
        if self._journal is None:
            await asyncio.to_thread(self._open)
        async with self._changing:
            if isinstance(request, BeginProcedure):
                run = procedure_requests.begin(request, self._facility, self._runs.values(), tai)
            elif isinstance(request, ConfirmProcedure):
                run = procedure_requests.confirm(self._known(request.id), request.by)
            else:
                run = procedure_requests.stop(self._known(request.id), request.by, tai)
            if not await self._keep(run):
                raise ProcedureRefused(f"{run.id}: it cannot be written down: {self.problem}")
        log.info("procedure by hand", what=type(request).__name__, id=run.id, by=request.by)
        return procedure_requests.news_of(run)

    def _known(self, name: str) -> ProcedureRun:
        run = self._runs.get(name)
        if run is None:
            on = ", ".join(one.id for one in self._runs.values() if not one.over) or "none"
            raise ProcedureRefused(f"there is no procedure {name!r}; on are: {on}")
        return run

    async def _operate(self, name: str, one: Operate) -> None:
        answer = await self._send(one)
        async with self._changing:
            await self._keep(answered(self._runs[name], one.token, answer))

    async def _keep(self, run: ProcedureRun) -> bool:
        """Write a run down and go on with it; if that fails it stays as it was."""
        try:
            if self._journal is None:
                raise ProcedureJournalError(self.problem or "there is no journal")
            await asyncio.to_thread(self._journal.write, run)
        except ProcedureJournalError as error:
            if self.problem is None:
                log.error("procedures stand still", problem=str(error))
            self.problem = str(error)
            return False
        self.problem = None
        self._runs[run.id] = run
        return True

    def _open(self) -> None:
        if self._path is None:
            return
        try:
            self._journal = ProcedureJournal(self._path)
        except ProcedureJournalError as error:
            self.problem = str(error)
            return
        self.problem = None
        if not self._runs:
            self._runs = {name: resumed(run) for name, run in self._journal.runs.items()}

    def close(self) -> None:
        """Close the journal."""
        if self._journal is not None:
            self._journal.close()
            self._journal = None

"""All runs of procedures of one supervisor: what is written, what is sent, what was answered.

Whoever drives it calls :meth:`ProcedureRuns.look` each second, sends what it returns to the agents,
and gives each answer, or why there is none, to :meth:`ProcedureRuns.hear`. Every change is written
into the journal before a call returns, so a kill at any moment leaves nothing done and unknown.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from podium.control.bus.cold import (
    BeginProcedure,
    ColdProcedureNews,
    ConfirmProcedure,
    StopProcedure,
    TaiFs,
)
from podium.control.bus.operations import Operate, Operated
from podium.control.facility.facility import Facility
from podium.control.facility.problems import suggest
from podium.control.records.latest_readings import FridgeView
from podium.control.supervision.procedure import answered, resumed, step
from podium.control.supervision.procedure_journal import ProcedureJournal
from podium.control.supervision.procedure_requests import (
    ProcedureRefused,
    begin,
    confirm,
    news_of,
    stop,
)
from podium.control.supervision.procedure_run import ProcedureRun


@dataclass(frozen=True, slots=True)
class ProcedureOperation:
    """A request for an agent, and the run that it is of."""

    run: str
    operate: Operate


class ProcedureRuns:
    """The runs of a facility's fridges. Blocking: it writes to the disk. Close the journal."""

    def __init__(self, journal: ProcedureJournal) -> None:
        """Go on with what the journal has: what was not answered is sent again."""
        self._journal = journal
        self._runs = {name: resumed(run) for name, run in journal.runs.items()}
        self._under_way: set[str] = set()
        """Tokens that were sent and not answered."""

    def of(self, fridge: str) -> ProcedureRun | None:
        """Return the run that goes on at a fridge, dry runs left out; None: there is none."""
        found = (one for one in self._runs.values() if one.fridge == fridge)
        return next((one for one in found if not one.over and not one.dry_run), None)

    def begin(self, request: BeginProcedure, facility: Facility, tai: TaiFs) -> ColdProcedureNews:
        """Begin a procedure, or ask for a second person; raises :class:`ProcedureRefused`."""
        return self._keep(begin(request, facility, self._runs.values(), tai))

    def confirm(self, request: ConfirmProcedure) -> ColdProcedureNews:
        """Take a person's agreement; raises :class:`ProcedureRefused`."""
        return self._keep(confirm(self._named(request.id), request.by))

    def stop(self, request: StopProcedure, tai: TaiFs) -> ColdProcedureNews:
        """End a run where it is; raises :class:`ProcedureRefused`."""
        return self._keep(stop(self._named(request.id), request.by, tai))

    def look(self, views: Mapping[str, FridgeView]) -> tuple[ProcedureOperation, ...]:
        """Let all runs go on, by the views of their fridges; return what is to be sent now.

        A request that is under way is not returned again before its answer.
        """
        found = []
        for run in tuple(self._runs.values()):
            if run.over or (view := views.get(run.fridge)) is None:
                continue
            run, operations = step(run, view)
            self._keep(run)
            for one in operations:
                if one.token not in self._under_way:
                    self._under_way.add(one.token)
                    found.append(ProcedureOperation(run.id, one))
        return tuple(found)

    def hear(self, sent: ProcedureOperation, answer: Operated | str) -> None:
        """Take the answer to what was sent; ``str``: it was refused or lost, and why."""
        self._under_way.discard(sent.operate.token)
        if (run := self._runs.get(sent.run)) is not None:
            self._keep(answered(run, sent.operate.token, answer))

    def news(self) -> tuple[ColdProcedureNews, ...]:
        """Return the runs that go on, and the last of each fridge."""
        last = {run.fridge: run.id for run in self._runs.values()}
        return tuple(
            news_of(run)
            for run in self._runs.values()
            if not run.over or last[run.fridge] == run.id
        )

    def _named(self, name: str) -> ProcedureRun:
        found = self._runs.get(name)
        if found is None:
            near = suggest(name, self._runs) if self._runs else "there is none"
            raise ProcedureRefused(f"there is no procedure with the id {name!r}; {near}")
        return found

    def _keep(self, run: ProcedureRun) -> ColdProcedureNews:
        if self._runs.get(run.id) != run:
            self._journal.write(run)
            self._runs[run.id] = run
        return news_of(run)

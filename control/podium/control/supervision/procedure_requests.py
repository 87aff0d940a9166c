"""Begins, confirms and stops procedures, and says how they are.

Procedures that move mixture or open valves are off unless the facility file enables them, and some
ask two persons: who asks is one, another confirms. Two names count as two persons; nothing here
can tell whether they are.
"""

from collections.abc import Iterable
from dataclasses import replace

from podium.control.bus.cold import BeginProcedure, ColdProcedureNews, StepNews, TaiFs
from podium.control.facility.facility import Facility
from podium.control.facility.fridge_procedures import missing_for
from podium.control.facility.fridge_wiring import wiring_of
from podium.control.facility.problems import suggest
from podium.control.supervision.procedure import PROCEDURES, records_of
from podium.control.supervision.procedure_run import (
    ProcedureRun,
    WiredPart,
)


class ProcedureRefused(ValueError):
    """A procedure was not begun, confirmed or stopped; nothing has changed. The text says why."""


def begin(
    request: BeginProcedure, facility: Facility, runs: Iterable[ProcedureRun], tai: TaiFs
) -> ProcedureRun:
    """Return a new run; it asks for a second person where its procedure wants one.

    ``runs``: all that are known, over or not. Raises :class:`ProcedureRefused`.
    """
    procedure, known = PROCEDURES.get(request.procedure), tuple(runs)
    if procedure is None:
        near = suggest(request.procedure, PROCEDURES)
        raise ProcedureRefused(f"there is no procedure {request.procedure!r}; {near}")
    fridge = facility.fridges.get(request.fridge)
    if fridge is None:
        near = suggest(request.fridge, facility.fridges)
        raise ProcedureRefused(f"there is no fridge {request.fridge!r}; {near}")
    by = _person(request.by)
    if procedure.name not in fridge.procedures and not request.dry_run:
        raise ProcedureRefused(
            f"{procedure.name} is off for {fridge.name}: the facility file enables it by "
            f"'procedures: [{procedure.name}]'; a dry run is always possible"
        )
    wiring = wiring_of(facility, fridge)
    if any(missing := missing_for(procedure.name, wiring)):
        words = ", ".join((*missing[0], *missing[1]))
        raise ProcedureRefused(f"{fridge.name} has no instrument for {words}")
    busy = next((one for one in known if one.fridge == fridge.name and not one.over), None)
    if busy is not None and not (request.dry_run or busy.dry_run):
        raise ProcedureRefused(
            f"{busy.procedure} ({busy.id}) is {busy.state} on {fridge.name}: stop it first"
        )
    taken = {one.id for one in known}
    first = f"{fridge.name}-{procedure.name}-{tai[0]}"
    ids = (first, *(f"{first}-{number}" for number in range(2, len(taken) + 3)))
    model = fridge.model or ""
    alone = request.dry_run or procedure.people < 2
    return ProcedureRun(
        id=next(one for one in ids if one not in taken),
        procedure=procedure.name,
        fridge=fridge.name,
        model=model,
        by=by,
        dry_run=request.dry_run,
        parts=tuple(WiredPart(signal, part) for signal, part in wiring.parts.items()),
        state="running" if alone else "asking",
        steps=records_of(procedure, model),
        confirmed_by=(by,),
        words="" if alone else f"{procedure.what}: another person has to confirm",
    )


def confirm(run: ProcedureRun, by: str) -> ProcedureRun:
    """Return the run as a person agrees; raises :class:`ProcedureRefused`.

    Before its begin this counts persons; later it says that what was asked about is put right.
    """
    person = _person(by)
    if run.state != "asking":
        raise ProcedureRefused(f"{run.id} asks nobody: it is {run.state}")
    if run.began is not None:
        again = tuple(
            replace(one, state="due", tries=0) if one.state == "refused" else replace(one, tries=0)
            for one in run.operations
        )
        run = run.with_step(state="running", words="")
        return replace(run, state="running", operations=again, words="")
    if person.casefold() in {one.casefold() for one in run.confirmed_by}:
        raise ProcedureRefused(f"{person} has agreed already: another person has to")
    people = (*run.confirmed_by, person)
    if len(people) < PROCEDURES[run.procedure].people:
        return replace(run, confirmed_by=people)
    return replace(run, confirmed_by=people, state="running", words="")


def stop(run: ProcedureRun, by: str, tai: TaiFs) -> ProcedureRun:
    """Return the run as it ends where it is: what it has set stays. :class:`ProcedureRefused`."""
    person = _person(by)
    if run.over:
        raise ProcedureRefused(f"{run.id} is {run.state} already")
    if run.step.state in ("running", "asking"):
        run = run.with_step(state="failed", words=f"stopped by {person}", ended=tai)
    words = f"stopped by {person}: valves, pumps and heaters stay as they are"
    return replace(run, state="stopped", operations=(), making_safe=False, words=words)


def news_of(run: ProcedureRun) -> ColdProcedureNews:
    """Return how a run is, for whoever asks."""
    words = "making safe" if run.making_safe else run.words
    return ColdProcedureNews(
        id=run.id,
        name=run.procedure,
        fridge=run.fridge,
        state=run.state,
        steps=tuple(
            StepNews(one.name, one.state, one.words or _waits(run, index), one.began, one.ended)
            for index, one in enumerate(run.steps)
        ),
        by=run.by,
        dry_run=run.dry_run,
        began=run.began,
        confirmed_by=run.confirmed_by,
        words=words,
    )


def _waits(run: ProcedureRun, index: int) -> str:
    """Return what the step that runs waits for."""
    if index != run.at or run.steps[index].state != "running":
        return ""
    waiting = [one for one in run.operations if one.state != "done"]
    if waiting:
        return "; ".join(f"{one.signal} = {one.value:g} {one.words}".rstrip() for one in waiting)
    step = PROCEDURES[run.procedure].steps(run.model)[index]
    return f"waits until {step.waits_for}"


def _person(name: str) -> str:
    person = " ".join(name.split())
    if not person:
        raise ProcedureRefused("a procedure is asked for by a person: give a name")
    return person

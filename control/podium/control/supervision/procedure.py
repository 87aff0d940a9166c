"""Runs a procedure of a fridge as a pure step: a run and a view give a run and operations.

Whoever drives it (the supervisor) does, in this order: call :func:`step`; write the run into the
journal; send the operations to their agents; give each answer to :func:`answered`, and write again.
So it goes on after a kill at any moment: :func:`resumed` sends what has no answer again, under the
same token, and an agent does each token once.

An operation counts as done when a reading later than its answer shows it; where none is wired,
when its agent says so. A reading that shows the contrary for a minute brings the operation
again, under the token of the next round. What is refused or lost is sent again with patience; then
a person is asked.

Whether a step is needed is judged by good readings. Where one is missing, as after a restart of who
reads, the step waits for it as long as deadlines do not count; then what is not known is not so.
"""

from collections.abc import Mapping
from dataclasses import replace

from podium.control.bus.operations import Operate, Operated
from podium.control.records.latest_readings import FridgeView
from podium.control.supervision.procedure_dry_run import dry_step
from podium.control.supervision.procedure_operations import (
    PATIENCE,
    SAFE_PATIENCE,
    SAFE_WITHIN_S,
    UNDONE_S,
    doubted,
    operate,
    operations_of,
    stands,
)
from podium.control.supervision.procedure_run import (
    ProcedureRun,
    StepRecord,
    seconds_between,
)
from podium.control.supervision.procedure_steps import Procedure, Step
from podium.control.supervision.procedures.condense import CONDENSE
from podium.control.supervision.procedures.cooldown import COOLDOWN
from podium.control.supervision.procedures.recover import RECOVER
from podium.control.supervision.procedures.warm_up import WARM_UP
from podium.control.supervision.step_pace import ALL_COUNT, NONE_COUNTS, CountedDeadlines

PROCEDURES: Mapping[str, Procedure] = {
    one.name: one for one in (COOLDOWN, CONDENSE, WARM_UP, RECOVER)
}


def steps_of(run: ProcedureRun) -> tuple[Step, ...]:
    """Return the steps of a run's procedure."""
    return PROCEDURES[run.procedure].steps(run.model)


def step(
    run: ProcedureRun, view: FridgeView, deadlines: CountedDeadlines = ALL_COUNT
) -> tuple[ProcedureRun, tuple[Operate, ...]]:
    """Look at a run; return it as it goes on, and what is to be sent now.

    ``deadlines``: those that count now, as :mod:`.step_pace` has them. Nothing is sent while a
    person is asked, unless the step's guard complains, or when it is over.
    """
    if run.over:
        return run, ()
    if run.state == "asking":
        now = steps_of(run)[run.at]
        unjudged = run.began is None or run.making_safe
        why = "" if unjudged else now.guard(_guarded(run, now, view))
        return (_fail(replace(run, state="running"), view, why) if why else run), ()
    if run.dry_run:
        return dry_step(run, steps_of(run), view)
    if run.making_safe:
        return _make_safe(run, view, deadlines)
    while True:
        before = run.at, run.step.state
        run, operations = _go_on(run, steps_of(run)[run.at], view, deadlines)
        waits = (run.at, run.step.state) == before or run.making_safe
        if operations or waits or run.state != "running":
            return run, operations
        deadlines = NONE_COUNTS  # these were of the step that was looked at


def _go_on(
    run: ProcedureRun, now: Step, view: FridgeView, deadlines: CountedDeadlines
) -> tuple[ProcedureRun, tuple[Operate, ...]]:
    """Look once at the step that runs: what follows it begins with the same view."""
    if run.step.state == "waiting":
        unknown = () if now.skip(view) or deadlines.timeout else now.skip.unknown(view)
        if unknown:
            return run.with_step(words=f"waits for readings of {', '.join(unknown)}"), ()
        run = _begin_step(run, now, view)
        if run.step.state != "running":
            return run, ()
    if why := now.guard(_guarded(run, now, view)):
        return _fail(run, view, why), ()
    if not run.operations and run.settled is None and (why := now.needs(view)):
        return _unless_late(run, now, view, why, deadlines), ()
    if not run.operations and run.settled is None:
        run = replace(run, operations=operations_of(run, now.settings, str(run.at)))
    if now.again and run.settled is not None:
        run = doubted(run, view)
    run, operations = operate(run, view)
    tired = deadlines.person and any(one.tries >= PATIENCE for one in run.operations)
    if tired and not now.patient:
        return _asking(run), ()
    if any(one.state != "done" for one in run.operations):
        waiting = next(one for one in run.operations if one.state != "done")
        words = waiting.words or f"{waiting.signal} is set"
        late = _unless_late(run, now, view, words, deadlines)
        return late, operations if late is run else ()
    if run.settled is None:
        run = replace(run, settled=view.tai)
    settled = run.settled or view.tai
    if now.done(view) and seconds_between(settled, view.tai) >= now.least_s:
        return _next(run.with_step(state="done", ended=view.tai)), ()
    return _unless_late(run, now, view, now.waits_for, deadlines), ()


def _guarded(run: ProcedureRun, now: Step, view: FridgeView) -> FridgeView:
    """Return the readings that count for a step's guard.

    Of a step that itself brings about what its guard wants, those read once that has had its time:
    what another instrument read a while ago, or as a machine starts up, tells nothing of it.
    """
    if not now.guard_once_set:
        return view
    since, found = run.settled, {}
    if since is not None:
        found = {
            signal: one
            for signal, one in view.signals.items()
            if one.tai is not None and seconds_between(since, one.tai) >= UNDONE_S
        }
    return replace(view, signals=found)


def answered(run: ProcedureRun, token: str, answer: Operated | str) -> ProcedureRun:
    """Return the run with the answer to an operation; ``str``: refused or lost, and why.

    What it did not ask, or an answer that comes twice, changes nothing.
    """
    asked = next((one for one in run.operations if one.token == token), None)
    if asked is None or asked.state in ("accepted", "done"):
        return run
    if isinstance(answer, Operated):
        told = answer.read_back
        confirmed = told is not None and stands(told, asked.value)
        return run.with_operation(token, state="accepted", at=None, confirmed=confirmed, words="")
    if asked.state != "asked":
        return run
    return run.with_operation(token, state="refused", at=None, tries=asked.tries + 1, words=answer)


def resumed(run: ProcedureRun) -> ProcedureRun:
    """Return a run of the journal as it goes on after a restart: what is unanswered is due."""
    return replace(
        run,
        operations=tuple(
            replace(one, state="due") if one.state == "asked" else one for one in run.operations
        ),
    )


def records_of(procedure: Procedure, model: str) -> tuple[StepRecord, ...]:
    """Return the steps of a procedure before any has begun."""
    return tuple(StepRecord(one.name) for one in procedure.steps(model))


def _begin_step(run: ProcedureRun, now: Step, view: FridgeView) -> ProcedureRun:
    if now.skip(view):
        return _next(run.with_step(state="skipped", began=view.tai, ended=view.tai, words=""))
    began = run.began or view.tai
    run = replace(run, began=began, settled=None, operations=())
    return run.with_step(state="running", began=view.tai, words="")


def _next(run: ProcedureRun) -> ProcedureRun:
    if run.at + 1 == len(run.steps):
        return replace(run, state="done", operations=(), settled=None)
    return replace(run, at=run.at + 1, operations=(), settled=None)


def _unless_late(
    run: ProcedureRun, now: Step, view: FridgeView, words: str, deadlines: CountedDeadlines
) -> ProcedureRun:
    """Return the run as it waits, or what a timeout makes of it.

    To go on without a step is a decision by the fridge's own course: its deadline counts always.
    """
    began = run.step.began or view.tai
    if seconds_between(began, view.tai) < now.timeout_s:
        return run
    late = f"not within {now.timeout_s / 60:.0f} min: {words}"
    if now.on_timeout == "next":
        return _next(run.with_step(state="skipped", ended=view.tai, words=late))
    return _fail(run, view, late) if deadlines.timeout else run


def _fail(run: ProcedureRun, view: FridgeView, why: str) -> ProcedureRun:
    run = run.with_step(state="failed", ended=view.tai, words=why)
    safe = operations_of(run, PROCEDURES[run.procedure].safe, "safe")
    words = f"{run.step.name}: {why}"
    return replace(run, making_safe=True, operations=safe, settled=None, words=words)


def _asking(run: ProcedureRun) -> ProcedureRun:
    why = next(one.words for one in run.operations if one.tries >= PATIENCE)
    words = f"{why}; put it right and confirm, or stop the procedure"
    return replace(run.with_step(state="asking", words=words), state="asking", words=words)


def _make_safe(
    run: ProcedureRun, view: FridgeView, deadlines: CountedDeadlines
) -> tuple[ProcedureRun, tuple[Operate, ...]]:
    """Set what makes safe; what is refused again and again stays as it is, and is reported."""
    run, operations = operate(run, view)
    tired = deadlines.person
    given_up = [one for one in run.operations if tired and one.tries >= SAFE_PATIENCE]
    left = [one for one in run.operations if one.state != "done" and one not in given_up]
    since = run.step.ended or view.tai
    late = seconds_between(since, view.tai) >= SAFE_WITHIN_S
    if left and not (late and (deadlines.timeout or deadlines.person)):
        for one in given_up:
            run = run.with_operation(one.token, state="done")
        return run, operations
    problems = [
        f"{one.signal} is not {one.value:g}: {one.words or 'no reading shows it'}"
        for one in run.operations
        if one in left or (one.tries >= SAFE_PATIENCE and one.words)
    ]
    words = "; ".join((run.words, *problems))
    return replace(run, state="failed", operations=(), making_safe=False, words=words), ()

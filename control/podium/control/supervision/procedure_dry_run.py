"""A dry run of a procedure judges each of its operations, and sets nothing.

Each is judged twice: by the valve rules here, with the switches as all operations before it leave
them and the other readings as they are now; and by its agent, which only says whether it would be
allowed as things are (``rehearse``). Pressures and temperatures of later steps are not foreseen
here: a rehearsal on the model does that.
"""

from dataclasses import replace

from podium.control.bus.operations import Operate
from podium.control.facility.valve_rules import forbidden
from podium.control.records.latest_readings import FridgeView
from podium.control.supervision.procedure_operations import (
    ANSWER_S,
    good_values,
    operate_of,
    operations_of,
)
from podium.control.supervision.procedure_run import (
    OperationRecord,
    ProcedureRun,
    seconds_between,
)
from podium.control.supervision.procedure_steps import Step


def dry_step(
    run: ProcedureRun, steps: tuple[Step, ...], view: FridgeView
) -> tuple[ProcedureRun, tuple[Operate, ...]]:
    """Ask all agents at once; when all have answered, or for too long, the run is done."""
    if run.began is None:
        run = replace(run, began=view.tai, operations=_all_operations(run, steps))
    sent = tuple(_sent(one, view) for one in run.operations)
    due = [one for one, before in zip(sent, run.operations, strict=True) if before.state == "due"]
    run = replace(run, operations=sent)
    if any(one.state == "asked" for one in sent):
        return run, tuple(operate_of(run, one, rehearse=True) for one in due)
    good = good_values(view)
    records = []
    for index, record in enumerate(run.steps):
        words = []
        for one in sent:
            if one.group != index:
                continue
            why = forbidden(one.signal, one.value, good)
            good[one.signal] = one.value
            words.append(_judged(one, why))
        records.append(replace(record, state="done", words="; ".join(words), ended=view.tai))
    return replace(run, state="done", steps=tuple(records), words="dry run: nothing was set"), ()


def _all_operations(run: ProcedureRun, steps: tuple[Step, ...]) -> tuple[OperationRecord, ...]:
    """Return the operations of all steps; the group of each is its step."""
    return tuple(
        replace(one, group=index)
        for index, step in enumerate(steps)
        for one in operations_of(run, step.settings, f"dry/{index}")
    )


def _sent(one: OperationRecord, view: FridgeView) -> OperationRecord:
    if one.state == "due":
        return replace(one, state="asked", at=view.tai)
    if one.state == "asked" and seconds_between(one.at or view.tai, view.tai) >= ANSWER_S:
        return replace(one, state="refused", words="its agent does not answer")
    return one


def _judged(one: OperationRecord, why: str) -> str:
    rules = f"the rules forbid it as readings are now ({why})" if why else "allowed by the rules"
    agent = f"its agent: {one.words}" if one.state == "refused" else "its agent allows it now"
    return f"{one.signal} = {one.value:g}: {rules}, {agent}"

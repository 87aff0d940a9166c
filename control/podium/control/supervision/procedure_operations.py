"""Sends the operations of a step, and reads back what became of them."""

from dataclasses import replace

from podium.control.bus.cold import TaiFs
from podium.control.bus.operations import Operate
from podium.control.facility.fridge_wiring import Part
from podium.control.facility.valve_rules import forbidden
from podium.control.records.latest_readings import FridgeView
from podium.control.supervision.procedure_run import (
    OperationRecord,
    ProcedureRun,
    seconds_between,
)
from podium.control.supervision.procedure_steps import Groups

RETRY_S = 30.0
"""After a refusal, until newer readings are there and so long has passed. # ASSUMED"""
ANSWER_S = 1800.0
"""Without an answer, until it is sent again under the same token. Whoever sends reports what is
lost much sooner; this is for what was forgotten."""
UNDONE_S = 60.0
"""Newer readings that show the contrary for so long: it was not done. # ASSUMED: valves and the
starts of pumps take seconds, a helium compressor half a minute."""
PATIENCE = 20
"""Refused or lost so often, a person is asked."""
SAFE_PATIENCE = 3
"""The same, while it makes safe: then it leaves it."""
SAFE_WITHIN_S = 1800.0
"""Making safe ends after it, whatever was not answered."""
HEATER_CLOSE = 0.05
"""Of its power, how close a heater reads back. # ASSUMED: ranges of a Lake Shore 372."""


def good_values(view: FridgeView) -> dict[str, float | None]:
    """Return the signals that are measured, by name, and bounds; None: no good value."""
    return view.known()


def operations_of(run: ProcedureRun, groups: Groups, place: str) -> tuple[OperationRecord, ...]:
    """Return the operations of groups, of those parts that the fridge has.

    ``place``: names the step in their tokens, which are the same whenever they are made.
    """
    return tuple(
        OperationRecord(signal, value, number, f"{run.id}/{place}/{number}.{index}")
        for number, group in enumerate(groups)
        for index, (signal, value) in enumerate(group)
        if run.part_of(signal) is not None
    )


def operate_of(run: ProcedureRun, one: OperationRecord, *, rehearse: bool = False) -> Operate:
    """Return the request for an operation."""
    part = run.part_of(one.signal) or Part("", "")
    by = f"{run.procedure} of {run.by}: {run.step.name}"
    return Operate(part.instrument, part.part, one.value, by, one.token, rehearse)


def operate(run: ProcedureRun, view: FridgeView) -> tuple[ProcedureRun, tuple[Operate, ...]]:
    """Move the operations of a step on; return what is to be sent."""
    good = good_values(view)
    looked = tuple(_looked(one, view) for one in run.operations)
    group = next((one.group for one in looked if one.state != "done"), None)
    sent, operations = [], []
    for one in looked:
        if one.group != group or one.state != "due":
            sent.append(one)
        elif why := forbidden(one.signal, one.value, good):
            tries = one.tries + 1
            sent.append(replace(one, state="refused", at=view.tai, tries=tries, words=why))
        else:
            one = replace(one, state="asked", at=view.tai)
            sent.append(one)
            operations.append(operate_of(run, one))
    return replace(run, operations=tuple(sent)), tuple(operations)


def doubted(run: ProcedureRun, view: FridgeView) -> ProcedureRun:
    """Return the run with operations that were done and stand otherwise now read back anew."""

    def undone(one: OperationRecord) -> bool:
        found = view.good(one.signal)
        return one.state == "done" and found is not None and not stands(found, one.value)

    operations = tuple(
        replace(one, state="accepted", at=view.tai, confirmed=False) if undone(one) else one
        for one in run.operations
    )
    return run if operations == run.operations else replace(run, operations=operations)


def _looked(one: OperationRecord, view: FridgeView) -> OperationRecord:
    """Return an operation as a view shows it."""
    if one.at is None:
        one = replace(one, at=view.tai)
    since = one.at or view.tai
    waited_s = seconds_between(since, view.tai)
    match one.state:
        case "asked" if waited_s >= ANSWER_S:
            words = f"no answer for {waited_s:.0f} s about {one.signal}"
            return replace(one, state="due", tries=one.tries + 1, words=words)
        case "refused" if waited_s >= RETRY_S and _newest(view) > since:
            return replace(one, state="due")
        case "accepted":
            return _read_back(one, since, waited_s, view)
        case _:
            return one


def _read_back(
    one: OperationRecord, since: TaiFs, waited_s: float, view: FridgeView
) -> OperationRecord:
    latest = view.signals.get(one.signal)
    if latest is None:
        return replace(one, state="done")
    if latest.good is None or latest.tai is None:
        return one
    later = latest.tai > since
    if stands(latest.good, one.value) and (later or one.confirmed):
        return replace(one, state="done")
    if not later or stands(latest.good, one.value):
        return one
    if waited_s < UNDONE_S:
        return one
    words = f"{one.signal} reads {latest.good:g}, not {one.value:g}"
    first, number = one.token.removesuffix(f"/{one.round}"), one.round + 1
    return replace(
        one,
        state="due",
        at=view.tai,
        token=f"{first}/{number}",
        confirmed=False,
        round=number,
        tries=one.tries + 1,
        words=words,
    )


def _newest(view: FridgeView) -> TaiFs:
    return max((one.tai for one in view.signals.values() if one.tai is not None), default=(0, 0))


def stands(value: float, wanted: float) -> bool:
    """Tell whether a value that was read is the one that was set."""
    return abs(value - wanted) <= HEATER_CLOSE * wanted

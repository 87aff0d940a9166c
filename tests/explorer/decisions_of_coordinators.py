"""Which guard of a coordinator's machine has decided a step."""

from collections.abc import Iterator
from typing import Any

from tests.explorer.machines import GRID_FS, LEAD_FS, NOW_S, PATIENCE
from tests.explorer.office import GONE, OfficeStep, paused_runs

from podium.control.runs.attendance import OWN_PAUSE_S
from podium.control.runs.coordinator_values import Asked, ClockKnown, Submitted, Tell, Withdrawn
from podium.control.runs.journal import JobAccepted, JobEnded
from podium.control.runs.messages import (
    Abort,
    Armed,
    Fire,
    FireTaken,
    Prepared,
    Present,
    Refusal,
    Report,
    StoodDown,
)
from podium.control.runs.run_values import AskTime, Send, Stage, TimePassed

OF_COORDINATORS = (
    "answer out of turn ignored",
    "answer of who is down ignored",
    "nodes disagree on an epoch",
    "nodes disagree on the program",
    "time of the answers taken",
    "time asked anew",
    "said again",
    "FIRE called back",
    "no answer to PREPARE",
    "no answer to ARM",
    "no time",
    "no answer to REPORT",
    "refused, so aborted",
    "slow way noticed",
    "does not stand down, so in quarantine",
    "lost: silent",
    "lost: started anew",
    "lost: its way has ended",
    "own pause forgiven",
    "another life's greeting ignored",
    "greeted, but not safe",
    "partial start found",
    "start off T0 found",
    "job waits for agents",
    "agents do not appear",
    "asked for again, ended",
    "asked for again, open",
    "withdrawn while it waits",
    "withdrawn while it runs",
    "stands aside",
    "FIRE waits for the disk",
    "reading too old, asked anew",
    "older reading, later start",
    "pause not learnt",
    "silent, and plays on",
    "not safe, and told so",
    "given up meanwhile, aborted",
    "complete",
)


def guards_of_office(step: OfficeStep) -> list[str]:
    """Return the guards that have decided a step of a coordinator."""
    return list(dict.fromkeys(_of_office(step)))


def _of_office(step: OfficeStep) -> Iterator[str]:
    before, after, event = step.before.side, step.after.side, step.event
    if event is None:
        return
    if isinstance(event, Prepared | Armed | FireTaken | Report | Refusal):
        start = next((one for _, one in before.runs if one.run == event.run), None)
        nodes = () if start is None else start.nodes
        if any(node.down and node.agent == event.agent for node in nodes):
            yield "answer of who is down ignored"
        elif start is not None and start.stage is not Stage.ABORTING and before.runs == after.runs:
            yield "answer out of turn ignored"
    if isinstance(event, Armed) and any(
        start.stage is Stage.FIRING for _, start in after.runs if start.run == event.run
    ):
        yield "time of the answers taken"
    if isinstance(event, StoodDown) and any(
        start.run == event.run and event.agent in start.unheard for _, start in before.runs
    ):
        yield "slow way noticed"
    if isinstance(event, Present):
        seen = before.attendant(event.agent)
        if seen is not None and seen.life != event.life:
            yield "another life's greeting ignored"
        elif event.unsafe:
            yield "greeted, but not safe"
    pause_s = NOW_S - before.awake_s
    if pause_s > OWN_PAUSE_S:
        yield "own pause forgiven"
    said_before = {
        (node.agent, node.request)
        for _, start in before.runs
        for node in start.nodes
        if node.request is not None
    }
    for action in step.actions:
        match action:
            case Send(_, Abort(_, reason)) if step.event is not None:
                yield from _of_reason(reason, before, action.request.run)
            case Send(agent, request) if (agent, request) in said_before:
                yield "said again"
            case AskTime():
                told = isinstance(event, ClockKnown) and action.run == event.run
                yield "reading too old, asked anew" if told else "time asked anew"
            case Tell(JobEnded() as ended):
                if isinstance(event, Submitted | Asked):
                    yield "asked for again, ended"
                elif not ended.run and not isinstance(event, Withdrawn):
                    yield "agents do not appear"
                elif not ended.failed:
                    yield "complete"
            case Tell(JobAccepted()) if step.before.side.session and event.ticket in before.tickets:
                yield "asked for again, open"
    if isinstance(event, Withdrawn):
        waited = [one.job.ticket for one in before.waiting]
        yield "withdrawn while it waits" if event.ticket in waited else "withdrawn while it runs"
    if step.after.process == GONE:
        yield "stands aside"
    if step.after.held != step.before.held and len(step.after.held) > len(step.before.held):
        yield "FIRE waits for the disk"
    if after.waiting and after.runs:
        yield "job waits for agents"
    yield from _of_firing(step)
    yield from _of_attendance(step)


def _of_firing(step: OfficeStep) -> Iterator[str]:
    event = step.event
    for action in step.actions:
        match action:
            case Send(_, Fire(run, t0)) if t0 is not None and isinstance(event, ClockKnown | Armed):
                start = next((one for _, one in step.after.side.runs if one.run == run), None)
                if start is not None and start.lead_fs >= LEAD_FS + GRID_FS:
                    yield "older reading, later start"
            case Send(_, Abort(_, "it was given up meanwhile")):
                yield "given up meanwhile, aborted"
            case Tell(JobEnded(unsafe=unsafe)) if unsafe:
                yield "not safe, and told so"
    slow = isinstance(event, StoodDown) and any(
        one.run == event.run
        and event.agent in one.unheard
        and NOW_S - one.recalled_s <= PATIENCE.slow_s
        for _, one in step.before.side.runs
    )
    late = isinstance(event, Refusal) and event.kind == "late"
    taken = isinstance(event, FireTaken) and event.started is None
    if (slow or late or taken) and event.run in paused_runs(step.before) and not step.learns:
        yield "pause not learnt"


def _of_reason(reason: str, before: Any, run: Any) -> Iterator[str]:
    if any(start.run == run and start.failed for _, start in before.runs):
        return  # said again
    for part, guard in (
        ("partial start", "partial start found"),
        ("all have started, but not as they should", "start off T0 found"),
        ("no answer to FIRE", "FIRE called back"),
        ("no answer to PREPARE", "no answer to PREPARE"),
        ("no answer to ARM", "no answer to ARM"),
        ("no answer to REPORT", "no answer to REPORT"),
        ("no answer to the question", "no time"),
        ("different programs", "nodes disagree on the program"),
        ("do not agree on an epoch", "nodes disagree on an epoch"),
        (" refused ", "refused, so aborted"),
    ):
        if part in reason:
            yield guard


def _of_attendance(step: OfficeStep) -> Iterator[str]:
    before, after = step.before.side, step.after.side
    for seen in after.attendants:
        was = before.attendant(seen.agent)
        if was is None or was.unwell or not seen.unwell:
            continue
        alone = [one for _, one in after.runs if one.at_once and one.stage is Stage.REPORTING]
        if isinstance(step.event, TimePassed) and any(
            node.agent == seen.agent for one in alone for node in one.nodes
        ):
            yield "silent, and plays on"
        match type(step.event).__name__:
            case "Beat":
                yield "lost: started anew"
            case "Gone":
                yield "lost: its way has ended"
            case "TimePassed":
                aborting = any(start.stage is Stage.ABORTING for _, start in before.runs)
                silent = NOW_S - was.beaten_s > 0.3
                if aborting and not silent:
                    yield "does not stand down, so in quarantine"
                elif silent:
                    yield "lost: silent"

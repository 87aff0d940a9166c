"""The coordinator's side of one run, over all its nodes. Pure: no clock, no I/O.

    preparing ─▶ arming ─▶ asking the time ─▶ firing ─▶ reporting ─▶ over
        │           └───────(at once)────────────▶│         │
        └───────────┴──────────────┴──────────────┴─────────┴─▶ aborting ─▶ over

What an agent holds prepared is *reporting* from the first: one request is all of it.
Only the run's nodes take part. A request whose answer does not come is said again. Data count
only if :mod:`.verdict` finds nothing.
"""

import math
from collections.abc import Iterable
from dataclasses import replace

from podium.control.bus.messages import DOES_NOT_FIT, RunId
from podium.control.runs import verdict
from podium.control.runs.fired_start import agreed
from podium.control.runs.messages import (
    VERIFIED,
    Abort,
    Arm,
    Armed,
    AskReport,
    AtATime,
    AtOnce,
    Fire,
    FireGrant,
    FireTaken,
    Prepare,
    Prepared,
    Refusal,
    Report,
    Request,
    StoodDown,
    Token,
)
from podium.control.runs.run_values import (
    AgentLost,
    AskTime,
    Delivered,
    Did,
    GivenUp,
    HeldProgram,
    NodeOfRun,
    Patience,
    Quarantine,
    RunAction,
    RunEvent,
    RunStart,
    Send,
    Stage,
    TimePassed,
    TimeTold,
)
from podium.control.timebase.epochs import EpochMoved, Epochs
from podium.control.timebase.lead_time import ALLOWANCE
from podium.control.timebase.start_grid import LONGEST_FS, StartGrid
from podium.firmware_interfaces.exact_time import FS_PER_S

GUARDED = ("epoch", "stale")
"""Refusals of what does not rest any longer on what it was prepared under: nothing was played."""


def begin(
    run: RunId,
    program: str,
    nodes: Iterable[tuple[str, int]],
    now_s: float,
    patience: Patience,
    *,
    at_once: bool = False,
) -> Did:
    """Return the start of ``program`` on ``nodes`` (agent and its life).

    ``at_once``: by one node, as soon as it can; else at one time by the triggers of all.
    """
    parts = tuple(NodeOfRun(agent, life) for agent, life in nodes)
    if not parts:
        raise ValueError(f"run {run} names no node to play on")
    if at_once and len(parts) > 1:
        raise ValueError(f"run {run}: {len(parts)} nodes start together at a time, never at once")
    plan = AtOnce() if at_once else AtATime(several=len(parts) > 1)
    start = RunStart(run, program, plan, parts, patience)
    return _say(
        start,
        Stage.PREPARING,
        {part.agent: Prepare(run, part.life, program, plan) for part in parts},
        now_s,
        now_s + patience.prepare_s,
    )


def fire(run: RunId, held: HeldProgram, agent: str, now_s: float, patience: Patience) -> Did:
    """Return the start of what ``agent`` holds prepared: one request, answered by its report."""
    last = RunId(run.session, run.number + held.granted)
    grant = FireGrant(held.secret, last, held.granted_s) if held.granted else None
    plan = AtOnce(held.token, grant)
    prepared = agreed(agent, run, held.token, held.duration_fs)
    node = NodeOfRun(agent, held.life, prepared=prepared)
    start = RunStart(run, "", plan, (node,), patience)
    request = Prepare(run, held.life, held.program, plan)
    return _say(start, Stage.REPORTING, {agent: request}, now_s, math.inf)


def step(start: RunStart, event: RunEvent, now_s: float) -> Did:
    """Return what ``event`` at the wall time ``now_s`` leads to."""
    if start.stage is Stage.OVER:
        return start, ()
    match event:
        case TimePassed():
            return _time_passed(start, now_s)
        case AgentLost(agent, reason):
            return _lost(start, agent, reason, now_s)
        case GivenUp(reason):
            return _fail(start, reason, now_s)
        case TimeTold():
            return _fire(start, event, now_s) if event.run == start.run else (start, ())
    if not isinstance(event, Prepared | Armed | FireTaken | Report | StoodDown | Refusal):
        return start, ()  # not about a run
    node = next((node for node in start.nodes if node.agent == event.agent), None)
    if event.run != start.run or node is None or node.down:
        return start, ()
    match event:
        case Refusal():
            return _refused(start, event, now_s)
        case StoodDown(agent, started=started, unsafe=unsafe):
            if start.stage is not Stage.ABORTING:
                return start, ()
            start = replace(start, unsafe=unsafe)
            start, slow = _slow(start, agent, now_s)
            node = replace(node, request=None, down=True, started=started)
            start, then = _over_if_down(_with(start, node))
            return start, (*slow, *then)
        case Report() if start.stage is Stage.ABORTING:
            return _with(start, replace(node, report=event)), ()
        case Prepared() if start.stage is Stage.PREPARING and node.request is not None:
            start = _with(start, replace(node, request=None, prepared=event))
            return _arm(start, now_s) if _all_answered(start) else (start, ())
        case Armed() if start.stage is Stage.ARMING and node.request is not None:
            start = _with(start, replace(node, request=None, armed=event))
            if not _all_answered(start):
                return start, ()
            return _fire_at_once(start, now_s) if start.at_once else _ask_time(start, now_s)
        case FireTaken(started=started) if start.at_once:
            if start.stage is not Stage.FIRING or started is None:
                return start, ()
            start = _with(start, replace(node, request=None))
            return _ask_reports(replace(start, t0=started), now_s)
        case FireTaken(agent, _, slack_fs) if start.stage is Stage.FIRING and node.request:
            start = _with(start, replace(node, request=None))
            noted = Delivered(start.lead_fs - slack_fs, False, start.read_from_s)
            start, then = _ask_reports(start, now_s) if _all_answered(start) else (start, ())
            return start, (noted, *then)
        case Report() if start.stage is Stage.REPORTING and node.request is not None:
            start = _with(start, replace(node, request=None, report=event))
            if start.fired:
                if event.start is None:
                    return _fail(start, event.ended or "it has not started", now_s)
                start = replace(start, t0=event.start.at)
            return _judge(start, now_s) if _all_answered(start) else (start, ())
        case _:
            return start, ()  # said twice, or too late to matter


def _arm(start: RunStart, now_s: float) -> Did:
    prepared = [node.prepared for node in start.nodes if node.prepared is not None]
    hashes = {one.program_hash for one in prepared}
    if len(hashes) > 1:
        return _fail(start, f"the nodes have prepared different programs: {sorted(hashes)}", now_s)
    try:
        Epochs.union(one.epochs for one in prepared)
    except EpochMoved as error:
        return _fail(start, f"the nodes do not agree on an epoch: {error}", now_s)
    unverified = [one.agent for one in prepared if one.source not in VERIFIED]
    if unverified and len(prepared) > 1:
        who = ", ".join(unverified)
        return _fail(start, f"start unverified on {who}: refused on several nodes", now_s)
    if (grid_fs := math.lcm(*(one.grid_fs for one in prepared))) > LONGEST_FS:
        return _fail(start, f"the nodes tick together only every {grid_fs} fs", now_s)
    lease_s = start.patience.lease_s
    return _say(
        start,
        Stage.ARMING,
        {
            one.agent: Arm(
                start.run, Token(one.program_hash, one.epochs, one.minimum_lead_fs, lease_s)
            )
            for one in prepared
        },
        now_s,
        now_s + start.patience.arm_s,
    )


def _ask_time(start: RunStart, now_s: float) -> Did:
    """Ask for the time, unless the agents' answers have brought it along just now."""
    readings = [
        (node.armed.now, node.said_s + node.armed.read_after_s)
        for node in start.nodes
        if node.armed is not None and node.armed.now is not None
    ]
    fresh = len(readings) == len(start.nodes) and not any(one.said_again for one in start.nodes)
    told, asked_s = max(readings) if fresh else (None, now_s)
    until_s = now_s + start.patience.time_s
    start = replace(start, stage=Stage.ASKING_TIME, deadline_s=until_s, read_from_s=asked_s)
    return start, (AskTime(start.run, told),)


def _fire(start: RunStart, told: TimeTold, now_s: float) -> Did:
    """Say FIRE; T0 and the end of its recall count from the reading, however old that may be.

    FIRE may be on its way for as long as the reading was: a lead that was learned on a computer
    with less to do, or in no run yet, does not make it late.
    """
    if start.stage is not Stage.ASKING_TIME:
        return start, ()
    patience, age_s = start.patience, max(0.0, now_s - start.read_from_s)
    if age_s > patience.reading_s:
        return replace(start, read_from_s=now_s), (AskTime(start.run),)
    prepared = [node.prepared for node in start.nodes if node.prepared is not None]
    grid = StartGrid(math.lcm(*(one.grid_fs for one in prepared)))
    needed_fs = max(one.minimum_lead_fs for one in prepared)
    lead_fs = told.lead_fs + max(0, needed_fs - told.margin_fs)
    kept_s = max(one.guard_fs for one in prepared) / FS_PER_S + patience.recall_s
    way_s = max(patience.taken_s, ALLOWANCE * age_s)
    shortest_fs = math.ceil((age_s + way_s + max(kept_s, needed_fs / FS_PER_S)) * FS_PER_S)
    t0 = grid.at_or_after(told.now, max(lead_fs, shortest_fs))
    start = replace(start, told=told.now, t0=t0)
    until_s = now_s - age_s + start.lead_fs / FS_PER_S - kept_s
    fires: dict[str, Request] = {node.agent: Fire(start.run, t0) for node in start.nodes}
    return _say(start, Stage.FIRING, fires, now_s, until_s)


def _fire_at_once(start: RunStart, now_s: float) -> Did:
    fires: dict[str, Request] = {node.agent: Fire(start.run, None) for node in start.nodes}
    return _say(start, Stage.FIRING, fires, now_s, now_s + start.patience.arm_s)


def _ask_reports(start: RunStart, now_s: float) -> Did:
    collect_fs = max(node.prepared.collect_fs for node in start.nodes if node.prepared is not None)
    until_s = now_s + (start.lead_fs + collect_fs) / FS_PER_S + start.patience.report_s
    if start.at_once:
        until_s = math.inf
    asks: dict[str, Request] = {node.agent: AskReport(start.run) for node in start.nodes}
    return _say(start, Stage.REPORTING, asks, now_s, until_s)


def _judge(start: RunStart, now_s: float) -> Did:
    if start.t0 is None:
        return start, ()
    expected = [
        verdict.Expected(node.prepared, node.report)
        for node in start.nodes
        if node.prepared is not None and node.report is not None
    ]
    found = verdict.problems(start.t0, expected)
    if len(expected) < len(start.nodes):
        found = (*found, "a node has not reported")
    if found:
        begun = [one.prepared.agent for one in expected if one.report.start is not None]
        partial = f"partial start (only on {', '.join(begun)}): " if begun else ""
        if len(begun) == len(expected):
            partial = "all have started, but not as they should: "
        late = not begun and any(
            one.report.late or one.report.missed or one.report.short_fs for one in expected
        )
        on_time = [one for one in expected if one.report.start is not None]
        still = 0 < len(begun) < len(start.nodes) and not verdict.problems(start.t0, on_time)
        start = replace(start, late=late, partial=still)
        return _fail(start, partial + "; ".join(found), now_s)
    return replace(start, stage=Stage.OVER), ()


def _refused(start: RunStart, refusal: Refusal, now_s: float) -> Did:
    if start.stage is Stage.ABORTING:
        return start, ()
    noted: tuple[RunAction, ...] = ()
    start = replace(
        start,
        late=refusal.kind == "late",
        unfit=refusal.kind == DOES_NOT_FIT,
        refused=(refusal.kind == "refused" and (start.at_once or refusal.step == "prepare"))
        or (start.fired and refusal.kind in GUARDED),
    )
    if start.late and start.t0 is not None:
        node = next(node for node in start.nodes if node.agent == refusal.agent)
        minimum_fs = node.prepared.minimum_lead_fs if node.prepared is not None else 0
        delivery_fs = start.lead_fs - minimum_fs + refusal.short_fs
        noted = (Delivered(delivery_fs, True, start.read_from_s),)
    reason = f"{refusal.agent} refused {refusal.step.upper()}: {refusal.reason}"
    start, then = _fail(start, reason, now_s)
    return start, (*noted, *then)


def _slow(start: RunStart, agent: str, now_s: float) -> tuple[RunStart, tuple[RunAction, ...]]:
    """Note that FIRE was too slow, where whoever has not taken it is neither dead nor frozen."""
    if agent not in start.unheard or now_s - start.recalled_s > start.patience.slow_s:
        return start, ()
    return replace(start, unheard=()), (Delivered(start.lead_fs, True, start.read_from_s),)


def _lost(start: RunStart, agent: str, reason: str, now_s: float) -> Did:
    lost = [node for node in start.nodes if node.agent == agent and not node.down]
    if not lost:
        return start, ()
    start = _with(start, replace(lost[0], request=None, down=True))
    if start.stage is Stage.ABORTING:
        return _over_if_down(start)
    return _fail(start, f"agent {agent} is lost: {reason}", now_s)


def _fail(start: RunStart, reason: str, now_s: float) -> Did:
    if start.stage is Stage.ABORTING:
        return start, ()
    start = replace(
        start,
        failed=reason,
        nodes=tuple(replace(node, request=None) for node in start.nodes),
    )
    aborts: dict[str, Request] = {
        node.agent: Abort(start.run, reason) for node in start.nodes if not node.down
    }
    until_s = now_s + start.patience.abort_s
    start, said = _say(start, Stage.ABORTING, aborts, now_s, until_s)
    start, then = _over_if_down(start)
    return start, (*said, *then)


def _over_if_down(start: RunStart) -> Did:
    if all(node.down for node in start.nodes):
        return _over(start)
    return start, ()


def _over(start: RunStart) -> Did:
    """End a run that has failed: its start came too late only if all say that nothing began."""
    begun = {node.agent: node.started for node in start.nodes if node.started is not False}
    if start.late and begun:
        each = (f"{name} {'had begun' if one else 'may have begun'}" for name, one in begun.items())
        start = replace(start, late=False, failed=f"{start.failed}; {', '.join(each)}")
    return replace(start, stage=Stage.OVER), ()


def _time_passed(start: RunStart, now_s: float) -> Did:
    if now_s >= start.deadline_s:
        silent = [node.agent for node in start.nodes if node.request is not None]
        who = f" from {', '.join(silent)}" if silent else ""
        reason = f"no answer to {start.stage.value}{who} in time"
        if start.stage is Stage.FIRING and not start.at_once:
            start = replace(start, unheard=tuple(silent), recalled_s=now_s, late=True)
        if start.stage is not Stage.ABORTING:
            return _fail(start, reason, now_s)
        start, _ = _over(start)
        return start, tuple(Quarantine(one, reason) for one in silent)
    pause_s = start.pause_s
    again = tuple(
        node.agent
        for node in start.nodes
        if node.request is not None and now_s >= node.said_s + pause_s
    )
    if not again:
        return start, ()
    nodes = tuple(
        replace(node, said_s=now_s, said_again=True) if node.agent in again else node
        for node in start.nodes
    )
    return replace(start, nodes=nodes), tuple(
        Send(node.agent, node.request)
        for node in nodes
        if node.agent in again and node.request is not None
    )


def _say(
    start: RunStart, stage: Stage, requests: dict[str, Request], now_s: float, until_s: float
) -> Did:
    """Enter ``stage`` and say to each agent what is to be said."""
    nodes = tuple(
        replace(node, request=requests[node.agent], said_s=now_s, said_again=False)
        if node.agent in requests
        else node
        for node in start.nodes
    )
    start = replace(start, stage=stage, nodes=nodes, deadline_s=until_s)
    return start, tuple(Send(agent, request) for agent, request in requests.items())


def _with(start: RunStart, changed: NodeOfRun) -> RunStart:
    nodes = tuple(changed if node.agent == changed.agent else node for node in start.nodes)
    return replace(start, nodes=nodes)


def _all_answered(start: RunStart) -> bool:
    return all(node.request is None for node in start.nodes)

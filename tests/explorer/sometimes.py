"""Which guard of the machines has decided a step: each has to, at least once, in an exploration."""

from collections.abc import Iterator
from typing import Any

from tests.explorer.machines import GRID_FS, LEAD_FS, NOW_S, PATIENCE
from tests.explorer.node import NodeStep
from tests.explorer.office import GONE, OfficeStep, paused_runs

from podium.control.runs.agent_values import (
    BEYOND_RECALL,
    ArmedUp,
    ClockRead,
    Collected,
    Heard,
    Load,
    MadeSafe,
    MakeSafe,
    NotSafe,
    Phase,
    ReadClock,
    SetTrigger,
    StartNow,
    Ticked,
)
from podium.control.runs.attendance import OWN_PAUSE_S
from podium.control.runs.coordinator_values import Asked, Submitted, Tell, Told, Withdrawn
from podium.control.runs.journal import JobAccepted, JobEnded
from podium.control.runs.messages import (
    Abort,
    Arm,
    Armed,
    AtOnce,
    Fenced,
    Fire,
    FireTaken,
    Greet,
    Prepare,
    Prepared,
    Present,
    Refusal,
    Report,
    StoodDown,
)
from podium.control.runs.run_values import AskTime, Send, Stage, TimePassed

OVER = (Phase.STANDING_DOWN, Phase.ENDED)

OF_AGENTS = (
    "stale session refused",
    "runs of the session before given up",
    "another life refused",
    "stale run refused",
    "message of another run refused",
    "said twice, answered from memory",
    "said twice, while it is done",
    "newer run supersedes",
    "not safe, so busy",
    "token of another program refused",
    "token under other epochs refused",
    "token with too little lead refused",
    "epoch moved when armed",
    "epoch moved when fired",
    "epoch moved while it waits",
    "FIRE late",
    "FIRE far ahead refused",
    "FIRE for another time refused",
    "FIRE out of turn refused",
    "FIRE after the lease refused",
    "lease over",
    "not before the guard",
    "too late to set",
    "trigger set",
    "played",
    "abort beats FIRE",
    "abort before PREPARE",
    "abort of the run that follows",
    "beyond recall",
    "hands off until T0",
    "stopped after T0",
    "of a run given up since",
    "made safe again",
    "started at once",
    "FIRE the other way refused",
    "stopped while it plays at once",
    "at once though not safe",
    "not made safe while it plays at once",
    "ended though not safe",
    "what a run plays made safe, not all",
    "trigger has not come",
    "hardware failed",
)
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
OF_THE_WHOLE = ("journal taken", "goes on with the journal")
GUARDS = (*OF_AGENTS, *OF_COORDINATORS, *OF_THE_WHOLE)
ELSEWHERE = ("unverified refused",)
"""Decided in a scenario of its own alone."""


def guards_of_node(step: NodeStep) -> list[str]:
    """Return the guards that have decided a step of a node."""
    return list(dict.fromkeys(_of_node(step)))


def _of_node(step: NodeStep) -> Iterator[str]:
    before, after = step.before.agent, step.after.agent
    hand, then = before.hand, after.hand
    for answer in step.answers:
        match answer:
            case Fenced():
                yield "stale session refused"
            case Refusal():
                yield from _of_refusal(step, answer)
    if any(isinstance(one, SetTrigger) for one in step.actions):
        yield "trigger set"
    yield from _of_at_once(step)
    if step.after.hardware.played != step.before.hardware.played:
        yield "played"
    down = then is not None and then.phase is Phase.STANDING_DOWN
    goes_down = down and hand is not None and hand.phase not in OVER
    match step.event:
        case Heard(request):
            yield from _of_request(step, request)
        case Ticked():
            if goes_down:
                yield "lease over"
            elif any(isinstance(one, MakeSafe) for one in step.actions):
                yield "made safe again"
        case ClockRead(run) if hand is not None and hand.run == run and hand.token is not None:
            again = any(isinstance(one, ReadClock) for one in step.actions)
            if hand.phase is Phase.WAITING:
                if goes_down and step.event.epochs != hand.token.epochs:
                    yield "epoch moved while it waits"
                elif goes_down:
                    yield "too late to set"
                elif again:
                    yield "not before the guard"
            elif hand.phase is Phase.COMMITTED and hand.why:
                yield "stopped after T0" if goes_down else "hands off until T0"
        case Collected(start=None) if hand is not None and hand.phase is Phase.COMMITTED:
            yield "trigger has not come"
    run = getattr(step.event, "run", None)
    if run is not None and (hand is None or hand.run != run or hand.phase in OVER):
        yield "of a run given up since"


def _of_at_once(step: NodeStep) -> Iterator[str]:
    hand, then = step.before.agent.hand, step.after.agent.hand
    for action in step.actions:
        match action:
            case StartNow():
                yield "started at once"
            case Load(_, _, AtOnce()) if step.after.agent.unsafe:
                yield "at once though not safe"
            case MakeSafe(True) if hand and hand.phase in (Phase.STARTING, Phase.PLAYING):
                yield "stopped while it plays at once"
    if hand is None or not hand.at_once:
        return
    stood_down = hand.phase is Phase.STANDING_DOWN and then and then.phase is Phase.ENDED
    agent = step.before.agent
    unsafe = agent.unsafe and not agent.making_safe and agent.safe_at_s <= NOW_S
    match step.event:
        case None if unsafe and hand.phase not in OVER:  # a tick changes nothing
            yield "not made safe while it plays at once"
        case NotSafe() if stood_down:
            yield "ended though not safe"
        case MadeSafe() if stood_down and step.after.agent.unsafe:
            yield "what a run plays made safe, not all"


def _of_refusal(step: NodeStep, answer: Refusal) -> Iterator[str]:
    waits = isinstance(step.event, Heard)
    match answer.kind, answer.step:
        case "stale", _ if answer.reason.startswith("it is meant for life"):
            yield "another life refused"
        case "stale", _:
            yield "stale run refused"
        case "unknown", _:
            yield "message of another run refused"
        case "busy", _:
            yield "not safe, so busy"
        case "late", _:
            yield "FIRE late"
        case "lease", _:
            yield "FIRE after the lease refused"
        case "failed", _:
            yield "hardware failed"
        case "epoch", "arm":
            yield (
                "epoch moved when armed"
                if isinstance(step.event, ArmedUp)
                else ("token under other epochs refused")
            )
        case "epoch", "fire":
            yield "epoch moved when fired"
        case "refused", "arm" if "the token names program" in answer.reason:
            yield "token of another program refused"
        case "refused", "arm" if "of lead are needed" in answer.reason:
            yield "token with too little lead refused"
        case "refused", "prepare" if "start unverified" in answer.reason:
            yield "unverified refused"
        case "refused", "fire" if "it was fired for" in answer.reason:
            yield "FIRE for another time refused"
        case "refused", "fire" if "are allowed" in answer.reason:
            yield "FIRE far ahead refused"
        case "refused", "fire" if "prepared to start" in answer.reason:
            yield "FIRE the other way refused"
        case "refused", "fire" if waits:
            yield "FIRE out of turn refused"
            hand = step.before.agent.hand
            if hand is not None and hand.aborted_by:
                yield "abort beats FIRE"


def _of_request(step: NodeStep, request: Any) -> Iterator[str]:
    before, after = step.before.agent, step.after.agent
    hand = before.hand
    session = request.session if isinstance(request, Greet) else request.run.session
    if session < before.session:
        return
    active = hand is not None and hand.phase not in OVER
    newer = session > before.session
    if newer and active:
        yield "runs of the session before given up"
    touched = any(isinstance(one, MakeSafe) for one in step.actions)
    given_up = after.hand is not None and bool(after.hand.why) and not touched
    if hand is not None and hand.phase in BEYOND_RECALL and not hand.why and given_up:
        yield "beyond recall"
    ours = hand is not None and not isinstance(request, Greet) and request.run == hand.run
    match request:
        case Prepare() | Arm() | Fire() if ours and hand is not None:
            name = type(request).__name__.lower()
            stored = hand.answer_to(name)
            if stored is not None and step.said == (stored,):
                yield "said twice, answered from memory"
            fired = Phase.STARTING if hand.at_once else Phase.CHECKING
            phases = {"prepare": Phase.PREPARING, "arm": Phase.ARMING, "fire": fired}
            if hand.phase is phases[name] and not step.actions:
                yield "said twice, while it is done"
        case Prepare() if after.following == request and before.following != request and active:
            yield "newer run supersedes"
        case Abort(run) if not ours:
            if before.last is None or run > before.last:
                yield "abort before PREPARE"
            if before.following is not None and before.following.run == run:
                yield "abort of the run that follows"


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
                told = isinstance(event, Told) and action.run == event.run
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
            case Send(_, Fire(run, t0)) if t0 is not None and isinstance(event, Told | Armed):
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

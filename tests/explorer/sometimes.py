"""Which guard of the machines has decided a step: each has to, at least once, in an exploration."""

from collections.abc import Iterator
from typing import Any

from tests.explorer.machines import NOW_S
from tests.explorer.node import NodeStep
from tests.explorer.office import GONE, OfficeStep

from podium.control.runs.agent_values import (
    BEYOND_RECALL,
    ArmedUp,
    ClockRead,
    Collected,
    Heard,
    MakeSafe,
    Phase,
    ReadClock,
    SetTrigger,
    Ticked,
)
from podium.control.runs.attendance import OWN_PAUSE_S
from podium.control.runs.coordinator_values import Asked, Submitted, Tell, Withdrawn
from podium.control.runs.journal import JobAccepted, JobEnded
from podium.control.runs.messages import (
    Abort,
    Arm,
    Armed,
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
from podium.control.runs.run_values import AskTime, Send, Stage

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
            phases = {"prepare": Phase.PREPARING, "arm": Phase.ARMING, "fire": Phase.CHECKING}
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
                yield "time asked anew"
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
    yield from _of_attendance(step)


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

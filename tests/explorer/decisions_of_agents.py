"""Which guard of an agent's machine has decided a step."""

from collections.abc import Iterator
from typing import Any

from tests.explorer.machines import NOW_S
from tests.explorer.node import NodeStep

from podium.control.runs.agent_values import (
    BEYOND_RECALL,
    ArmedUp,
    ClockRead,
    Collected,
    Load,
    MadeSafe,
    MakeSafe,
    NotSafe,
    Phase,
    ReadClock,
    RequestReceived,
    SetTrigger,
    StartNow,
    Ticked,
)
from podium.control.runs.messages import (
    Abort,
    Arm,
    AtOnce,
    Fenced,
    Fire,
    Greet,
    Prepare,
    Refusal,
)

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
        case RequestReceived(request):
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
    waits = isinstance(step.event, RequestReceived)
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

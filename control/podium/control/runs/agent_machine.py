"""The agent's side of a run: which event leads to what. Pure: no clock, no I/O.

Whoever runs it does the actions in their order, hands back what they end with as events, and
gives the monotonic wall time with each event. It ticks at least every tenth of a second while the
agent :func:`minds the time <minds_time>`.
"""

from dataclasses import replace

from podium.control.bus.messages import RunId
from podium.control.runs import agent_checks as checks
from podium.control.runs.agent_ends import (
    give_up,
    is_busy,
    refusal,
    refuse,
    say_again,
    stand_down,
    take_on,
    unknown,
)
from podium.control.runs.agent_steps import (
    armed_up,
    clock_read,
    collected,
    loaded,
    made_safe,
    not_safe,
    started_now,
    step_of,
    trigger_set,
)
from podium.control.runs.agent_values import (
    Action,
    AgentState,
    ArmedUp,
    ArmUp,
    ClockRead,
    Collected,
    Did,
    Event,
    HardwareFailed,
    Loaded,
    MadeSafe,
    MakeSafe,
    Margins,
    NotSafe,
    Phase,
    ReadClock,
    Reply,
    RequestReceived,
    StartedNow,
    StartNow,
    Ticked,
    TriggerSet,
)
from podium.control.runs.messages import (
    Abort,
    Arm,
    AskReport,
    AtATime,
    Fenced,
    Fire,
    Greet,
    Prepare,
    Present,
    Request,
    StoodDown,
    Token,
)


def born(name: str, life: int, margins: Margins | None = None) -> Did:
    """Return an agent that has just been started. What its instruments do is not known."""
    return AgentState(name, life, margins or Margins()), (MakeSafe(),)


def step(state: AgentState, event: Event, now_s: float) -> Did:
    """Return what ``event`` at the wall time ``now_s`` leads to."""
    match event:
        case RequestReceived(request):
            return _heard(state, request, now_s)
        case Ticked():
            return _ticked(state, now_s)
        case MadeSafe():
            return made_safe(state, event)
        case NotSafe():
            return not_safe(state, event, now_s)
    hand = state.hand
    if hand is None or hand.run != event.run or hand.phase in (Phase.STANDING_DOWN, Phase.ENDED):
        return state, ()  # of a run that was given up since
    match event:
        case Loaded():
            return loaded(state, hand, event)
        case ArmedUp():
            return armed_up(state, hand, event, now_s)
        case ClockRead():
            return clock_read(state, hand, event, now_s)
        case TriggerSet():
            return trigger_set(state, hand)
        case StartedNow():
            return started_now(state, hand, event)
        case Collected():
            return collected(state, hand, event)
        case HardwareFailed(_, reason, kind):
            return refuse(state, hand, step_of(hand), kind, reason)


# Requests


def _heard(state: AgentState, request: Request, now_s: float) -> Did:
    if checks.is_fenced(state, request):
        return state, (Reply(Fenced(state.name, state.session)),)
    before: tuple[Action, ...] = ()
    if checks.session_of(request) > state.session:
        state, before = _new_session(replace(state, session=checks.session_of(request)))
    match request:
        case Greet():
            present = Present(state.name, state.life, state.last, state.unsafe)
            return state, (*before, Reply(present))
        case Prepare():
            state, then = _prepare(state, request)
        case Abort(run, reason):
            state, then = _abort(state, run, reason)
        case Arm(run, token):
            state, then = _arm(state, run, token)
        case Fire():
            state, then = _fire(state, request, now_s)
        case AskReport(run):
            state, then = _ask_report(state, run)
    return state, (*before, *then)


def _new_session(state: AgentState) -> Did:
    """Another coordinator: runs of the one before belong to nobody."""
    return give_up(replace(state, following=None), "its coordinator was replaced")


def _prepare(state: AgentState, request: Prepare) -> Did:
    run = request.run
    if request.life != state.life:
        reason = f"it is meant for life {request.life} of the agent; this is life {state.life}"
        return state, (refusal(state, run, "prepare", "stale", reason),)
    if hand := checks.in_hand(state, run):
        if hand.fired and hand.phase is Phase.ENDED and hand.report is not None:
            return state, say_again(hand, "prepare") or (Reply(hand.report),)
        return state, say_again(hand, "prepare")
    if state.following is not None and state.following.run == run:
        return state, ()
    if checks.is_stale(state, run):
        return state, (refusal(state, run, "prepare", "stale", f"{state.last} was seen"),)
    waits = state.making_safe and isinstance(request.plan, AtATime)
    if waits or is_busy(state):
        return give_up(replace(state, last=run, following=request), f"superseded by run {run}")
    return take_on(state, request)


def _arm(state: AgentState, run: RunId, token: Token) -> Did:
    hand = checks.in_hand(state, run)
    if hand is None:
        return state, (unknown(state, run, "arm"),)
    if hand.phase is not Phase.PREPARED or hand.prepared is None:
        return state, say_again(hand, "arm", state)
    prepared, margins = hand.prepared, hand.margins
    if token.program_hash != prepared.program_hash:
        reason = (
            f"the token names program {token.program_hash:.12}, "
            f"prepared is {prepared.program_hash:.12}"
        )
        return refuse(state, hand, "arm", "refused", reason)
    if moved := checks.epoch_moved(token, prepared.epochs):
        return refuse(state, hand, "arm", "epoch", moved)
    if token.minimum_lead_fs < margins.minimum_lead_fs:
        reason = f"at least {margins.minimum_lead_fs} fs of lead are needed, the token gives "
        return refuse(state, hand, "arm", "refused", f"{reason}{token.minimum_lead_fs}")
    hand = replace(hand.to(Phase.ARMING), token=token)
    return replace(state, hand=hand), (ArmUp(run),)


def _fire(state: AgentState, request: Fire, now_s: float) -> Did:
    hand = checks.in_hand(state, request.run)
    if hand is None:
        return state, (unknown(state, request.run, "fire"),)
    again = hand.at_once and request.t0 is None
    if not again and hand.t0 not in (None, request.t0):
        reason = f"it was fired for {hand.t0} already, not for {request.t0}"
        return state, (refusal(state, hand.run, "fire", "refused", reason),)
    if hand.phase is not Phase.ARMED or hand.lease_ends_s is None:
        return state, say_again(hand, "fire", state)
    if now_s >= hand.lease_ends_s:
        return refuse(state, hand, "fire", "lease", "the lease is over")
    if (request.t0 is None) != hand.at_once:
        planned, asked = ("at once", "at a time") if hand.at_once else ("at a time", "at once")
        return refuse(state, hand, "fire", "refused", f"prepared to start {planned}, fired {asked}")
    if request.t0 is None:
        return replace(state, hand=hand.to(Phase.STARTING)), (StartNow(hand.run),)
    hand = replace(hand.to(Phase.CHECKING), t0=request.t0)
    return replace(state, hand=hand), (ReadClock(hand.run, 0),)


def _ask_report(state: AgentState, run: RunId) -> Did:
    hand = checks.in_hand(state, run)
    if hand is None:
        return state, (unknown(state, run, "report"),)
    if hand.phase is Phase.ENDED and hand.report is not None:
        return state, (Reply(hand.report),)
    return replace(state, hand=replace(hand, reported_to=True)), ()


def _abort(state: AgentState, run: RunId, reason: str) -> Did:
    hand = checks.in_hand(state, run)
    if hand is None:
        if not checks.is_stale(state, run):
            state = replace(state, last=run)  # its PREPARE may still be on the way
        if state.following is not None and state.following.run == run:
            state = replace(state, following=None)
        if state.unsafe:
            return state, ()  # a life before may have left it playing: it is said again
        return state, (Reply(StoodDown(state.name, run, None)),)
    if hand.phase is Phase.ENDED:
        return state, (Reply(StoodDown(state.name, run, hand.started, hand.unsafe)),)
    return give_up(replace(state, hand=replace(hand, aborted_by=True)), reason)


def minds_time(state: AgentState) -> bool:
    """Return whether it may lead to something that time passes: a lease ends, safing is due."""
    armed = state.hand is not None and state.hand.phase is Phase.ARMED
    return armed or bool(state.unsafe)


def _ticked(state: AgentState, now_s: float) -> Did:
    hand = state.hand
    if hand is not None and hand.phase is Phase.ARMED:
        if hand.lease_ends_s is not None and now_s >= hand.lease_ends_s:
            return stand_down(state, hand, "no FIRE within the lease")
        return state, ()
    if hand is not None and hand.at_once and is_busy(state):
        return state, ()  # what is not safe takes no part in it
    if state.unsafe and not state.making_safe and now_s >= state.safe_at_s:
        return replace(state, making_safe=True), (MakeSafe(),)
    return state, ()

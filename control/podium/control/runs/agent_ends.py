"""Ends a run on an agent. Each function returns the new state and the actions."""

from dataclasses import replace
from typing import Any

from podium.control.bus.messages import RunId
from podium.control.runs.agent_values import (
    BEYOND_RECALL,
    Action,
    AgentState,
    Did,
    Load,
    MakeSafe,
    Phase,
    PlayFired,
    ReadClock,
    Reply,
    RunInHand,
)
from podium.control.runs.messages import (
    Answer,
    AtATime,
    AtOnce,
    FiredProgram,
    Prepare,
    Refusal,
    StoodDown,
    Token,
)


def give_up(state: AgentState, reason: str) -> Did:
    """Let the run in hand not go on, as soon as that can be done without harm."""
    hand = state.hand
    if hand is None or hand.phase in (Phase.STANDING_DOWN, Phase.ENDED):
        return state, ()
    if hand.phase not in BEYOND_RECALL:
        return stand_down(state, hand, reason)
    if hand.why:
        return state, ()
    state = replace(state, hand=replace(hand, why=reason))
    return state, (ReadClock(hand.run, 0),) if hand.phase is Phase.COMMITTED else ()


def stand_down(state: AgentState, hand: RunInHand, why: str, short_fs: int = 0) -> Did:
    """Take everything back, for the reason ``why``; ``short_fs``: as in ``Report``."""
    hand = replace(hand.to(Phase.STANDING_DOWN), why=hand.why or why, short_fs=short_fs)
    # Making all safe is cut off by this, so that it is begun anew.
    of_run = hand.at_once and not state.making_safe
    return replace(state, hand=hand, making_safe=True), (MakeSafe(of_run),)


def refuse(
    state: AgentState, hand: RunInHand, what: str, kind: str, reason: str, short_fs: int = 0
) -> Did:
    """Stand down; say so in answer to ``what``, if that has no answer yet."""
    if hand.answer_to(what) is not None:
        return stand_down(state, hand, reason, short_fs)
    refusal = Refusal(state.name, hand.run, what, kind, reason, short_fs)
    state, then = answer_with(state, hand, what, refusal)
    state, more = stand_down(state, state.hand or hand, reason)
    return state, (*then, *more)


def end(state: AgentState, hand: RunInHand, **known: Any) -> Did:
    """Close a run of which nothing plays any longer, and tell whoever waits for that.

    ``known``: fields of the run that are known by then.
    """
    hand = hand.to(Phase.ENDED, **known)
    said: list[Action] = []
    if hand.reported_to and hand.report is not None:
        said.append(Reply(hand.report))
    if hand.aborted_by:
        said.append(Reply(StoodDown(state.name, hand.run, hand.started, hand.unsafe)))
    state, then = take_next(replace(state, hand=hand))
    return state, (*said, *then)


def take_next(state: AgentState) -> Did:
    """Take on the run that waits for a free hand, if there is one and it is free."""
    if state.following is None or is_busy(state):
        return state, ()
    return take_on(replace(state, following=None), state.following)


def is_busy(state: AgentState) -> bool:
    """Return whether a run is in hand that has not ended."""
    return state.hand is not None and state.hand.phase is not Phase.ENDED


def take_on(state: AgentState, request: Prepare) -> Did:
    """Begin a run: the hand is free. It was heard of, whether it is begun or not."""
    run = request.run
    last = run if state.last is None else max(state.last, run)
    match request.program, request.plan:
        case _, AtATime() if state.unsafe:
            kind, reason = "busy", f"its instruments are not safe: {state.unsafe}"
        case FiredProgram(name), AtOnce(Token(program_hash=agreed)) if name != agreed:
            kind = "refused"
            reason = f"the token names program {agreed:.12}, fired is {name:.12}"
        case FiredProgram() as program, AtOnce(Token() as token):
            hand = RunInHand(run, request.plan, Phase.PLAYING, token=token, reported_to=True)
            return replace(state, last=last, hand=hand), (PlayFired(run, program, token),)
        case str(program), AtATime() | AtOnce(None):
            hand = RunInHand(run, request.plan)
            return replace(state, last=last, hand=hand), (Load(run, program, request.plan),)
        case _:
            kind = "refused"
            reason = (
                "a program is fired by what was agreed on when it was prepared, and nothing else is"
            )
    return replace(state, last=last), (refusal(state, run, "prepare", kind, reason),)


# Answers


def answer_with(state: AgentState, hand: RunInHand, what: str, answer: Answer) -> Did:
    """Answer to ``what``, and remember it."""
    hand = replace(hand, answers=(*hand.answers, (what, answer)))
    return replace(state, hand=hand), (Reply(answer),)


def say_again(hand: RunInHand, what: str, state: AgentState | None = None) -> tuple[Action, ...]:
    """Return what was answered to ``what``; with ``state``, refuse what is out of turn."""
    answer = hand.answer_to(what)
    if answer is not None:
        return (Reply(answer),)
    under_way = {"arm": (Phase.ARMING,), "fire": (Phase.CHECKING, Phase.STARTING)}.get(what, ())
    if state is None or hand.phase in under_way:
        return ()  # answered when it is done
    reason = f"the run is {hand.phase.value}" + (f": {hand.why}" if hand.why else "")
    return (refusal(state, hand.run, what, "refused", reason),)


def refusal(state: AgentState, run: RunId, what: str, kind: str, reason: str) -> Reply:
    """Return the refusal of a run that is not touched by it."""
    return Reply(Refusal(state.name, run, what, kind, reason))


def unknown(state: AgentState, run: RunId, what: str) -> Reply:
    """Return the refusal of a run that is not in hand."""
    has = "none" if state.hand is None else str(state.hand.run)
    reason = f"run {run} is not the one in hand ({has})"
    return refusal(state, run, what, "unknown", reason)

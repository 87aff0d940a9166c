"""Holds the rules by which an agent decides, each on its own, so that tests can break it alone."""

from podium.control.bus.messages import RunId
from podium.control.runs.agent_values import AgentState, RunInHand
from podium.control.runs.messages import Greet, Request, Token
from podium.control.timebase.epochs import Epochs


def is_fenced(state: AgentState, request: Request) -> bool:
    """Return whether ``request`` comes from a coordinator whose session is over."""
    return session_of(request) < state.session


def is_stale(state: AgentState, run: RunId) -> bool:
    """Return whether a run that is not in hand was heard of before, or is older than such."""
    return state.last is not None and run <= state.last


def in_hand(state: AgentState, run: RunId) -> RunInHand | None:
    """Return the run in hand if it is ``run``: no other run's message may move it."""
    return state.hand if state.hand is not None and state.hand.run == run else None


def epoch_moved(token: Token, now: Epochs) -> str:
    """Say which epochs are not those of the token; empty: all are."""
    return "; ".join(map(str, token.epochs.moved(now)))


def missing_fs(needed_fs: int, slack_fs: int) -> int:
    """Return how much is missing before T0; 0: there is time enough."""
    return max(0, needed_fs - slack_fs)


def may_commit(told_fs: int, guard_fs: int) -> bool:
    """Return whether the trigger may be set, ``told_fs`` before T0 by a reading of the clock.

    The reading is never ahead of the time: so nothing is set before T0 - guard.
    """
    return told_fs <= guard_fs


def session_of(request: Request) -> int:
    """Return the session of the coordinator that sends ``request``."""
    return request.session if isinstance(request, Greet) else request.run.session

"""Takes an agent on when its hardware has done a step of a run."""

from dataclasses import replace
from typing import Any

from podium.control.runs import agent_checks as checks
from podium.control.runs.agent_ends import (
    answer_with,
    end,
    refuse,
    stand_down,
    take_next,
)
from podium.control.runs.agent_values import (
    LOOK_KEPT,
    AgentState,
    ArmedUp,
    ClockRead,
    Collect,
    Collected,
    Did,
    Loaded,
    MadeSafe,
    NotSafe,
    Phase,
    ReadClock,
    RunInHand,
    SetTrigger,
    StartedNow,
)
from podium.control.runs.messages import (
    VERIFIED,
    Armed,
    AtATime,
    FireTaken,
    Prepared,
    Report,
)
from podium.control.timebase.epochs import Epochs
from podium.firmware_interfaces.exact_time import FS_PER_S


def loaded(state: AgentState, hand: RunInHand, done: Loaded) -> Did:
    """Answer PREPARE."""
    if isinstance(hand.plan, AtATime) and hand.plan.several and done.source not in VERIFIED:
        reason = (
            "start unverified: its controller cannot tell when it started, and such a start is "
            "refused for a run on several nodes; give it time keeping or a tagged marker"
        )
        return refuse(state, hand, "prepare", "refused", reason)
    margins = state.margins.widened(max(state.look_fs, done.look_fs))
    prepared = Prepared(
        state.name,
        hand.run,
        done.program_hash,
        done.epochs,
        done.grid_fs,
        done.start_offset_fs,
        done.source,
        margins.minimum_lead_fs,
        margins.guard_fs,
        done.duration_fs,
        done.collect_fs,
    )
    hand = replace(hand.to(Phase.PREPARED), prepared=prepared, margins=margins)
    return answer_with(state, hand, "prepare", prepared)


def armed_up(state: AgentState, hand: RunInHand, done: ArmedUp, now_s: float) -> Did:
    """Answer ARM; the lease begins."""
    if hand.token is None or (moved := checks.epoch_moved(hand.token, done.epochs)):
        return refuse(state, hand, "arm", "epoch", moved)
    hand = replace(hand.to(Phase.ARMED), lease_ends_s=now_s + hand.token.lease_s)
    answer = Armed(state.name, hand.run, done.now, done.read_after_s)
    return answer_with(state, hand, "arm", answer)


def clock_read(state: AgentState, hand: RunInHand, read: ClockRead, now_s: float) -> Did:
    """Check FIRE, wait for T0 - guard, commit; or wait for T0 to stop what is committed."""
    if hand.token is None or hand.t0 is None:
        return state, ()
    margins = hand.margins
    told_fs = hand.t0 - read.now
    # So much is left at least: the reading may be as old as the exchange, a stop of the process
    # included; and so much at most.
    look_fs = int((now_s - read.asked_s) * FS_PER_S)
    slack_fs = told_fs - look_fs
    most_fs = told_fs - int((now_s - read.read_s) * FS_PER_S)
    if hand.phase is Phase.COMMITTED and hand.why:
        if told_fs < -margins.after_fs:
            return stand_down(state, hand, hand.why)
        return state, (ReadClock(hand.run, max(0, most_fs + margins.after_fs)),)
    if hand.phase not in (Phase.CHECKING, Phase.WAITING):
        return state, ()
    state = replace(state, look_fs=max(look_fs, int(LOOK_KEPT * state.look_fs)))
    checking = hand.phase is Phase.CHECKING
    if moved := checks.epoch_moved(hand.token, read.epochs):
        return refuse(state, hand, "fire", "epoch", moved)
    if checking and slack_fs > margins.longest_lead_fs:
        reason = f"T0 is {slack_fs} fs ahead; at most {margins.longest_lead_fs} are allowed"
        return refuse(state, hand, "fire", "refused", reason)
    if short_fs := checks.missing_fs(hand.token.minimum_lead_fs if checking else 0, slack_fs):
        if checking:
            reason = f"FIRE came {slack_fs} fs before T0, {short_fs} fs too late"
        else:
            reason = f"its last look took {look_fs} fs, beyond T0: no trigger was set"
        return refuse(state, hand, "fire", "late", reason, short_fs)
    if not checking and checks.may_commit(told_fs, margins.guard_fs):
        if short_fs := checks.missing_fs(margins.setup_fs, slack_fs):
            reason = f"its last look took {look_fs} fs, {short_fs} too many to set a trigger"
            return stand_down(state, hand, reason, short_fs)
        return replace(state, hand=hand.to(Phase.COMMITTING)), (SetTrigger(hand.run, hand.t0),)
    again = ReadClock(hand.run, max(0, most_fs - margins.guard_fs))
    if not checking:
        return state, (again,)
    taken = FireTaken(state.name, hand.run, slack_fs)
    state, reply = answer_with(state, hand.to(Phase.WAITING), "fire", taken)
    return state, (*reply, again)


def trigger_set(state: AgentState, hand: RunInHand) -> Did:
    """It starts by itself now."""
    if hand.t0 is None or hand.prepared is None:
        return state, ()
    state = replace(state, hand=hand.to(Phase.COMMITTED))
    if hand.why:
        return state, (ReadClock(hand.run, 0),)
    return state, (Collect(hand.run, hand.t0, hand.prepared.duration_fs),)


def started_now(state: AgentState, hand: RunInHand, done: StartedNow) -> Did:
    """Answer FIRE of a start at once."""
    if hand.prepared is None:
        return state, ()
    duration_fs = hand.prepared.duration_fs
    hand = replace(hand.to(Phase.PLAYING), t0=done.at)
    state, reply = answer_with(state, hand, "fire", FireTaken(state.name, hand.run, 0, done.at))
    return state, (*reply, Collect(hand.run, done.at, duration_fs))


def collected(state: AgentState, hand: RunInHand, done: Collected) -> Did:
    """Report, standing down first where it has not started."""
    why = hand.why
    if done.start is None and not why:
        why = ": ".join(one for one in ("the trigger has not come", done.unstarted) if one)
    report = Report(
        state.name,
        hand.run,
        why,
        _program_of(hand),
        done.epochs,
        done.relocks,
        done.start,
        done.starts,
        done.late,
        done.missed,
        done.data,
        hand.short_fs,
    )
    known: dict[str, Any] = {"report": report, "started": done.starts > 0}
    if done.start is None:
        return stand_down(state, replace(hand, **known), why)  # it may still be armed
    return end(state, hand, **known)


def _program_of(hand: RunInHand) -> str:
    if hand.fired and hand.token is not None:
        return hand.token.program_hash
    return "" if hand.prepared is None else hand.prepared.program_hash


def made_safe(state: AgentState, done: MadeSafe) -> Did:
    """The instruments are known to be safe, or those of the run in hand."""
    hand = state.hand
    state = replace(state, unsafe=state.unsafe if done.of_run else "", making_safe=False)
    if hand is None or hand.phase is not Phase.STANDING_DOWN:
        return take_next(state)
    return _stood_down(state, hand, done.started)


def not_safe(state: AgentState, done: NotSafe, now_s: float) -> Did:
    """End what plays at once all the same, with a report; try again otherwise."""
    hand, state = state.hand, replace(state, making_safe=False)
    if not done.of_run:
        again_s = now_s + state.margins.safe_again_s
        state = replace(state, unsafe=done.reason, safe_at_s=again_s)
    if hand is not None and hand.at_once and hand.phase is Phase.STANDING_DOWN:
        return _stood_down(state, replace(hand, unsafe=done.reason), None)
    return state, ()


def _stood_down(state: AgentState, hand: RunInHand, started: bool | None) -> Did:
    if hand.report is None:
        epochs = Epochs(()) if hand.prepared is None else hand.prepared.epochs
        report = Report(
            state.name,
            hand.run,
            hand.why,
            "",
            epochs,
            (),
            None,
            int(bool(started)),
            0,
            0,
            b"",
            hand.short_fs,
        )
        hand = replace(hand, report=report, started=started)
    return end(state, hand)


def step_of(hand: RunInHand) -> str:
    """Return the request that is being done in the run's phase."""
    if hand.phase is Phase.PREPARING or hand.fired:
        return "prepare"
    return "arm" if hand.phase in (Phase.PREPARED, Phase.ARMING) else "fire"

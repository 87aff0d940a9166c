"""An agent's hardware: what it is commanded to do, and what it plays.

An invariant judges one step and returns what breaks it, or nothing. It trusts no guard of the
machines: what the hardware truly did and what a node has truly received is kept beside them.
"""

from collections.abc import Callable
from typing import Any

from tests.explorer.machines import MARGINS, NOW, QUANTUM_FS
from tests.explorer.node import DEAD, NodeStep

from podium.control.runs.agent_values import (
    ArmUp,
    Collected,
    HardwareFailed,
    Load,
    MakeSafe,
    NotSafe,
    Phase,
    ReadClock,
    RequestReceived,
    RunInHand,
    SetTrigger,
    StartNow,
)
from podium.control.runs.messages import (
    Armed,
    Fire,
    Report,
    StoodDown,
)

OfNode = Callable[[NodeStep], str]
OF_HARDWARE: list[OfNode] = []
HANDS_ON = (Phase.COMMITTING, Phase.COMMITTED)
OVER = (Phase.STANDING_DOWN, Phase.ENDED)


def of_hardware(judge: OfNode) -> OfNode:
    OF_HARDWARE.append(judge)
    return judge


def of_kind(step: NodeStep, kind: type) -> list[Any]:
    return [one for one in step.actions if isinstance(one, kind)]


def _new_pulses(step: NodeStep) -> tuple[tuple[Any, str], ...]:
    return step.after.hardware.played[len(step.before.hardware.played) :]


@of_hardware
def trigger_only_as_fired(step: NodeStep) -> str:
    """A trigger is set only for a run that a coordinator has fired, and for the time it said."""
    for action in of_kind(step, SetTrigger):
        if (action.run, action.t0) not in step.before.memory.fires:
            return f"the trigger is set for run {action.run}, which was not fired for that time"
    return ""


@of_hardware
def starts_as_planned(step: NodeStep) -> str:
    """What starts at once is started by FIRE alone, what starts at a time never at once."""
    hand = step.after.agent.hand
    for action in of_kind(step, StartNow):
        match step.event:
            case RequestReceived(Fire(run, None)) if run == action.run:
                pass
            case _:
                return f"run {action.run} is started, and was not fired to start at once"
        if hand is None or not hand.at_once:
            return f"run {action.run} is started at once, and was to start at a time"
    for action in (*of_kind(step, ReadClock), *of_kind(step, SetTrigger)):
        if hand is not None and hand.at_once:
            return f"{type(action).__name__} for run {action.run}, which starts at once"
    return ""


@of_hardware
def trigger_within_the_guard(step: NodeStep) -> str:
    """A trigger is set neither before T0 - guard nor after T0 - set-up."""
    for action in of_kind(step, SetTrigger):
        ahead_fs = action.t0 - NOW
        if not MARGINS.setup_fs <= ahead_fs <= MARGINS.guard_fs:
            return f"the trigger is set {ahead_fs / QUANTUM_FS:g} quanta before T0"
    return ""


@of_hardware
def epochs_hold_until_the_guard(step: NodeStep) -> str:
    """A clock that re-locks before the guard: the trigger is not set."""
    for action in of_kind(step, SetTrigger):
        at = step.before.hardware.relocked
        if at is not None and at.total_fs < action.t0.total_fs - MARGINS.guard_fs:
            return f"the trigger for run {action.run} is set though a clock was locked anew"
    return ""


@of_hardware
def armed_means_that_the_token_holds(step: NodeStep) -> str:
    """An agent arms only for the program, the epochs and the lead that its token names."""
    hand = step.after.agent.hand
    if hand is None:
        return ""
    for answer in step.answers:
        if isinstance(answer, Armed) and not isinstance(step.event, RequestReceived):
            epochs = None if hand.token is None else hand.token.epochs
            if epochs != step.after.epochs:
                return f"run {hand.run} is armed under other epochs than its token's"
    for _ in of_kind(step, ArmUp):
        token, prepared = hand.token, hand.prepared
        if token is None or prepared is None:
            return "it arms without a token"
        if token.program_hash != prepared.program_hash:
            return "it arms for another program than the token's"
        if token.epochs != prepared.epochs:
            return "it arms under other epochs than the token's"
        if token.minimum_lead_fs < hand.margins.minimum_lead_fs:
            return "it arms with a token that gives too little lead"
    return ""


@of_hardware
def one_run_on_the_hardware(step: NodeStep) -> str:
    """Never two runs on one agent's hardware."""
    hardware = step.before.hardware
    match step.done:
        case Load(run):
            busy = hardware.armed or hardware.trigger is not None or hardware.plays is not None
            if busy and not hardware.owed:  # what is owed is made safe before
                return f"run {run} is loaded over run {hardware.loaded}"
        case ArmUp(run) if hardware.loaded != run:
            return f"run {hardware.loaded} is armed for run {run}"
        case StartNow(run) if hardware.loaded != run or not hardware.armed:
            return f"run {run} is started while {hardware.loaded} is loaded"
        case SetTrigger(run):
            if hardware.loaded != run or not hardware.armed:
                return f"the trigger of run {run} is set while {hardware.loaded} is loaded"
            if hardware.trigger is not None and hardware.trigger[0] != run:
                return f"the trigger of run {run} is set beside another"
    return ""


@of_hardware
def safe_before_anything_else(step: NodeStep) -> str:
    """A life makes its instruments safe before anything else, and takes no run on before that.

    What starts at once needs no other outputs than its own to be safe.
    """
    acts = isinstance(step.done, Load | ArmUp | SetTrigger)
    before, after = step.before.agent.hand, step.after.agent.hand
    if acts and not step.before.memory.made_safe and not at_once(before):
        return f"{type(step.done).__name__} before this life has made safe"
    unsafe = step.after.agent.unsafe or step.after.agent.making_safe
    if of_kind(step, Load) and unsafe and not at_once(after):
        return "a run is taken on while the instruments are not known to be safe"
    return ""


def at_once(hand: RunInHand | None) -> bool:
    return hand is not None and hand.at_once


@of_hardware
def only_all_made_safe_is_safe(step: NodeStep) -> str:
    """Instruments are known to be safe once all were made safe, not only what a run plays on."""
    if not step.before.agent.unsafe or step.after.agent.unsafe:
        return ""
    if step.before.life == step.after.life and step.done != MakeSafe():
        return f"its instruments are taken for safe after {step.done}"
    return ""


@of_hardware
def what_is_made_safe_is_made_safe_whole(step: NodeStep) -> str:
    """Nothing takes the place of making all safe but making all safe."""
    before, after = step.before, step.after
    due = any(one.action == MakeSafe() and not one.unheard for one in before.commands)
    if not due or step.done is not None or after.process == DEAD or before.life != after.life:
        return ""
    failed = isinstance(step.event, NotSafe)
    if not failed and not any(one.action == MakeSafe() for one in after.commands):
        return "all was to be made safe, and no longer is"
    return ""


@of_hardware
def what_plays_at_once_is_not_cut_off(step: NodeStep) -> str:
    """While a run that was started at once is on, what takes no part in it is not made safe."""
    hand = step.after.agent.hand
    goes_on = hand is not None and hand.at_once and hand.phase not in OVER
    if goes_on and MakeSafe() in step.actions:
        return f"all is made safe under run {hand.run if hand else ''}"
    return ""


@of_hardware
def no_pulse_at_a_wrong_time(step: NodeStep) -> str:
    """A pulse leaves once, at T0; otherwise only for what happened within the guard."""
    before = step.before.hardware
    for run, flaw in _new_pulses(step):
        if run in [one for one, _ in before.played]:
            return f"run {run} plays twice"
        at, late = step.after.hardware.relocked, before.edge_is_late or before.edge == "late"
        if flaw and not late and (at is None or at.total_fs < NOW.total_fs - MARGINS.guard_fs):
            return f"run {run} plays at a wrong time: {flaw}"
    return ""


@of_hardware
def nobody_plays_beyond_an_abort(step: NodeStep) -> str:
    """What was aborted, stood down or refused before its trigger was set does not play."""
    for run, _ in _new_pulses(step):
        if run in step.before.memory.stopped:
            return f"run {run} plays although it was stopped"
    for action in of_kind(step, Load):
        if action.run in step.before.memory.stopped:
            return f"run {action.run} is taken on although it was stopped"
    return ""


@of_hardware
def stood_down_is_still(step: NodeStep) -> str:
    """An agent that says it has stood down: nothing of the run plays or will play."""
    hardware = step.after.hardware
    for answer in step.answers:
        if not isinstance(answer, StoodDown):
            continue
        if hardware.trigger is not None and hardware.trigger[0] == answer.run:
            return f"the trigger of run {answer.run} is still set"
        if answer.unsafe or answer.run in step.before.memory.unsafe:
            continue  # it says, or has said, that something may play on
        if hardware.plays is not None and hardware.plays[0] == answer.run:
            return f"run {answer.run} still plays"
        if answer.started is False and answer.run in [one for one, _ in hardware.played]:
            return f"run {answer.run} had begun"
    return ""


@of_hardware
def hands_off_within_the_guard(step: NodeStep) -> str:
    """Once the trigger is set nothing is touched until T0 has passed, unless hardware failed."""
    hand = step.before.agent.hand
    if hand is None or hand.phase not in HANDS_ON or hand.t0 is None:
        return ""
    touched = of_kind(step, MakeSafe) and not isinstance(step.event, HardwareFailed | Collected)
    if touched and hand.t0 >= NOW:
        return f"run {hand.run} is touched before T0 has passed"
    return ""


@of_hardware
def a_report_says_what_played(step: NodeStep) -> str:
    """A report that names no reason is of a run that has played, with its own data."""
    for answer in step.answers:
        if isinstance(answer, Report) and not answer.ended:
            played = [run for run, _ in step.after.hardware.played]
            if answer.run not in played or answer.data != str(answer.run).encode():
                return f"run {answer.run} is reported as played"
    return ""

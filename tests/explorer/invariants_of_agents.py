"""One agent and its hardware: what holds at each of their steps.

An invariant judges one step and returns what breaks it, or nothing. It trusts no guard of the
machines: what the hardware truly did and what a node has truly received is kept beside them.
"""

from collections.abc import Callable
from typing import Any

from tests.explorer.machines import MARGINS, NOW, NOW_S, QUANTUM_FS
from tests.explorer.node import DEAD, NodeStep

from podium.control.runs.agent_values import (
    ArmUp,
    Collected,
    HardwareFailed,
    Heard,
    Load,
    MakeSafe,
    NotSafe,
    Phase,
    ReadClock,
    RunInHand,
    SetTrigger,
    StartNow,
    Ticked,
)
from podium.control.runs.messages import (
    UNVERIFIED,
    Arm,
    Armed,
    AtATime,
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

OfNode = Callable[[NodeStep], str]
OF_NODE: list[OfNode] = []
HANDS_ON = (Phase.COMMITTING, Phase.COMMITTED)
OVER = (Phase.STANDING_DOWN, Phase.ENDED)


def of_node(judge: OfNode) -> OfNode:
    OF_NODE.append(judge)
    return judge


def _of_kind(step: NodeStep, kind: type) -> list[Any]:
    return [one for one in step.actions if isinstance(one, kind)]


def _new_pulses(step: NodeStep) -> tuple[tuple[Any, str], ...]:
    return step.after.hardware.played[len(step.before.hardware.played) :]


@of_node
def trigger_only_as_fired(step: NodeStep) -> str:
    """A trigger is set only for a run that a coordinator has fired, and for the time it said."""
    for action in _of_kind(step, SetTrigger):
        if (action.run, action.t0) not in step.before.memory.fires:
            return f"the trigger is set for run {action.run}, which was not fired for that time"
    return ""


@of_node
def starts_as_planned(step: NodeStep) -> str:
    """What starts at once is started by FIRE alone, what starts at a time never at once."""
    hand = step.after.agent.hand
    for action in _of_kind(step, StartNow):
        match step.event:
            case Heard(Fire(run, None)) if run == action.run:
                pass
            case _:
                return f"run {action.run} is started, and was not fired to start at once"
        if hand is None or not hand.at_once:
            return f"run {action.run} is started at once, and was to start at a time"
    for action in (*_of_kind(step, ReadClock), *_of_kind(step, SetTrigger)):
        if hand is not None and hand.at_once:
            return f"{type(action).__name__} for run {action.run}, which starts at once"
    return ""


@of_node
def trigger_within_the_guard(step: NodeStep) -> str:
    """A trigger is set neither before T0 - guard nor after T0 - set-up."""
    for action in _of_kind(step, SetTrigger):
        ahead_fs = action.t0 - NOW
        if not MARGINS.setup_fs <= ahead_fs <= MARGINS.guard_fs:
            return f"the trigger is set {ahead_fs / QUANTUM_FS:g} quanta before T0"
    return ""


@of_node
def fire_is_taken_with_the_least_lead(step: NodeStep) -> str:
    """FIRE with less than the least lead, or further ahead than the longest, is not taken."""
    for answer in step.answers:
        hand = step.after.agent.hand
        new = isinstance(answer, FireTaken) and not isinstance(step.event, Heard)
        if new and hand is not None and hand.t0 is not None and not hand.at_once:
            ahead_fs = hand.t0 - NOW
            if not MARGINS.minimum_lead_fs <= ahead_fs <= MARGINS.longest_lead_fs:
                return f"FIRE is taken {ahead_fs / QUANTUM_FS:g} quanta before T0"
    return ""


@of_node
def fire_is_taken_within_the_lease(step: NodeStep) -> str:
    """FIRE counts only within the lease."""
    before, after = step.before.agent.hand, step.after.agent.hand
    if before is None or after is None or before.lease_ends_s is None:
        return ""
    if before.phase is Phase.ARMED and after.phase in (Phase.CHECKING, Phase.STARTING):
        return "FIRE counts after the lease" if before.lease_ends_s <= NOW_S else ""
    return ""


@of_node
def lease_ends_by_itself(step: NodeStep) -> str:
    """Without FIRE the agent stands down at the end of the lease."""
    hand = step.after.agent.hand
    if not isinstance(step.event, Ticked) or hand is None or hand.lease_ends_s is None:
        return ""
    if hand.phase is Phase.ARMED and hand.lease_ends_s <= NOW_S:
        return f"run {hand.run} is still armed after its lease"
    return ""


@of_node
def epochs_hold_until_the_guard(step: NodeStep) -> str:
    """A clock that re-locks before the guard: the trigger is not set."""
    for action in _of_kind(step, SetTrigger):
        at = step.before.hardware.relocked
        if at is not None and at.total_fs < action.t0.total_fs - MARGINS.guard_fs:
            return f"the trigger for run {action.run} is set though a clock was locked anew"
    return ""


@of_node
def armed_means_that_the_token_holds(step: NodeStep) -> str:
    """An agent arms only for the program, the epochs and the lead that its token names."""
    hand = step.after.agent.hand
    if hand is None:
        return ""
    for answer in step.answers:
        if isinstance(answer, Armed) and not isinstance(step.event, Heard):
            epochs = None if hand.token is None else hand.token.epochs
            if epochs != step.after.epochs:
                return f"run {hand.run} is armed under other epochs than its token's"
    for _ in _of_kind(step, ArmUp):
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


@of_node
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


@of_node
def safe_before_anything_else(step: NodeStep) -> str:
    """A life makes its instruments safe before anything else, and takes no run on before that.

    What starts at once needs no other outputs than its own to be safe.
    """
    acts = isinstance(step.done, Load | ArmUp | SetTrigger)
    before, after = step.before.agent.hand, step.after.agent.hand
    if acts and not step.before.memory.made_safe and not _at_once(before):
        return f"{type(step.done).__name__} before this life has made safe"
    unsafe = step.after.agent.unsafe or step.after.agent.making_safe
    if _of_kind(step, Load) and unsafe and not _at_once(after):
        return "a run is taken on while the instruments are not known to be safe"
    return ""


def _at_once(hand: RunInHand | None) -> bool:
    return hand is not None and hand.at_once


@of_node
def only_all_made_safe_is_safe(step: NodeStep) -> str:
    """Instruments are known to be safe once all were made safe, not only what a run plays on."""
    if not step.before.agent.unsafe or step.after.agent.unsafe:
        return ""
    if step.before.life == step.after.life and step.done != MakeSafe():
        return f"its instruments are taken for safe after {step.done}"
    return ""


@of_node
def what_plays_at_once_is_not_cut_off(step: NodeStep) -> str:
    """While a run that was started at once is on, what takes no part in it is not made safe."""
    hand = step.after.agent.hand
    goes_on = hand is not None and hand.at_once and hand.phase not in OVER
    if goes_on and MakeSafe() in step.actions:
        return f"all is made safe under run {hand.run if hand else ''}"
    return ""


@of_node
def what_starts_at_once_ends_all_the_same(step: NodeStep) -> str:
    """What cannot be made safe after a start at once is reported, and holds up nothing else."""
    before, after = step.before.agent.hand, step.after.agent.hand
    if not isinstance(step.event, NotSafe) or before is None or not _at_once(before):
        return ""
    if before.phase is not Phase.STANDING_DOWN or after is None or after.run != before.run:
        return ""
    if after.phase is not Phase.ENDED or not after.unsafe:
        return f"run {before.run} does not end, or does not say what is not safe"
    return ""


@of_node
def what_is_being_done_is_not_refused(step: NodeStep) -> str:
    """A request that comes again while it is done is not refused."""
    hand = step.before.agent.hand
    if not isinstance(step.event, Heard) or hand is None or isinstance(step.event.request, Greet):
        return ""
    request, doing = step.event.request, step.before.commands
    if request.run != hand.run or request.run.session < step.before.agent.session:
        return ""
    again = (isinstance(request, Arm) and hand.phase is Phase.ARMING) or (
        isinstance(request, Fire) and hand.phase is Phase.STARTING and request.t0 is None
    )
    if again and doing and any(isinstance(one, Refusal) for one in step.answers):
        return f"{type(request).__name__} of run {hand.run} is refused while it is done"
    return ""


@of_node
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


@of_node
def nobody_plays_beyond_an_abort(step: NodeStep) -> str:
    """What was aborted, stood down or refused before its trigger was set does not play."""
    for run, _ in _new_pulses(step):
        if run in step.before.memory.stopped:
            return f"run {run} plays although it was stopped"
    for action in _of_kind(step, Load):
        if action.run in step.before.memory.stopped:
            return f"run {action.run} is taken on although it was stopped"
    return ""


@of_node
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


@of_node
def hands_off_within_the_guard(step: NodeStep) -> str:
    """Once the trigger is set nothing is touched until T0 has passed, unless hardware failed."""
    hand = step.before.agent.hand
    if hand is None or hand.phase not in HANDS_ON or hand.t0 is None:
        return ""
    touched = _of_kind(step, MakeSafe) and not isinstance(step.event, HardwareFailed | Collected)
    if touched and hand.t0 >= NOW:
        return f"run {hand.run} is touched before T0 has passed"
    return ""


@of_node
def runs_only_go_up(step: NodeStep) -> str:
    """Sessions and run numbers only go up; a life takes a run on once."""
    before, after = step.before, step.after
    if before.life != after.life or after.process == DEAD:
        return ""
    if after.agent.session < before.agent.session:
        return "the session went down"
    if before.agent.last is not None and (
        after.agent.last is None or after.agent.last < before.agent.last
    ):
        return "the latest run went down"
    for action in _of_kind(step, Load):
        if any(action.run <= one for one in before.memory.loaded):
            return f"run {action.run} is taken on after run {before.memory.loaded[-1]}"
    return ""


@of_node
def a_session_that_is_over_changes_nothing(step: NodeStep) -> str:
    """Nothing is done for a coordinator whose session is over."""
    if not isinstance(step.event, Heard):
        return ""
    request = step.event.request
    session = request.session if isinstance(request, Greet) else request.run.session
    if session >= step.before.memory.session:
        return ""
    if step.after.agent != step.before.agent or any(
        not isinstance(one, Fenced) for one in step.answers
    ):
        return f"{type(request).__name__} of session {session} was not ignored"
    return ""


@of_node
def runs_of_a_session_that_is_over_end(step: NodeStep) -> str:
    """Agents end the runs of the session before: no trigger is set for one."""
    for action in _of_kind(step, SetTrigger):
        if action.run.session < step.before.memory.session:
            return f"the trigger of run {action.run} is set after its coordinator was replaced"
    return ""


@of_node
def only_the_life_that_is_meant(step: NodeStep) -> str:
    """PREPARE for another life of the agent begins nothing."""
    match step.event:
        case Heard(Prepare() as request) if request.life != step.before.life:
            if _of_kind(step, Load) or step.after.agent.following == request:
                return f"it was meant for life {request.life}, this is life {step.before.life}"
    return ""


@of_node
def said_twice_is_answered_as_before(step: NodeStep) -> str:
    """A message that comes twice is answered as before, and changes nothing."""
    hand = step.before.agent.hand
    if not isinstance(step.event, Heard) or hand is None:
        return ""
    request = step.event.request
    name = {Prepare: "prepare", Arm: "arm", Fire: "fire"}.get(type(request), "")
    if not name or request.run != hand.run:
        return ""
    if isinstance(request, Prepare) and request.life != step.before.life:
        return ""
    other = hand.t0 not in (None, request.t0) if isinstance(request, Fire) else False
    if other and not (hand.at_once and request.t0 is None):
        return ""
    if request.run.session < step.before.agent.session:
        return ""
    answer = hand.answer_to(name)
    if answer is None:
        return ""
    if step.said != (answer,) or step.after.agent != step.before.agent:
        return f"{name.upper()} of run {hand.run} had {answer}, now {step.answers}"
    return ""


@of_node
def another_run_is_not_moved(step: NodeStep) -> str:
    """A message of one run does not move another: only a newer PREPARE or session ends it."""
    hand = step.before.agent.hand
    if not isinstance(step.event, Heard) or isinstance(step.event.request, Greet | Prepare):
        return ""
    request = step.event.request
    if hand is None or request.run == hand.run or request.run.session > step.before.agent.session:
        return ""
    if step.after.agent.hand != hand:
        return f"{type(request).__name__} of run {request.run} moved run {hand.run}"
    return ""


@of_node
def an_answer_is_to_its_question(step: NodeStep) -> str:
    """What is answered at once names the run that was asked about, and FIRE its own T0."""
    if not isinstance(step.event, Heard) or isinstance(step.event.request, Greet):
        return ""
    request, hand = step.event.request, step.before.agent.hand
    for answer in step.answers:
        if not isinstance(answer, Fenced | Present) and answer.run != request.run:
            return f"asked about run {request.run}, it answers about run {answer.run}"
        taken = isinstance(answer, FireTaken) and hand is not None and isinstance(request, Fire)
        if taken and hand.t0 != request.t0 and (request.t0 is not None or not hand.at_once):
            return f"FIRE of run {hand.run} is taken for another time"
    return ""


@of_node
def several_nodes_are_verified(step: NodeStep) -> str:
    """A start that nobody can verify is refused for a run on several nodes."""
    hand = step.after.agent.hand
    for answer in step.answers:
        if isinstance(answer, Prepared) and answer.source == UNVERIFIED and hand is not None:
            several = isinstance(hand.plan, AtATime) and hand.plan.several
            return "an unverified start is prepared on several nodes" if several else ""
    return ""


@of_node
def a_report_says_what_played(step: NodeStep) -> str:
    """A report that names no reason is of a run that has played, with its own data."""
    for answer in step.answers:
        if isinstance(answer, Report) and not answer.ended:
            played = [run for run, _ in step.after.hardware.played]
            if answer.run not in played or answer.data != str(answer.run).encode():
                return f"run {answer.run} is reported as played"
    return ""

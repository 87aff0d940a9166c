"""An agent's machine: whom it listens to, what it answers, when it ends a run.

An invariant judges one step and returns what breaks it, or nothing. It trusts no guard of the
machines: what the hardware truly did and what a node has truly received is kept beside them.
"""

from tests.explorer.invariants_of_hardware import OfNode, at_once, of_kind
from tests.explorer.machines import MARGINS, NOW, NOW_S, QUANTUM_FS
from tests.explorer.node import DEAD, NodeStep

from podium.control.runs.agent_values import (
    Load,
    NotSafe,
    Phase,
    RequestReceived,
    SetTrigger,
    Ticked,
)
from podium.control.runs.messages import (
    UNVERIFIED,
    Arm,
    AtATime,
    Fenced,
    Fire,
    FireTaken,
    Greet,
    Prepare,
    Prepared,
    Present,
    Refusal,
)

OF_AGENT: list[OfNode] = []


def of_agent(judge: OfNode) -> OfNode:
    OF_AGENT.append(judge)
    return judge


@of_agent
def fire_is_taken_with_the_least_lead(step: NodeStep) -> str:
    """FIRE with less than the least lead, or further ahead than the longest, is not taken."""
    for answer in step.answers:
        hand = step.after.agent.hand
        new = isinstance(answer, FireTaken) and not isinstance(step.event, RequestReceived)
        if new and hand is not None and hand.t0 is not None and not hand.at_once:
            ahead_fs = hand.t0 - NOW
            if not MARGINS.minimum_lead_fs <= ahead_fs <= MARGINS.longest_lead_fs:
                return f"FIRE is taken {ahead_fs / QUANTUM_FS:g} quanta before T0"
    return ""


@of_agent
def fire_is_taken_within_the_lease(step: NodeStep) -> str:
    """FIRE counts only within the lease."""
    before, after = step.before.agent.hand, step.after.agent.hand
    if before is None or after is None or before.lease_ends_s is None:
        return ""
    if before.phase is Phase.ARMED and after.phase in (Phase.CHECKING, Phase.STARTING):
        return "FIRE counts after the lease" if before.lease_ends_s <= NOW_S else ""
    return ""


@of_agent
def lease_ends_by_itself(step: NodeStep) -> str:
    """Without FIRE the agent stands down at the end of the lease."""
    hand = step.after.agent.hand
    if not isinstance(step.event, Ticked) or hand is None or hand.lease_ends_s is None:
        return ""
    if hand.phase is Phase.ARMED and hand.lease_ends_s <= NOW_S:
        return f"run {hand.run} is still armed after its lease"
    return ""


@of_agent
def what_starts_at_once_ends_all_the_same(step: NodeStep) -> str:
    """What cannot be made safe after a start at once is reported, and holds up nothing else."""
    before, after = step.before.agent.hand, step.after.agent.hand
    if not isinstance(step.event, NotSafe) or before is None or not at_once(before):
        return ""
    if before.phase is not Phase.STANDING_DOWN or after is None or after.run != before.run:
        return ""
    if after.phase is not Phase.ENDED or not after.unsafe:
        return f"run {before.run} does not end, or does not say what is not safe"
    return ""


@of_agent
def what_is_being_done_is_not_refused(step: NodeStep) -> str:
    """A request that comes again while it is done is not refused."""
    hand = step.before.agent.hand
    if (
        not isinstance(step.event, RequestReceived)
        or hand is None
        or isinstance(step.event.request, Greet)
    ):
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


@of_agent
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
    for action in of_kind(step, Load):
        if any(action.run <= one for one in before.memory.loaded):
            return f"run {action.run} is taken on after run {before.memory.loaded[-1]}"
    return ""


@of_agent
def a_session_that_is_over_changes_nothing(step: NodeStep) -> str:
    """Nothing is done for a coordinator whose session is over."""
    if not isinstance(step.event, RequestReceived):
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


@of_agent
def runs_of_a_session_that_is_over_end(step: NodeStep) -> str:
    """Agents end the runs of the session before: no trigger is set for one."""
    for action in of_kind(step, SetTrigger):
        if action.run.session < step.before.memory.session:
            return f"the trigger of run {action.run} is set after its coordinator was replaced"
    return ""


@of_agent
def only_the_life_that_is_meant(step: NodeStep) -> str:
    """PREPARE for another life of the agent begins nothing."""
    match step.event:
        case RequestReceived(Prepare() as request) if request.life != step.before.life:
            if of_kind(step, Load) or step.after.agent.following == request:
                return f"it was meant for life {request.life}, this is life {step.before.life}"
    return ""


@of_agent
def said_twice_is_answered_as_before(step: NodeStep) -> str:
    """A message that comes twice is answered as before, and changes nothing."""
    hand = step.before.agent.hand
    if not isinstance(step.event, RequestReceived) or hand is None:
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


@of_agent
def another_run_is_not_moved(step: NodeStep) -> str:
    """A message of one run does not move another: only a newer PREPARE or session ends it."""
    hand = step.before.agent.hand
    if not isinstance(step.event, RequestReceived) or isinstance(
        step.event.request, Greet | Prepare
    ):
        return ""
    request = step.event.request
    if hand is None or request.run == hand.run or request.run.session > step.before.agent.session:
        return ""
    if step.after.agent.hand != hand:
        return f"{type(request).__name__} of run {request.run} moved run {hand.run}"
    return ""


@of_agent
def an_answer_is_to_its_question(step: NodeStep) -> str:
    """What is answered at once names the run that was asked about, and FIRE its own T0."""
    if not isinstance(step.event, RequestReceived) or isinstance(step.event.request, Greet):
        return ""
    request, hand = step.event.request, step.before.agent.hand
    for answer in step.answers:
        if not isinstance(answer, Fenced | Present) and answer.run != request.run:
            return f"asked about run {request.run}, it answers about run {answer.run}"
        taken = isinstance(answer, FireTaken) and hand is not None and isinstance(request, Fire)
        if taken and hand.t0 != request.t0 and (request.t0 is not None or not hand.at_once):
            return f"FIRE of run {hand.run} is taken for another time"
    return ""


@of_agent
def several_nodes_are_verified(step: NodeStep) -> str:
    """A start that nobody can verify is refused for a run on several nodes."""
    hand = step.after.agent.hand
    for answer in step.answers:
        if isinstance(answer, Prepared) and answer.source == UNVERIFIED and hand is not None:
            several = isinstance(hand.plan, AtATime) and hand.plan.several
            return "an unverified start is prepared on several nodes" if several else ""
    return ""

"""What the contract of a start says, as functions: each has a name and a sentence.

docs/explanation/one-start.md, ``messages.py`` and ``run_machine.py`` state it. An invariant judges
one step of a part and returns what breaks it, or nothing. It trusts no guard of the machines: what
the hardware truly did, what a node has truly received and what the disk holds is kept beside them.
"""

from collections.abc import Callable, Mapping
from typing import Any

from tests.explorer.machines import (
    GRID_FS,
    LEAD_FS,
    MARGINS,
    NOW,
    NOW_S,
    PATIENCE,
    QUANTUM_FS,
    without_reasons,
)
from tests.explorer.node import DEAD, Hardware, NodeStep
from tests.explorer.office import GONE, UP, Office, OfficeStep, Outside

from podium.control.runs.agent_values import (
    ArmUp,
    Collected,
    HardwareFailed,
    Heard,
    Load,
    MakeSafe,
    Phase,
    SetTrigger,
    Ticked,
)
from podium.control.runs.attendance import OWN_PAUSE_S, STALE_S
from podium.control.runs.coordinator_machine import UNKNOWN
from podium.control.runs.coordinator_values import Keep, Tell
from podium.control.runs.journal import JobAccepted, JobEnded
from podium.control.runs.messages import (
    UNVERIFIED,
    Arm,
    Armed,
    AtATime,
    Beat,
    Fenced,
    Fire,
    FireTaken,
    Greet,
    Prepare,
    Prepared,
    Present,
    Report,
    StoodDown,
)
from podium.control.runs.run_values import Send, Stage, TimePassed
from podium.control.timebase.epochs import EpochMoved, Epochs
from podium.firmware_interfaces.exact_time import FS_PER_S

OfNode = Callable[[NodeStep], str]
OfOffice = Callable[[OfficeStep], str]
OfSilence = Callable[[Office, Office], str]
OfOutside = Callable[[OfficeStep, Outside, Mapping[str, Hardware]], str]

OF_NODE: list[OfNode] = []
OF_OFFICE: list[OfOffice] = []
OF_SILENCE: list[OfSilence] = []
OF_OUTSIDE: list[OfOutside] = []
HANDS_ON = (Phase.COMMITTING, Phase.COMMITTED)


def of_node(judge: OfNode) -> OfNode:
    OF_NODE.append(judge)
    return judge


def of_office(judge: OfOffice) -> OfOffice:
    OF_OFFICE.append(judge)
    return judge


def of_silence(judge: OfSilence) -> OfSilence:
    OF_SILENCE.append(judge)
    return judge


def of_outside(judge: OfOutside) -> OfOutside:
    OF_OUTSIDE.append(judge)
    return judge


Broken = tuple[tuple[str, str], ...]


def broken_by_node(step: NodeStep) -> Broken:
    """Return the names of invariants that a step of a node breaks, and how."""
    if step.error:
        return (("no_step_raises", step.error),)
    return tuple((one.__name__, how) for one in OF_NODE if (how := one(step)))


def broken_by_office(step: OfficeStep) -> Broken:
    if step.error:
        return (("no_step_raises", step.error),)
    return tuple((one.__name__, how) for one in OF_OFFICE if (how := one(step)))


def broken_by_silence(before: Office, after: Office) -> Broken:
    """Judge time that goes on at a coordinator."""
    if before.process != UP:
        return ()
    return tuple((one.__name__, how) for one in OF_SILENCE if (how := one(before, after)))


def broken_by_outside(step: OfficeStep, outside: Outside, played: Mapping[str, Hardware]) -> Broken:
    """Judge what a coordinator keeps, tells and begins."""
    return tuple((one.__name__, how) for one in OF_OUTSIDE if (how := one(step, outside, played)))


# One agent and its hardware


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
        if new and hand is not None and hand.t0 is not None:
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
    if before.phase is Phase.ARMED and after.phase is Phase.CHECKING:
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
            if hardware.armed or hardware.trigger is not None or hardware.plays is not None:
                return f"run {run} is loaded over run {hardware.loaded}"
        case ArmUp(run) if hardware.loaded != run:
            return f"run {hardware.loaded} is armed for run {run}"
        case SetTrigger(run):
            if hardware.loaded != run or not hardware.armed:
                return f"the trigger of run {run} is set while {hardware.loaded} is loaded"
            if hardware.trigger is not None and hardware.trigger[0] != run:
                return f"the trigger of run {run} is set beside another"
    return ""


@of_node
def safe_before_anything_else(step: NodeStep) -> str:
    """A life makes its instruments safe before anything else, and takes no run on before that."""
    acts = isinstance(step.done, Load | ArmUp | SetTrigger)
    if acts and not step.before.memory.made_safe:
        return f"{type(step.done).__name__} before this life has made safe"
    if _of_kind(step, Load) and (step.after.agent.unsafe or step.after.agent.making_safe):
        return "a run is taken on while the instruments are not known to be safe"
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
    if isinstance(request, Fire) and hand.t0 not in (None, request.t0):
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
        if taken and hand.t0 != request.t0:
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


# A coordinator


def _says(step: OfficeStep, kind: type) -> list[Any]:
    return [
        one.request
        for one in step.actions
        if isinstance(one, Send) and isinstance(one.request, kind)
    ]


@of_office
def armed_together(step: OfficeStep) -> str:
    """ARM is said only once all nodes have prepared one program under epochs that agree."""
    for run in {one.run for one in _says(step, Arm)}:
        start = next(one for _, one in step.after.side.runs if one.run == run)
        prepared = [node.prepared for node in start.nodes]
        if any(one is None for one in prepared):
            return f"run {run} is armed before all have prepared it"
        if len({one.program_hash for one in prepared if one}) > 1:
            return f"run {run} is armed for different programs"
        try:
            Epochs.union(one.epochs for one in prepared if one)
        except EpochMoved:
            return f"run {run} is armed under epochs that do not agree"
        if len(prepared) > 1 and any(one.source == UNVERIFIED for one in prepared if one):
            return f"run {run} is armed on several nodes, one of them unverified"
    return ""


@of_office
def fired_together(step: OfficeStep) -> str:
    """FIRE is said only once all are armed, for a T0 on the grid, the lead after the latest time.

    That is no time of an answer that had to be asked for twice: it may be old.
    """
    for fire in _says(step, Fire):
        start = next((one for _, one in step.after.side.runs if one.run == fire.run), None)
        before = next((one for _, one in step.before.side.runs if one.run == fire.run), None)
        if before is not None and before.stage is Stage.FIRING:
            continue  # said again
        if start is None or start.told is None or start.t0 != fire.t0:
            return f"run {fire.run} is fired for a time that was not chosen"
        if any(node.armed is None for node in start.nodes):
            return f"run {fire.run} is fired before all are armed"
        if fire.t0.total_fs % GRID_FS:
            return f"run {fire.run} is fired off the grid"
        if fire.t0 - start.told < LEAD_FS:
            return f"run {fire.run} is fired with too little lead"
        twice = [node.agent for node in (before or start).nodes if node.said_again]
        if isinstance(step.event, Armed) and twice:
            return f"run {fire.run} is fired by the time of {twice}, who had to be asked twice"
    return ""


@of_office
def fire_is_called_back_before_the_guard(step: OfficeStep) -> str:
    """FIRE that is not taken by all is called back before the guard, if its T0 rests on a time
    that is no older than the margin kept for that."""
    for fire in _says(step, Fire):
        start = next((one for _, one in step.after.side.runs if one.run == fire.run), None)
        if start is None or start.told is None or start.stage is not Stage.FIRING:
            continue
        until_fs = int((start.deadline_s - NOW_S) * FS_PER_S)
        recent = NOW - start.told <= PATIENCE.recall_s * FS_PER_S
        if recent and until_fs > fire.t0 - NOW - MARGINS.guard_fs:
            return f"run {fire.run} is called back {until_fs / QUANTUM_FS:g} quanta from now"
    return ""


@of_office
def jobs_share_no_agent(step: OfficeStep) -> str:
    """Runs that are on at the same time are on different agents."""
    names = [node.agent for _, start in step.after.side.runs for node in start.nodes]
    return f"two runs want one of {names}" if len(set(names)) < len(names) else ""


@of_office
def begun_on_who_is_well(step: OfficeStep) -> str:
    """A run begins only on agents that were greeted, are safe and not in quarantine."""
    for _, run in step.begun:
        start = next(one for _, one in step.after.side.runs if one.run == run)
        for node in start.nodes:
            seen = step.after.side.attendant(node.agent)
            if seen is None or seen.unwell or seen.life != node.life:
                return f"run {run} begins on {node.agent}"
    return ""


@of_office
def well_after_a_greeting_alone(step: OfficeStep) -> str:
    """An agent leaves quarantine only by its own answer, in this life, that it is safe."""
    for seen in step.after.side.attendants:
        before = step.before.side.attendant(seen.agent)
        if seen.unwell or (before is not None and not before.unwell):
            continue
        answer = step.event
        own = isinstance(answer, Present) and answer.agent == seen.agent
        if not own or answer.life != seen.life or answer.unsafe:
            return f"{seen.agent} leaves quarantine by {type(answer).__name__}"
    return ""


@of_office
def own_pause_is_nobodys_silence(step: OfficeStep) -> str:
    """A coordinator that was paused takes nobody for silent because of it."""
    pause_s = NOW_S - step.before.side.awake_s
    if not isinstance(step.event, TimePassed) or pause_s <= OWN_PAUSE_S:
        return ""
    for seen in step.after.side.attendants:
        before = step.before.side.attendant(seen.agent)
        if before is None or before.unwell or not seen.unwell:
            continue
        if NOW_S - before.beaten_s - pause_s <= STALE_S:
            return f"{seen.agent} is in quarantine for the coordinator's own pause"
    return ""


@of_office
def who_does_not_stand_down_is_not_used(step: OfficeStep) -> str:
    """An agent that does not stand down in time is put in quarantine."""
    if not isinstance(step.event, TimePassed):
        return ""
    on = {start.run for _, start in step.after.side.runs}
    for _, start in step.before.side.runs:
        if start.stage is not Stage.ABORTING or start.run in on:
            continue
        for node in start.nodes:
            seen = step.after.side.attendant(node.agent)
            if not node.down and (seen is None or not seen.unwell):
                return f"{node.agent} has not stood down from run {start.run}, and is used"
    return ""


@of_office
def another_life_knows_nothing(step: OfficeStep) -> str:
    """An agent that was started anew: its runs fail."""
    event = step.event
    if not isinstance(event, Beat):
        return ""
    before = step.before.side.attendant(event.agent)
    if before is None or before.life == event.life:
        return ""
    known = step.after.side.attendant(event.agent)
    if known is None or known.life != event.life:
        return f"{event.agent} is still taken for life {before.life}"
    for _, start in step.after.side.runs:
        for node in start.nodes:
            same = node.agent == event.agent and node.life != event.life
            if same and not node.down and start.stage is not Stage.ABORTING:
                return f"run {start.run} goes on with life {node.life} of {node.agent}"
    return ""


@of_office
def an_earlier_session_stands_aside(step: OfficeStep) -> str:
    """A coordinator that hears of a later session does nothing any more."""
    if not isinstance(step.event, Fenced) or step.event.session <= step.before.side.session:
        return ""
    if step.after.process != GONE or any(isinstance(one, Send | Keep) for one in step.actions):
        return f"session {step.before.side.session} goes on"
    return ""


@of_office
def data_only_of_what_is_complete(step: OfficeStep) -> str:
    """A job that failed has no data; one that did not has those of all its agents."""
    for action in step.actions:
        match action:
            case Tell(JobEnded() as ended):
                if ended.failed and ended.data:
                    return f"{ended.ticket} failed, and has data"
                start = next((one for of, one in step.before.side.runs if of == ended.ticket), None)
                if not ended.failed and start is not None:
                    agents = tuple(node.agent for node in start.nodes)
                    if tuple(agent for agent, _ in ended.data) != agents:
                        return f"{ended.ticket} is complete without the data of all"
    return ""


# Time that goes on at a coordinator that is awake


@of_silence
def deadlines_are_kept(before: Office, after: Office) -> str:
    """No stage of a run outlasts its deadline."""
    for _, start in before.side.runs:
        if start.deadline_s <= NOW_S:
            return f"run {start.run} is still at {start.stage.value} after its deadline"
    return ""


@of_silence
def who_is_silent_is_not_used(before: Office, after: Office) -> str:
    """An agent that is silent for 0.6 s is in quarantine."""
    for seen in before.side.attendants:
        if not seen.unwell and NOW_S - seen.beaten_s > STALE_S:
            return f"{seen.agent} is silent, and not in quarantine"
    return ""


# What is kept, and what whoever wanted a job is told


@of_outside
def a_job_ends_once(step: OfficeStep, outside: Outside, played: Mapping[str, Hardware]) -> str:
    """A job ends exactly once."""
    for entry in step.keeps:
        counts = step.before.side.session >= outside.session
        if isinstance(entry, JobEnded) and counts and outside.job(entry.ticket).ended:
            return f"{entry.ticket} ends twice"
    return ""


@of_outside
def what_is_told_was_kept(
    step: OfficeStep, outside: Outside, played: Mapping[str, Hardware]
) -> str:
    """What somebody is told of a job stands on the disk, and nothing accepted is lost."""
    for state in step.tells:
        job = outside.job(state.ticket)
        if isinstance(state, JobAccepted):
            if not job.kept:
                return f"{state.ticket} is accepted, and not on the disk"
        elif state.failed == UNKNOWN:
            if job.kept and not job.forgotten:
                return f"{state.ticket} was accepted and is not known any more"
        elif job.ended != without_reasons(state):
            return f"{state.ticket} is reported otherwise than it stands on the disk"
    return ""


@of_outside
def what_has_ended_is_not_played_again(
    step: OfficeStep, outside: Outside, played: Mapping[str, Hardware]
) -> str:
    """No job is played that has ended, nor one twice at the same time.

    What an earlier coordinator begins that still lives is stopped by the agents.
    """
    if step.before.side.session < outside.session:
        return ""
    on = [ticket for ticket, _ in step.after.side.runs]
    for ticket, run in step.begun:
        if outside.job(ticket).ended is not None or on.count(ticket) > 1:
            return f"{ticket} is played again, as run {run}"
    return ""


@of_outside
def complete_means_one_start(
    step: OfficeStep, outside: Outside, played: Mapping[str, Hardware]
) -> str:
    """A job is complete only if all its nodes have played it once, at T0, under its epochs."""
    for entry in step.keeps:
        if not isinstance(entry, JobEnded) or entry.failed:
            continue
        for agent in outside.job(entry.ticket).agents:
            pulses = [flaw for run, flaw in played[agent].played if str(run) == entry.run]
            if len(pulses) != 1 or pulses[0]:
                flaws = [one or "sound" for one in pulses]
                return f"{entry.ticket} is complete, but on {agent} it played {flaws}"
            if dict(entry.data).get(agent) != entry.run.encode():
                return f"{entry.ticket} has data of another run of {agent}"
    return ""


INVARIANTS = (*OF_NODE, *OF_OFFICE, *OF_SILENCE, *OF_OUTSIDE)


def journal_goes_on(office: Office, outside: Outside) -> Broken:
    """Judge a coordinator that has just been started over a journal.

    Its session is above every earlier one, and it knows every job that was accepted.
    """
    if office.side.session <= outside.session:
        how = f"session {office.side.session} comes after {outside.session}"
        return (("sessions_only_go_up", how),)
    for job in outside.jobs:
        if job.kept and not job.forgotten and job.ticket not in office.side.tickets:
            return (("nothing_accepted_is_lost", f"{job.ticket} was accepted and is not known"),)
    return ()

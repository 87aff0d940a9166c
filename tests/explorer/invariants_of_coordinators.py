"""One coordinator, and what is told of jobs: what holds at each of its steps.

An invariant judges one step and returns what breaks it, or nothing. It trusts no guard of the
machine: what the disk holds and what whoever wants a job was told is kept beside it.
"""

from collections.abc import Callable, Mapping
from typing import Any

from tests.explorer.abstraction import without_reasons
from tests.explorer.jobs import Outside
from tests.explorer.machines import GRID_FS, LEAD_FS, MARGINS, NOW, NOW_S, PATIENCE, QUANTUM_FS
from tests.explorer.node import Hardware
from tests.explorer.office import GONE, Office, OfficeStep, paused_runs

from podium.control.runs.attendance import OWN_PAUSE_S, STALE_S, Attendant
from podium.control.runs.coordinator_machine import UNKNOWN
from podium.control.runs.coordinator_values import ClockKnown, Keep, Tell
from podium.control.runs.journal import JobAccepted, JobEnded
from podium.control.runs.messages import (
    UNVERIFIED,
    Arm,
    Armed,
    Beat,
    Fenced,
    Fire,
    Present,
    StoodDown,
)
from podium.control.runs.run_values import Send, Stage, TimePassed
from podium.control.timebase.epochs import EpochMoved, Epochs
from podium.firmware_interfaces.exact_time import FS_PER_S

OfOffice = Callable[[OfficeStep], str]
OfSilence = Callable[[Office, Office], str]
OfOutside = Callable[[OfficeStep, Outside, Mapping[str, Hardware]], str]

OF_OFFICE: list[OfOffice] = []
OF_SILENCE: list[OfSilence] = []
OF_OUTSIDE: list[OfOutside] = []


FARTHEST_FS = max(
    LEAD_FS,
    MARGINS.guard_fs
    + int((2 * PATIENCE.reading_s + PATIENCE.recall_s + PATIENCE.taken_s) * FS_PER_S),
)
"""No T0 is further ahead, when FIRE is said, than this."""
TAKEN_FS = int(PATIENCE.taken_s * FS_PER_S)


def of_office(judge: OfOffice) -> OfOffice:
    OF_OFFICE.append(judge)
    return judge


def of_silence(judge: OfSilence) -> OfSilence:
    OF_SILENCE.append(judge)
    return judge


def of_outside(judge: OfOutside) -> OfOutside:
    OF_OUTSIDE.append(judge)
    return judge


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
        if start is None or any(node.armed is None for node in start.nodes):
            return f"run {fire.run} is fired before all are armed"
        if start.at_once != (fire.t0 is None):
            return f"run {fire.run} is not fired as it was prepared"
        if fire.t0 is None:
            continue
        if start.told is None or start.t0 != fire.t0:
            return f"run {fire.run} is fired for a time that was not chosen"
        if fire.t0.total_fs % GRID_FS:
            return f"run {fire.run} is fired off the grid"
        if fire.t0 - start.told < LEAD_FS:
            return f"run {fire.run} is fired with too little lead"
        if fire.t0 - NOW > FARTHEST_FS:
            return f"run {fire.run} is fired for {(fire.t0 - NOW) / QUANTUM_FS:g} quanta ahead"
        twice = [node.agent for node in (before or start).nodes if node.said_again]
        if isinstance(step.event, Armed) and twice:
            return f"run {fire.run} is fired by the time of {twice}, who had to be asked twice"
    return ""


@of_office
def fire_is_called_back_before_the_guard(step: OfficeStep) -> str:
    """FIRE that is not taken by all is called back before the guard, however old the time that
    its T0 rests on, and not before all can have taken it."""
    for fire in _says(step, Fire):
        start = next((one for _, one in step.after.side.runs if one.run == fire.run), None)
        if start is None or start.told is None or start.stage is not Stage.FIRING:
            continue
        until_fs = int((start.deadline_s - NOW_S) * FS_PER_S)
        if until_fs > fire.t0 - NOW - MARGINS.guard_fs - PATIENCE.recall_s * FS_PER_S:
            return f"run {fire.run} is called back {until_fs / QUANTUM_FS:g} quanta from now"
        first = not any(one.said_again for one in start.nodes)
        if first and isinstance(step.event, Armed | ClockKnown) and until_fs < TAKEN_FS:
            return f"run {fire.run} is called back {until_fs / QUANTUM_FS:g} quanta from now"
    return ""


@of_office
def a_pause_of_its_own_teaches_nothing(step: OfficeStep) -> str:
    """How long FIRE takes is not learnt from a run in which the coordinator was paused."""
    run = getattr(step.event, "run", None)
    if step.learns and run in paused_runs(step.before):
        return f"something is learnt from run {run}"
    return ""


@of_office
def silence_does_not_end_what_plays_at_once(step: OfficeStep) -> str:
    """A run that was started at once goes on although its agent is not heard."""
    if not isinstance(step.event, TimePassed):
        return ""
    after = {start.run: start for _, start in step.after.side.runs}
    for _, start in step.before.side.runs:
        if start.at_once and start.stage is Stage.REPORTING and not start.failed:
            now = after.get(start.run)
            if now is None or now.failed:
                return f"run {start.run} is given up, and nobody has said that it ended"
    return ""


@of_office
def what_is_not_safe_is_told(step: OfficeStep) -> str:
    """Outputs that could not be made safe after a run stand in the end of its job."""
    for action in step.actions:
        match action, step.event:
            case Tell(JobEnded(unsafe="") as ended), StoodDown(unsafe=unsafe) if unsafe:
                return f"{ended.ticket} ends as if its outputs were safe"
    return ""


@of_office
def jobs_share_no_agent(step: OfficeStep) -> str:
    """Runs that are on at the same time are on different agents."""
    names = [node.agent for _, start in step.after.side.runs for node in start.nodes]
    return f"two runs want one of {names}" if len(set(names)) < len(names) else ""


@of_office
def begun_on_who_is_well(step: OfficeStep) -> str:
    """A run begins only on agents that were greeted, are safe and not in quarantine.

    What starts at once may begin where something else is not safe.
    """
    for _, run in step.begun:
        start = next(one for _, one in step.after.side.runs if one.run == run)
        for node in start.nodes:
            seen = step.after.side.attendant(node.agent)
            well = seen is not None and not (seen.quarantined if start.at_once else seen.unwell)
            if seen is None or not well or seen.life != node.life:
                return f"run {run} begins on {node.agent}"
    return ""


@of_office
def well_after_a_greeting_alone(step: OfficeStep) -> str:
    """An agent leaves quarantine only by its own answer, in this life; it is taken for safe only
    where that says so."""
    for seen in step.after.side.attendants:
        before, answer = step.before.side.attendant(seen.agent), step.event
        own = (
            isinstance(answer, Present) and answer.agent == seen.agent and answer.life == seen.life
        )
        if _quarantined(before) and not seen.quarantined and not own:
            return f"{seen.agent} leaves quarantine by {type(answer).__name__}"
        well = (before is None or before.unwell) and not seen.unwell
        if well and isinstance(answer, Present) and answer.unsafe:
            return f"{seen.agent} is taken for safe"
    return ""


def _quarantined(seen: Attendant | None) -> bool:
    return seen is None or bool(seen.quarantined)


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
    """A coordinator that hears of a later session does nothing from then on."""
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
        if not seen.quarantined and NOW_S - seen.beaten_s > STALE_S:
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
                return f"{state.ticket} was accepted and is no longer known"
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


@of_outside
def late_means_that_nothing_was_played(
    step: OfficeStep, outside: Outside, played: Mapping[str, Hardware]
) -> str:
    """A job that is called late, and so may be begun again, has been begun by nobody."""
    for entry in step.keeps:
        if not isinstance(entry, JobEnded) or not entry.late:
            continue
        for agent in outside.job(entry.ticket).agents:
            if any(str(run) == entry.run for run, _ in played[agent].played):
                return f"{entry.ticket} is called late, and {agent} has played it"
    return ""

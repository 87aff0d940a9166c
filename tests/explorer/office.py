"""A coordinator's process, with what goes on its disk.

The disk takes what the machine wants to have kept, in order; what is told comes after it, and no
FIRE is said of a job that is not on it yet: as ``Jobs`` of the coordinator does.
"""

from dataclasses import dataclass, replace
from typing import Any

from tests.explorer import machines
from tests.explorer.abstraction import later, without_reasons
from tests.explorer.machines import NOW, NOW_S, Side, handled
from tests.explorer.node import Turn, said

from podium.control.bus.messages import RunId
from podium.control.runs.attendance import OWN_PAUSE_S, STALE_S
from podium.control.runs.coordinator_machine import UNKNOWN
from podium.control.runs.coordinator_values import (
    AskTurn,
    ClockKnown,
    ClockUnknown,
    Gone,
    Keep,
    StandAside,
    Tell,
    TurnHeld,
    Withdrawn,
)
from podium.control.runs.journal import Entry, JobAccepted, JobEnded
from podium.control.runs.messages import Beat, Fire
from podium.control.runs.run_values import AskTime, Send, Stage, TimePassed

UP, FROZEN, GONE = "up", "frozen", "gone"


@dataclass(frozen=True, slots=True)
class Errand:
    """Something outside that a coordinator waits for: the time, or a turn."""

    key: RunId | str
    comes: Any = None
    """What it ends with, if that is on its way already."""
    slow: bool = False


@dataclass(frozen=True, slots=True)
class Office:
    """One coordinator's process."""

    side: Side
    process: str = UP
    disk: tuple[Keep | Tell, ...] = ()
    disk_slow: bool = False
    errands: tuple[Errand, ...] = ()
    held: tuple[Send, ...] = ()
    """FIREs that wait for the disk."""
    paused: tuple[RunId, ...] = ()
    """Runs that were being fired in a pause of its own, and are still on."""


@dataclass(frozen=True, slots=True)
class OfficeStep:
    what: str
    before: Office
    event: Any
    actions: tuple[Any, ...]
    after: Office
    says: tuple[Send, ...] = ()
    """What goes on the network."""
    keeps: tuple[Entry, ...] = ()
    """What goes on the disk now."""
    tells: tuple[JobAccepted | JobEnded, ...] = ()
    """What whoever wanted a job is told now."""
    learns: int = 0
    """How often something was learnt of how long FIRE takes."""
    error: str = ""
    """What the machine has raised."""

    @property
    def begun(self) -> tuple[tuple[str, RunId], ...]:
        """Jobs that begin with this step, and their runs."""
        before = {start.run for _, start in self.before.side.runs}
        runs = self.after.side.runs
        return tuple((ticket, one.run) for ticket, one in runs if one.run not in before)


def opened(entries: tuple[Entry, ...]) -> tuple[Office, tuple[Entry, ...]]:
    """Return a coordinator that has just been started, and what it keeps before all else."""
    side, first = machines.new_side(entries)
    return Office(without_reasons(side)), tuple(one.entry for one in first)


def told(office: Office, event: Any, what: str) -> OfficeStep:
    """Return what an event leads to."""
    try:
        side, actions, learns = handled(office.side, event)
    except Exception as error:  # whatever it is, a machine raises nothing
        return OfficeStep(what, office, event, (), office, error=f"{type(error).__name__}: {error}")
    on = [start.run for _, start in side.runs]
    paused = tuple(one for one in paused_runs(office) if one in on)
    after = replace(office, side=without_reasons(side), paused=paused)
    says: list[Send] = []
    for action in actions:
        match action:
            case Send(_, request):
                plain = without_reasons(action)
                if isinstance(request, Fire) and _not_kept(after, request.run):
                    after = replace(after, held=tuple(dict.fromkeys((*after.held, plain))))
                else:
                    says.append(plain)
            case AskTime(run):
                after = _with(after, Errand(run))
            case AskTurn(ticket):
                after = _with(after, Errand(ticket))
            case Keep() | Tell():
                after = replace(after, disk=(*after.disk, _plain(action)))
            case StandAside():
                after = replace(after, process=GONE)
    return OfficeStep(what, office, event, actions, after, tuple(says), learns=learns)


def paused_runs(office: Office) -> tuple[RunId, ...]:
    """Return the runs for which FIRE was on its way in a pause of the coordinator's own."""
    if NOW_S - office.side.awake_s <= OWN_PAUSE_S:
        return office.paused
    firing = (one.run for _, one in office.side.runs if one.stage is Stage.FIRING)
    return tuple(sorted({*office.paused, *firing}))


def _plain(action: Keep | Tell) -> Keep | Tell:
    """Return what is kept without reasons, but for the one that says that it was forgotten."""
    unknown = isinstance(action, Tell) and isinstance(action.state, JobEnded)
    if unknown and action.state.failed == UNKNOWN:
        return action
    return without_reasons(action)


def _with(office: Office, errand: Errand) -> Office:
    errands = tuple(sorted((*office.errands, errand), key=lambda one: (str(one.key), one.slow)))
    return replace(office, errands=errands)


def _not_kept(office: Office, run: RunId) -> bool:
    ticket = next((ticket for ticket, one in office.side.runs if one.run == run), None)
    waiting = [one.entry for one in office.disk if isinstance(one, Keep)]
    return any(isinstance(one, JobAccepted) and one.ticket == ticket for one in waiting)


def hear(office: Office, answer: Any) -> OfficeStep:
    return told(office, answer, f"the coordinator receives {said(answer)} of {answer.agent}")


def steps(office: Office, lives: dict[str, int]) -> list[tuple[Turn, OfficeStep]]:
    """Return what may happen next at a coordinator without a fault.

    ``lives``: of the agents that beat now.
    """
    if office.process == GONE:
        return []
    if office.process == FROZEN:
        thawed = replace(office, process=UP)
        step = OfficeStep("the coordinator thaws", office, None, (), thawed)
        return [(Turn.WHEN_STILL, step)]
    found: list[tuple[Turn, OfficeStep]] = []
    for errand in office.errands:
        if not _comes_back(office, errand):
            continue
        step = _back(office, errand)
        if step.actions or step.after != office:
            found.append((Turn.ANY_TIME if errand.slow else Turn.NOW, step))
    if office.disk:
        found.append((Turn.ANY_TIME if office.disk_slow else Turn.NOW, kept(office)))
    if office.side.due(lives) <= 0:
        step = told(office, TimePassed(), "time passes at the coordinator")
        if step.after != office or step.actions:
            found.append((Turn.NOW, step))
    for agent, life in lives.items():
        seen = office.side.attendant(agent)
        back = seen is not None and seen.unwell and NOW_S - seen.beaten_s > STALE_S
        if seen is None or seen.life != life or back:
            what = f"the coordinator receives the heartbeat of {agent}, life {life}"
            found.append((Turn.NOW, told(office, Beat(agent, life), what)))
    return found


def _comes_back(office: Office, errand: Errand) -> bool:
    """Return whether an errand may end: the queue gives agents that nobody has.

    Of two that want them, the first by its ticket has them. After a fault ("others use the
    agents") the queue gives them whenever it likes, to the other too.
    """
    if isinstance(errand.key, RunId) or errand.slow:
        return True
    wanted = {one.job.ticket: set(one.job.agents) for one in office.side.waiting}
    taken = {node.agent for _, start in office.side.runs for node in start.nodes}
    taken |= {name for one in office.side.waiting if one.turn == "held" for name in one.job.agents}
    for before in office.errands[: office.errands.index(errand)]:
        if not (isinstance(before.key, RunId) or before.slow):
            taken |= wanted.get(before.key, set())
    return not taken & wanted.get(errand.key, set())


def gone(office: Office, agent: str) -> OfficeStep | None:
    """Return what the end of the way to an agent leads to; None: it is known."""
    seen = office.side.attendant(agent)
    if office.process != UP or seen is None or seen.unwell:
        return None
    return told(office, Gone(agent, "its process has ended"), f"the way to {agent} has ended")


def _back(office: Office, errand: Errand) -> OfficeStep:
    after = replace(office, errands=tuple(one for one in office.errands if one != errand))
    if isinstance(errand.key, RunId):
        event: Any = errand.comes or ClockKnown(errand.key, NOW)
        step = told(after, event, f"the clock was read for run {errand.key}")
    else:
        step = told(after, TurnHeld(errand.key), f"{errand.key} has its turn")
    return replace(step, before=office)


def kept(office: Office) -> OfficeStep:
    """Return what the disk does next."""
    first, rest = office.disk[0], office.disk[1:]
    after = replace(office, disk=rest, disk_slow=False)
    if isinstance(first, Keep):
        what = f"the disk keeps {type(first.entry).__name__}"
        return OfficeStep(what, office, None, (), after, keeps=(first.entry,))
    says = tuple(one for one in after.held if not _not_kept(after, one.request.run))
    after = replace(after, held=tuple(one for one in after.held if one not in says))
    what = f"{type(first.state).__name__} is reported to whoever wanted {first.state.ticket}"
    return OfficeStep(what, office, None, (), after, says, tells=(first.state,))


def faults(office: Office) -> list[tuple[str, OfficeStep]]:
    """Return what may go wrong at a coordinator, each by its kind."""
    if office.process != UP:
        return []
    found: list[tuple[str, OfficeStep]] = []

    def add(kind: str, what: str, after: Office) -> None:
        found.append((kind, OfficeStep(f"({kind}) {what}", office, None, (), after)))

    def with_others(errand: Errand, *instead: Errand) -> Office:
        office_without = replace(
            office, errands=tuple(one for one in office.errands if one != errand)
        )
        for one in instead:
            office_without = _with(office_without, one)
        return office_without

    for errand in office.errands:
        if errand.slow:
            continue
        if isinstance(errand.key, RunId):
            event = ClockUnknown(errand.key, "it failed")
            step = told(with_others(errand), event, "(hardware fails) the time is not known")
            found.append(("hardware fails", replace(step, before=office)))
            comes = ClockKnown(errand.key, NOW)
            slow = with_others(errand, Errand(errand.key, comes, True))
            add("hardware is slow", "the clock was read, the reading stays under way", slow)
        elif _comes_back(office, errand):
            slow = with_others(errand, replace(errand, slow=True))
            add("hardware is slow", f"others use the agents of {errand.key}", slow)
    if office.disk and not office.disk_slow:
        add("hardware is slow", "the disk", replace(office, disk_slow=True))
    for ticket, start in office.side.runs:
        if not start.failed:
            step = told(office, Withdrawn(ticket), f"(job is withdrawn) {ticket}")
            found.append(("job is withdrawn", step))
    for waiting in office.side.waiting:
        ticket = waiting.job.ticket
        step = told(office, Withdrawn(ticket), f"(job is withdrawn) {ticket}")
        found.append(("job is withdrawn", step))
    add("coordinator freezes", "", replace(office, process=FROZEN))
    return found


def at_later(office: Office, count: int, lives: dict[str, int]) -> Office:
    """Return a coordinator ``count`` quanta later; agents that are well have beaten meanwhile."""
    office = later(office, count)
    if office.process == UP:
        office = replace(office, side=machines.beaten(office.side, lives))
    return office


def healed(office: Office) -> Office:
    """Return a coordinator for which nothing is slow any longer."""
    return replace(
        office,
        process=UP if office.process == FROZEN else office.process,
        disk_slow=False,
        errands=tuple(replace(one, slow=False) for one in office.errands),
    )


def due(office: Office, lives: dict[str, int]) -> int:
    """Return in how many quanta something is due."""
    if office.process != UP:
        return machines.NEVER
    return max(1, office.side.due(lives))


def due_finely(office: Office, lives: dict[str, int]) -> int:
    """Return the same where something is slow: then the age of a reading matters."""
    for _, start in office.side.runs:
        since_s = min(one.said_s for one in start.nodes)
        if start.stage is Stage.ASKING_TIME:
            since_s = start.read_from_s
        reads = start.stage is Stage.ASKING_TIME or (
            start.stage is Stage.ARMING and not start.at_once
        )
        if office.process != GONE and reads and NOW_S - since_s <= start.patience.reading_s:
            return 1
    return due(office, lives)

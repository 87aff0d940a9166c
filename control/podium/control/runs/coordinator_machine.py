"""A coordinator's runs: jobs accepted, allotted to agents, started, ended, kept.

No clock and no I/O: events in, actions out. Whoever runs it does the actions in their order; what
waits for an entry to be on the disk stands at :class:`.coordinator_values.Keep`. Runs on disjoint
agents go on side by side; a job waits for agents that are busy, and no later job takes them.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from podium.control.bus.messages import RunId
from podium.control.runs import run_machine
from podium.control.runs.agent_values import Margins
from podium.control.runs.attendance import Attendance, Lost
from podium.control.runs.coordinator_values import (
    Action,
    Asked,
    AskTurn,
    ClockKnown,
    ClockUnknown,
    Event,
    Gone,
    Keep,
    ResultReceived,
    StandAside,
    Submitted,
    Tell,
    TurnHeld,
    Withdrawn,
)
from podium.control.runs.journal import (
    Entry,
    JobAccepted,
    JobEnded,
    JobForgotten,
    SessionBegun,
    needed,
)
from podium.control.runs.messages import (
    VERIFIED,
    Abort,
    Beat,
    Fenced,
    Greet,
    Present,
    StoodDown,
)
from podium.control.runs.run_values import (
    AgentLost,
    AskTime,
    Delivered,
    GivenUp,
    HeldProgram,
    Patience,
    Quarantine,
    RunAction,
    RunEvent,
    RunStart,
    Send,
    Stage,
    TimePassed,
    TimeTold,
)
from podium.control.timebase.lead_time import LeadTime
from podium.firmware_interfaces.tai import Tai

APPEAR_S = 15.0
"""A job waits so long for an agent that cannot be used ..."""
SAFE_S = 120.0
"""... and so long for one whose instruments are not safe yet. It tries again all the time, and an
attempt at instruments that do not answer takes 35 to 55 s: one that begins meanwhile has ended."""
UNKNOWN = "no such ticket was accepted, or it was thanked for"
TICK_S = 0.1
"""It wants to know at least this often that time has passed."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A job that has not begun."""

    job: JobAccepted
    since_s: float | None = None
    """When it began to wait for its agents to be well; None: not begun."""
    turn: str = ""
    """``asked``, then ``held``; empty: it was not asked for."""
    held: HeldProgram | None = None
    """As in ``Submitted``."""


class CoordinatorSide:
    """All runs of one session."""

    def __init__(
        self,
        session: int,
        entries: Iterable[Entry] = (),
        patience: Patience | None = None,
        lead: LeadTime | None = None,
        appear_s: float = APPEAR_S,
        safe_s: float = SAFE_S,
        *,
        asks_turns: bool = False,
    ) -> None:
        """``session``: above every earlier one (TAI seconds will do; a kept one lifts it).

        ``asks_turns``: its agents are used by others too, so it asks for them before it begins.
        """
        self.attendance = Attendance()
        self.lead = lead or LeadTime(Margins().minimum_lead_fs)
        self._patience = patience or Patience()
        self._appear_s = appear_s
        self._safe_s = safe_s
        self._asks_turns = asks_turns
        self._waiting: dict[str, _Waiting] = {}
        self._runs: dict[RunId, tuple[str, RunStart]] = {}
        self._ended: dict[str, JobEnded] = {}
        self._not_kept: set[str] = set()
        """Tickets of jobs that do not outlive the process."""
        self._given_up: dict[str, RunId] = {}
        """By agent: a run that failed while it was gone. It is aborted when the agent is back."""
        self._number = 0
        self._aside = False
        for entry in needed(entries):
            match entry:
                case SessionBegun(number):
                    session = max(session, number + 1)
                case JobAccepted(ticket):
                    self._waiting[ticket] = _Waiting(entry)
                case JobEnded(ticket):
                    self._ended[ticket] = entry
                    del self._waiting[ticket]
        self.session = session

    def accepted(self, ticket: str) -> JobAccepted | None:
        """Return a job that waits and outlives the process; None: there is none."""
        waiting = self._waiting.get(ticket)
        return None if waiting is None or not self._is_kept(ticket) else waiting.job

    def begin(self) -> tuple[Action, ...]:
        """Return what is to be done first."""
        return (Keep(SessionBegun(self.session)),)

    @property
    def runs(self) -> tuple[RunStart, ...]:
        """The runs that are on."""
        return tuple(start for _, start in self._runs.values())

    @property
    def open_tickets(self) -> tuple[str, ...]:
        """Jobs that were accepted and have not ended."""
        return (*self._waiting, *(ticket for ticket, _ in self._runs.values()))

    def plays_alone(self, agent: str) -> bool:
        """Return whether a run is on that ``agent`` has started, or is to start, by itself."""
        return any(start.at_once and start.nodes[0].agent == agent for start in self.runs)

    def ticket_of(self, run: RunId) -> str | None:
        """Return the ticket of a run that is on, or None."""
        return self._runs[run][0] if run in self._runs else None

    def due_s(self, now_s: float) -> float:
        """Return when it wants to know that time has passed."""
        return min([now_s + TICK_S, *(start.due_s() for start in self.runs)])

    def handle(self, event: Event, now_s: float) -> tuple[Action, ...]:
        """Return what ``event`` at the wall time ``now_s`` leads to."""
        if self._aside:
            return ()
        self.attendance.awake(now_s)
        did: list[Action] = []
        match event:
            case Submitted():
                did += self._submitted(event, now_s)
            case Asked(ticket):
                did += self._asked(ticket)
            case Withdrawn(ticket):
                did += self._withdrawn(ticket, now_s)
            case ResultReceived(ticket):
                if self._ended.pop(ticket, None) is not None and self._is_kept(ticket):
                    did.append(Keep(JobForgotten(ticket)))
                self._not_kept.discard(ticket)
            case Beat():
                if (lost := self.attendance.beat(event, now_s)) is not None:
                    did += self._lost(lost, now_s)
                did += self._greetings(now_s)
            case Gone(agent, reason):
                if (lost := self.attendance.quarantine(agent, reason)) is not None:
                    did += self._lost(lost, now_s)
            case TurnHeld(ticket):
                if (waiting := self._waiting.get(ticket)) is not None:
                    self._waiting[ticket] = replace(waiting, turn="held", since_s=now_s)
            case Present():
                self.attendance.present(event)
                if (given_up := self._given_up.get(event.agent)) is not None:
                    did.append(Send(event.agent, Abort(given_up, "it was given up meanwhile")))
            case Fenced(_, session):
                if session > self.session:
                    self._aside = True
                    return (StandAside(session),)
            case ClockKnown(run, now):
                did += self._step(run, self._told(run, now), now_s)
            case ClockUnknown(run, reason):
                did += self._step(run, GivenUp(f"the time is not known: {reason}"), now_s)
            case TimePassed():
                for lost in self.attendance.silent(now_s):
                    did += self._lost(lost, now_s)
                did += self._greetings(now_s)
                for run in tuple(self._runs):
                    did += self._step(run, event, now_s)
            case _:
                if isinstance(event, StoodDown) and self._given_up.get(event.agent) == event.run:
                    del self._given_up[event.agent]
                did += self._step(event.run, event, now_s)
        did += self._allot(now_s)
        return tuple(did)

    # Jobs

    def _submitted(self, job: Submitted, now_s: float) -> Iterable[Action]:
        if (ended := self._ended.get(job.ticket)) is not None:
            return (Tell(ended),)
        accepted = JobAccepted(
            job.ticket, job.program, job.agents, job.at_once, job.by, job.priority, job.asked_s
        )
        if job.ticket in self.open_tickets:
            return (Tell(accepted),)
        if not job.agents or len(set(job.agents)) < len(job.agents):
            named = ", ".join(job.agents) or "none"
            reason = f"a job names each of its agents once, and at least one; got {named}"
            return (Tell(JobEnded(job.ticket, "", reason, ())),)
        if (job.at_once or job.held is not None) and len(job.agents) > 1:
            reason = f"{len(job.agents)} agents start together at a time, never at once"
            return (Tell(JobEnded(job.ticket, "", reason, ())),)
        held = "held" if job.turn_held else ""
        self._waiting[job.ticket] = _Waiting(accepted, now_s, held, job.held)
        if not job.kept or job.held is not None:
            self._not_kept.add(job.ticket)
            return (Tell(accepted),)
        return Keep(accepted), Tell(accepted)

    def _is_kept(self, ticket: str) -> bool:
        return ticket not in self._not_kept

    def _asked(self, ticket: str) -> Iterable[Action]:
        if (ended := self._ended.get(ticket)) is not None:
            return (Tell(ended),)
        if ticket in self.open_tickets:
            return ()
        return (Tell(JobEnded(ticket, "", UNKNOWN, ())),)

    def _withdrawn(self, ticket: str, now_s: float) -> Iterable[Action]:
        if self._waiting.pop(ticket, None) is not None:
            return self._end(JobEnded(ticket, "", "it was withdrawn", ()))
        for run, (of, _) in tuple(self._runs.items()):
            if of == ticket:
                return self._step(run, GivenUp("it was withdrawn"), now_s)
        return ()

    def _allot(self, now_s: float) -> list[Action]:
        """Begin the jobs whose agents are free; end those that have waited too long."""
        did: list[Action] = []
        taken = {node.agent for start in self.runs for node in start.nodes}
        # Who holds a turn goes before who asks for it, who would else wait for each other.
        in_turn = sorted(self._waiting.items(), key=lambda one: one[1].turn != "held")
        for ticket, waiting in in_turn:
            job, since_s = waiting.job, waiting.since_s
            problems = [
                f"{agent}: {problem}"
                for agent in job.agents
                if (problem := self.attendance.problem(agent, at_once=job.at_once))
            ]
            asks = self._asks_turns and waiting.turn != "held"
            in_use = not asks and bool(taken & set(job.agents))
            others = in_use or waiting.turn == "asked"
            if since_s is None or (not problems and others):
                # Begun to wait now, or waits for others' runs: that is not the agents' fault.
                since_s = now_s
                self._waiting[ticket] = replace(waiting, since_s=since_s)
            if not problems and not others:
                did += self._begin(waiting, now_s)
            elif problems:
                if now_s - since_s >= self._longest_s(job):
                    del self._waiting[ticket]
                    did += self._end(JobEnded(ticket, "", "; ".join(problems), ()))
                continue  # what is well of its agents is not kept waiting with it
            if not asks:  # whoever asks waits in the queue, which knows all who do
                taken |= set(job.agents)
        return did

    def _longest_s(self, job: JobAccepted) -> float:
        """Return how long a job waits for agents that have a problem."""
        unsafe = not job.at_once and any(map(self.attendance.is_unsafe, job.agents))
        return self._safe_s if unsafe else self._appear_s

    def _begin(self, waiting: _Waiting, now_s: float) -> list[Action]:
        job = waiting.job
        if self._asks_turns and waiting.turn != "held":
            self._waiting[job.ticket] = replace(waiting, turn="asked")
            return [AskTurn(job.ticket, job.agents)]
        del self._waiting[job.ticket]
        self._number += 1
        run = RunId(self.session, self._number)
        nodes = [(agent, self.attendance.life(agent)) for agent in job.agents]
        if waiting.held is not None:
            agent = job.agents[0]
            start, did = run_machine.fire(run, waiting.held, agent, now_s, self._patience)
            self._number += waiting.held.granted
        else:
            start, did = run_machine.begin(
                run, job.program, nodes, now_s, self._patience, at_once=job.at_once
            )
        self._runs[run] = (job.ticket, start)
        return self._done(did, now_s)

    def _end(self, ended: JobEnded) -> list[Action]:
        self._ended[ended.ticket] = ended
        kept = [Keep(ended)] if self._is_kept(ended.ticket) else []
        return [*kept, Tell(ended)]

    # Runs

    def _step(self, run: RunId, event: RunEvent, now_s: float) -> list[Action]:
        if run not in self._runs:
            return []
        ticket, start = self._runs[run]
        start, did = run_machine.step(start, event, now_s)
        if start.stage is not Stage.OVER:
            self._runs[run] = (ticket, start)
            return self._done(did, now_s)
        del self._runs[run]
        data = tuple((report.agent, report.data) for report in start.reports)
        unverified = tuple(
            report.agent
            for report in start.reports
            if not start.at_once and (report.start is None or report.start.source not in VERIFIED)
        )
        ended = JobEnded(
            ticket,
            str(run),
            start.failed,
            data,
            unverified,
            late=bool(start.failed) and start.late,
            partial=bool(start.failed) and start.partial,
            unfit=start.unfit,
            refused=start.refused,
            unsafe=start.unsafe,
        )
        return [*self._done(did, now_s), *self._end(ended)]

    def _done(self, did: Iterable[RunAction], now_s: float) -> list[Action]:
        done: list[Action] = []
        for action in did:
            match action:
                case Delivered(delivery_fs, late, since_s):
                    # A pause of its own says nothing of the way.
                    if not self.attendance.paused_since(since_s):
                        learn = self.lead.late if late else self.lead.taken
                        learn(max(0, delivery_fs))
                case Quarantine(agent, reason):
                    if (lost := self.attendance.quarantine(agent, reason)) is not None:
                        done += self._lost(lost, now_s)
                case AskTime(run, told) if told is not None:
                    done += self._step(run, self._told(run, told), now_s)
                case Send() | AskTime():
                    done.append(action)
        return done

    def _told(self, run: RunId, now: Tai) -> TimeTold:
        return TimeTold(run, now, self.lead.lead_fs, self.lead.margin_fs)

    # Agents

    def _lost(self, lost: Lost, now_s: float) -> list[Action]:
        did: list[Action] = []
        for run, (_, start) in tuple(self._runs.items()):
            if start.at_once and lost.silent:
                continue  # its data come when it is heard again, or its way ends
            if any(node.agent == lost.agent for node in start.nodes):
                self._given_up[lost.agent] = run
            did += self._step(run, AgentLost(lost.agent, lost.reason), now_s)
        return did

    def _greetings(self, now_s: float) -> list[Action]:
        return [Send(agent, Greet(self.session)) for agent in self.attendance.to_greet(now_s)]

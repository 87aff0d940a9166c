"""Nodes, a coordinator, a network, someone who wants runs; and the truth about what came of it."""

import random
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from functools import partial

from tests.chaos.agent_process import AgentProcess
from tests.chaos.coordinator_process import CoordinatorProcess
from tests.chaos.faults import Faults
from tests.chaos.plant import Plant, Played
from tests.chaos.scheduler import Call, Scheduler, ms, since_begin_fs

from podium.control.bus.messages import RunId
from podium.control.runs.agent_values import Margins
from podium.control.runs.coordinator_machine import UNKNOWN
from podium.control.runs.coordinator_values import Asked, ResultReceived, Submitted, Withdrawn
from podium.control.runs.journal import Entry, JobAccepted, JobEnded, SessionBegun
from podium.control.runs.messages import (
    CAPTURE,
    MARKER,
    UNVERIFIED,
    Abort,
    Answer,
    Beat,
    Fenced,
    Fire,
    Prepared,
    Refusal,
    Request,
)
from podium.control.runs.verdict import SKEW_FLOOR_FS

WRONG_FS = 5 * SKEW_FLOOR_FS
LONGEST_FS = ms(3_600_000)
HEALED_FS = ms(60_000)
"""All that was accepted has ended so long after the last fault."""
REASONS = {
    "no answer to FIRE": "FIRE called back",
    "partial start": "partial start found",
    "but not as they should": "start off T0 found",
    "is lost: its loop has been silent": "silent agent lost",
    "is lost: it was started anew": "agent of another life lost",
    "it was withdrawn": "withdrawn",
}
"""Why a coordinator aborts, and what has decided so."""
GUARDS = (
    *("prepare: stale", "arm: epoch", "fire: epoch", "fire: late"),
    *("fire: refused", "fire: unknown", "stale session refused", *REASONS.values()),
)
"""Each of them has to have decided something, or the faults did not bite."""
CLIENT_FS = ms(20)
ASKED_AGAIN_FS = ms(300)


@dataclass
class Tally:
    """What a world, or many, came to."""

    starts: int = 0
    faults: int = 0
    wrong_time_pulses: int = 0
    undetected_partial_starts: int = 0
    refused: int = 0
    completed: int = 0
    partial_starts: int = 0
    """Runs that played on some of their nodes only. Each must have been detected."""
    discarded_after_the_fact: int = 0
    """Pulses that a re-lock within the guard, or a trigger edge that was late on its cable, moved:
    nobody can take a pulse back then. None of them belongs to a run that counts as completed;
    any that does is a wrong time pulse."""
    late_unverified: int = 0
    """Pulses of such edges on single nodes whose results say that their start is unverified."""
    lost_jobs: int = 0
    """Accepted, and never heard of again."""
    pulses: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    guards: Counter[str] = field(default_factory=Counter)
    """What of the machines has decided something: why starts were refused or came to nothing."""
    steps: set[tuple[str, str]] = field(default_factory=set)
    problems: list[str] = field(default_factory=list)

    def add(self, other: "Tally") -> None:
        for name in self.__dataclass_fields__:
            mine, theirs = getattr(self, name), getattr(other, name)
            setattr(self, name, mine | theirs if isinstance(mine, set) else mine + theirs)


class World:
    """Runs with :meth:`run`."""

    def __init__(
        self,
        seed: str,
        faults: int,
        *,
        raises_late_triggers: bool = False,
        every_ms: float = 300.0,
    ) -> None:
        """``raises_late_triggers``: a trigger plane that raises at once what came too late.

        Nothing but the agent's own check keeps such a one from a wrong start, and nothing at all
        if the process stops between its check and the instrument. So that this check can be
        tested alone, processes do not stop there then, and no trigger message is slow.
        """
        self.raises_late_triggers = raises_late_triggers
        self.draw = random.Random(seed)
        self.scheduler = Scheduler()
        self.faults = Faults(self, random.Random(f"{seed}/faults"), faults, every_ms)
        self.tally = Tally()
        self.journal: list[Entry] = []
        count = self.draw.randint(2, 6)
        self.names = tuple(f"node_{letter}" for letter in "abcdef"[:count])
        sources = [self.draw.choice((CAPTURE, MARKER)) for _ in self.names]
        if count > 3 and self.draw.random() < 0.2:
            sources[-1] = UNVERIFIED
        self.plants = {
            name: Plant(name, self.scheduler, self.draw, source, raises_late_triggers)
            for name, source in zip(self.names, sources, strict=True)
        }
        self._lives = 0
        self._latest_session = 0
        self._links_down_until = dict.fromkeys(self.names, 0)
        self.agents = {name: self._new_agent(name) for name in self.names}
        self.coordinators: list[CoordinatorProcess] = []
        self._fired: dict[RunId, int] = {}
        self._nodes_of: dict[RunId, set[str]] = defaultdict(set)
        self._tickets: dict[str, tuple[str, ...]] = {}
        self._open: dict[str, tuple[Submitted, int]] = {}
        self._accepted: set[str] = set()
        self._completed: set[RunId] = set()
        self._guards_fs: dict[tuple[RunId, str], int] = {}
        """As agents have told them: wider after a look that took long."""
        self._wanted = True

    def run(self) -> Tally:
        self._start_coordinator()
        self.faults.begin()
        self._want()
        self.scheduler.run(LONGEST_FS, lambda: self.faults.enough)
        self._wanted = False
        self.scheduler.run(self.scheduler.now_fs + HEALED_FS, lambda: not self._open)
        self.scheduler.run(self.scheduler.now_fs + ms(500), lambda: False)
        self._judge()
        return self.tally

    # Someone who wants runs

    def _want(self) -> None:
        now_fs = self.scheduler.now_fs
        while self._wanted and len(self._open) < 1 + len(self.names) // 2:
            several = self.draw.random() < 0.8
            count = self.draw.randint(2, min(4, len(self.names))) if several else 1
            agents = tuple(self.draw.sample(self.names, count))
            ticket = f"job {len(self._tickets)}"
            program = f"{ticket.replace(' ', '_')} {ms(self.draw.uniform(0.05, 5))}"
            self._tickets[ticket] = agents
            self._open[ticket] = (Submitted(ticket, program, agents), -ASKED_AGAIN_FS)
        for ticket, (submitted, asked_fs) in tuple(self._open.items()):
            if now_fs - asked_fs >= ASKED_AGAIN_FS:
                self._open[ticket] = (submitted, now_fs)
                self._to_newest(Asked(ticket) if ticket in self._accepted else submitted)
        if self._wanted or self._open:
            self.scheduler.after(CLIENT_FS, self._want)

    def withdraw(self, run: RunId, after_fs: int) -> None:
        """Let whoever wanted a run no longer want it."""
        for one in self.coordinators:
            if (ticket := one.side.ticket_of(run)) is not None:
                self.scheduler.after(after_fs, partial(one.hear, Withdrawn(ticket)))

    def _to_newest(self, event: Submitted | Asked | ResultReceived) -> None:
        if self.coordinators:
            newest = self.coordinators[-1]
            self.scheduler.after(ms(0.5), lambda: newest.hear(event))

    def told(self, state: JobAccepted | JobEnded) -> None:
        if isinstance(state, JobAccepted):
            self._accepted.add(state.ticket)
            return
        if self._open.pop(state.ticket, None) is not None:
            if state.failed == UNKNOWN and state.ticket in self._accepted:
                self.tally.lost_jobs += 1
                self.tally.problems.append(f"{state.ticket} was accepted and is no longer known")
            elif state.failed:
                self.tally.refused += 1
            else:
                self.tally.completed += 1
                self._check_result(state)
        self._to_newest(ResultReceived(state.ticket))

    def keep(self, entry: Entry, session: int) -> bool:
        """Keep an entry, unless a later coordinator has begun: as a journal has to."""
        latest = max(
            (one.session for one in self.journal if isinstance(one, SessionBegun)), default=0
        )
        if session < latest:
            return False
        self.journal.append(entry)
        return True

    # The network

    def latency_fs(self, low: float, high: float) -> int:
        """Return how long an instrument takes; now and then much longer."""
        wait = self.draw.uniform(low, high)
        slow = self.draw.random() < 0.004 and not self.raises_late_triggers
        return ms(wait * 4 if slow else wait)

    def wake_up_fs(self) -> int:
        """Return by how much a process wakes up too late, on a host that is busy."""
        late = self.draw.expovariate(1 / 0.2)
        return ms(late + 8 * self.draw.random() if self.draw.random() < 0.01 else late)

    def _send(self, node: str, message: Request | Answer | Beat, arrive: Call) -> None:
        for extra_fs in self.faults.ways_of(message, lambda: self._arrive(node, arrive), node):
            delay_fs = ms(0.2 + self.draw.expovariate(1 / 0.7)) + extra_fs
            if self._links_down_until[node] <= self.scheduler.now_fs:
                self.scheduler.after(delay_fs, lambda: self._arrive(node, arrive))

    def _arrive(self, node: str, arrive: Call) -> None:
        if self._links_down_until[node] <= self.scheduler.now_fs:
            arrive()

    def to_agent(self, node: str, request: Request) -> None:
        if isinstance(request, Abort):
            self._note_abort(request)
        if isinstance(request, Fire):
            if request.run not in self._fired:
                self._fired[request.run] = since_begin_fs(request.t0)
                self.tally.starts += 1
            self._nodes_of[request.run].add(node)
        self._send(node, request, lambda: self.agents[node].hear(request))

    def _note_abort(self, abort: Abort) -> None:
        for reason, guard in REASONS.items():
            if reason in abort.reason:
                self.tally.guards[guard] += 1

    def to_coordinators(self, node: str, answer: Answer | Beat) -> None:
        if isinstance(answer, Prepared):
            self._guards_fs[answer.run, node] = answer.guard_fs
        if isinstance(answer, Refusal):
            self.tally.guards[f"{answer.step}: {answer.kind}"] += 1
        elif isinstance(answer, Fenced):
            self.tally.guards["stale session refused"] += 1

        def arrive() -> None:
            for one in tuple(self.coordinators):
                one.hear(answer)

        self._send(node, answer, arrive)

    # What goes wrong

    def kill_agent(self, node: str, for_fs: int) -> None:
        if self.agents[node].alive:
            self.agents[node].kill()
            self.scheduler.after(for_fs, lambda: self._restart_agent(node))

    def _restart_agent(self, node: str) -> None:
        self.agents[node] = self._new_agent(node)

    def _new_agent(self, node: str) -> AgentProcess:
        self._lives += 1
        return AgentProcess(self, self.plants[node], self._lives)

    def kill_coordinator(self, process: object, for_fs: int) -> None:
        for one in self.coordinators:
            if one is process and one.alive:
                one.kill()
                self.scheduler.after(for_fs, self._start_coordinator)

    def replace_coordinator(self, after_fs: int) -> None:
        self.scheduler.after(after_fs, self._start_another)

    def _start_coordinator(self) -> None:
        if not (self.coordinators and self.coordinators[-1].alive):
            self._start_another()

    def _start_another(self) -> None:
        self.coordinators = [one for one in self.coordinators if one.alive]
        self.coordinators.append(CoordinatorProcess(self))

    def lose_instruments(self, node: str, for_fs: int) -> None:
        agent = self.agents[node]
        agent.reachable_from_fs = self.scheduler.now_fs + for_fs

    def lose_link(self, node: str, for_fs: int) -> None:
        self._links_down_until[node] = self.scheduler.now_fs + for_fs

    # The truth

    def t0_fs(self, run: str) -> int | None:
        """Return when a run was to start; None: it was not fired."""
        return next((t0_fs for one, t0_fs in self._fired.items() if str(one) == run), None)

    def _pulses(self) -> list[Played]:
        return [one for plant in self.plants.values() for one in plant.played]

    def _off_fs(self, pulse: Played) -> int | None:
        """Return how far from T0 a pulse was; None: its run was never fired."""
        t0_fs = self._fired.get(pulse.run)
        return None if t0_fs is None else pulse.at_fs - t0_fs

    def _check_result(self, ended: JobEnded) -> None:
        """A run that counts as complete: is what was captured from one start at T0 on all nodes?"""
        run = RunId(*map(int, ended.run.split("-")))
        self._completed.add(run)
        data = dict(ended.data)
        for node in self._tickets[ended.ticket]:
            pulses = [one for one in self.plants[node].played if one.run == run]
            wrong = ""
            if ended.unverified == (node,) and pulses and pulses[0].edge_was_late:
                continue  # the result says so itself
            if len(pulses) != 1:
                wrong = f"it played {len(pulses)} times"
            elif (off_fs := self._off_fs(pulses[0])) is None or abs(off_fs) > WRONG_FS:
                wrong = f"it played {off_fs} fs from T0"
            elif data.get(node) != pulses[0].tag.encode():
                wrong = f"its data are {data.get(node)!r}, played was {pulses[0].tag}"
            if wrong:
                self.tally.undetected_partial_starts += 1
                self.tally.problems.append(f"run {run} is complete, but on {node} {wrong}")
                return

    def _judge(self) -> None:
        tally = self.tally
        longest_fs = Margins().longest_guard_fs
        on: dict[RunId, set[str]] = defaultdict(set)
        for pulse in self._pulses():
            tally.pulses += 1
            off_fs = self._off_fs(pulse)
            if off_fs is not None and abs(off_fs) <= WRONG_FS and pulse.node not in on[pulse.run]:
                on[pulse.run].add(pulse.node)
                continue
            t0_fs = self._fired.get(pulse.run)
            guard_fs = min(self._guards_fs[pulse.run, pulse.node], longest_fs)
            unverified = self.plants[pulse.node].source == UNVERIFIED
            if unverified and pulse.edge_was_late and len(self._nodes_of[pulse.run]) == 1:
                tally.late_unverified += 1
                continue
            beyond_recall = t0_fs is not None and (
                (pulse.relocked_fs is not None and pulse.relocked_fs >= t0_fs - guard_fs)
                or pulse.edge_was_late
            )
            if beyond_recall and pulse.nominal_fs == t0_fs and pulse.run not in self._completed:
                tally.discarded_after_the_fact += 1
                continue
            tally.wrong_time_pulses += 1
            tally.problems.append(f"{pulse.node} played run {pulse.run} {off_fs} fs from T0")
        tally.partial_starts = sum(
            0 < len(nodes) < len(self._nodes_of[run]) for run, nodes in on.items()
        )
        tally.lost_jobs += len(self._accepted & self._open.keys())
        tally.problems += [f"{ticket} was accepted and has not ended" for ticket in self._open]
        tally.faults = self.faults.done.total()
        tally.kinds = self.faults.done
        tally.steps = self.faults.seen_steps
        assert isinstance(self.journal[0], SessionBegun)

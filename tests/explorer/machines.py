"""The shipped machines, as the explorer sees them: the one file that knows their insides.

Their functions are called as they are. Between two calls their states are taken out and put back:
now is always :data:`NOW_S` and :data:`NOW`, and what no step depends on any longer is left out.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from podium.control.bus.messages import RunId
from podium.control.runs import coordinator_machine
from podium.control.runs.agent_values import AgentState, Margins, Phase
from podium.control.runs.attendance import GREET_AGAIN_S, STALE_S, Attendant
from podium.control.runs.coordinator_values import Submitted
from podium.control.runs.journal import Entry, JobEnded
from podium.control.runs.messages import Armed
from podium.control.runs.run_values import NodeOfRun, Patience, RunStart, Stage
from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.firmware_interfaces.tai import Tai

PER_S = 128
"""Instants are whole multiples of 1/128 s: exact in floats and in femtoseconds."""
QUANTUM_S = 1 / PER_S
QUANTUM_FS = FS_PER_S // PER_S
NOW_S = 1_000.0
NOW = Tai(1_900_000_000, 0)


def quanta(count: float) -> int:
    """Return femtoseconds."""
    return int(count * QUANTUM_FS)


# The order of these is that of the shipped ones, the distances are not: only the order matters,
# and the fewer instants there are, the fewer states.
MARGINS = Margins(
    guard_fs=quanta(2),
    setup_fs=quanta(1),
    minimum_lead_fs=quanta(3),
    after_fs=quanta(1) - 1,  # readings take no time here: at one quantum it has passed
    longest_lead_fs=quanta(64),
    safe_again_s=0.5,
    longest_guard_fs=quanta(2),  # looks never widen the guard
)
PATIENCE = Patience(
    prepare_s=1.5,
    arm_s=1.5,
    time_s=1.5,
    report_s=1.5,
    abort_s=1.5,
    again_s=1.0,
    fire_again_s=1 * QUANTUM_S,
    taken_s=1 * QUANTUM_S,
    recall_s=1 * QUANTUM_S,
    lease_s=1.25,
    reading_s=2 * QUANTUM_S,
    slow_s=0.25,
)
APPEAR_S = 3.0
LEAD_FS = quanta(5)
GRID_FS = quanta(1)
OFFSET_FS = 212
DURATION_FS = quanta(2)
RESOLUTION_FS = 1_000


class FixedLead:
    """A lead that does not change with what it learns."""

    lead_fs = LEAD_FS
    margin_fs = MARGINS.minimum_lead_fs

    def __init__(self) -> None:
        self.learnt = 0

    def taken(self, delivery_fs: int) -> None:
        """Note that something was learnt."""
        self.learnt += 1

    late = taken


def submitted(ticket: str, agents: tuple[str, ...], at_once: bool) -> Submitted:
    """Return the event with which somebody wants a job."""
    return Submitted(ticket, f"program of {ticket}", agents, at_once)


# The coordinator's machine changes in place: its state is taken out and put back


@dataclass(frozen=True, slots=True)
class Side:
    """All that a ``CoordinatorSide`` remembers."""

    session: int
    number: int
    aside: bool
    awake_s: float
    paused_s: float
    """The end of its own latest pause, where a run was fired before that; 0: there is none."""
    attendants: tuple[Attendant, ...]
    waiting: tuple[Any, ...]
    runs: tuple[tuple[str, RunStart], ...]
    ended: tuple[JobEnded, ...]
    given_up: tuple[tuple[str, RunId], ...] = ()

    def attendant(self, agent: str) -> Attendant | None:
        return next((one for one in self.attendants if one.agent == agent), None)

    @property
    def tickets(self) -> tuple[str, ...]:
        """Jobs that it knows, ended or not."""
        of_runs = (ticket for ticket, _ in self.runs)
        ended = (one.ticket for one in self.ended)
        return (*(one.job.ticket for one in self.waiting), *of_runs, *ended)

    def due(self, lives: Mapping[str, int]) -> int:
        """Return in how many quanta time has to pass for it, at the latest; 0: now.

        ``lives``: of the agents that beat.
        """
        instants = [start.due_s() - NOW_S for _, start in self.runs]
        for one in self.waiting:
            if one.since_s is not None:
                instants.append(one.since_s + APPEAR_S - NOW_S)
        for one in self.attendants:
            stale_s = one.beaten_s + STALE_S - NOW_S
            beats = lives.get(one.agent) == one.life and stale_s > 0
            if not one.quarantined and not beats:
                instants.append(stale_s + QUANTUM_S / 2)  # it has to be longer than that
            if one.unwell and stale_s >= 0:
                greet_s = one.greeted_s + GREET_AGAIN_S - NOW_S
                if greet_s <= stale_s:
                    instants.append(greet_s)
        return max(0, min((_ceil(one) for one in instants), default=NEVER))


NEVER = 1 << 40


def _ceil(seconds: float) -> int:
    if abs(seconds) >= 1e9:
        return NEVER if seconds > 0 else 0
    return -int(-seconds * PER_S // 1)


def new_side(entries: tuple[Entry, ...]) -> tuple[Side, tuple[Any, ...]]:
    """Return a coordinator that has just been started, and what is to be done first."""
    side = coordinator_machine.CoordinatorSide(
        1, entries, PATIENCE, FixedLead(), APPEAR_S, APPEAR_S, asks_turns=True
    )
    return _tidied_side(taken_out(side)), side.begin()


def taken_out(side: coordinator_machine.CoordinatorSide) -> Side:
    return Side(
        side.session,
        side._number,
        side._aside,
        NOW_S if side.attendance._awake_s is None else side.attendance._awake_s,
        side.attendance._paused_s,
        side.attendance.agents,
        tuple(side._waiting.values()),
        tuple(side._runs.values()),
        tuple(side._ended.values()),
        tuple(sorted(side._given_up.items())),
    )


def put_back(state: Side, lead: FixedLead) -> coordinator_machine.CoordinatorSide:
    side = coordinator_machine.CoordinatorSide(
        state.session, (), PATIENCE, lead, APPEAR_S, APPEAR_S, asks_turns=True
    )
    side._number = state.number
    side._aside = state.aside
    side.attendance._awake_s = state.awake_s
    side.attendance._paused_s = state.paused_s or float("-inf")
    side.attendance._seen = {one.agent: one for one in state.attendants}
    side._waiting = {one.job.ticket: one for one in state.waiting}
    side._runs = {start.run: (ticket, start) for ticket, start in state.runs}
    side._ended = {one.ticket: one for one in state.ended}
    side._given_up = dict(state.given_up)
    return side


def handled(state: Side, event: Any) -> tuple[Side, tuple[Any, ...], int]:
    """Return what an event leads to at a coordinator, and how often it learns from it."""
    lead = FixedLead()
    side = put_back(state, lead)
    actions = side.handle(event, NOW_S)
    return _tidied_side(taken_out(side)), actions, lead.learnt


def beaten(state: Side, lives: Mapping[str, int]) -> Side:
    """Return a coordinator that has ticked, with the usual heartbeats of these agents.

    A job whose agents are well, and in use, has begun to wait for them with the tick.
    """
    attendants = tuple(
        replace(one, beaten_s=NOW_S) if lives.get(one.agent) == one.life else one
        for one in state.attendants
    )
    well = {one.agent for one in attendants if not one.unwell}
    there = {one.agent for one in attendants if not one.quarantined}
    waiting = tuple(
        replace(one, since_s=NOW_S)
        if (there if one.job.at_once else well).issuperset(one.job.agents)
        else one
        for one in state.waiting
    )
    return replace(state, attendants=attendants, waiting=waiting, awake_s=NOW_S)


# What nobody looks at any longer is the same in all states


def tidied_agent(state: AgentState) -> AgentState:
    """Return an agent without what no step of it depends on."""
    state = replace(state, look_fs=0)
    if not state.unsafe or state.making_safe:
        state = replace(state, safe_at_s=0.0)
    hand = state.hand
    if hand is not None and hand.phase in (Phase.STANDING_DOWN, Phase.ENDED):
        answers = tuple(
            (step, replace(one, now=None) if isinstance(one, Armed) else one)
            for step, one in hand.answers
        )
        state = replace(state, hand=replace(hand, answers=answers, lease_ends_s=None, token=None))
    return state


def _tidied_side(side: Side) -> Side:
    runs = [(ticket, _tidied_run(start)) for ticket, start in side.runs]
    paused = any(0 < start.read_from_s < side.paused_s for _, start in runs)
    return replace(
        side,
        paused_s=side.paused_s if paused else 0.0,
        attendants=tuple(sorted(side.attendants, key=lambda one: one.agent)),
        runs=tuple(sorted(runs, key=lambda one: one[0])),
    )


def _tidied_run(start: RunStart) -> RunStart:
    def tidied(node: NodeOfRun) -> NodeOfRun:
        counts = start.stage is Stage.ARMING and not start.at_once
        if node.request is None and not (counts and node.armed is not None):
            node = replace(node, said_s=NOW_S)
        if node.armed is not None and not counts:
            node = replace(node, armed=replace(node.armed, now=None))
        return node

    start = replace(start, nodes=tuple(tidied(node) for node in start.nodes))
    if start.stage not in (Stage.ASKING_TIME, Stage.FIRING) and not start.unheard:
        start = replace(start, read_from_s=0.0)
    return start if start.unheard else replace(start, recalled_s=0.0)

"""The shipped machines, as the explorer sees them: the one file that knows their insides.

Their functions are called as they are. What is done here to their states between two calls:

- **Time.** A state holds instants only as far as they lie from now: now is always :data:`NOW_S`
  and :data:`NOW`. When time goes on, :func:`later` moves all instants of a state towards the past,
  and those that nobody can tell from each other any more become one.
- **Reasons** are text for people. :func:`without_reasons` leaves whether there is one.
- **Exchange.** :func:`exchanged` gives agents, jobs and runs each other's names.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from functools import cache
from typing import Any

from podium.control.bus.messages import RunId
from podium.control.runs import coordinator_machine
from podium.control.runs.agent_values import AgentState, Margins, Phase
from podium.control.runs.attendance import GREET_AGAIN_S, STALE_S, Attendant
from podium.control.runs.coordinator_values import Submitted
from podium.control.runs.journal import Entry, JobAccepted, JobEnded
from podium.control.runs.messages import Armed, Prepared, Token
from podium.control.runs.run_values import NodeOfRun, Patience, RunStart, Stage
from podium.control.timebase.epochs import Epochs
from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.firmware_interfaces.tai import Tai

PER_S = 128
"""Instants are whole multiples of 1/128 s: exact in floats and in femtoseconds."""
QUANTUM_S = 1 / PER_S
QUANTUM_FS = FS_PER_S // PER_S
NOW_S = 1_000.0
NOW = Tai(1_900_000_000, 0)
LONG_AGO = 4 * PER_S
"""What was more quanta ago is as old as this: longer than any deadline below."""
LONG_AGO_OF = {"greeted_s": 65, "beaten_s": 80, "said_s": 129, "asked_s": 16}
"""Instants that nobody looks back to so far."""
LONG_AGO_TAI = 8
"""As well: what was to start so long ago has started, or never will. What lies between two ticks
of the quanta is kept: a start that was 1 ns late still differs from one that was not."""


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
    recall_s=1 * QUANTUM_S,
    lease_s=1.25,
    slow_s=0.25,
)
APPEAR_S = 3.0
LEAD_FS = quanta(5)
GRID_FS = quanta(1)
OFFSET_FS = 212
DURATION_FS = quanta(2)
RESOLUTION_FS = 1_000


class FixedLead:
    """A lead that learns nothing."""

    lead_fs = LEAD_FS
    margin_fs = MARGINS.minimum_lead_fs

    def taken(self, delivery_fs: int) -> None:
        """Learn nothing."""

    def late(self, delivery_fs: int) -> None:
        """Learn nothing."""


def submitted(ticket: str, agents: tuple[str, ...]) -> Submitted:
    """Return the event with which somebody wants a job; another plan of a start goes in here."""
    return Submitted(ticket, f"program of {ticket}", agents)


# The coordinator's machine changes in place: its state is taken out and put back


@dataclass(frozen=True, slots=True)
class Side:
    """All that a ``CoordinatorSide`` remembers."""

    session: int
    number: int
    aside: bool
    awake_s: float
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
            if lives.get(one.agent) == one.life and stale_s > 0 and not one.unwell:
                continue
            if not one.unwell:
                instants.append(stale_s + QUANTUM_S / 2)  # it has to be longer than that
            elif stale_s >= 0:
                greet_s = one.greeted_s + GREET_AGAIN_S - NOW_S
                if greet_s <= stale_s:
                    instants.append(greet_s)
        return max(0, min((_ceil(one) for one in instants), default=NEVER))


NEVER = 1 << 40


def _ceil(seconds: float) -> int:
    if seconds <= -1e9:
        return 0
    return -int(-seconds * PER_S // 1)


def new_side(entries: tuple[Entry, ...]) -> tuple[Side, tuple[Any, ...]]:
    """Return a coordinator that has just been started, and what is to be done first."""
    side = coordinator_machine.CoordinatorSide(
        1, entries, PATIENCE, FixedLead(), APPEAR_S, asks_turns=True
    )
    return taken_out(side), side.begin()


def taken_out(side: coordinator_machine.CoordinatorSide) -> Side:
    return Side(
        side.session,
        side._number,
        side._aside,
        NOW_S if side.attendance._awake_s is None else side.attendance._awake_s,
        side.attendance.agents,
        tuple(side._waiting.values()),
        tuple(side._runs.values()),
        tuple(side._ended.values()),
        tuple(sorted(side._given_up.items())),
    )


def put_back(state: Side) -> coordinator_machine.CoordinatorSide:
    side = coordinator_machine.CoordinatorSide(
        state.session, (), PATIENCE, FixedLead(), APPEAR_S, asks_turns=True
    )
    side._number = state.number
    side._aside = state.aside
    side.attendance._awake_s = state.awake_s
    side.attendance._seen = {one.agent: one for one in state.attendants}
    side._waiting = {one.job.ticket: one for one in state.waiting}
    side._runs = {start.run: (ticket, start) for ticket, start in state.runs}
    side._ended = {one.ticket: one for one in state.ended}
    side._given_up = dict(state.given_up)
    return side


def handled(state: Side, event: Any) -> tuple[Side, tuple[Any, ...]]:
    """Return what an event leads to at a coordinator."""
    side = put_back(state)
    actions = side.handle(event, NOW_S)
    return _tidied_side(taken_out(side)), actions


def beaten(state: Side, lives: Mapping[str, int]) -> Side:
    """Return a coordinator that has ticked, with the usual heartbeats of these agents.

    A job whose agents are well, and in use, has begun to wait for them with the tick.
    """
    attendants = tuple(
        replace(one, beaten_s=NOW_S) if lives.get(one.agent) == one.life else one
        for one in state.attendants
    )
    well = {one.agent for one in attendants if not one.unwell}
    waiting = tuple(
        replace(one, since_s=NOW_S) if well.issuperset(one.job.agents) else one
        for one in state.waiting
    )
    return replace(state, attendants=attendants, waiting=waiting, awake_s=NOW_S)


# What nobody looks at any more is the same in all states


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
    runs = ((ticket, _tidied_run(start)) for ticket, start in side.runs)
    return replace(
        side,
        attendants=tuple(sorted(side.attendants, key=lambda one: one.agent)),
        runs=tuple(sorted(runs, key=lambda one: one[0])),
    )


def _tidied_run(start: RunStart) -> RunStart:
    def tidied(node: NodeOfRun) -> NodeOfRun:
        if node.request is None:
            node = replace(node, said_s=NOW_S)
        if node.armed is not None and start.stage is not Stage.ARMING:
            node = replace(node, armed=replace(node.armed, now=None))
        return node

    start = replace(start, nodes=tuple(tidied(node) for node in start.nodes))
    return start if start.unheard else replace(start, recalled_s=0.0)


# Rewriting of values

INSTANTS = frozenset(
    {
        "lease_ends_s",
        "safe_at_s",
        "said_s",
        "deadline_s",
        "recalled_s",
        "since_s",
        "awake_s",
        "beaten_s",
        "greeted_s",
        "asked_s",
        "due_s",
        "back_s",
    }
)
"""Fields that hold an instant of wall time. 0 stands for: none."""
REASONS = frozenset({"reason", "why", "ended", "failed", "unsafe", "quarantined"})
ORDERED: dict[type, Callable[[Any], Any]] = {
    NodeOfRun: lambda one: one.agent,
    Attendant: lambda one: one.agent,
}
"""Values that stand in the order of their agents' names."""


@dataclass(frozen=True, slots=True)
class _Rules:
    instant: Callable[[str, float], float] | None = None
    tai: Callable[[Tai], Tai] | None = None
    reason: Callable[[str], str] | None = None
    name: Callable[[str], str] | None = None
    run: Callable[[RunId], RunId] | None = None


NO_TIME = (Margins, Patience, Epochs, Token, Prepared, JobAccepted, JobEnded, RunId)
"""Values in which nothing depends on the time, and ..."""
NO_NAME = (Margins, Patience)
"""... in which nothing depends on names."""


@cache
def _fields_of(kind: type) -> tuple[tuple[str, str], ...]:
    """Return the fields of a value that is made of others, and what each is."""
    if not is_dataclass(kind):
        return ()
    return tuple((one.name, _role(one.name)) for one in fields(kind))


def _role(name: str) -> str:
    return "instant" if name in INSTANTS else "reason" if name in REASONS else ""


def _rewritten(value: Any, rules: _Rules) -> Any:
    kind = type(value)
    if kind is tuple:
        if not value:
            return value
        new = tuple([_rewritten(one, rules) for one in value])
        return new if rules.name is None else _in_order(new)
    if kind is str:
        return value if rules.name is None else rules.name(value)
    if kind is Tai:
        return value if rules.tai is None else rules.tai(value)
    if kind in NO_NAME or (rules.tai is not None and kind in NO_TIME):
        return value
    if kind is RunId:
        return value if rules.run is None else rules.run(value)
    if kind is bytes:
        return value if rules.name is None else rules.name(value.decode()).encode()
    names = _fields_of(kind)
    if not names:
        return value
    values, changed = [], False
    for name, role in names:
        before = getattr(value, name)
        if role == "instant" and before is not None:
            after = before if rules.instant is None or not before else rules.instant(name, before)
        elif role == "reason" and type(before) is str:
            after = before if rules.reason is None or not before else rules.reason(before)
        else:
            after = _rewritten(before, rules)
        changed = changed or after is not before
        values.append(after)
    return kind(*values) if changed else value


def _in_order(values: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return values that stand in the order of names in the order of their new names."""
    if len(values) < 2:
        return values
    first = values[0]
    if type(first) in ORDERED:
        return tuple(sorted(values, key=ORDERED[type(first)]))
    if all(type(one) is str for one in values):
        return tuple(sorted(values))
    named = all(type(one) is tuple and one and type(one[0]) is str for one in values)
    if named and first[0] not in ("prepare", "arm", "fire"):  # what was answered has its order
        return tuple(sorted(values, key=lambda one: one[0]))
    return values


def later(value: Any, count: int) -> Any:
    """Return what a value is ``count`` quanta later."""
    by_s, by_fs = count * QUANTUM_S, count * QUANTUM_FS
    oldest_fs = NOW.total_fs - LONG_AGO_TAI * QUANTUM_FS

    def instant(name: str, before_s: float) -> float:
        return max(before_s - by_s, NOW_S - LONG_AGO_OF.get(name, LONG_AGO) * QUANTUM_S)

    def tai(before: Tai) -> Tai:
        after_fs = before.total_fs - by_fs
        if after_fs < oldest_fs:
            after_fs = oldest_fs - QUANTUM_FS + after_fs % QUANTUM_FS
        return Tai.from_fs(after_fs)

    return _rewritten(value, _Rules(instant=instant, tai=tai))


def without_reasons(value: Any) -> Any:
    """Return a value in which every reason is the same."""
    return _rewritten(value, _Rules(reason=lambda reason: "some reason"))


@dataclass(frozen=True, slots=True)
class Exchange:
    """Whose names are given to whom: agents and jobs; runs by their numbers in a session."""

    names: tuple[tuple[str, str], ...]
    runs: tuple[tuple[RunId, RunId], ...] = ()


def exchanged(value: Any, exchange: Exchange) -> Any:
    """Return a value with the names exchanged."""
    runs = dict(exchange.runs)
    names = dict(exchange.names) | {str(one): str(other) for one, other in exchange.runs}
    names |= {f"program of {one}": f"program of {other}" for one, other in exchange.names}
    names |= {f"hash of program of {a}": f"hash of program of {b}" for a, b in exchange.names}
    return _rewritten(
        value,
        _Rules(name=lambda name: names.get(name, name), run=lambda run: runs.get(run, run)),
    )

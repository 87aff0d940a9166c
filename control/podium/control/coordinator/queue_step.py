"""Decides who starts, who waits for whom, and who yields. Pure: no clock, no I/O.

Conservative backfill (Mu'alem and Feitelson, IEEE TPDS 12, 529 (2001)): in the order of their
ranks, all get the earliest time at which all of their agents are free for as long as they take,
so that nobody delays whoever is before him; what is short goes into the holes. Slurm's backfill
scheduler plans so, with priorities that grow with age; ARTIQ's has priorities, due times and
pauses at safe points.

Nobody starves: a rank is never overtaken by what comes much later, and what has waited for
:data:`~podium.control.coordinator.queue_values.DRAIN_S` has its agents kept free, so that work in
the holes that takes longer than estimated delays it once, not again and again. There is no
deadlock: whoever waits has nothing, and is given all that it wants at once.
"""

import math
from collections.abc import Iterable, Mapping, Sequence

from podium.control.bus.queue import Reservation
from podium.control.coordinator.queue_values import (
    AGE_S,
    DRAIN_S,
    SLICE_S,
    ActiveWork,
    AgentTimeline,
    Hole,
    Placement,
    QueuedWork,
    QueueState,
    Start,
    Wait,
    Yield,
)

HOLES_MAX = 24
"""So many holes of an agent are remembered in one plan; with fewer, less is let in early."""
OVERDUE = 0.2
"""What takes longer than estimated is expected to take this share of its age more. ASSUMED."""
SHORTEST_S = 1e-3
"""Whatever is planned takes that, at least."""
SAFE_POINT_S = 1.0
"""A safe point is expected within so long. ASSUMED: a batch of a stream takes 0.4 s."""


def step(queue: Iterable[QueuedWork], state: QueueState, now_s: float) -> tuple[Placement, ...]:
    """Return what becomes of all who wait, in the order of their ranks, and who is to yield.

    ``queue``: in any order; ``now_s``: Unix time. A ``Start`` is to be carried out: the plan of
    those behind counts on it.
    """
    works = tuple(queue)
    inherited = _inherited(works, state.on)
    late: set[str] = set()
    if inherited:
        halted = {agent for one in works if one.suspended for agent in one.agents}
        late = {one.ticket for one in works if one.changes and not halted.isdisjoint(one.agents)}

    def order(work: QueuedWork) -> tuple[bool, float, float, str]:
        rank = inherited.get(work.ticket, work.rank)
        return work.ticket in late, -rank, work.asked_s, work.ticket

    plan = _Plan(state, now_s)
    may_yield = any(one.work.yields for one in state.on)
    yielding = {one.work.ticket for one in state.on if one.asked_to_yield}
    placements: list[Placement] = []
    for one in state.on:
        kept = next((r for r in state.reservations if _keeps_out(r, one.work, now_s)), None)
        if one.work.yields and one.work.ticket not in yielding and kept is not None:
            yielding.add(one.work.ticket)
            placements.append(Yield(one.work.ticket, kept.id))
    for work in sorted(works, key=order):
        placement = plan.place(work, after_suspended=work.ticket in late)
        if may_yield and isinstance(placement, Wait):
            for ticket in _gives_way(work, state.on, yielding, inherited, now_s):
                yielding.add(ticket)
                placements.append(Yield(ticket, work.ticket))
        placements.append(placement)
    return tuple(placements)


def ends_of(one: ActiveWork, now_s: float) -> tuple[float, float]:
    """Return when work that is on is expected to end, Unix time, and the sigma of that, s."""
    work, age_s = one.work, max(0.0, now_s - one.began_s)
    if one.asked_to_yield:
        return now_s + SAFE_POINT_S, SAFE_POINT_S
    left_s, least_s = work.lasts_s - age_s, OVERDUE * age_s
    if left_s >= least_s:
        return now_s + left_s, work.sigma_s
    return now_s + least_s, max(work.sigma_s, least_s)


def may_use(reservation: Reservation, by: str) -> bool:
    """Return whether a reservation is kept for ``by``: its name, or the user of it before ``@``."""
    return by == reservation.by or by.partition("@")[0] == reservation.by


def _keeps_out(reservation: Reservation, work: QueuedWork, now_s: float) -> bool:
    """Return whether a reservation that is on now is kept for somebody else."""
    return (
        reservation.begins_s <= now_s < reservation.ends_s
        and not work.agents.isdisjoint(reservation.agents)
        and not may_use(reservation, work.by)
    )


def _inherited(works: Sequence[QueuedWork], on: Sequence[ActiveWork]) -> dict[str, float]:
    """Return the ranks that work with safe points inherits, by ticket.

    What sets something waits for its end: it is lifted to the highest of those ranks, else others
    would be let in again and again before them (priority inheritance).
    """
    halting = [one for one in works if one.suspended]
    halting += [one.work for one in on if one.work.yields]
    if not halting:
        return {}
    changes = [one for one in works if one.changes]
    return {
        one.ticket: max(
            [one.rank] * one.suspended
            + [other.rank for other in changes if not other.agents.isdisjoint(one.agents)],
            default=-math.inf,
        )
        for one in halting
    }


def _gives_way(
    work: QueuedWork,
    on: Sequence[ActiveWork],
    yielding: set[str],
    inherited: Mapping[str, float],
    now_s: float,
) -> tuple[str, ...]:
    """Return what gives way to work that waits: nothing, unless all do that are in its way."""
    in_the_way = [one for one in on if not work.agents.isdisjoint(one.work.agents)]
    for one in in_the_way:
        mine = one.work
        if not mine.yields or work.rank <= inherited[mine.ticket]:
            return ()
        gain = work.rank - (mine.priority - now_s / AGE_S)
        young = now_s - one.began_s < SLICE_S and work.priority <= mine.priority
        if gain < 1 or young:
            return ()
    return tuple(one.work.ticket for one in in_the_way if one.work.ticket not in yielding)


class _Plan:
    """Times at which agents are free, as far as is planned."""

    def __init__(self, state: QueueState, now_s: float) -> None:
        self._now_s = now_s
        self._reservations = [one for one in state.reservations if one.ends_s > now_s]
        self._reserved_until_s = max((one.ends_s for one in self._reservations), default=now_s)
        self._agents: dict[str, AgentTimeline] = {}
        self._suspended: dict[str, float] = {}
        """By agent: when what has let others in there is expected to end."""
        for one in state.on:
            ends_s, sigma_s = ends_of(one, now_s)
            for agent in one.work.agents:
                self._hold(agent, one.work, ends_s, sigma_s)

    def place(self, work: QueuedWork, *, after_suspended: bool = False) -> Placement:
        """Return when work starts, and note that its agents are not free then.

        ``after_suspended``: not before what was on, and has let others in, has ended.
        """
        now_s = self._now_s
        from_s = now_s
        if after_suspended:
            ends = [self._suspended.get(agent, now_s) for agent in work.agents]
            from_s = max(now_s, *ends)
        agents = self._agents
        lines = [agents.get(agent) or self._new(agent) for agent in work.agents]
        if work.shared and self._reads_beside(work, lines):
            return Start(work.ticket)
        if len(lines) == len(lines[0].holes) == 1 and not self._reservations and from_s == now_s:
            found = [lines[0].holes[0]]  # the usual case, quickly
            starts_s = found[0].begins_s
        else:
            starts_s, found = self._earliest(work, lines, from_s)
        ends_s = starts_s + work.lasts_s
        variance = 0.0
        behind: dict[str, None] = {}
        """What ends, or is reserved, until work starts, in order."""
        for hole in found:
            if hole.begins_s == starts_s:
                behind[hole.after] = None
                if hole.variance_s2 > variance:
                    variance = hole.variance_s2
        behind.pop("", None)
        if now_s < starts_s <= self._reserved_until_s:
            behind |= dict.fromkeys(self._reserved_until(work, starts_s))
        if work.suspended:
            self._suspended |= dict.fromkeys(work.agents, ends_s)
        drains = now_s - work.asked_s > DRAIN_S
        after = variance + work.sigma_s**2
        for line, hole in zip(lines, found, strict=True):
            _cut(line, hole, starts_s, ends_s, after, work.ticket)
            if drains:
                line.holes = [one for one in line.holes if one.begins_s >= ends_s]
                line.readers_end_s = 0.0
        if starts_s <= now_s:
            if work.shared:
                for line in lines:
                    line.readers_end_s = ends_s
            return Start(work.ticket)
        return Wait(work.ticket, starts_s, math.sqrt(variance), tuple(behind))

    def _new(self, agent: str) -> AgentTimeline:
        line = self._agents[agent] = AgentTimeline([Hole(self._now_s, math.inf)])
        return line

    def _hold(self, agent: str, work: QueuedWork, ends_s: float, sigma_s: float) -> None:
        line = self._agents.get(agent) or self._new(agent)
        hole = line.holes[0]
        if ends_s > hole.begins_s or not hole.after:
            line.holes = [Hole(max(ends_s, hole.begins_s), math.inf, sigma_s**2, work.ticket)]
        if work.shared:
            line.readers_end_s = max(line.readers_end_s, ends_s)

    def _reserved_until(self, work: QueuedWork, starts_s: float) -> list[str]:
        """Return the reservations of its agents that end when work starts."""
        return [
            one.id
            for one in self._reservations
            if one.ends_s == starts_s and not work.agents.isdisjoint(one.agents)
        ]

    def _reads_beside(self, work: QueuedWork, lines: list[AgentTimeline]) -> bool:
        """Have work that only reads beside others that do, if it ends no later than they do or
        nobody is kept waiting by it."""
        ends_s = self._now_s + work.lasts_s
        if self._blocked_until(work, self._now_s, ends_s) > self._now_s:
            return False
        for line in lines:
            if line.readers_end_s <= self._now_s:
                return False
            hole = line.holes[0] if line.holes else None
            free = hole is not None and hole.begins_s <= line.readers_end_s <= hole.ends_s
            until_s = hole.ends_s if free and hole is not None else line.readers_end_s
            if ends_s > until_s:
                return False
        for line in lines:
            if ends_s > line.readers_end_s:
                line.readers_end_s = ends_s
                hole = line.holes[0]
                hole.begins_s, hole.after = ends_s, work.ticket
        return True

    def _earliest(
        self, work: QueuedWork, lines: list[AgentTimeline], from_s: float
    ) -> tuple[float, list[Hole]]:
        """Return the earliest time at which all agents are free for long enough, and the holes."""
        at_s, fits_s = from_s, max(work.lasts_s + work.sigma_s, SHORTEST_S)
        found: list[Hole] = []
        agreed = False
        while not agreed:
            agreed, found = True, []
            for line in lines:
                for hole in line.holes:
                    begins_s = hole.begins_s
                    if begins_s > at_s:
                        if begins_s + fits_s <= hole.ends_s:
                            at_s, agreed = begins_s, agreed and not found
                            break
                    elif at_s + fits_s <= hole.ends_s:
                        break
                found.append(hole)
            if agreed and at_s < self._reserved_until_s:
                free_s = self._blocked_until(work, at_s, at_s + fits_s)
                at_s, agreed = free_s, free_s == at_s
        return at_s, found

    def _blocked_until(self, work: QueuedWork, at_s: float, ends_s: float) -> float:
        """Return the end of what is reserved for others between two times; none: the first.

        Work that yields begins before a reservation, and gives way to it.
        """
        for one in self._reservations:
            begins_s = one.begins_s
            in_it = begins_s <= at_s < one.ends_s
            into_it = at_s < begins_s < ends_s and not work.yields
            if (
                (in_it or into_it)
                and not work.agents.isdisjoint(one.agents)
                and not may_use(one, work.by)
            ):
                return one.ends_s
        return at_s


def _cut(
    line: AgentTimeline, hole: Hole, starts_s: float, ends_s: float, variance: float, ticket: str
) -> None:
    """Take a time out of a hole."""
    if starts_s <= hole.begins_s:
        if ends_s < hole.ends_s:
            hole.begins_s, hole.variance_s2, hole.after = ends_s, variance, ticket
        else:
            line.holes.remove(hole)
        return
    before = Hole(hole.begins_s, starts_s, hole.variance_s2, hole.after)
    at = line.holes.index(hole)
    if ends_s < hole.ends_s:
        hole.begins_s, hole.variance_s2, hole.after = ends_s, variance, ticket
        line.holes.insert(at, before)
    else:
        line.holes[at] = before
    if len(line.holes) > HOLES_MAX:
        del line.holes[0]

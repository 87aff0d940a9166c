"""Simulates a facility's queue over months, and judges what its planner does."""

import heapq
import random
from dataclasses import dataclass, field, replace

from podium.control.bus.queue import Reservation
from podium.control.coordinator.queue_step import step
from podium.control.coordinator.queue_values import (
    ActiveWork,
    QueuedWork,
    QueueState,
    Start,
    Wait,
    Yield,
)

HOUR_S = 3600.0
NODES = tuple(f"node_{letter}" for letter in "abcd")


@dataclass(frozen=True, slots=True)
class Arrival:
    """Work that comes at its ``asked_s``, and what it really takes."""

    work: QueuedWork
    takes_s: float


@dataclass(slots=True, eq=False)
class SimulatedQueue:
    """Carries out what the planner says, and complains where that cannot be."""

    reservations: tuple[Reservation, ...] = ()
    safe_point_s: float = 5.0
    waiting: dict[str, QueuedWork] = field(default_factory=dict)
    on: dict[str, ActiveWork] = field(default_factory=dict)
    left_s: dict[str, float] = field(default_factory=dict)
    """What works still take."""
    waited_s: dict[str, float] = field(default_factory=dict)
    """Until work was begun first."""
    order: list[str] = field(default_factory=list)
    now_s: float = 0.0
    events: list[tuple[float, int, str, str]] = field(default_factory=list)
    slice_of: dict[str, int] = field(default_factory=dict)
    """Goes up whenever work begins, so that the end of an earlier slice is none."""
    complaints: list[str] = field(default_factory=list)

    def play(self, arrivals: list[Arrival]) -> None:
        """Play until all is done."""
        coming = {one.work.ticket: one for one in arrivals}
        for one in arrivals:
            self._soon(one.work.asked_s, "asked", one.work.ticket)
        for reservation in self.reservations:
            self._soon(reservation.begins_s, "look", "")
            self._soon(reservation.ends_s, "look", "")
        while self.events:
            self.now_s, number, what, ticket = heapq.heappop(self.events)
            match what:
                case "asked":
                    self.waiting[ticket] = coming[ticket].work
                    self.left_s[ticket] = coming[ticket].takes_s
                case "end" if ticket in self.on and self.slice_of[ticket] == number:
                    del self.on[ticket], self.left_s[ticket]
                case "yield" if ticket in self.on and self.slice_of[ticket] == number:
                    self._yield(ticket)
                case "look":
                    pass
                case _:
                    continue
            self._step()
        if self.waiting or self.on:
            self.complaints.append(f"nothing happens any longer: {sorted(self.waiting)}")

    def _soon(self, at_s: float, what: str, ticket: str, number: int = 0) -> None:
        heapq.heappush(self.events, (at_s, number, what, ticket))

    def _yield(self, ticket: str) -> None:
        one = self.on.pop(ticket)
        self.left_s[ticket] -= self.now_s - one.began_s
        self.waiting[ticket] = replace(
            one.work,
            asked_s=self.now_s,
            suspended=True,
            lasts_s=max(1.0, one.work.lasts_s - (self.now_s - one.began_s)),
        )

    def _step(self) -> None:
        state = QueueState(tuple(self.on.values()), self.reservations)
        waits = []
        for one in step(self.waiting.values(), state, self.now_s):
            match one:
                case Start(ticket):
                    self._start(self.waiting.pop(ticket))
                case Yield(ticket):
                    active = self.on[ticket]
                    if not active.work.yields:
                        self.complaints.append(f"{ticket} has no safe point")
                    self.on[ticket] = replace(active, asked_to_yield=True)
                    at_s = min(self.safe_point_s, self.left_s[ticket])
                    self._soon(self.now_s + at_s, "yield", ticket, self.slice_of[ticket])
                case Wait(ticket, starts_s, _, behind):
                    waits.append(ticket)
                    if starts_s < self.now_s or ticket in behind:
                        self.complaints.append(f"{ticket} waits for itself or for the past")
        if set(waits) != set(self.waiting):
            self.complaints.append("a work is neither begun nor told that it waits")
        if self.waiting and not self.on and not any(self._reserved(r) for r in self.reservations):
            self.complaints.append(f"all is free, and {len(self.waiting)} wait: {self.now_s}")

    def _reserved(self, one: Reservation) -> bool:
        return self.now_s < one.ends_s

    def _start(self, work: QueuedWork) -> None:
        now_s = self.now_s
        for other in self.on.values():
            shared = work.shared and other.work.shared
            if not work.agents.isdisjoint(other.work.agents) and not shared:
                self.complaints.append(f"{work.ticket} beside {other.work.ticket}")
        for other in self.waiting.values():
            if other.suspended and work.changes and not work.agents.isdisjoint(other.agents):
                self.complaints.append(f"{work.ticket} changes what {other.ticket} plays on")
        for one in self.reservations:
            foreign = work.by != one.by and not work.agents.isdisjoint(one.agents)
            if foreign and one.begins_s <= now_s < one.ends_s:
                self.complaints.append(f"{work.ticket} in the reservation {one.id}")
            if foreign and not work.yields and now_s < one.begins_s < now_s + work.lasts_s:
                self.complaints.append(f"{work.ticket} begins into the reservation {one.id}")
        self.on[work.ticket] = ActiveWork(work, now_s)
        number = self.slice_of[work.ticket] = self.slice_of.get(work.ticket, 0) + 1
        self.waited_s.setdefault(work.ticket, now_s - work.asked_s)
        self.order.append(work.ticket)
        self._soon(now_s + self.left_s[work.ticket], "end", work.ticket, number)


def months_of_work(seed: int, days: float, load: float, mean_s: float = 1200.0) -> list[Arrival]:
    """Return what a facility of four nodes is asked for, day and night.

    ``load``: the share of its time that all nodes together are wanted for, on average. Estimates
    are off by a factor of two (sigma of the logarithm 0.7), as those of new programs are.
    """
    random_ = random.Random(seed)
    arrivals: list[Arrival] = []
    at_s, mean_nodes = 0.0, 0.70 * 1 + 0.15 * 2 + 0.05 * 4 + 0.10 * 1
    while at_s < days * 24 * HOUR_S:
        at_s += random_.expovariate(load * len(NODES) / (mean_s * mean_nodes))
        kind = random_.choices(("run", "stream", "bias"), (75, 15, 10))[0]
        count = 1 if kind == "bias" else random_.choices((1, 2, 4), (75, 18, 7))[0]
        takes_s = random_.lognormvariate(0.0, 1.0) * mean_s * 0.6
        guess = random_.lognormvariate(0.0, 0.7)
        shared = kind == "run" and count == 1 and random_.random() < 0.05
        work = QueuedWork(
            f"w{len(arrivals)}",
            frozenset(random_.sample(NODES, count)),
            random_.choice(("ada", "bob", "eve")),
            at_s,
            priority=random_.choices((-5, 0, 0, 3, 10), (1, 4, 4, 2, 1))[0],
            lasts_s=takes_s * guess,
            sigma_s=0.5 * takes_s * guess,
            yields=kind == "stream",
            changes=kind == "bias",
            shared=shared,
        )
        arrivals.append(Arrival(work, takes_s))
    return arrivals

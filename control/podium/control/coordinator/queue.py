"""Gives agents' instruments to work, as the planner says: one run, bias move or question at a time.

Everything that uses instruments passes through it. Whoever waits has nothing: there is no deadlock.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TypeVar

from podium.control.bus.log import event_log
from podium.control.bus.queue import PRIORITY_MAX, QueueEntry, QueueNews, Reservation
from podium.control.coordinator.queue_estimates import UNSURE, DurationEstimates
from podium.control.coordinator.queue_file import QueueFile
from podium.control.coordinator.queue_step import ends_of, step
from podium.control.coordinator.queue_values import (
    ActiveWork,
    QueuedWork,
    QueueState,
    Start,
    Wait,
    Yield,
)
from podium.control.parameters.validity import told_age
from podium.control.runs.errors import RunRefused

PATIENCE_S = 5.0
"""What is asked by hand waits so long for its turn; then a person learns what is on instead."""
LOOK_S = 1.0
"""While anything waits it is planned again so often: work overruns, reservations begin."""
SOON_S = 10.0
"""A reservation that begins within this is near: nobody begins what has no end of its own."""
RESERVED_MAX_S = 14 * 24 * 3600.0
"""A reservation is not longer, else one mistake would keep a facility for ever."""

Value = TypeVar("Value")
log = event_log("coordinator")


class Turn:
    """The right to use some agents' instruments."""

    def __init__(self, queue: "WorkQueue", work: QueuedWork) -> None:
        self._queue = queue
        self.work = work
        self.granted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.share = self.share_before = 0.0
        """How much is done; and when its agents were given to it last."""
        self.reports = 0
        """How often that was said."""
        self.noted = False
        """Whether estimates have learned how long it took."""

    def rename(self, what: str, run: str) -> None:
        """Call it ``what`` from now on: ``run 17-00003 rabi``."""
        self._queue.rename(self.work.ticket, what, run)

    async def safe_point(self) -> bool:
        """Let others in who go first, and return once the agents are held again.

        Nothing is set otherwise meanwhile: others play programs, or only read. Returns whether
        somebody was let in.
        """
        return await self._queue.safe_point(self)

    def progress(self, share: float) -> None:
        """Say how much of it is done, 0 to 1: its estimate follows."""
        self._queue.progress(self.work.ticket, share)

    def note_took(self) -> None:
        """Let estimates learn how long it took until now, and nothing of what comes later."""
        self._queue.note_took(self)


class WorkQueue:
    """All who want agents, and all who have them."""

    def __init__(
        self,
        kept: QueueFile | None = None,
        clock: Callable[[], float] = time.time,
        estimates: DurationEstimates | None = None,
    ) -> None:
        """``kept``: where reservations outlive the process; ``clock``: Unix time."""
        self._clock = clock
        self._kept = kept or QueueFile(None)
        self.estimates = estimates or DurationEstimates()
        self._waiting: dict[str, Turn] = {}
        self._on: dict[str, ActiveWork] = {}
        self._turns: dict[str, Turn] = {}
        """Of what is on."""
        self._names: dict[str, str] = {}
        """What work was called when it was asked for: by that, such work is known again."""
        self._untold: dict[str, asyncio.Future[None]] = {}
        """Of which nobody was notified yet: they do not outlive this process so far."""
        self._waits: dict[str, Wait] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._number = 0
        self.changed: Callable[[], None] = lambda: None
        """Called whenever there is news."""
        self.waited: Callable[[QueuedWork], None] = lambda _: None
        """Called once for work that has to wait."""

    @asynccontextmanager
    async def held(
        self,
        work: QueuedWork,
        patience_s: float | None = None,
        kept: "asyncio.Future[None] | None" = None,
    ) -> AsyncGenerator[Turn]:
        """Hold all of its agents while the context is open.

        Its estimate is worked out here. Raises ``RunRefused`` if its turn does not come within
        ``patience_s`` (None: whenever it comes), or somebody cancels it; nothing was done then.
        ``kept``: done once it outlives this process; nobody is notified of it before.
        """
        if work.ticket in self._waiting or work.ticket in self._on:
            raise RunRefused(f"{work.what}: {work.ticket} is in the queue already")
        known = self.estimates.of(work.kind, work.what, work.laboratory_s)
        work = replace(
            work,
            lasts_s=known.lasts_s,
            sigma_s=known.sigma_s,
            laboratory_s=known.laboratory_s,
        )
        turn = Turn(self, work)
        self._names[work.ticket] = work.what
        if kept is not None and not kept.done():
            self._untold[work.ticket] = kept
            kept.add_done_callback(lambda _: self._tell(work.ticket))
        self._waiting[work.ticket] = turn
        began_s: float | None = None
        try:
            self._plan()
            if not turn.granted.done():
                self.waited(work)
                try:
                    async with asyncio.timeout(patience_s):
                        await turn.granted
                except TimeoutError:
                    raise RunRefused(f"{work.what}: not now: {self.why(work.ticket)}") from None
            began_s = self._clock()
            yield turn
        except BaseException:
            began_s = None  # what did not end well says little of how long it takes
            raise
        finally:
            if began_s is not None and not turn.work.suspended and not turn.noted:
                self._took(turn, self._clock() - began_s)
            self._waiting.pop(work.ticket, None)
            self._waits.pop(work.ticket, None)
            self._on.pop(work.ticket, None)
            self._turns.pop(work.ticket, None)
            del self._names[work.ticket]
            self._untold.pop(work.ticket, None)
            self._plan()

    def _took(self, turn: Turn, took_s: float) -> None:
        work = turn.work
        self.estimates.took(work.kind, self._names[work.ticket], took_s, work.laboratory_s)

    def note_took(self, turn: Turn) -> None:
        """See :meth:`Turn.note_took`."""
        active = self._on.get(turn.work.ticket)
        if active is not None and not turn.noted:
            turn.noted = True
            self._took(turn, self._clock() - active.began_s)

    def is_wanted(self, agent: str) -> bool:
        """Return whether somebody waits for an agent, or has reserved it for now or soon."""
        waiting = any(
            agent in one.work.agents for one in self._waiting.values() if not one.granted.done()
        )
        soon_s = self._clock() + SOON_S
        return waiting or any(
            agent in one.agents and one.begins_s < soon_s for one in self.reservations
        )

    async def safe_point(self, turn: Turn) -> bool:
        """See :meth:`Turn.safe_point`."""
        ticket, now_s = turn.work.ticket, self._clock()
        active = self._on.get(ticket)
        if active is None or not active.asked_to_yield:
            return False
        del self._on[ticket], self._turns[ticket]
        left_s = max(0.1 * turn.work.lasts_s, turn.work.lasts_s - (now_s - active.began_s))
        turn.work = replace(turn.work, asked_s=now_s, lasts_s=left_s, suspended=True)
        turn.granted = asyncio.get_running_loop().create_future()
        turn.share_before = turn.share
        self._waiting[ticket] = turn
        log.info("lets others in", what=turn.work.what, by=turn.work.by)
        self._plan()
        await turn.granted
        return True

    # What people ask

    def cancel(self, ticket: str, reason: str, by: str) -> None:
        """Let work not begin that waits; raises ``RunRefused`` where none waits."""
        turn = self._waiting.get(ticket)
        if turn is None or turn.granted.done():
            raise RunRefused(f"nothing waits under {ticket!r}")
        why = reason or "it was cancelled while it waited"
        turn.granted.set_exception(RunRefused(f"{turn.work.what}: {why}, by {by}"))
        log.info("cancelled", what=turn.work.what, by=by, reason=why)

    def set_priority(self, ticket: str, priority: int, by: str) -> None:
        """Give work another priority; raises ``RunRefused``."""
        check_priority(priority)
        turn = self._waiting.get(ticket) or self._turns.get(ticket)
        if turn is None:
            raise RunRefused(f"nothing is in the queue under {ticket!r}")
        turn.work = replace(turn.work, priority=priority)
        if ticket in self._on:
            self._on[ticket] = replace(self._on[ticket], work=turn.work)
        log.info("priority", what=turn.work.what, priority=priority, by=by)
        self._plan()

    @property
    def reservations(self) -> tuple[Reservation, ...]:
        """Those that are not over."""
        now_s = self._clock()
        return tuple(one for one in self._kept.reservations if one.ends_s > now_s)

    async def reserve(self, wanted: Reservation) -> Reservation:
        """Keep agents for somebody, beyond this process; raises ``RunRefused``, ``OSError``."""
        now_s = self._clock()
        lasts_s = wanted.ends_s - wanted.begins_s
        if not wanted.agents:
            raise RunRefused("a reservation names at least one agent or node")
        if not (0 < lasts_s <= RESERVED_MAX_S and now_s < wanted.ends_s):
            raise RunRefused(
                f"a reservation ends after now and after it begins, and lasts "
                f"{told_age(RESERVED_MAX_S)} at most; asked for {lasts_s:.6g} s"
            )
        for one in self.reservations:
            apart = wanted.ends_s <= one.begins_s or one.ends_s <= wanted.begins_s
            if not apart and not set(wanted.agents).isdisjoint(one.agents):
                raise RunRefused(f"{', '.join(one.agents)}: reserved by {one.by} then ({one.id})")
        await asyncio.to_thread(self._kept.keep, (*self.reservations, wanted))
        log.info("reserved", agents=wanted.agents, by=wanted.by, id=wanted.id)
        self._plan()
        return wanted

    async def give_back(self, reservation: str, by: str) -> None:
        """Give a reservation back; raises ``RunRefused``, ``OSError``."""
        left = tuple(one for one in self.reservations if one.id != reservation)
        if len(left) == len(self.reservations):
            raise RunRefused(f"there is no reservation {reservation!r}")
        await asyncio.to_thread(self._kept.keep, left)
        log.info("reservation given back", id=reservation, by=by)
        self._plan()

    def rename(self, ticket: str, what: str, run: str = "") -> None:
        """Call work ``what`` from now on; ``run``: the id that it has got."""
        turn = self._waiting.get(ticket) or self._turns.get(ticket)
        if turn is not None and turn.work.what != what:
            turn.work = replace(turn.work, what=what, run=run)
            if ticket in self._on:
                self._on[ticket] = replace(self._on[ticket], work=turn.work)
            self.changed()

    def name(self, ticket: str, what: str, procedure: str = "") -> None:
        """Say what work is that has waited since before this process was started."""
        if ticket in self._names:
            self._names[ticket] = what
            turn = self._waiting.get(ticket) or self._turns[ticket]
            turn.work = replace(turn.work, procedure=procedure)
            self.rename(ticket, what)

    def progress(self, ticket: str, share: float) -> None:
        """See :meth:`Turn.progress`."""
        active = self._on.get(ticket)
        if active is None or share <= 0:
            return
        turn, age_s = self._turns[ticket], self._clock() - active.began_s
        done = share - turn.share_before
        if done <= 0:
            return
        lasts_s = age_s + age_s * (1 - share) / done
        sigma_s = UNSURE * (lasts_s - age_s) / max(1.0, turn.reports) ** 0.5
        turn.reports += 1
        turn.work = replace(turn.work, lasts_s=lasts_s, sigma_s=sigma_s)
        turn.share = share
        self._on[ticket] = replace(active, work=turn.work)

    def estimate_anew(self, ticket: str, laboratory_s: float) -> None:
        """Take over how long instruments play work that waits, as it was compiled."""
        turn = self._waiting.get(ticket)
        if turn is None:
            return
        known = self.estimates.of(turn.work.kind, self._names[ticket], laboratory_s)
        turn.work = replace(
            turn.work,
            lasts_s=known.lasts_s,
            sigma_s=known.sigma_s,
            laboratory_s=laboratory_s,
        )
        self._plan()

    # Notifications

    def left(self, run: str) -> tuple[float, float] | None:
        """Return what a run still takes, s, and the sigma of that; None: it has no agents."""
        now_s = self._clock()
        for one in self._on.values():
            if one.work.run == run:
                ends_s, sigma_s = ends_of(replace(one, asked_to_yield=False), now_s)
                return ends_s - now_s, sigma_s
        return None

    def waits(self, ticket: str) -> bool:
        """Return whether work waits for its turn."""
        return ticket in self._waiting

    def why(self, ticket: str) -> str:
        """Return for whom work waits and about how long; empty: it does not."""
        wait, turn = self._waits.get(ticket), self._waiting.get(ticket)
        if wait is None or turn is None:
            return ""
        first = self._first_in_the_way(turn.work, wait)
        others = sum(
            other.starts_s < wait.starts_s
            and not self._waiting[other.ticket].work.agents.isdisjoint(turn.work.agents)
            for other in self._waits.values()
            if other.ticket in self._waiting
        )
        more = f", and {others} more go first" if others else ""
        left_s = max(0.0, wait.starts_s - self._clock())
        off = f" (± {told_age(wait.sigma_s)})" if wait.sigma_s else ""
        return f"{first}{more}; its turn comes in about {told_age(left_s)}{off}"

    def _first_in_the_way(self, work: QueuedWork, wait: Wait) -> str:
        for one in self._on.values():
            if not one.work.agents.isdisjoint(work.agents):
                return f"{one.work.what} is on, asked by {one.work.by}"
        kept = [one for one in self._kept.reservations if one.id in wait.behind]
        if kept:
            return f"{', '.join(kept[0].agents)} is reserved by {kept[0].by}"
        before = [self._waiting[one].work for one in wait.behind if one in self._waiting]
        return f"{before[0].what} goes first, asked by {before[0].by}" if before else "others first"

    def news(self, waiting_max: int | None = None) -> QueueNews:
        """Return the whole queue, of those who wait at most ``waiting_max``."""
        self._number += 1
        now_s = self._clock()
        on = tuple(
            self._entry_on(one, now_s)
            for one in self._on.values()
            if one.work.ticket not in self._untold
        )
        waits = sorted(
            (
                one
                for one in self._waits.values()
                if one.ticket in self._waiting and one.ticket not in self._untold
            ),
            key=lambda one: one.starts_s,
        )
        shown = tuple(self._entry_waiting(one) for one in waits[:waiting_max])
        return QueueNews(self._number, now_s, on, shown, len(waits), self.reservations)

    def _entry_on(self, one: ActiveWork, now_s: float) -> QueueEntry:
        entry = _entry(one.work, one.began_s, 0.0, (), "")
        ends_s, sigma_s = ends_of(one, now_s)
        lasts_s = one.work.lasts_s if one.asked_to_yield else ends_s - one.began_s
        return replace(entry, began_s=one.began_s, lasts_s=lasts_s, lasts_sigma_s=sigma_s)

    def _entry_waiting(self, wait: Wait) -> QueueEntry:
        work = self._waiting[wait.ticket].work
        return _entry(work, wait.starts_s, wait.sigma_s, wait.behind, self.why(wait.ticket))

    # Inside

    def _plan(self) -> None:
        """Carry out what the planner says."""
        reservations, waiting = self.reservations, self._waiting
        if len(waiting) == 1 and not reservations:  # the usual case, quickly
            (turn,) = waiting.values()
            taken = any(
                not turn.work.agents.isdisjoint(one.work.agents) for one in self._on.values()
            )
            if not taken and not turn.granted.done():
                self._start(turn.work.ticket)
        if self._waiting or (reservations and self._on):
            state = QueueState(tuple(self._on.values()), reservations)
            works = [one.work for one in waiting.values() if not one.granted.done()]
            self._waits.clear()
            for placement in step(works, state, self._clock()):
                match placement:
                    case Start(ticket):
                        self._start(ticket)
                    case Wait(ticket):
                        self._waits[ticket] = placement
                    case Yield(ticket):
                        self._on[ticket] = replace(self._on[ticket], asked_to_yield=True)
        self._look_again()
        self.changed()

    def _start(self, ticket: str) -> None:
        turn = self._waiting.pop(ticket)
        self._waits.pop(ticket, None)
        turn.work = replace(turn.work, suspended=False)
        self._on[ticket] = ActiveWork(turn.work, self._clock())
        self._turns[ticket] = turn
        turn.granted.set_result(None)

    def _tell(self, ticket: str) -> None:
        if self._untold.pop(ticket, None) is not None:
            self.changed()

    def _look_again(self) -> None:
        if self._timer is None and (self._waiting or (self._on and self.reservations)):
            self._timer = asyncio.get_running_loop().call_later(LOOK_S, self._look)

    def _look(self) -> None:
        self._timer = None
        self._plan()

    def close(self) -> None:
        """Plan no more."""
        if self._timer is not None:
            self._timer.cancel()


def check_priority(priority: int) -> None:
    """Raise ``RunRefused`` unless ``priority`` is one."""
    if not -PRIORITY_MAX <= priority <= PRIORITY_MAX:
        raise RunRefused(
            f"priority {priority}: priorities go from {-PRIORITY_MAX} to {PRIORITY_MAX}"
        )


def _entry(
    work: QueuedWork, starts_s: float, sigma_s: float, behind: tuple[str, ...], why: str
) -> QueueEntry:
    return QueueEntry(
        ticket=work.ticket,
        run=work.run,
        kind=work.kind,
        what=work.what,
        by=work.by,
        agents=tuple(sorted(work.agents)),
        priority=work.priority,
        procedure=work.procedure,
        asked_s=work.asked_s,
        began_s=0.0,
        lasts_s=work.lasts_s,
        lasts_sigma_s=work.sigma_s,
        laboratory_s=work.laboratory_s,
        starts_s=starts_s,
        starts_sigma_s=sigma_s,
        behind=behind,
        why=why,
        yields=work.yields,
    )

"""Keeps the agents of a facility, as the coordinator sees them come and go."""

import asyncio
import time
from collections.abc import AsyncGenerator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from podium.control.bus import messages
from podium.control.bus.bus import Bus
from podium.control.bus.listener import Discarded, listen
from podium.control.bus.log import event_log
from podium.control.bus.messages import Failed, ask
from podium.control.facility.facility import Facility
from podium.control.runs.errors import RunFailed, RunRefused

HELLO_S = 10.0
"""Deadline for an agent to say what it owns."""
GONE_S = 0.5
"""An agent that is not seen for so long is gone: a lost connection may come back sooner."""
STALE_S = 0.6
"""A loop whose last heartbeat is older than this is stale: it is frozen, blocked or dead. An agent
that is not seen either, and was stale by then, is gone at once."""
APPEAR_S = 15.0
"""A run waits so long for an agent that has not appeared yet."""

ENDED = "its process or the way to it has ended"

Result = TypeVar("Result")
log = event_log("coordinator")


@dataclass(slots=True)
class KnownAgent:
    """One agent."""

    name: str
    key: str
    welcome: messages.Welcome | None = None
    present: asyncio.Event = field(default_factory=asyncio.Event)
    absent: asyncio.Event = field(default_factory=asyncio.Event)
    problem: str = ""
    """Why it cannot be used, although it is there."""
    beaten: float = 0.0
    """When its last heartbeat came, monotonic wall time."""

    def condition(self) -> str:
        """Return what is wrong with it; empty: nothing."""
        if not self.here:
            return f"gone: {ENDED}; nothing was heard of it for {self.silent_s:.1f} s"
        if self.problem:
            return self.problem
        return f"its loop has been silent for {self.silent_s:.1f} s" if self.stale else ""

    @property
    def here(self) -> bool:
        """Return whether it is seen, as far as is known."""
        return self.present.is_set()

    @property
    def silent_s(self) -> float:
        """Return the time since its last heartbeat, wall time."""
        return time.monotonic() - self.beaten

    @property
    def stale(self) -> bool:
        """Return whether its loop does not turn, as far as is known."""
        return self.silent_s > STALE_S


class AgentDirectory:
    """Keeps the list while :meth:`watching`."""

    def __init__(self, facility: Facility, bus: Bus) -> None:
        self._facility = facility
        self._bus = bus
        self._agents: dict[str, KnownAgent] = {}
        self._changed = asyncio.Condition()

    @property
    def agents(self) -> tuple[KnownAgent, ...]:
        """All that were ever seen; one that was only asked for by its name is none of them."""
        return tuple(seen for seen in self._agents.values() if seen.beaten)

    @asynccontextmanager
    async def watching(self) -> AsyncGenerator[None]:
        """Follow who comes, goes and beats while the context is open."""
        name = self._facility.name
        async with (
            self._bus.watch(messages.agent_key(name, "*")) as presences,
            self._bus.subscribe(messages.heartbeat_key(name, "*")) as beats,
            asyncio.TaskGroup() as tasks,
        ):

            async def follow() -> None:
                async for presence in presences:
                    seen = self._seen(presence.key)
                    if presence.alive:
                        seen.beaten = time.monotonic()
                        seen.present.set()
                        seen.absent.clear()
                        tasks.create_task(self._greet(seen))
                    else:
                        seen.present.clear()
                        seen.absent.set()
                        seen.welcome = None
                        log.warning("agent gone", agent=seen.name, reason=seen.condition())

            def note(agent: str, _: messages.Heartbeat) -> None:
                self._seen(messages.agent_key(name, agent)).beaten = time.monotonic()

            listening = listen(beats, messages.Heartbeat, note, Discarded(log))
            watching = [tasks.create_task(follow()), tasks.create_task(listening)]
            try:
                yield
            finally:
                for task in watching:
                    task.cancel()

    def grow(self, facility: Facility) -> None:
        """Take over a facility that has only grown; :meth:`greet_again` says who has as well."""
        self._facility = facility

    async def greet_again(self) -> None:
        """Ask all that are here which facility file they have read, and what they own."""
        await asyncio.gather(*(self._greet(seen) for seen in self.agents if seen.here))

    def named(self, name: str) -> KnownAgent:
        """Return an agent by its name, seen or not."""
        return self._seen(messages.agent_key(self._facility.name, name))

    def _seen(self, key: str) -> KnownAgent:
        return self._agents.setdefault(key, KnownAgent(key.rpartition("/")[2], key))

    async def _greet(self, seen: KnownAgent) -> None:
        answer = await ask(
            self._bus, seen.key, messages.Hello(), messages.Welcome, timeout_s=HELLO_S
        )
        async with self._changed:
            if isinstance(answer, Failed):
                seen.problem = answer.message
            elif answer.facility_hash != self._facility.digest:
                seen.problem = (
                    f"it read another facility file (hash {answer.facility_hash:.12}, "
                    f"here {self._facility.digest:.12}): start it again"
                )
            else:
                seen.problem = ""
                seen.welcome = answer
                log.info("agent here", agent=seen.name, instruments=answer.instruments)
            self._changed.notify_all()

    async def owner_of(self, instrument: str) -> KnownAgent:
        """Return the agent that owns ``instrument``, waiting for it to appear for a while.

        Raises ``RunRefused`` for a name the facility does not have, ``RunFailed`` when nobody
        who is there owns it.
        """
        if instrument not in self._facility.instruments:
            raise RunRefused(
                f"{self._facility.name} has no instrument {instrument!r}; "
                f"it has {', '.join(self._facility.instruments)}"
            )
        try:
            async with asyncio.timeout(APPEAR_S), self._changed:
                while (owner := self._owner(instrument)) is None:
                    await self._changed.wait()
                return owner
        except TimeoutError:
            states = [f"{seen.name}: {seen.condition() or 'here'}" for seen in self.agents]
            raise RunFailed(
                f"{instrument}: no agent that is here owns it "
                f"({'; '.join(states) or 'no agent was seen'})"
            ) from None

    def _owner(self, instrument: str) -> KnownAgent | None:
        for seen in self._agents.values():
            owned = seen.welcome.instruments if seen.welcome is not None else ()
            if instrument in owned and seen.present.is_set() and not seen.problem:
                return seen
        return None


async def unless_gone(seen: KnownAgent, work: Coroutine[Any, Any, Result]) -> Result:
    """Return what ``work`` returns; once the agent is gone for good, end it: ``RunFailed``."""
    working = asyncio.ensure_future(work)
    watching = asyncio.ensure_future(_gone(seen))
    try:
        await asyncio.wait({working, watching}, return_when=asyncio.FIRST_COMPLETED)
        if working.done() and not watching.done() and _unanswered(working) and not seen.here:
            # Its requests end with the way to it: that it is gone says more than that.
            await asyncio.wait({watching}, timeout=GONE_S + STALE_S)
        if working.done() and not (watching.done() and _unanswered(working)):
            return working.result()
        raise RunFailed(
            f"agent {seen.name} is gone: {ENDED}; nothing was heard of it for {seen.silent_s:.1f} s"
        )
    finally:
        for task in (working, watching):
            task.cancel()
        await asyncio.wait({working, watching})
        if working.done() and not working.cancelled():
            working.exception()  # seen: what is raised here is what counts


def _unanswered(working: "asyncio.Future[Any]") -> bool:
    return not working.cancelled() and isinstance(working.exception(), RunFailed)


async def _gone(seen: KnownAgent) -> None:
    """Return once the agent is dead or frozen.

    Of a process that is killed the way to it ends at once, while its last heartbeat is fresh: so it
    does when a connection is cut, which may come back. A frozen one has been silent before that.
    """
    while True:
        await seen.absent.wait()
        if seen.stale:
            return
        try:
            async with asyncio.timeout(GONE_S):
                await seen.present.wait()
        except TimeoutError:
            return

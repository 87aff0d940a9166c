"""Keeps attendance of agents by their heartbeats, and who is in quarantine, and why.

An agent can be used once it was greeted and its instruments are safe. One whose loop is silent,
that is another life of itself, or that does not stand down, is quarantined; it comes back by
beating and being greeted again. Times are monotonic wall time.
"""

from dataclasses import dataclass, replace

from podium.control.runs.messages import Beat, Present

STALE_S = 0.6
"""No beat for so long: dead or frozen. Three beats of an agent; noticed in under a second."""
OWN_PAUSE_S = 0.3
"""The coordinator itself heard nothing and no passing of time for so long (three of its ticks):
it was paused, or its machine was. Nobody can be heard in a pause: it is no silence of an agent."""
GREET_AGAIN_S = 0.5
"""A greeting without an answer, or with one that says unsafe, is said again after this time."""


@dataclass(frozen=True, slots=True)
class Attendant:
    """One agent that was ever seen."""

    agent: str
    life: int
    beaten_s: float
    quarantined: str = "it was not greeted yet"
    """Why it is not used; empty: it can be."""
    unsafe: str = ""
    """Why it cannot start at a time; empty: it can. What it plays at once does not depend on it."""
    greeted_s: float = float("-inf")
    silent: bool = False
    """It is in quarantine only because it is not heard."""

    @property
    def unwell(self) -> str:
        """Why it takes no part in a start at a time; empty: it can."""
        return self.quarantined or self.unsafe


@dataclass(frozen=True, slots=True)
class Lost:
    """An agent that could be used no longer can."""

    agent: str
    reason: str
    silent: bool = False
    """It is only not heard: what it plays by itself may go on."""


class Attendance:
    """Keeps the list. Knows no clock."""

    def __init__(self) -> None:
        self._seen: dict[str, Attendant] = {}
        self._awake_s: float | None = None
        self._paused_s = float("-inf")

    @property
    def agents(self) -> tuple[Attendant, ...]:
        """All that were ever seen."""
        return tuple(self._seen.values())

    def problem(self, agent: str, *, at_once: bool = False) -> str:
        """Return why ``agent`` cannot be used; empty: it can."""
        seen = self._seen.get(agent)
        if seen is None:
            return "no such agent was seen"
        return seen.quarantined if at_once else seen.unwell

    def is_unsafe(self, agent: str) -> bool:
        """Return whether ``agent`` has said last that its instruments are not safe."""
        seen = self._seen.get(agent)
        return seen is not None and bool(seen.unsafe)

    def life(self, agent: str) -> int:
        """Return the life of an agent that was seen; ``KeyError`` if it was not."""
        return self._seen[agent].life

    def awake(self, now_s: float) -> None:
        """Note that the coordinator hears something now; a pause of its own counts for nobody."""
        if self._awake_s is not None and (pause_s := now_s - self._awake_s) > OWN_PAUSE_S:
            self._paused_s = now_s
            for seen in self.agents:
                self._seen[seen.agent] = replace(seen, beaten_s=seen.beaten_s + pause_s)
        self._awake_s = now_s

    def paused_since(self, since_s: float) -> bool:
        """Return whether the coordinator itself was paused at some time after ``since_s``."""
        return self._paused_s > since_s

    def beat(self, beat: Beat, now_s: float) -> Lost | None:
        """Note a heartbeat; return what is lost with it, if it comes from another life."""
        before = self._seen.get(beat.agent)
        if before is None or before.life != beat.life:
            self._seen[beat.agent] = Attendant(beat.agent, beat.life, now_s)
            return None if before is None else Lost(beat.agent, "it was started anew")
        self._seen[beat.agent] = replace(before, beaten_s=now_s)
        return None

    def present(self, answer: Present) -> None:
        """Note the answer to a greeting."""
        seen = self._seen.get(answer.agent)
        if seen is not None and seen.life == answer.life:
            problem = f"its instruments are not safe: {answer.unsafe}" if answer.unsafe else ""
            self._seen[answer.agent] = replace(seen, quarantined="", unsafe=problem, silent=False)

    def quarantine(self, agent: str, reason: str, *, silent: bool = False) -> Lost | None:
        """Let an agent not be used before it was greeted again."""
        seen = self._seen.get(agent)
        if seen is None:
            return None
        self._seen[agent] = replace(seen, quarantined=reason, silent=silent)
        known = seen.quarantined and (silent or not seen.silent)
        return None if known else Lost(agent, reason, silent)

    def silent(self, now_s: float) -> tuple[Lost, ...]:
        """Quarantine who has been silent for too long."""
        lost = []
        for seen in self.agents:
            silent_s = now_s - seen.beaten_s
            if silent_s > STALE_S and not seen.quarantined:
                reason = f"its loop has been silent for {silent_s:.2f} s"
                one = self.quarantine(seen.agent, reason, silent=True)
                lost += [one] if one is not None else []
        return tuple(lost)

    def to_greet(self, now_s: float) -> tuple[str, ...]:
        """Return who is to be greeted now: quarantined or unsafe, but beating."""
        names = tuple(
            seen.agent
            for seen in self.agents
            if seen.unwell
            and now_s - seen.beaten_s <= STALE_S
            and now_s - seen.greeted_s >= GREET_AGAIN_S
        )
        for name in names:
            self._seen[name] = replace(self._seen[name], greeted_s=now_s)
        return names

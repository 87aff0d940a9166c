"""One answerer for each key: whoever wants to be a second one is refused, and told who is first."""

import time
from collections.abc import Collection
from dataclasses import dataclass

from podium.control.bus.zenoh_bus import ZenohBus
from podium.control.security.access import MayI, Verdict

GRANTED_S = 5.0
"""Who was allowed to answer does so within this time; from then on that is seen on the bus."""


@dataclass(frozen=True, slots=True)
class _Grant:
    zid: str
    at: float


class AnswerClaims:
    """Kept by who holds the meeting point. Nothing is lost with it: who answers is seen."""

    def __init__(self, bus: ZenohBus) -> None:
        self._bus = bus
        self._granted: dict[str, _Grant] = {}

    async def judge(self, question: MayI, name: str | None, present: Collection[str]) -> Verdict:
        """Return whether who asks may answer a key; ``present``: Zenoh's identities of all here."""
        there = await self._bus.answerers(question.key)
        granted = self._granted.get(question.key)
        if granted and granted.zid in present and time.monotonic() - granted.at < GRANTED_S:
            there.add(granted.zid)
        others = sorted(there - {question.zid})
        if others:
            return Verdict(
                False,
                f"denied: {question.key} is answered by another process ({', '.join(others)}) "
                f"already, so {name or 'this one'} ({question.zid}) may not: end the other first",
            )
        self._granted[question.key] = _Grant(question.zid, time.monotonic())
        return Verdict(True, "")

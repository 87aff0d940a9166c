"""Asks an agent until it answers, and translates errors for the bus."""

import asyncio
from typing import TypeVar

from podium.control.bus.bus import Bus
from podium.control.bus.log import event_log
from podium.control.bus.messages import DOES_NOT_FIT, LATE, PARTIAL_START, Failed, ask
from podium.control.runs.errors import (
    RunDoesNotFit,
    RunError,
    RunFailed,
    RunRefused,
    StartLate,
    StartPartial,
)

TRIES = 3
"""A request whose answer is lost is asked so often."""
AGAIN_S = 0.1
"""Pause before that: a connection that was cut is not back at once."""

Answer = TypeVar("Answer")
log = event_log("coordinator")


async def insist(
    bus: Bus, key: str, request: object, *expected: type[Answer], timeout_s: float
) -> Answer:
    """Return the answer to ``request``; raises ``RunRefused`` or ``RunFailed``."""
    attempt = 1
    while True:
        answer = await ask(bus, key, request, *expected, timeout_s=timeout_s)
        if not isinstance(answer, Failed):
            return answer
        if answer.kind != "no answer" or attempt == TRIES:
            raise as_error(answer)
        log.warning("no answer", request=type(request).__name__, to=key, attempt=attempt)
        attempt += 1
        await asyncio.sleep(AGAIN_S)


def as_error(failed: Failed) -> RunError:
    """Return the error that stands for ``failed``."""
    kinds = {"refused": RunRefused, DOES_NOT_FIT: RunDoesNotFit}
    return kinds.get(failed.kind, RunFailed)(failed.message)


def as_failed(error: RunError) -> Failed:
    """Return what goes over the bus for ``error``."""
    if isinstance(error, StartLate):
        return Failed(LATE, str(error))
    if isinstance(error, StartPartial):
        return Failed(PARTIAL_START, str(error))
    return Failed("refused" if isinstance(error, RunRefused) else "failed", str(error))
